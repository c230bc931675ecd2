/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging.c - see staging.h.
 *
 * A lock tells about a process only where all its writers run on one kernel, so on file systems of the network
 * nothing is removed. Between its making and its locking a place may look abandoned: who has the lock then
 * finds it gone, and makes it again.
 */
#include "session/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/access.h"
#include "store/file.h"

#define UUID_LEN (CH_UUID_TEXT - 1)

/* File systems that one kernel alone writes to; <linux/magic.h> does not name all of them. */
static bool is_of_one_kernel(int fd)
{
    static const unsigned LOCAL[] = {0xEF53 /* ext */,
                                     0x58465342 /* xfs */,
                                     0x9123683E /* btrfs */,
                                     0x01021994 /* tmpfs */,
                                     0x794C7630 /* overlay */,
                                     0xF2F52010 /* f2fs */,
                                     0x2FC12FC1 /* zfs */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof LOCAL / sizeof *LOCAL; i++)
        if ((unsigned)fs.f_type == LOCAL[i])
            return true;
    return false;
}

/* ".name.UUID", with anything that begins with '.' behind it. */
static bool is_staging_of(const char *entry, const char *name)
{
    size_t n = strlen(name);
    if (entry[0] != '.' || strncmp(entry + 1, name, n) != 0 || entry[n + 1] != '.')
        return false;
    const char *uuid = entry + n + 2;
    if (strspn(uuid, "0123456789abcdef-") != UUID_LEN)
        return false;
    for (int i = 8; i <= 23; i += 5)
        if (uuid[i] != '-')
            return false;
    return uuid[UUID_LEN] == 0 || uuid[UUID_LEN] == '.';
}

/* Removes it if nobody holds it. The lock is held meanwhile, so that nobody takes it for his own. */
static void remove_abandoned(ch_arena *arena, const char *folder, const char *entry)
{
    char *path = ch_arena_printf(arena, NULL, "%s%s", folder, entry);
    if (!path || ch_access_check(path, true, NULL) != CH_OK)
        return;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (is_of_one_kernel(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)!ch_file_remove(path, NULL);
    close(fd);
}

/* folder: "" or with a '/' at its end. */
static void remove_all_abandoned(ch_arena *arena, const char *folder, const char *name)
{
    DIR *dir = opendir(*folder ? folder : ".");
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (is_staging_of(e->d_name, name))
            remove_abandoned(arena, folder, e->d_name);
    closedir(dir);
}

static int make_file(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
}

/* Makes and locks it. A file system without locks is as good: nothing is removed there. */
static ch_status make_and_lock(ch_staging *s, bool file, ch_error *err)
{
    for (;;) {
        struct stat own, there;
        if (!file)
            CH_TRY(ch_folder_make(s->path, err));
        s->lock = file ? make_file(s->path) : open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->lock < 0 && errno == ENOENT && !file)
            continue; /* it was taken for an abandoned one */
        if (s->lock < 0)
            return ch_file_error(err, errno, "write", s->path);
        while (flock(s->lock, LOCK_EX) != 0 && errno == EINTR)
            continue;
        if (fstat(s->lock, &own) == 0 && stat(s->path, &there) == 0 && own.st_ino == there.st_ino)
            return CH_OK;
        ch_staging_release(s);
    }
}

/* A folder that cannot change places with one beside it. above: the path of the folder it lies in. */
static bool must_be_inside(const char *target, const char *above)
{
    struct stat own, other;
    above = *above ? above : ".";
    return stat(target, &own) == 0 && S_ISDIR(own.st_mode) && stat(above, &other) == 0 &&
           (own.st_dev != other.st_dev || (access(above, W_OK) != 0 && access(target, W_OK) == 0));
}

ch_status ch_staging_make(ch_arena *arena, const char *target, const char *uuid, const char *file,
                          ch_staging *out, ch_error *err)
{
    const char *slash = strrchr(target, '/');
    size_t above = slash ? (size_t)(slash - target) + 1 : 0;
    *out = CH_STAGING_NONE;
    char *folder = ch_arena_strn(arena, target, above, err);
    char *made = above > 1 ? ch_arena_strn(arena, target, above - 1, err) : folder;
    if (!folder || !made)
        return CH_E_MEMORY;
    if (above > 1)
        CH_TRY(ch_folder_make(made, err));
    out->inside = !file && must_be_inside(target, made);
    if (out->inside) {
        folder = ch_arena_printf(arena, err, "%s/", target);
        if (!folder)
            return CH_E_MEMORY;
    }
    char *path =
        ch_arena_printf(arena, err, "%s.%s.%s%s", folder, target + above, uuid, file ? file : "");
    if (!path)
        return CH_E_MEMORY;
    CH_TRY(ch_access_check(path, true, err));
    remove_all_abandoned(arena, folder, target + above);
    out->path = path;
    return make_and_lock(out, file != NULL, err);
}

void ch_staging_release(ch_staging *s)
{
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}
