/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - room to recurse, for work whose depth follows from what was given.
 *
 * Plans are trees and everything that reads them calls itself. How deep they are is known beforehand, so
 * the stack can be as large as it must be: that of the thread, or, if too little of it is left, that of a
 * thread made for the purpose, whose pages are only used as far as they are reached.
 */
#ifndef CH_BASE_STACK_H
#define CH_BASE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The most that one level of a tree takes, all functions together; bytes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CH_STACK_PER_LEVEL 24576
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CH_STACK_PER_LEVEL 24576
#endif
#endif
#ifndef CH_STACK_PER_LEVEL
#define CH_STACK_PER_LEVEL 6144
#endif

typedef ch_status (*ch_stack_fn)(void *user, ch_error *err);

/*
 * fn(user, err) where `levels` of a tree fit the stack. It returns when fn has.
 *
 * Threads: fn may run on another thread than the caller's, which waits meanwhile.
 * Errors   fn's; CH_E_MEMORY if such a stack is needed and cannot be had.
 */
CH_NODISCARD ch_status ch_stack_run(int64_t levels, ch_stack_fn fn, void *user, ch_error *err);
/* Bytes left of the calling thread's stack. */
size_t ch_stack_left(void);

#endif
