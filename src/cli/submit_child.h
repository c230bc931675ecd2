/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit_child.h - a program run as a child that cannot outlive us, and signals as the terminal means them.
 *
 *   ch_child_block()   first of all, before any thread is made
 *   ch_child_start(&child, argv, env); ...; ch_child_wait(&child)
 *
 * The child is in our process group, so that Ctrl-C and Ctrl-Z reach it from the terminal; we only wait for what
 * it does about them. SIGTERM and SIGHUP that a process sends to us (kill, a service manager) are sent
 * on; SIGINT is not, as one that was meant for the group would come twice, and gRPC's Python does not
 * survive an interrupted interrupt. If we die, however that is, so does the child.
 */
#ifndef CH_CLI_SUBMIT_CHILD_H
#define CH_CLI_SUBMIT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct ch_child {
    pid_t pid;
    sigset_t mask; /* of signals, as it was before we blocked some: the child's */
} ch_child;

/* Blocks the signals that ch_child_wait takes, in this thread and those it will make. */
void ch_child_block(ch_child *child);
/*
 * Starts argv[0], which is looked for in PATH, with this environment. From the main thread.
 * Result: 0, or the errno that kept it from running.
 */
int ch_child_start(ch_child *child, char *const *argv, char *const *env);
/* Waits for its end. Result: its exit code, or 128 and the signal that killed it. */
int ch_child_wait(ch_child *child);

#endif
