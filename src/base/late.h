/* SPDX-License-Identifier: Apache-2.0 */
/*
 * late.h - libraries that are loaded when they are first needed.
 *
 * A library for the web or a database brings dozens of others with it: to load them all doubles the time that a short query
 * takes. In the binary and in libchert.so the functions listed in base/late.def are stubs; the first call loads the
 * library. Code includes the library's own header and knows nothing of it, but says at its entrance that it needs the
 * library, so that one that is not there is an error and not the end of the process. libchert.a is linked in the usual way.
 */
#ifndef CH_BASE_LATE_H
#define CH_BASE_LATE_H

#include "base/status.h"

/*
 * name: as in base/late.def, "curl". CH_E_LIBRARY_MISSING names the file and Debian's package.
 * Threads: any. Cost: an atomic load when it is there already.
 */
CH_NODISCARD ch_status ch_late_load(const char *name, ch_error *err);

#endif
