/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_file.h - reading a file over a network: small reads become few requests, and the next is under way.
 *
 *   blocks of 1 MiB    | ready | ready | fetching ......... | absent
 *   reads, in order      ▲ at             ▲ read ahead, by an I/O thread, up to 8 blocks with one request;
 *                                         the further a reader has come, the more
 *
 * Blocks belong to the file, not to an input: morsels of one file that are read by several threads share them, and
 * each byte is asked for once. Several places of a file may be read in order at the same time (columns). Reads here
 * and there that are small go straight to the store. Blocks are charged to the query, the one used longest ago goes
 * first; without memory for them reads still work.
 */
#ifndef CH_STORE_REMOTE_FILE_H
#define CH_STORE_REMOTE_FILE_H

#include "store/context.h"

/*
 * Gives the bytes [offset, offset + n), in order, to take. Threads: any number at once.
 *   cancel  borrows  or NULL
 */
typedef ch_status (*ch_remote_fetch)(ch_remote_file *file, int64_t offset, int64_t n,
                                     const _Atomic bool *cancel,
                                     ch_status (*take)(void *, const void *, int64_t, ch_error *),
                                     void *user, ch_error *err);

#define CH_REMOTE_STREAMS 16

struct ch_remote_file {
    ch_remote_file *next, *other; /* of the context; of the same path, another version */
    ch_store_context *context;
    const char *path, *etag, *modified; /* in the context's arena; etag, modified NULL: not known */
    int64_t bytes;                      /* -1: not known */
    int64_t mtime_us;
    ch_remote_fetch fetch;
    /* Under the context's lock: */
    struct ch_remote_block *block;
    struct {
        int64_t next, used; /* where a reader will go on */
        int64_t bytes;      /* that it has had in order */
    } stream[CH_REMOTE_STREAMS];
    int n_ahead; /* runs under way on I/O threads */
    /* A server without ranges: the whole file, in pieces on disk (http_store.c). */
    bool no_ranges, spooling;
    struct ch_spill *spool;
    int64_t *piece;
    int64_t n_pieces, cap_pieces;
};

/*
 * The context's file of this path and version, made if it is new: with what `file` says, and the store adds what it knows.
 * Context's lock not held. Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_remote_file_get(const ch_file *file, ch_remote_fetch fetch,
                                          ch_remote_file **out, ch_error *err);
CH_NODISCARD ch_status ch_remote_input(const ch_store *store, ch_mem *mem, const ch_file *file,
                                       ch_remote_file *remote, ch_input **out, ch_error *err);
ch_remote_file *ch_remote_input_file(ch_input *in);
CH_NODISCARD ch_status ch_remote_read(ch_input *in, void *to, int64_t n, int64_t offset,
                                      int64_t *got, ch_error *err);
void ch_remote_close(ch_input *in);
/* Waits for what is under way, frees all. */
void ch_remote_files_free(ch_store_context *context);
/* Waits until something of the context changes, or some milliseconds; lock held. CH_E_CANCELLED. */
CH_NODISCARD ch_status ch_context_wait(ch_store_context *context, ch_error *err);

#endif
