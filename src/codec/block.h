/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block.h - compressed blocks whose raw length is known beforehand: the pages of Parquet.
 *
 * A ch_block keeps the contexts of the libraries between calls; one per thread.
 */
#ifndef CH_CODEC_BLOCK_H
#define CH_CODEC_BLOCK_H

#include "base/buf.h"
#include "base/mem.h"

/* Numbered as in Parquet's CompressionCodec. */
typedef enum ch_block_codec {
    CH_BLOCK_NONE,
    CH_BLOCK_SNAPPY,
    CH_BLOCK_GZIP,
    CH_BLOCK_LZO, /* not there */
    CH_BLOCK_BROTLI,
    CH_BLOCK_LZ4_HADOOP, /* read: Hadoop's frames, LZ4 frames or a bare block; written: Hadoop's */
    CH_BLOCK_ZSTD,
    CH_BLOCK_LZ4_RAW,
    CH_N_BLOCK_CODECS
} ch_block_codec;

typedef struct ch_block {
    ch_mem *mem; /* borrowed: charged for the contexts */
    void *zstd_decoder, *zstd_encoder;
    int64_t charged;
} ch_block;

void ch_block_init(ch_block *block, ch_mem *mem);
void ch_block_release(ch_block *block);

/* "SNAPPY"; NULL for a number that is no codec of ours. */
const char *ch_block_codec_name(int codec);

/*
 * out[0..n_out) = the raw bytes of in[0..n_in), which must be just as many.
 *   reason  gets what is wrong with the input, static text; NULL: nothing
 * Errors CH_E_MEMORY only; damage is told by *reason.
 */
CH_NODISCARD ch_status ch_block_decode(ch_block *block, int codec, const uint8_t *in, size_t n_in,
                                       uint8_t *out, size_t n_out, const char **reason,
                                       ch_error *err);
/* Appends in[0..n_in) compressed; level -1 is the codec's usual one. Not for LZO. */
CH_NODISCARD ch_status ch_block_encode(ch_block *block, int codec, int level, const uint8_t *in,
                                       size_t n_in, ch_buf *out, ch_error *err);

#endif
