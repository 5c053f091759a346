/* The recipe of the tests that go on with runs: pulses outside of cycles, before them and after them, a supercycle, a set-point that
 * changes in it, and cycles whose purge comes first. */
#ifndef TESTS_UNIT_RESUME_RIG_H
#define TESTS_UNIT_RESUME_RIG_H

#define SUPER                                                                                                \
        "format: 1\nrecipe: super\ntitle: t\ntool: rotary-ald\n"                                             \
        "phases:\n"                                                                                          \
        "  prepare:\n"                                                                                       \
        "    - set: {carrier.flow: 70 sccm, bed.speed: 3 rpm}\n"                                             \
        "    - wait: {until: settled, timeout: 5 min}\n"                                                     \
        "    - {pulse: water, for: 50 ms}\n"                                                                 \
        "    - purge: 6 s\n"                                                                                 \
        "  coat:\n"                                                                                          \
        "    - repeat: 2\n"                                                                                  \
        "      do:\n"                                                                                        \
        "        - set: {carrier.flow: 70 sccm}\n"                                                           \
        "        - repeat: 2\n"                                                                              \
        "          do: [{pulse: nb, for: 200 ms}, {purge: 6 s}]\n"                                           \
        "        - set: {carrier.flow: 50 sccm}\n"                                                           \
        "        - purge: 12 s\n"                                                                            \
        "        - {pulse: water, for: 50 ms}\n"                                                             \
        "        - purge: 7 s\n"                                                                             \
        "  more:\n"                                                                                          \
        "    - repeat: 2\n"                                                                                  \
        "      do: [{purge: 6 s}, {pulse: water, for: 50 ms}]\n"                                             \
        "  last:\n"                                                                                          \
        "    - purge: 6 s\n"                                                                                 \
        "    - {pulse: nb, for: 200 ms}\n"                                                                   \
        "    - purge: 6 s\n"                                                                                 \
        "finally:\n  - purge: 1 s\n"

#endif
