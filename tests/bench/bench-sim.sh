#!/bin/sh
# How fast the simulation is. The whole process is timed around it: reading and compiling the files belongs to a dry run.
set -eu
bench=$1
tool=config/rotary-ald.yaml
recipe=recipes/nb2o5-nmc532.yaml

now() { date +%s%N; }
timed() {
        name=$1
        shift
        begun=$(now)
        line=$("$bench" "$@")
        ended=$(now)
        printf '%-34s %8d ms as a process; %s\n' "$name" $(((ended - begun) / 1000000)) "$line"
}

timed 'reference recipe' "$tool" "$recipe"
timed 'the same, 1,000 cycles' "$tool" "$recipe" cycles=1000
timed 'the same, 100,000 cycles' "$tool" "$recipe" cycles=100000
