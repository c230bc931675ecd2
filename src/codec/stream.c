/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - zlib, bzip2, zstd and Hadoop's block framing of lz4 and snappy behind one call.
 *
 * Hadoop's framing, as BlockCompressorStream writes it: a block is its raw length, then chunks, each a
 * length and that many compressed bytes, until the chunks' raw bytes add up to the raw length. All
 * lengths are 32 bits, big endian.
 */
#include "codec/stream.h"

#include <bzlib.h>
#include <lz4.h>
#include <snappy-c.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK_BYTES ((size_t)256 << 10)      /* raw bytes of the blocks we write */
#define BLOCK_MOST_BYTES ((size_t)256 << 20) /* of those we accept */
#define BLOCK_OVERHEAD 8

struct ch_codec_stream {
    ch_mem *mem;
    ch_codec codec;
    bool encode, begun, ended;
    int64_t charged; /* memory that a library takes */
    z_stream z;
    bz_stream bz;
    ZSTD_CStream *zc;
    ZSTD_DStream *zd;
    /* Block codecs. raw and packed are buffers of raw_cap and packed_cap bytes. */
    uint8_t *raw, *packed;
    size_t raw_cap, packed_cap;
    size_t n_raw, raw_at;       /* decoding: decoded bytes, and how many were given out */
    size_t n_packed, packed_at; /* decoding: bytes of the chunk (with its length) collected so far;
                                   encoding: bytes ready, and how many were given out */
    size_t block_left;          /* decoding: raw bytes still to come in this block */
};

static const struct {
    const char *name, *extension;
    int64_t memory; /* roughly what the library takes */
} CODEC[CH_N_CODECS] = {
    [CH_CODEC_NONE] = {"none", "", 0},
    [CH_CODEC_GZIP] = {"gzip", ".gz", 300 << 10},
    [CH_CODEC_DEFLATE] = {"deflate", ".deflate", 300 << 10},
    [CH_CODEC_BZIP2] = {"bzip2", ".bz2", 8 << 20},
    [CH_CODEC_ZSTD] = {"zstd", ".zst", 8 << 20},
    [CH_CODEC_LZ4] = {"lz4", ".lz4", 0},
    [CH_CODEC_SNAPPY] = {"snappy", ".snappy", 0},
};

ch_codec ch_codec_of_path(const char *path)
{
    size_t len = strlen(path);
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0)
        len = strcspn(path, "?#");
    for (int c = 1; c < CH_N_CODECS; c++) {
        size_t n = strlen(CODEC[c].extension);
        if (len >= n && strncasecmp(path + len - n, CODEC[c].extension, n) == 0)
            return (ch_codec)c;
    }
    return CH_CODEC_NONE;
}

int ch_codec_of_name(const char *name)
{
    if (strcasecmp(name, "uncompressed") == 0)
        return CH_CODEC_NONE;
    for (int c = 0; c < CH_N_CODECS; c++)
        if (strcasecmp(name, CODEC[c].name) == 0)
            return c;
    return -1;
}

const char *ch_codec_extension(ch_codec codec)
{
    return CODEC[codec].extension;
}

static ch_status damaged(ch_error *err, const char *path, const char *reason)
{
    CH_FAIL(err, CORRUPT_FILE, "path", path, "reason", reason);
}

static ch_status open_stream(ch_mem *mem, ch_codec codec, bool encode, ch_codec_stream **out,
                             ch_error *err)
{
    *out = NULL;
    CH_TRY(ch_mem_charge(mem, CODEC[codec].memory, err));
    ch_codec_stream *s = ch_mem_zalloc(mem, sizeof *s, err);
    if (!s) {
        ch_mem_discharge(mem, CODEC[codec].memory);
        return CH_E_MEMORY;
    }
    s->mem = mem;
    s->codec = codec;
    s->encode = encode;
    s->charged = CODEC[codec].memory;
    *out = s;
    return CH_OK;
}

static ch_status library_failed(ch_codec_stream **out, ch_error *err)
{
    ch_codec_stream *s = *out;
    *out = NULL;
    ch_status status =
        ch_error_memory(err, CODEC[s->codec].name, CODEC[s->codec].memory, ch_mem_limit(s->mem));
    s->begun = false;
    ch_codec_close(s);
    return status;
}

ch_status ch_codec_decoder(ch_mem *mem, ch_codec codec, ch_codec_stream **out, ch_error *err)
{
    CH_TRY(open_stream(mem, codec, false, out, err));
    ch_codec_stream *s = *out;
    s->begun = true;
    s->ended = true; /* nothing was begun yet: an empty file is complete */
    switch (codec) {
    case CH_CODEC_GZIP:
        return inflateInit2(&s->z, 15 + 16) == Z_OK ? CH_OK : library_failed(out, err);
    case CH_CODEC_DEFLATE:
        return inflateInit(&s->z) == Z_OK ? CH_OK : library_failed(out, err);
    case CH_CODEC_BZIP2:
        return BZ2_bzDecompressInit(&s->bz, 0, 0) == BZ_OK ? CH_OK : library_failed(out, err);
    case CH_CODEC_ZSTD:
        s->zd = ZSTD_createDStream();
        if (!s->zd)
            return library_failed(out, err);
        (void)ZSTD_DCtx_setParameter(s->zd, ZSTD_d_windowLogMax, 27);
        return CH_OK;
    default:
        return CH_OK;
    }
}

ch_status ch_codec_encoder(ch_mem *mem, ch_codec codec, int level, ch_codec_stream **out,
                           ch_error *err)
{
    CH_TRY(open_stream(mem, codec, true, out, err));
    ch_codec_stream *s = *out;
    s->begun = true;
    switch (codec) {
    case CH_CODEC_GZIP:
    case CH_CODEC_DEFLATE:
        return deflateInit2(&s->z, level, Z_DEFLATED, codec == CH_CODEC_GZIP ? 15 + 16 : 15, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK
                   ? CH_OK
                   : library_failed(out, err);
    case CH_CODEC_BZIP2:
        return BZ2_bzCompressInit(&s->bz, level < 1 ? 9 : level, 0, 0) == BZ_OK
                   ? CH_OK
                   : library_failed(out, err);
    case CH_CODEC_ZSTD:
        s->zc = ZSTD_createCStream();
        if (!s->zc)
            return library_failed(out, err);
        (void)ZSTD_CCtx_setParameter(s->zc, ZSTD_c_compressionLevel, level < 0 ? 3 : level);
        return CH_OK;
    case CH_CODEC_LZ4:
    case CH_CODEC_SNAPPY:
        s->raw_cap = BLOCK_BYTES;
        s->packed_cap =
            BLOCK_OVERHEAD + (codec == CH_CODEC_LZ4 ? (size_t)LZ4_compressBound((int)BLOCK_BYTES)
                                                    : snappy_max_compressed_length(BLOCK_BYTES));
        s->raw = ch_mem_alloc(mem, s->raw_cap, err);
        s->packed = s->raw ? ch_mem_alloc(mem, s->packed_cap, err) : NULL;
        if (!s->packed) {
            ch_codec_close(s);
            *out = NULL;
            return CH_E_MEMORY;
        }
        return CH_OK;
    default:
        return CH_OK;
    }
}

void ch_codec_close(ch_codec_stream *s)
{
    if (!s)
        return;
    if (s->begun) {
        switch (s->codec) {
        case CH_CODEC_GZIP:
        case CH_CODEC_DEFLATE:
            if (s->encode)
                deflateEnd(&s->z);
            else
                inflateEnd(&s->z);
            break;
        case CH_CODEC_BZIP2:
            if (s->encode)
                BZ2_bzCompressEnd(&s->bz);
            else
                BZ2_bzDecompressEnd(&s->bz);
            break;
        case CH_CODEC_ZSTD:
            ZSTD_freeCStream(s->zc);
            ZSTD_freeDStream(s->zd);
            break;
        default:
            break;
        }
    }
    ch_mem_free(s->mem, s->raw, s->raw_cap);
    ch_mem_free(s->mem, s->packed, s->packed_cap);
    ch_mem_discharge(s->mem, s->charged);
    ch_mem_free(s->mem, s, sizeof *s);
}

/* ---- zlib ---------------------------------------------------------------------------------- */

typedef struct span {
    const uint8_t **in;
    size_t *n_in;
    uint8_t **out;
    size_t *n_out;
} span;

static void span_moved(span io, size_t in_left, size_t out_left)
{
    *io.in += *io.n_in - in_left;
    *io.n_in = in_left;
    *io.out += *io.n_out - out_left;
    *io.n_out = out_left;
}

static unsigned at_most(size_t n)
{
    return n > (1u << 30) ? 1u << 30 : (unsigned)n;
}

static ch_status code_zlib(ch_codec_stream *s, span io, bool finish, bool *end, const char *path,
                           ch_error *err)
{
    /* Another gzip member may follow a complete one; zeros may pad the end of the file. */
    if (!s->encode && s->ended && *io.n_in) {
        if (s->z.total_in && s->codec == CH_CODEC_GZIP) {
            while (*io.n_in && **io.in == 0) {
                ++*io.in;
                --*io.n_in;
            }
        }
        if (*io.n_in == 0) {
            *end = true;
            return CH_OK;
        }
        if (s->z.total_in)
            inflateReset(&s->z);
        s->ended = false;
    }
    if (!s->encode && s->ended) {
        *end = true;
        return CH_OK;
    }
    unsigned in = at_most(*io.n_in), out = at_most(*io.n_out);
    s->z.next_in = (Bytef *)(uintptr_t)*io.in;
    s->z.avail_in = in;
    s->z.next_out = *io.out;
    s->z.avail_out = out;
    int code =
        s->encode ? deflate(&s->z, finish ? Z_FINISH : Z_NO_FLUSH) : inflate(&s->z, Z_NO_FLUSH);
    span_moved(io, *io.n_in - (in - s->z.avail_in), *io.n_out - (out - s->z.avail_out));
    if (code == Z_STREAM_END)
        s->ended = true;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return code == Z_MEM_ERROR ? ch_error_memory(err, "zlib", 0, ch_mem_limit(s->mem))
                                   : damaged(err, path, s->z.msg ? s->z.msg : "no zlib stream");
    *end = s->ended;
    return CH_OK;
}

/* ---- bzip2 --------------------------------------------------------------------------------- */

static ch_status code_bzip2(ch_codec_stream *s, span io, bool finish, bool *end, const char *path,
                            ch_error *err)
{
    if (!s->encode && s->ended && *io.n_in) {
        if (s->bz.total_in_lo32 || s->bz.total_in_hi32) { /* another stream follows */
            BZ2_bzDecompressEnd(&s->bz);
            s->bz = (bz_stream){0};
            if (BZ2_bzDecompressInit(&s->bz, 0, 0) != BZ_OK) {
                s->begun = false;
                return ch_error_memory(err, "bzip2", 0, ch_mem_limit(s->mem));
            }
        }
        s->ended = false;
    }
    if (!s->encode && s->ended) {
        *end = true;
        return CH_OK;
    }
    unsigned in = at_most(*io.n_in), out = at_most(*io.n_out);
    s->bz.next_in = (char *)(uintptr_t)*io.in;
    s->bz.avail_in = in;
    s->bz.next_out = (char *)*io.out;
    s->bz.avail_out = out;
    int code =
        s->encode ? BZ2_bzCompress(&s->bz, finish ? BZ_FINISH : BZ_RUN) : BZ2_bzDecompress(&s->bz);
    span_moved(io, *io.n_in - (in - s->bz.avail_in), *io.n_out - (out - s->bz.avail_out));
    if (code == BZ_STREAM_END)
        s->ended = true;
    else if (code < 0)
        return code == BZ_MEM_ERROR ? ch_error_memory(err, "bzip2", 0, ch_mem_limit(s->mem))
                                    : damaged(err, path, "no bzip2 stream, or a broken one");
    *end = s->ended;
    return CH_OK;
}

/* ---- zstd ---------------------------------------------------------------------------------- */

/* How much memory it takes depends on the frame's window, up to 128 MiB: known once it was begun. */
static ch_status charge_zstd(ch_codec_stream *s, ch_error *err)
{
    int64_t bytes = (int64_t)(s->encode ? ZSTD_sizeof_CStream(s->zc) : ZSTD_sizeof_DStream(s->zd));
    if (bytes <= s->charged)
        return CH_OK;
    CH_TRY(ch_mem_charge(s->mem, bytes, err));
    ch_mem_discharge(s->mem, s->charged);
    s->charged = bytes;
    return CH_OK;
}

static ch_status code_zstd(ch_codec_stream *s, span io, bool finish, bool *end, const char *path,
                           ch_error *err)
{
    ZSTD_inBuffer in = {*io.in, *io.n_in, 0};
    ZSTD_outBuffer out = {*io.out, *io.n_out, 0};
    size_t code =
        s->encode ? ZSTD_compressStream2(s->zc, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue)
                  : ZSTD_decompressStream(s->zd, &out, &in);
    if (ZSTD_isError(code))
        return damaged(err, path, ZSTD_getErrorName(code));
    if (s->encode)
        s->ended = finish && code == 0;
    else if (in.pos > 0 || out.pos > 0)
        s->ended = code == 0;
    span_moved(io, in.size - in.pos, out.size - out.pos);
    *end = s->ended;
    return charge_zstd(s, err);
}

/* ---- Hadoop's blocks ------------------------------------------------------------------------ */

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void give(const uint8_t *from, size_t n, size_t *at, span io)
{
    size_t some = n - *at < *io.n_out ? n - *at : *io.n_out;
    if (some)
        memcpy(*io.out, from + *at, some);
    *at += some;
    *io.out += some;
    *io.n_out -= some;
}

static ch_status block_room(ch_codec_stream *s, uint8_t **buf, size_t *cap, size_t need,
                            size_t keep, ch_error *err)
{
    if (need <= *cap)
        return CH_OK;
    uint8_t *more = ch_mem_alloc(s->mem, need, err);
    if (!more)
        return CH_E_MEMORY;
    if (keep)
        memcpy(more, *buf, keep);
    ch_mem_free(s->mem, *buf, *cap);
    *buf = more;
    *cap = need;
    return CH_OK;
}

/* Collects input until packed holds `need` bytes; false: not yet. */
static bool collect(ch_codec_stream *s, span io, size_t need)
{
    size_t some = need - s->n_packed < *io.n_in ? need - s->n_packed : *io.n_in;
    if (some)
        memcpy(s->packed + s->n_packed, *io.in, some);
    s->n_packed += some;
    *io.in += some;
    *io.n_in -= some;
    return s->n_packed == need;
}

static ch_status unpack_chunk(ch_codec_stream *s, size_t n, const char *path, ch_error *err)
{
    const char *from = (const char *)s->packed + 4;
    if (s->codec == CH_CODEC_SNAPPY) {
        size_t raw;
        if (snappy_uncompressed_length(from, n, &raw) != SNAPPY_OK || raw > s->block_left)
            return damaged(err, path, "broken snappy block");
        CH_TRY(block_room(s, &s->raw, &s->raw_cap, raw, 0, err));
        if (snappy_uncompress(from, n, (char *)s->raw, &raw) != SNAPPY_OK)
            return damaged(err, path, "broken snappy block");
        s->n_raw = raw;
    } else {
        CH_TRY(block_room(s, &s->raw, &s->raw_cap, s->block_left, 0, err));
        int raw = LZ4_decompress_safe(from, (char *)s->raw, (int)n, (int)s->block_left);
        if (raw < 0)
            return damaged(err, path, "broken lz4 block");
        s->n_raw = (size_t)raw;
    }
    s->raw_at = 0;
    s->block_left -= s->n_raw;
    return CH_OK;
}

static ch_status decode_blocks(ch_codec_stream *s, span io, bool *end, const char *path,
                               ch_error *err)
{
    CH_TRY(block_room(s, &s->packed, &s->packed_cap, 4, 0, err));
    for (;;) {
        give(s->raw, s->n_raw, &s->raw_at, io);
        *end = s->raw_at == s->n_raw && s->block_left == 0 && s->n_packed == 0;
        if (*io.n_out == 0 || *io.n_in == 0)
            return CH_OK;
        if (!collect(s, io, s->n_packed < 4 ? 4 : 4 + (size_t)get_u32(s->packed)))
            continue;
        size_t n = get_u32(s->packed);
        if (n > BLOCK_MOST_BYTES)
            return damaged(err, path, "a block is longer than 256 MiB");
        if (s->block_left == 0) {
            s->block_left = n;
            s->n_packed = 0;
        } else if (s->n_packed == 4 && n > 0) {
            CH_TRY(block_room(s, &s->packed, &s->packed_cap, 4 + n, 4, err));
        } else {
            if (n > 0)
                CH_TRY(unpack_chunk(s, n, path, err));
            s->n_packed = 0;
        }
    }
}

static void pack_block(ch_codec_stream *s)
{
    size_t n = s->packed_cap - BLOCK_OVERHEAD;
    char *to = (char *)s->packed + BLOCK_OVERHEAD;
    if (s->codec == CH_CODEC_LZ4)
        n = (size_t)LZ4_compress_default((const char *)s->raw, to, (int)s->n_raw, (int)n);
    else
        (void)snappy_compress((const char *)s->raw, s->n_raw, to, &n);
    put_u32(s->packed, (uint32_t)s->n_raw);
    put_u32(s->packed + 4, (uint32_t)n);
    s->n_packed = BLOCK_OVERHEAD + n;
    s->packed_at = 0;
    s->n_raw = 0;
}

static void encode_blocks(ch_codec_stream *s, span io, bool finish, bool *end)
{
    for (;;) {
        give(s->packed, s->n_packed, &s->packed_at, io);
        if (s->packed_at < s->n_packed)
            return;
        size_t some = s->raw_cap - s->n_raw < *io.n_in ? s->raw_cap - s->n_raw : *io.n_in;
        if (some)
            memcpy(s->raw + s->n_raw, *io.in, some);
        s->n_raw += some;
        *io.in += some;
        *io.n_in -= some;
        if (s->n_raw < s->raw_cap && !finish)
            return;
        if (s->n_raw == 0) {
            *end = true;
            return;
        }
        pack_block(s);
    }
}

ch_status ch_codec_code(ch_codec_stream *s, const uint8_t **in, size_t *n_in, uint8_t **out,
                        size_t *n_out, bool finish, bool *end, const char *path, ch_error *err)
{
    span io = {in, n_in, out, n_out};
    *end = false;
    switch (s->codec) {
    case CH_CODEC_GZIP:
    case CH_CODEC_DEFLATE:
        return code_zlib(s, io, finish, end, path, err);
    case CH_CODEC_BZIP2:
        return code_bzip2(s, io, finish, end, path, err);
    case CH_CODEC_ZSTD:
        return code_zstd(s, io, finish, end, path, err);
    case CH_CODEC_LZ4:
    case CH_CODEC_SNAPPY:
        if (!s->encode)
            return decode_blocks(s, io, end, path, err);
        encode_blocks(s, io, finish, end);
        return CH_OK;
    default: {
        size_t some = *n_in < *n_out ? *n_in : *n_out;
        if (some)
            memcpy(*out, *in, some);
        span_moved(io, *n_in - some, *n_out - some);
        *end = *n_in == 0;
        return CH_OK;
    }
    }
}
