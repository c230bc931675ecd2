/* SPDX-License-Identifier: Apache-2.0 */
/* environ.c - the lock of the environment. */
#include "base/environ.h"

pthread_mutex_t ch_environ_lock = PTHREAD_MUTEX_INITIALIZER;
