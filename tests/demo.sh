#!/bin/bash
# What `make demo` runs: the published recipe, two cycles in real time, on the simulated tool.
# Everything is in one temporary folder; nothing is left running; the last line says where the database is.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(realpath "${BUILD:-build}")
tool=$PWD/config/rotary-ald.yaml
recipe=$PWD/recipes/nb2o5-nmc532.yaml
dir=$(mktemp -d "${TMPDIR:-/tmp}/ald-demo.XXXXXX")
export ALD_SOCKET=$dir/control.sock ALD_DB=$dir/ald.db
children=()

say() { printf '\n== %s\n' "$*"; }

# End what was started, the daemon first: its orderly stop needs the tool. A child that does not end in time is killed.
finish() {
        local status=$? pid
        trap - EXIT
        trap '' INT TERM HUP
        for pid in "${children[@]}"; do
                kill -TERM "$pid" 2>/dev/null || continue
                timeout 10 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
        if [ "$status" -gt 128 ]; then
                say "The demo was interrupted; the daemon has ended the run in order"
        elif [ "$status" -ne 0 ]; then
                say "The demo failed (status $status). What the programs said last:"
                tail -n 20 "$dir"/*.log 2>/dev/null || true
        fi
        [ -s "$ALD_DB" ] && printf 'database: %s\n' "$ALD_DB"
        exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# await PROCESS COMMAND...: until the command succeeds, at most 20 s and only while the process lives.
await() {
        local pid=$1 i
        shift
        for ((i = 0; i < 200; i++)); do
                "$@" >/dev/null 2>&1 && return
                kill -0 "$pid" 2>/dev/null || break
                sleep 0.1
        done
        echo "gave up waiting for: $*" >&2
        return 1
}

# start NAME ARGUMENTS...: in a session of its own, so that Ctrl-C reaches this script alone and the order of the
# ends is kept.
start() {
        local name=$1
        shift
        setsid "$build/$name" "$@" >"$dir/$name.log" 2>&1 </dev/null &
        pid=$!
        children=("$pid" "${children[@]}")
}

say "Check the recipe against the tool, without touching anything"
"$build/aldctl" check "$recipe" -c "$tool"

say "Start the simulated tool, pumped down and hot"
start aldsim -c "$tool" --listen 127.0.0.1:0 --ready
await "$pid" grep '^aldsim: ready' "$dir/aldsim.log"
links=()
while read -r _ _ name address _; do
        echo "link $name: $address"
        links+=(--link "$name=$address")
done < <(grep '^aldsim: link ' "$dir/aldsim.log")

say "Start the daemon: it writes the safe image, reads it back, then serves $ALD_SOCKET"
start aldd -c "$tool" --socket "$ALD_SOCKET" --db "$ALD_DB" "${links[@]}"
is_ready() { "$build/aldctl" status | grep -q '^Stopped'; }
await "$pid" is_ready
"$build/aldctl" status

# On a real tool the recipe ends when the niobium source is below 60 degC, after twenty minutes; the demo does not wait.
say "Run the published recipe: 2 cycles, pulses and purges as published; base and settle times of seconds, no cool-down"
"$build/aldctl" run "$recipe" --set cycles=2 --set 'base=2 s' --set 'settle=5 s' --set 'cool=120 degC' --wait

say "What was recorded"
"$build/aldctl" report 1
