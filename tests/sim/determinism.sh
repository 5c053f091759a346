#!/bin/bash
# Same seed, same commit: the same transcript, whatever compiler, optimisation or sanitizer built it.
#
#     tests/sim/determinism.sh build build-clang build-asan     compare what these builds come to (SEEDS=40, MINUTES=5)
set -euo pipefail
cd "$(dirname "$0")/../.."
seeds=${SEEDS:-40} minutes=${MINUTES:-5}
first='' status=0

[ $# -ge 2 ] || { echo "usage: tests/sim/determinism.sh BUILD BUILD..." >&2; exit 2; }
for build in "$@"; do
        hash=$("$build/tests/sim" --quiet --seeds "$seeds" --minutes "$minutes" --jobs "$(nproc)" | sed -n 's/^hash //p') || true
        [ -n "$hash" ] || { echo "$build: no hash" >&2; exit 1; }
        printf '%-12s %s\n' "$build" "$hash"
        first=${first:-$hash}
        [ "$hash" = "$first" ] || status=1
done
if [ "$status" -ne 0 ]; then
        echo "the builds differ: find the first seed with --seeds 1 --first N, then compare --seed N --verbose --wire" >&2
fi
exit "$status"
