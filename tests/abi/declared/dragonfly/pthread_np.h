/* SPDX-License-Identifier: BSD-2-Clause */
/* DragonFlyBSD/DragonFlyBSD, include/pthread_np.h. */
#include <pthread.h>

void pthread_set_name_np(pthread_t, const char *);
