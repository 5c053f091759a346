#include "ald/app/version.h" /* own declarations */

const char *version_text(void)
{
        return ALD_VERSION; /* given by the Makefile */
}
