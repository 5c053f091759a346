#include "mutant.h"

int mutant_now;
/* mutate.py writes the number that counts; without its sources there is none. */
__attribute__((weak)) const int mutant_count = 0;
