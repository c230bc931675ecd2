/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_generate.c - random events in New Zealand, as fast as the page cache takes them.
 *
 *   "-42.713281","171.020333","17","2019-01-20"\n        43 or 44 bytes a row
 *
 * The file is a sequence of blocks of ROWS rows. Block i is a function of (seed, i) alone, so
 * any thread may make any block. A block's place in the file is the sum of the sizes before it:
 * threads make their blocks at once, pass the place on in the order of blocks (a ticket), and
 * write at once again.
 */
#include "events_generate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "program.h"

#define ROWS 12288
#define ROW_MAX 44
#define BLOCK_BYTES ((size_t)ROWS * ROW_MAX)
#define MAX_THREADS 256

/* Millionths of a degree. */
#define LAT_MIN 35226760u
#define LAT_MAX 46560690u
#define LONG_MIN 166400000u
#define LONG_MAX 179060000u
#define N_DAYS 8 /* from 2019-01-17 */
#define FIRST_DAY 17

static const char *const REGION[] = {
    "Far North District",
    "Whangārei District",
    "Kaipara District",
    "Thames-Coromandel District",
    "Hauraki District",
    "Waikato District",
    "Matamata-Piako District",
    "Waipā District",
    "Ōtorohanga District",
    "South Waikato District",
    "Waitomo District",
    "Taupō District",
    "Western Bay of Plenty District",
    "Rotorua District",
    "Whakatāne District",
    "Kawerau District",
    "Ōpōtiki District",
    "Gisborne District",
    "Wairoa District",
    "Hastings District",
    "Central Hawke's Bay District",
    "New Plymouth District",
    "Stratford District",
    "South Taranaki District",
    "Ruapehu District",
    "Whanganui District",
    "Rangitīkei District",
    "Manawatū District",
    "Tararua District",
    "Horowhenua District",
    "Kāpiti Coast District",
    "Masterton District",
    "Carterton District",
    "South Wairarapa District",
    "Tasman District",
    "Marlborough District",
    "Kaikōura District",
    "Buller District",
    "Grey District",
    "Westland District",
    "Hurunui District",
    "Waimakariri District",
    "Selwyn District",
    "Ashburton District",
    "Timaru District",
    "Mackenzie District",
    "Waimate District",
    "Waitaki District",
    "Central Otago District",
    "Queenstown-Lakes District",
    "Clutha District",
    "Southland District",
    "Gore District",
};
#define N_REGIONS ((uint32_t)(sizeof REGION / sizeof *REGION))

static const char HEADER[] = "\"lat\",\"long\",\"region_id\",\"date\"\n";
#define HEADER_LEN ((int64_t)sizeof HEADER - 1)

typedef struct generator {
    int fd;
    int64_t bytes; /* asked for */
    uint64_t seed;
    char digits[200]; /* "00" .. "99" */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t next_block;   /* to be made */
    int64_t placed_block; /* whose place is `offset` */
    int64_t offset;
    bool done;
    int error; /* errno of the first failure */
} generator;

/* Uniform in [0, n) from 32 random bits. */
static inline uint32_t scale(uint32_t bits, uint32_t n)
{
    return (uint32_t)(((uint64_t)bits * n) >> 32);
}

static inline void put6(const generator *g, char *p, uint32_t v)
{
    memcpy(p, g->digits + 2 * (v / 10000), 2);
    memcpy(p + 2, g->digits + 2 * (v / 100 % 100), 2);
    memcpy(p + 4, g->digits + 2 * (v % 100), 2);
}

/* Writes block `number` to out; gives its length. */
static size_t make_block(const generator *g, int64_t number, char *out)
{
    uint64_t start = g->seed;
    uint64_t state = chert_random(&start) ^ ((uint64_t)number * UINT64_C(0xD1342543DE82EF95));
    char *p = out;
    for (int r = 0; r < ROWS; r++) {
        uint64_t a = chert_random(&state), b = chert_random(&state);
        uint32_t lat = LAT_MIN + scale((uint32_t)a, LAT_MAX - LAT_MIN + 1);
        uint32_t lon = LONG_MIN + scale((uint32_t)(a >> 32), LONG_MAX - LONG_MIN + 1);
        uint32_t region = 1 + scale((uint32_t)b, N_REGIONS);
        uint32_t day = (uint32_t)(b >> 61);
        _Static_assert(N_DAYS == 8, "three bits");

        memcpy(p, "\"-00.000000\",\"100.000000\",\"", 27);
        memcpy(p + 2, g->digits + 2 * (lat / 1000000), 2);
        put6(g, p + 5, lat % 1000000);
        memcpy(p + 15, g->digits + 2 * (lon / 1000000 % 100), 2);
        put6(g, p + 18, lon % 1000000);
        p += 27;
        /* One or two digits without a branch: the second one overwrites the first. */
        *p = (char)('0' + region / 10);
        p += region >= 10;
        *p++ = (char)('0' + region % 10);
        memcpy(p, "\",\"2019-01-00\"\n", 15);
        memcpy(p + 11, g->digits + 2 * (FIRST_DAY + day), 2);
        p += 15;
    }
    return (size_t)(p - out);
}

static int write_all(int fd, const char *p, size_t n, int64_t offset)
{
    while (n > 0) {
        ssize_t done = pwrite(fd, p, n, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : ENOSPC;
        p += done;
        n -= (size_t)done;
        offset += done;
    }
    return 0;
}

static void *work(void *arg)
{
    generator *g = arg;
    char *block = malloc(BLOCK_BYTES);
    int error = block ? 0 : ENOMEM;

    pthread_mutex_lock(&g->lock);
    if (error && !g->error)
        g->error = error;
    while (!g->done && !g->error) {
        int64_t number = g->next_block++;
        pthread_mutex_unlock(&g->lock);
        size_t len = make_block(g, number, block);

        pthread_mutex_lock(&g->lock);
        while (g->placed_block != number && !g->done && !g->error)
            pthread_cond_wait(&g->moved, &g->lock);
        if (g->done || g->error)
            break;
        int64_t offset = g->offset;
        if (offset + (int64_t)len >= g->bytes) {
            int64_t least = g->bytes - offset;
            const char *end =
                least > 0 ? memchr(block + least - 1, '\n', len - (size_t)least + 1) : NULL;
            len = end ? (size_t)(end - block) + 1 : 0;
            g->done = true;
        }
        g->offset += (int64_t)len;
        g->placed_block++;
        pthread_cond_broadcast(&g->moved);
        pthread_mutex_unlock(&g->lock);

        error = write_all(g->fd, block, len, offset);
        pthread_mutex_lock(&g->lock);
        if (error && !g->error)
            g->error = error;
    }
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
    free(block);
    return NULL;
}

/* Fills g->fd with header and rows; gives an errno. */
static int write_locations(generator *g, int threads)
{
    int error = write_all(g->fd, HEADER, (size_t)HEADER_LEN, 0);
    if (error)
        return error;
    /* A full disk is found before the work, where the file system can tell. */
    if (g->bytes > 0 && fallocate(g->fd, 0, 0, g->bytes) != 0 && errno == ENOSPC)
        return ENOSPC;
    g->offset = HEADER_LEN;

    pthread_t thread[MAX_THREADS];
    int started = 0;
    while (started < threads - 1 && pthread_create(&thread[started], NULL, work, g) == 0)
        started++;
    work(g);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (!g->error && ftruncate(g->fd, g->offset) != 0)
        g->error = errno;
    return g->error;
}

static int write_regions(int fd)
{
    char text[8192];
    int n = snprintf(text, sizeof text, "\"region_id\",\"region_name\"\n");
    for (uint32_t i = 0; i < N_REGIONS; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "\"%u\",\"%s\"\n", i + 1, REGION[i]);
    return write_all(fd, text, (size_t)n, 0);
}

static int fail(char *message, size_t bytes, const char *what, const char *path, int error)
{
    if (message && bytes)
        snprintf(message, bytes, "cannot %s '%s': %s", what, path, strerror(error));
    return -1;
}

/*
 * A file under construction in the folder: without a name where the system knows such files, so that nothing
 * stays of it however the process ends, else under the name `aside`.
 */
static int open_aside(const char *folder, const char *aside, bool *nameless)
{
    *nameless = false;
#ifdef O_TMPFILE
    int fd = access("/proc/self/fd", X_OK) == 0
                 ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666)
                 : -1;
    if (fd >= 0) {
        *nameless = true;
        return fd;
    }
#else
    (void)folder;
#endif
    return open(aside, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
}

/* Gives the nameless file its name; an errno. */
static int name_it(int fd, const char *aside)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    (void)unlink(aside); /* of a process of the same number */
    return linkat(AT_FDCWD, path, AT_FDCWD, aside, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

int chert_generate_events(const char *folder, int64_t bytes, uint64_t seed, int threads,
                          char *message, size_t message_bytes)
{
    static const char *const NAME[2] = {"region.csv", "location.csv"};
    if (message && message_bytes)
        message[0] = 0;
    if (threads < 1)
        threads = 1;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    int why = chert_make_folders(folder);
    if (why)
        return fail(message, message_bytes, "make the folder", folder, why);

    for (int i = 0; i < 2; i++) {
        char aside[4096], path[4096];
        if (snprintf(path, sizeof path, "%s/%s", folder, NAME[i]) >= (int)sizeof path ||
            snprintf(aside, sizeof aside, "%s/.%s.%ld.tmp", folder, NAME[i], (long)getpid()) >=
                (int)sizeof aside)
            return fail(message, message_bytes, "write to", folder, ENAMETOOLONG);
        bool nameless;
        int fd = open_aside(folder, aside, &nameless);
        if (fd < 0)
            return fail(message, message_bytes, "write", path, errno);
        int error;
        if (i == 0) {
            error = write_regions(fd);
        } else {
            generator g = {.fd = fd, .bytes = bytes, .seed = seed};
            for (int d = 0; d < 100; d++) {
                g.digits[2 * d] = (char)('0' + d / 10);
                g.digits[2 * d + 1] = (char)('0' + d % 10);
            }
            pthread_mutex_init(&g.lock, NULL);
            pthread_cond_init(&g.moved, NULL);
            error = write_locations(&g, threads);
            pthread_cond_destroy(&g.moved);
            pthread_mutex_destroy(&g.lock);
        }
        if (!error && nameless)
            error = name_it(fd, aside);
        if (close(fd) != 0 && !error)
            error = errno;
        if (!error && rename(aside, path) != 0)
            error = errno;
        if (error) {
            unlink(aside);
            return fail(message, message_bytes, "write", path, error);
        }
    }
    return 0;
}
