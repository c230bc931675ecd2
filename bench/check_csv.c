/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_csv.c - what a CSV file holds, whatever the order of its rows and whichever fields are quoted.
 *
 *   check_csv KEYS FILE...      prints "rows hash sorted"
 *
 * rows    records after each file's header
 * hash    sum over the records of a 64-bit hash of their unquoted fields: equal for equal multisets
 * sorted  1 if the first KEYS fields never decrease, compared as bytes, in the order of files and rows
 *
 * Fields hold no line ends; inner quotes are doubled. Each file is read with mmap, once.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RECORD = 1 << 20 };

static uint64_t mix(uint64_t h, uint64_t v)
{
    __uint128_t m = (__uint128_t)(h ^ v ^ 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash(const char *p, size_t n)
{
    uint64_t h = n, v;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&v, p, 8);
        h = mix(h, v);
    }
    v = 0;
    memcpy(&v, p, n);
    return mix(mix(h, v), 1);
}

/* The record before, and the one being read, unquoted, fields ended by 0; the keys come first. */
static char rec[2][MAX_RECORD];
static size_t key_len[2];
static uint64_t rows, sum;
static int sorted = 1;

/* One record without its line end. Result 0 if it is too long. */
static int record(const char *p, const char *stop, int keys)
{
    char *out = rec[rows & 1];
    const char *before = rec[(rows & 1) ^ 1];
    size_t n = 0, key = 0, was = key_len[(rows & 1) ^ 1];
    int quoted = 0, field = 0;

    if (stop - p >= MAX_RECORD)
        return 0;
    for (; p < stop; p++) {
        if (*p == '"') {
            if (quoted && p + 1 < stop && p[1] == '"')
                out[n++] = *p++;
            else
                quoted = !quoted;
        } else if (*p == ',' && !quoted) {
            out[n++] = 0;
            if (++field == keys)
                key = n;
        } else {
            out[n++] = *p;
        }
    }
    if (field + 1 == keys)
        key = n;
    sum += hash(out, n);
    if (keys && rows) {
        int c = memcmp(before, out, was < key ? was : key);
        sorted &= c < 0 || (c == 0 && was <= key);
    }
    key_len[rows & 1] = key;
    rows++;
    return 1;
}

static int check(const char *path, int keys)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st))
        return 0;
    if (st.st_size == 0)
        return close(fd) == 0;
    const char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0),
               *end = map + st.st_size;
    close(fd);
    if (map == MAP_FAILED)
        return 0;
    madvise((void *)(uintptr_t)map, (size_t)st.st_size, MADV_SEQUENTIAL);
    const char *header = memchr(map, '\n', (size_t)(end - map));
    int ok = 1;
    for (const char *p = header ? header + 1 : end; p < end && ok;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        nl = nl ? nl : end;
        ok = record(p, nl > p && nl[-1] == '\r' ? nl - 1 : nl, keys);
        p = nl + 1;
    }
    munmap((void *)(uintptr_t)map, (size_t)st.st_size);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: check_csv KEYS FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        if (!check(argv[i], atoi(argv[1]))) {
            fprintf(stderr, "check_csv: cannot read %s, or a record of it is longer than 1 MiB\n",
                    argv[i]);
            return 1;
        }
    }
    printf("%llu %016llx %d\n", (unsigned long long)rows, (unsigned long long)sum, sorted);
    return 0;
}
