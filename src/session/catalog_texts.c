/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_texts.c - read.json(df) and read.csv(df): files whose lines are the texts of a query's only column.
 *
 * The texts go to a nameless file, in their order, each with a byte behind it that UTF-8 never has; from there
 * on it is a file like any other. It is known by a hash of what is in it, so that the same texts give the same
 * plan, which may be cached. As Spark's, the query runs when the schema is asked for.
 */
#include <strings.h>
#include <xxhash.h>

#include "column/take.h"
#include "format/csv_record.h"
#include "plan/print.h"
#include "session/catalog.h"
#include "session/query.h"
#include "store/spool.h"

#define BLOCK_BYTES ((size_t)1 << 20)

typedef struct texts {
    ch_mem *mem;
    ch_spool *spool;
    ch_buf block; /* not written yet */
    ch_buf header, repaired;
    XXH128_hash_t hash;
    int64_t bytes;
    bool drops_header;           /* lines that are equal to the first one */
    bool one_line;               /* a text ends with its first line, but for breaks in quotes */
    char comment, quote, escape; /* or 0 */
} texts;

static ch_status flush(texts *t, ch_error *err)
{
    t->hash = XXH3_128bits_withSeed(t->block.data, t->block.len, t->hash.low64 ^ t->hash.high64);
    t->bytes += (int64_t)t->block.len;
    CH_TRY(ch_spool_add(t->spool, t->block.data, (int64_t)t->block.len, err));
    ch_buf_reset(&t->block);
    return CH_OK;
}

static bool is_blank(ch_str s)
{
    for (int64_t i = 0; i < s.len; i++)
        if ((uint8_t)s.text[i] > ' ')
            return false;
    return true;
}

/* Is it the first line, which is kept, or one like it? */
static ch_status is_header(texts *t, ch_str s, bool *drop, ch_error *err)
{
    *drop = false;
    if (t->header.len)
        *drop =
            (int64_t)t->header.len == s.len && memcmp(t->header.data, s.text, t->header.len) == 0;
    else if (!is_blank(s) && s.text[0] != t->comment)
        return ch_buf_add(&t->header, s.text, (size_t)s.len, err);
    return CH_OK;
}

/* How much of it is its first line. */
static int64_t first_line(const texts *t, ch_str s)
{
    bool quoted = false;
    if (!memchr(s.text, '\n', (size_t)s.len) && !memchr(s.text, '\r', (size_t)s.len))
        return s.len;
    for (int64_t i = 0; i < s.len; i++) {
        char c = s.text[i];
        if (quoted && c == t->escape && c != t->quote)
            i++;
        else if (c == t->quote && c)
            quoted = !quoted;
        else if (!quoted && (c == '\n' || c == '\r'))
            return i;
    }
    return s.len;
}

static ch_status add_text(texts *t, ch_str s, ch_error *err)
{
    if (ch_utf8_valid_prefix(s.text, s.len) != s.len) {
        const ch_csv_rules plain = {0};
        ch_buf_reset(&t->repaired);
        CH_TRY(ch_csv_prepare(&plain, s.text, s.len, &t->repaired, err));
        s = (ch_str){t->repaired.data, (int64_t)t->repaired.len};
    }
    if (t->one_line && s.len)
        s.len = first_line(t, s);
    bool drop = false;
    if (t->drops_header)
        CH_TRY(is_header(t, s, &drop, err));
    if (drop)
        return CH_OK;
    if (s.len)
        CH_TRY(ch_buf_add(&t->block, s.text, (size_t)s.len, err));
    CH_TRY(ch_buf_addc(&t->block, (char)0xFF, err));
    return t->block.len < BLOCK_BYTES ? CH_OK : flush(t, err);
}

static ch_status add_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    texts *t = user;
    ch_column *col, *flat;
    CH_UNUSED(slot);
    CH_TRY(ch_batch_column(batch, 0, &col, err));
    ch_status status = ch_flatten(col, t->mem, &flat, err);
    for (int64_t i = 0; i < batch->n && status == CH_OK; i++)
        if (!ch_column_is_null(flat, i))
            status = add_text(t, ch_column_str(flat, i), err);
    ch_column_unref(flat);
    return status;
}

static ch_status check_schema(const ch_type *schema, ch_arena *arena, ch_error *err)
{
    if (schema->n_fields != 1)
        CH_FAIL(err, TEXTS_NOT_ONE_COLUMN, "numColumns", CH_I64(schema->n_fields));
    if (ch_type_is_string(schema->field[0].type))
        return CH_OK;
    const char *type = ch_type_quoted(arena, schema->field[0].type, err);
    CH_FAIL(err, TEXTS_NOT_STRING, "dataType", type ? type : "");
}

static ch_status run(ch_session_catalog *self, texts *t, const ch_rel *input, ch_error *err)
{
    ch_query *q;
    CH_TRY(ch_query_open(self->frame, input, &q, err));
    ch_query_cancel_with(q, (_Atomic bool *)(uintptr_t)self->func->cancel);
    const ch_type *schema = ch_query_schema(q);
    ch_status status =
        schema ? check_schema(schema, self->arena, err) : ch_error_memory(err, "types", 0, 0);
    if (status == CH_OK)
        status = ch_query_each(q, add_batch, t, true, err);
    ch_query_close(q);
    return status;
}

/* Options that say what files are like, and not what a text means. */
static ch_status text_options(ch_strmap *options, ch_error *err)
{
    CH_TRY(ch_strmap_put(options, "lineSep", (void *)(uintptr_t) "\xFF", err));
    CH_TRY(ch_strmap_put(options, "encoding", (void *)(uintptr_t) "UTF-8", err));
    CH_TRY(ch_strmap_put(options, "charset", (void *)(uintptr_t) "UTF-8", err));
    return ch_strmap_put(options, "multiLine", (void *)(uintptr_t) "false", err);
}

ch_status ch_catalog_texts(ch_session_catalog *self, const ch_rel *input, const char *format,
                           ch_strmap *options, ch_file *out, ch_error *err)
{
    const char *dir,
        *comment = ch_strmap_get(options, "comment"), *header = ch_strmap_get(options, "header"),
        *quote = ch_strmap_get(options, "quote"), *escape = ch_strmap_get(options, "escape");
    texts t = {.mem = self->mem, .comment = comment ? *comment : 0};
    t.one_line = strcmp(format, "csv") == 0;
    t.quote = quote ? *quote : '"';
    t.escape = escape ? *escape : '\\';
    t.drops_header = header && strcasecmp(header, "true") == 0;
    CH_TRY(text_options(options, err));
    CH_TRY(ch_session_spill_dir(self->session, self->arena, &dir, err));
    CH_TRY(ch_spool_make(self, dir, self->mem, &t.spool, err));
    ch_buf_init(&t.block, self->mem);
    ch_buf_init(&t.header, self->mem);
    ch_buf_init(&t.repaired, self->mem);
    ch_status status = run(self, &t, input, err);
    if (status == CH_OK)
        status = flush(&t, err);
    char *name = NULL;
    if (status == CH_OK) {
        name = ch_arena_printf(self->arena, err, CH_SPOOL_PREFIX "%016llx%016llx",
                               (unsigned long long)t.hash.high64, (unsigned long long)t.hash.low64);
        status = name ? CH_OK : CH_E_MEMORY;
    }
    if (status == CH_OK)
        ch_spool_publish(t.spool, name);
    *out = (ch_file){.path = name, .bytes = t.bytes};
    ch_buf_release(&t.block);
    ch_buf_release(&t.header);
    ch_buf_release(&t.repaired);
    return status;
}
