/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flatbuf.h - FlatBuffers, as much of them as Arrow's messages need: tables of scalars, texts, tables and
 * vectors, written from the back to the front, and read with every offset checked.
 *
 * Source: FlatBuffers' "internals" page. Little-endian machines only, as all of Chert's.
 */
#ifndef CH_WIRE_FLATBUF_H
#define CH_WIRE_FLATBUF_H

#include "base/mem.h"

/* ---- writing: children first, the root last ---- */

/* Most fields of a table here. */
#define CH_FLAT_MAX_FIELDS 16

typedef uint32_t ch_flat_ref; /* bytes from the end of the buffer; 0 = none */

typedef struct ch_flat_builder {
    ch_mem *mem; /* borrowed */
    uint8_t *data;
    size_t cap, len; /* the last len bytes of data are written */
    size_t max_align;
    ch_flat_ref slot[CH_FLAT_MAX_FIELDS]; /* of the open table */
    size_t table_end;
    ch_error *err;
    ch_status status; /* of the first failure; all calls are then without effect */
} ch_flat_builder;

void ch_flat_init(ch_flat_builder *b, ch_mem *mem, ch_error *err);
void ch_flat_release(ch_flat_builder *b);
ch_flat_ref ch_flat_text(ch_flat_builder *b, const char *text, size_t len);
/* n elements of `width` bytes as they are (scalars, structs), aligned to `align`. */
ch_flat_ref ch_flat_vector(ch_flat_builder *b, const void *item, size_t n, size_t width,
                           size_t align);
ch_flat_ref ch_flat_refs(ch_flat_builder *b, const ch_flat_ref *ref, size_t n);
/* A table: open, its fields, close. No text, vector or other table in between. */
void ch_flat_open(ch_flat_builder *b);
void ch_flat_put(ch_flat_builder *b, int field, int64_t value, int width); /* 1, 2, 4, 8 bytes */
void ch_flat_put_ref(ch_flat_builder *b, int field, ch_flat_ref ref);      /* 0 is left out */
ch_flat_ref ch_flat_close(ch_flat_builder *b);
/* Makes root the root. The bytes stay the builder's. */
CH_NODISCARD ch_status ch_flat_finish(ch_flat_builder *b, ch_flat_ref root, const uint8_t **bytes,
                                      size_t *len);

/* ---- reading: anything that does not lie inside the buffer reads as absent and sets *bad ---- */

typedef struct ch_flat_table {
    const uint8_t *base;
    size_t len;
    size_t at, fields, fields_len; /* the table, its vtable */
    bool *bad;
} ch_flat_table;

typedef struct ch_flat_array {
    const uint8_t *data;
    size_t n;
} ch_flat_array;

/* false: not a table. bad is borrowed by this table and all that come of it. */
bool ch_flat_root(const uint8_t *base, size_t len, bool *bad, ch_flat_table *out);
int64_t ch_flat_get(const ch_flat_table *t, int field, int width, int64_t fallback); /* signed */
bool ch_flat_get_table(const ch_flat_table *t, int field, ch_flat_table *out);
/* Not NUL-terminated; data NULL when absent. */
ch_flat_array ch_flat_get_text(const ch_flat_table *t, int field);
ch_flat_array ch_flat_get_vector(const ch_flat_table *t, int field, size_t width);
/* The i-th of a vector of tables (i < n). */
bool ch_flat_table_at(const ch_flat_table *t, ch_flat_array vector, size_t i, ch_flat_table *out);

#endif
