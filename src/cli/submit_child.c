/* SPDX-License-Identifier: Apache-2.0 */
/* submit_child.c - fork, exec, and waiting with sigwaitinfo, so that no handler runs anywhere. */
#include "cli/submit_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int SIGNALS[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP};
#define N_SIGNALS (sizeof SIGNALS / sizeof *SIGNALS)

static void signals_of(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaddset(set, SIGNALS[i]);
}

void ch_child_block(ch_child *child)
{
    sigset_t set;
    signals_of(&set);
    pthread_sigmask(SIG_BLOCK, &set, &child->mask);
    signal(
        SIGCHLD,
        SIG_DFL); /* whoever started us may have had it ignored; children are then not waited for */
}

/* In the child: only what is safe after a fork of threads. */
static void become(const ch_child *child, pid_t parent, char *const *argv, char *const *env,
                   int problem)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(128 + SIGKILL);
    sigprocmask(SIG_SETMASK, &child->mask, NULL);
    execvpe(argv[0], argv, env);
    int why = errno;
    (void)!write(problem, &why, sizeof why);
    _exit(127);
}

int ch_child_start(ch_child *child, char *const *argv, char *const *env)
{
    int pipe[2], why = 0;
    if (pipe2(pipe, O_CLOEXEC) != 0)
        return errno;
    pid_t self = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become(child, self, argv, env, pipe[1]);
    if (child->pid < 0)
        why = errno;
    close(pipe[1]);
    /* Nothing comes, and the pipe closes, when exec went well. */
    if (!why && read(pipe[0], &why, sizeof why) != sizeof why)
        why = 0;
    close(pipe[0]);
    if (why && child->pid > 0)
        waitpid(child->pid, NULL, 0);
    return why;
}

int ch_child_wait(ch_child *child)
{
    sigset_t set;
    signals_of(&set);
    for (;;) {
        siginfo_t info;
        int status;
        pid_t ended = waitpid(child->pid, &status, WNOHANG);
        if (ended == child->pid)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        int signal = sigwaitinfo(&set, &info);
        /* Not what the kernel sent: that went to the whole group. */
        if ((signal == SIGTERM || signal == SIGHUP) && info.si_code <= 0)
            kill(child->pid, signal);
    }
}
