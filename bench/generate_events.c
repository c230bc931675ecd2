/* SPDX-License-Identifier: Apache-2.0 */
/* generate_events.c - the events generator as a program of its own: FOLDER [BYTES [SEED [THREADS]]]. */
#include <stdio.h>
#include <stdlib.h>

#include "../pipelines/events_generate.h"

int main(int argc, char **argv)
{
    char message[4300];
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [BYTES [SEED [THREADS]]]\n", argv[0]);
        return 2;
    }
    int64_t bytes = argc > 2 ? strtoll(argv[2], NULL, 10) : CHERT_EVENTS_BYTES;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int threads = argc > 4 ? atoi(argv[4]) : 2;
    if (chert_generate_events(argv[1], bytes, seed, threads, message, sizeof message) != 0) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    return 0;
}
