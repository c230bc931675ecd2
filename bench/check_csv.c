/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_csv.c - what a CSV file holds, whatever the order of its rows and whichever fields are quoted.
 *
 *   check_csv FILE [KEYS]      prints "rows hash sorted"
 *
 * rows    records after the header
 * hash    sum over the records of a 64-bit hash of their unquoted fields: equal for equal multisets
 * sorted  1 if the first KEYS fields (default 0) never decrease, compared as bytes, in the file's order
 *
 * Fields hold no line ends; inner quotes are doubled. The file is read with mmap, once.
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

int main(int argc, char **argv)
{
    struct stat st;
    int keys = argc > 2 ? atoi(argv[2]) : 0, fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    static char rec[2][MAX_RECORD];
    size_t key_len[2] = {0, 0};
    uint64_t rows = 0, sum = 0;
    int sorted = 1;

    if (fd < 0 || fstat(fd, &st) || st.st_size == 0) {
        fprintf(stderr, "check_csv: cannot read %s\n", argc > 1 ? argv[1] : "nothing");
        return 2;
    }
    const char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0),
               *end = p + st.st_size;
    if (p == MAP_FAILED)
        return 2;
    madvise((void *)p, (size_t)st.st_size, MADV_SEQUENTIAL);
    p = memchr(p, '\n', (size_t)(end - p));
    for (p = p ? p + 1 : end; p < end; rows++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (!nl)
            nl = end;
        const char *stop = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
        if (stop - p >= MAX_RECORD)
            return 3;
        char *out = rec[rows & 1];
        size_t n = 0, key = 0;
        int quoted = 0, field = 0;
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
            size_t was = key_len[(rows & 1) ^ 1], m = was < key ? was : key;
            int c = memcmp(rec[(rows & 1) ^ 1], out, m);
            sorted &= c < 0 || (c == 0 && was <= key);
        }
        key_len[rows & 1] = key;
        p = nl + 1;
    }
    printf("%llu %016llx %d\n", (unsigned long long)rows, (unsigned long long)sum, sorted);
    return 0;
}
