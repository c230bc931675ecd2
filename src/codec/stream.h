/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - compressed streams, in pieces of any size and in bounded memory.
 *
 * The codec of a file is told by the end of its name, as Hadoop does:
 *
 *   .gz gzip, any number of members    .bz2 bzip2       .deflate zlib     .zst Zstandard
 *   .lz4 and .snappy: Hadoop's blocks  | u32be raw length | (u32be length, bytes)* | ...
 *
 * Legal calls: open, then code() any number of times, close. Each code() call takes some of `in` and
 * fills some of `out`, moving both forward.
 *
 *   decoding  give input until it is used up; `end` with no input left says that the stream is
 *             complete. Input that ends while end is false was cut off.
 *   encoding  give input; then call with finish until *end.
 */
#ifndef CH_CODEC_STREAM_H
#define CH_CODEC_STREAM_H

#include "base/mem.h"

typedef enum ch_codec {
    CH_CODEC_NONE,
    CH_CODEC_GZIP,
    CH_CODEC_DEFLATE,
    CH_CODEC_BZIP2,
    CH_CODEC_ZSTD,
    CH_CODEC_LZ4,
    CH_CODEC_SNAPPY,
    CH_N_CODECS
} ch_codec;

typedef struct ch_codec_stream ch_codec_stream;

/* By the end of a file's name, in lower case; CH_CODEC_NONE if it is no codec's. */
ch_codec ch_codec_of_path(const char *path);
/* "gzip", "none", "uncompressed", ... as Spark's option compression takes them; -1: unknown. */
int ch_codec_of_name(const char *name);
/* ".gz"; "" for none. */
const char *ch_codec_extension(ch_codec codec);

CH_NODISCARD ch_status ch_codec_decoder(ch_mem *mem, ch_codec codec, ch_codec_stream **out,
                                        ch_error *err);
/* level -1: the codec's usual one. */
CH_NODISCARD ch_status ch_codec_encoder(ch_mem *mem, ch_codec codec, int level,
                                        ch_codec_stream **out, ch_error *err);
/*
 * Moves *in, *n_in past what was used and *out, *n_out past what was written.
 *   finish  encoding only: no more input will come
 *   end     decoding: between members, where input may end; encoding: all was written
 * Errors CH_E_CORRUPT_FILE with parameter "reason"; the caller, who knows it, sets the path:
 * `path` is used for messages only.
 */
CH_NODISCARD ch_status ch_codec_code(ch_codec_stream *stream, const uint8_t **in, size_t *n_in,
                                     uint8_t **out, size_t *n_out, bool finish, bool *end,
                                     const char *path, ch_error *err);
/* NULL is ignored. */
void ch_codec_close(ch_codec_stream *stream);

#endif
