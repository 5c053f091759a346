/* The one mutant that is switched on; see mutants.txt. Included by the compiler into every source that mutate.py wrote. */
#ifndef ALD_TESTS_SIM_MUTANT_H
#define ALD_TESTS_SIM_MUTANT_H

extern int mutant_now;         /* its number; 0: the program as it is */
extern const int mutant_count; /* the highest number that this program has */

#define mutant_on(number) (mutant_now == (number))

#endif
