#!/bin/bash
# Install what is missing of Debian's packages: the one place that names them.
#     tests/install-deps.sh [build] [test] [lint]      default: build
# Says what it is about to install; uses sudo when not root; does nothing when all is there.
set -euo pipefail

# At run time: gnuplot draws a report's plots, and aldweb serves the charts of libjs-dygraphs.
build=(gcc libc6-dev make pkg-config git libmodbus-dev libevent-dev libsqlite3-dev libyaml-dev libjansson-dev
    libsodium-dev libsystemd-dev libarchive-dev libncurses-dev gnuplot-nox libjs-dygraphs)
# clang and its runtime library bring libFuzzer (tests/fuzz).
# zsh: completion; curl, netcat and jq: the shell client of the README, a hook; jsonschema and yaml: what editors make of our
# schemas. The page is tried in a real browser; npm brings axe-core, which checks what it is for people who do not see it.
test=(check binutils python3 python3-pymodbus python3-pyte python3-jsonschema python3-yaml clang libclang-rt-dev zsh curl
    netcat-openbsd jq chromium chromium-driver fonts-dejavu-core npm)
lint=(clang clang-format clang-tidy cppcheck shellcheck mandoc systemd)

wanted=()
for group in "${@:-build}"; do
        case $group in
        build) wanted+=("${build[@]}") ;;
        test) wanted+=("${test[@]}") ;;
        lint) wanted+=("${lint[@]}") ;;
        *)
                echo "install-deps: unknown group '$group': build, test or lint" >&2
                exit 2
                ;;
        esac
done

if ! command -v dpkg-query >/dev/null; then
        echo "install-deps: not a Debian system: please install what matches: ${wanted[*]}" >&2
        exit 0
fi

missing=()
for package in "${wanted[@]}"; do
        # pkgconf provides pkg-config under another name in later releases.
        [ "$package" = pkg-config ] && command -v pkg-config >/dev/null && continue
        # Other packages of Node.js have npm in them, and Debian's stands against those.
        [ "$package" = npm ] && command -v npm >/dev/null && continue
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
        installed) ;;
        *) missing+=("$package") ;;
        esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing from Debian: ${missing[*]}"
root=()
if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
                echo "install-deps: not root and no sudo: as root, run: apt-get install ${missing[*]}" >&2
                exit 1
        fi
        root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
# A bare machine has no package lists yet, or old ones: fetch them when the first try fails.
"${install[@]}" >/dev/null 2>&1 || { "${root[@]}" apt-get update && "${install[@]}"; }
