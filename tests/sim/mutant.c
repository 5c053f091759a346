#include "sim/mutant.h"

int mutant_now;
