#!/bin/sh
# How fast the simulation is: bench-sim.sh BUILD. `aldctl dry-run` is timed as a whole process, files and report included, the
# best of so many; the inside of a dry run and the fault simulation, one core and all checkers, count virtual seconds.
set -eu
build=$1
tool=config/rotary-ald.yaml
recipe=recipes/nb2o5-nmc532.yaml

now() { date +%s%N; }

# whole NAME TIMES [--set ...]: the quickest of TIMES runs
whole() {
        name=$1 times=$2 best=
        shift 2
        while [ "$times" -gt 0 ]; do
                begun=$(now)
                "$build/aldctl" dry-run "$recipe" -c "$tool" "$@" >/dev/null 2>&1
                took=$(($(now) - begun))
                if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
                times=$((times - 1))
        done
        printf '%-34s %8d ms as a whole process\n' "aldctl dry-run, $name" $((best / 1000000))
}

whole '30 cycles' 10
whole '1,000 cycles' 3 --set cycles=1000
whole '100,000 cycles' 1 --set cycles=100000
printf '%-34s %s\n' 'inside it, 30 cycles' "$("$build/bench/sim" "$tool" "$recipe")"
printf '%-34s %s\n' 'inside it, 1,000 cycles' "$("$build/bench/sim" "$tool" "$recipe" cycles=1000)"
printf '%-34s %s\n' 'fault simulation, one core' \
        "$("$build/tests/sim" --seeds 30 --jobs 1 --minutes 10 --quiet | grep 'virtual s per s')"
