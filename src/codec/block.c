/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - one call into each compression library. */
#include "codec/block.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_DECODER_BYTES ((int64_t)160 << 10)
#define ZSTD_ENCODER_BYTES ((int64_t)1 << 20)
#define GZIP_LEVEL 6
#define BROTLI_LEVEL 4
#define ZSTD_LEVEL 3

void ch_block_init(ch_block *b, ch_mem *mem)
{
    *b = (ch_block){.mem = mem};
}

void ch_block_release(ch_block *b)
{
    ZSTD_freeDCtx(b->zstd_decoder);
    ZSTD_freeCCtx(b->zstd_encoder);
    if (b->charged)
        ch_mem_discharge(b->mem, b->charged);
    *b = (ch_block){.mem = b->mem};
}

const char *ch_block_codec_name(int codec)
{
    static const char *const NAME[CH_N_BLOCK_CODECS] = {
        "UNCOMPRESSED", "SNAPPY", "GZIP", NULL, "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    return codec >= 0 && codec < CH_N_BLOCK_CODECS ? NAME[codec] : NULL;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static bool gunzip(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)n_in,
                  .next_out = out,
                  .avail_out = (uInt)n_out};
    if (n_in > UINT32_MAX || n_out > UINT32_MAX || inflateInit2(&z, 15 + 32) != Z_OK)
        return false;
    int done;
    do { /* members may follow one another */
        done = inflate(&z, Z_FINISH);
    } while (done == Z_STREAM_END && z.avail_in && z.avail_out && inflateReset(&z) == Z_OK);
    inflateEnd(&z);
    return done == Z_STREAM_END && z.avail_out == 0;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool lz4_raw(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    return n_in <= INT32_MAX && n_out <= INT32_MAX &&
           LZ4_decompress_safe((const char *)in, (char *)out, (int)n_in, (int)n_out) == (int)n_out;
}

/* (u32be raw length, u32be length, bytes)* */
static bool lz4_hadoop(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    while (n_in > 8) {
        size_t raw = be32(in), packed = be32(in + 4);
        if (packed > n_in - 8 || raw > n_out || !lz4_raw(in + 8, packed, out, raw))
            return false;
        in += 8 + packed;
        n_in -= 8 + packed;
        out += raw;
        n_out -= raw;
    }
    return n_in == 0 && n_out == 0;
}

static bool lz4_frame(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    LZ4F_dctx *ctx;
    size_t got = n_out, used = n_in;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return false;
    size_t left = LZ4F_decompress(ctx, out, &got, in, &used, NULL);
    LZ4F_freeDecompressionContext(ctx);
    return left == 0 && got == n_out;
}

static ch_status need_zstd(ch_block *b, ch_error *err)
{
    if (b->zstd_decoder)
        return CH_OK;
    CH_TRY(ch_mem_charge(b->mem, ZSTD_DECODER_BYTES, err));
    b->charged += ZSTD_DECODER_BYTES;
    b->zstd_decoder = ZSTD_createDCtx();
    return b->zstd_decoder ? CH_OK
                           : ch_error_memory(err, "zstd", ZSTD_DECODER_BYTES, ch_mem_limit(b->mem));
}

ch_status ch_block_decode(ch_block *b, int codec, const uint8_t *in, size_t n_in, uint8_t *out,
                          size_t n_out, const char **reason, ch_error *err)
{
    bool fine = false;
    size_t got = n_out;
    *reason = NULL;
    switch (codec) {
    case CH_BLOCK_NONE:
        fine = n_in == n_out;
        if (fine && n_in)
            memcpy(out, in, n_in);
        break;
    case CH_BLOCK_SNAPPY:
        fine = snappy_uncompressed_length((const char *)in, n_in, &got) == SNAPPY_OK &&
               got == n_out &&
               snappy_uncompress((const char *)in, n_in, (char *)out, &got) == SNAPPY_OK;
        break;
    case CH_BLOCK_GZIP:
        fine = gunzip(in, n_in, out, n_out);
        break;
    case CH_BLOCK_BROTLI:
        fine = BrotliDecoderDecompress(n_in, in, &got, out) == BROTLI_DECODER_RESULT_SUCCESS &&
               got == n_out;
        break;
    case CH_BLOCK_LZ4_HADOOP:
        fine = lz4_hadoop(in, n_in, out, n_out) || lz4_frame(in, n_in, out, n_out) ||
               lz4_raw(in, n_in, out, n_out);
        break;
    case CH_BLOCK_ZSTD:
        CH_TRY(need_zstd(b, err));
        fine = ZSTD_decompressDCtx(b->zstd_decoder, out, n_out, in, n_in) == n_out;
        break;
    case CH_BLOCK_LZ4_RAW:
        fine = lz4_raw(in, n_in, out, n_out);
        break;
    default:
        *reason = "it is compressed in a way that is not known";
        return CH_OK;
    }
    if (!fine)
        *reason = "its compressed bytes do not make what its header says";
    return CH_OK;
}

/* ---- encoding ------------------------------------------------------------------------------ */

static ch_status failed(ch_block *b, int codec, size_t n, ch_error *err)
{
    return ch_error_memory(err, ch_block_codec_name(codec), (int64_t)n, ch_mem_limit(b->mem));
}

static size_t gzip(const uint8_t *in, size_t n_in, int level, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)n_in,
                  .next_out = out,
                  .avail_out = (uInt)room};
    if (n_in > UINT32_MAX || room > UINT32_MAX ||
        deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    int done = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return done == Z_STREAM_END ? room - z.avail_out : 0;
}

static size_t most_bytes(int codec, size_t n)
{
    switch (codec) {
    case CH_BLOCK_SNAPPY:
        return snappy_max_compressed_length(n);
    case CH_BLOCK_GZIP:
        return compressBound((uLong)n) + 32;
    case CH_BLOCK_BROTLI:
        return BrotliEncoderMaxCompressedSize(n) + 16;
    case CH_BLOCK_ZSTD:
        return ZSTD_compressBound(n);
    case CH_BLOCK_LZ4_HADOOP:
    case CH_BLOCK_LZ4_RAW:
        return n > LZ4_MAX_INPUT_SIZE ? 0 : (size_t)LZ4_compressBound((int)n) + 8;
    default:
        return n;
    }
}

static void put_be32(uint8_t *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

ch_status ch_block_encode(ch_block *b, int codec, int level, const uint8_t *in, size_t n_in,
                          ch_buf *out, ch_error *err)
{
    size_t room = most_bytes(codec, n_in), n = 0;
    if (!room && n_in)
        return failed(b, codec, n_in, err);
    CH_TRY(ch_buf_reserve(out, room, err));
    uint8_t *to = (uint8_t *)out->data + out->len;
    switch (codec) {
    case CH_BLOCK_SNAPPY:
        n = room;
        if (snappy_compress((const char *)in, n_in, (char *)to, &n) != SNAPPY_OK)
            n = 0;
        break;
    case CH_BLOCK_GZIP:
        n = gzip(in, n_in, level < 0 ? GZIP_LEVEL : level, to, room);
        break;
    case CH_BLOCK_BROTLI:
        n = room;
        if (!BrotliEncoderCompress(level < 0 ? BROTLI_LEVEL : level, BROTLI_DEFAULT_WINDOW,
                                   BROTLI_MODE_GENERIC, n_in, in, &n, to))
            n = 0;
        break;
    case CH_BLOCK_ZSTD:
        if (!b->zstd_encoder) {
            CH_TRY(ch_mem_charge(b->mem, ZSTD_ENCODER_BYTES, err));
            b->charged += ZSTD_ENCODER_BYTES;
            b->zstd_encoder = ZSTD_createCCtx();
            if (!b->zstd_encoder)
                return failed(b, codec, (size_t)ZSTD_ENCODER_BYTES, err);
        }
        n = ZSTD_compressCCtx(b->zstd_encoder, to, room, in, n_in, level < 0 ? ZSTD_LEVEL : level);
        if (ZSTD_isError(n))
            n = 0;
        break;
    case CH_BLOCK_LZ4_HADOOP:
    case CH_BLOCK_LZ4_RAW: {
        size_t head = codec == CH_BLOCK_LZ4_HADOOP ? 8 : 0;
        n = (size_t)LZ4_compress_default((const char *)in, (char *)to + head, (int)n_in,
                                         (int)(room - head));
        if (head) {
            put_be32(to, n_in);
            put_be32(to + 4, n);
            n += head;
        }
        break;
    }
    default:
        n = n_in;
        if (n)
            memcpy(to, in, n);
        break;
    }
    if (n == 0 && (n_in || codec != CH_BLOCK_NONE))
        return failed(b, codec, n_in, err);
    out->len += n;
    return CH_OK;
}
