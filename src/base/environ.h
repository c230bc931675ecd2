/* SPDX-License-Identifier: Apache-2.0 */
/* environ.h - the process's environment is changed and copied under this lock, once there are threads. */
#ifndef CH_BASE_ENVIRON_H
#define CH_BASE_ENVIRON_H

#include <pthread.h>

extern pthread_mutex_t ch_environ_lock;

#endif
