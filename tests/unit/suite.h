/* The end of every unit test's main(). */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>  /* Suite */
#include <stdlib.h> /* EXIT_SUCCESS */

/* Run all tests of a suite, as CK_VERBOSITY says; main()'s result. */
static inline int suite_main(Suite *suite)
{
        SRunner *runner = srunner_create(suite);
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
