/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.c - run a command and write what it cost.
 *
 *   measure REPORT COMMAND ARGS...     REPORT gets "wall_s user_s sys_s peak_kib exit_status"
 *
 * A program of its own since Linux counts the launcher's own memory into a child's peak; this one
 * has next to none. Wall time is from before the spawn to after the wait.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    struct rusage use;
    pid_t pid;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT COMMAND ARGS...\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0) {
        fprintf(stderr, "measure: cannot start %s\n", argv[2]);
        return 127;
    }
    if (wait4(pid, &status, 0, &use) != pid)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &b);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *f = fopen(argv[1], "w");
    if (!f)
        return 1;
    fprintf(f, "%.6f %.6f %.6f %ld %d\n",
            (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9,
            seconds(use.ru_utime), seconds(use.ru_stime), use.ru_maxrss, code);
    fclose(f);
    return 0;
}
