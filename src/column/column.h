/* SPDX-License-Identifier: Apache-2.0 */
/*
 * column.h - a run of values of one type, in Arrow's layouts (type/type.h lists them).
 *
 * Encodings
 *
 *   FLAT    value i is slot i
 *   CONST   every row is slot 0
 *   DICT    value i is slot index[i] of child[0], a FLAT column
 *
 *              valid          data                       child
 *   FLAT int   [bits | NULL]  int32[rows]                -
 *   FLAT str   [bits | NULL]  ch_view[rows]              -      text[0..n_text): long strings
 *   FLAT list  [bits | NULL]  int32[rows + 1] offsets    [0] the elements
 *   FLAT map   [bits | NULL]  int32[rows + 1] offsets    [0] FLAT struct<key, value>
 *   STRUCT     [bits | NULL]  -                          one per field, rows long
 *   BOOLEAN    [bits | NULL]  bits                       -
 *   NULL       -              -                          -      every row is NULL
 *   DICT       [bits | NULL]  int32[rows] index          [0] the dictionary
 *   CONST      as FLAT of one row                        as FLAT of one row
 *
 * Invariants
 *   valid == NULL: no row is NULL (except type NULL). Bit on = a value is there.
 *   DICT: a row is NULL exactly when its own bit is off; its index is then still in range,
 *   unless the dictionary is empty, when all rows are NULL.
 *   Slots under an off bit hold any value, but a view there is valid (usually empty), and a
 *   list there is empty.
 *   Fixed-width data is readable up to the next multiple of 64 bytes.
 *   Children of STRUCT and the elements may themselves be DICT or CONST only where a function
 *   says so; exported and spilled columns are FLAT all the way down.
 *
 * Ownership: refcounted. While refs == 1 the holder may write; shared columns are immutable.
 */
#ifndef CH_COLUMN_COLUMN_H
#define CH_COLUMN_COLUMN_H

#include "base/arena.h"
#include "base/bits.h"
#include "base/buffer.h"
#include "type/scalar.h"

typedef enum ch_encoding { CH_FLAT, CH_CONST, CH_DICT } ch_encoding;

/* Arrow's Utf8View: up to 12 bytes lie inside, zero-padded; longer ones in text[buf]. */
#define CH_VIEW_INLINE 12
typedef struct ch_view {
    int32_t len; /* bytes */
    union {
        char small[CH_VIEW_INLINE];
        struct {
            char prefix[4];
            int32_t buf;    /* which of the column's text buffers */
            int32_t offset; /* bytes from its start */
        };
    };
} ch_view;
_Static_assert(sizeof(ch_view) == 16, "Arrow's view");

/* Text borrowed from a column or a scalar; not NUL-terminated. */
typedef struct ch_str {
    const char *text;
    int64_t len; /* bytes */
} ch_str;

typedef struct ch_column ch_column;
struct ch_column {
    const ch_type *type;
    ch_encoding encoding;
    _Atomic int32_t refs;
    int64_t rows;
    ch_mem *mem; /* pays for this struct; borrowed, kept alive by it */

    uint64_t *valid; /* = valid_buf->data, or NULL */
    void *data;      /* = data_buf->data, or NULL */
    ch_buffer *valid_buf, *data_buf;

    ch_buffer **text; /* views only: owned references */
    int32_t n_text, cap_text;

    ch_column **child; /* owned references */
    int32_t n_child;
};

/*
 * A FLAT column of `rows` undefined values: data is allocated (offsets have offset[0] = 0),
 * valid is NULL, there is no text buffer, child slots are there and NULL for the caller to set
 * (gives them). *out is NULL on error.
 */
CH_NODISCARD ch_status ch_column_new(ch_mem *mem, const ch_type *type, int64_t rows,
                                     ch_column **out, ch_error *err);
/* `rows` times the value; nested values too. Text is copied. */
CH_NODISCARD ch_status ch_column_const(ch_mem *mem, const ch_scalar *value, int64_t rows,
                                       ch_column **out, ch_error *err);
/* FLAT: row i is *value[i], n rows; every value is NULL or of `type`. Text is copied. */
CH_NODISCARD ch_status ch_column_scalars(ch_mem *mem, const ch_type *type,
                                         const ch_scalar *const *value, int64_t n, ch_column **out,
                                         ch_error *err);
/* n NULLs of any type, FLAT: what ch_column_new gives, but with all bits off and slots zero. */
CH_NODISCARD ch_status ch_column_flat_nulls(ch_mem *mem, const ch_type *type, int64_t rows,
                                            ch_column **out, ch_error *err);
/* The same values under a second handle with its own row count (shares buffers and children):
 * in->rows or fewer, any number for CONST. */
CH_NODISCARD ch_status ch_column_share(ch_mem *mem, const ch_column *in, int64_t rows,
                                       ch_column **out, ch_error *err);
/* rows NULLs of any type (CONST). */
CH_NODISCARD ch_status ch_column_nulls(ch_mem *mem, const ch_type *type, int64_t rows,
                                       ch_column **out, ch_error *err);
/* index (takes the reference; int32[rows]) into dictionary (shares); valid as the invariant
 * demands (takes; may be NULL). */
CH_NODISCARD ch_status ch_column_dict(ch_mem *mem, ch_buffer *index, ch_buffer *valid,
                                      ch_column *dictionary, int64_t rows, ch_column **out,
                                      ch_error *err);
/* The same buffers under another type with the same layout (shares them). */
CH_NODISCARD ch_status ch_column_retype(ch_mem *mem, const ch_column *in, const ch_type *type,
                                        ch_column **out, ch_error *err);

static inline ch_column *ch_column_ref(ch_column *column)
{
    atomic_fetch_add_explicit(&column->refs, 1, memory_order_relaxed);
    return column;
}
/* NULL is ignored. */
void ch_column_unref(ch_column *column);

/* A validity bitmap, all bits on, if there is none yet. Only while refs == 1. */
CH_NODISCARD ch_status ch_column_need_valid(ch_column *column, ch_error *err);
/* Adds a text buffer (takes the reference, also on error); *buf_idx is what views put in .buf. */
CH_NODISCARD ch_status ch_column_add_text(ch_column *column, ch_buffer *text, int32_t *buf_idx,
                                          ch_error *err);
/* Shares all text buffers of `from`; *base is added to the .buf of views copied from it. */
CH_NODISCARD ch_status ch_column_share_text(ch_column *column, const ch_column *from, int32_t *base,
                                            ch_error *err);

/* Which slot of which FLAT column holds row i: the way through encodings for code that is
 * not hot. */
static inline int64_t ch_column_slot(const ch_column *c, int64_t i)
{
    return c->encoding == CH_FLAT ? i : c->encoding == CH_CONST ? 0 : ((const int32_t *)c->data)[i];
}
/* Slot i of a FLAT or CONST column whose values are integers of 1, 2, 4 or 8 bytes: numbers, dates, times, intervals. */
static inline int64_t ch_column_i64(const ch_column *c, int64_t i)
{
    switch (ch_type_width(c->type)) {
    case 1:
        return ((const int8_t *)c->data)[i];
    case 2:
        return ((const int16_t *)c->data)[i];
    case 4:
        return ((const int32_t *)c->data)[i];
    default:
        return ((const int64_t *)c->data)[i];
    }
}
static inline const ch_column *ch_column_values(const ch_column *c)
{
    return c->encoding == CH_DICT ? c->child[0] : c;
}
static inline bool ch_column_is_null(const ch_column *c, int64_t i)
{
    if (c->type->id == CH_NULL)
        return true;
    return c->valid && !ch_bit_get(c->valid, c->encoding == CH_CONST ? 0 : i);
}

/* Text of slot i of a FLAT (or, with i = 0, CONST) column. The pointer lives as long as the column,
 * and for short strings as long as its data buffer. */
static inline ch_str ch_view_str(const ch_column *c, const ch_view *v)
{
    if (v->len <= CH_VIEW_INLINE)
        return (ch_str){v->small, v->len};
    return (ch_str){(const char *)c->text[v->buf]->data + v->offset, v->len};
}
static inline ch_str ch_column_str(const ch_column *c, int64_t i)
{
    return ch_view_str(c, (const ch_view *)c->data + i);
}

/* A view of text that is at `offset` of text buffer buf; reads text for the inline part. */
static inline ch_view ch_view_make(const char *text, int64_t len, int32_t buf, int64_t offset)
{
    ch_view v = {.len = (int32_t)len};
    if (len <= CH_VIEW_INLINE) {
        memset(v.small, 0, sizeof v.small);
        memcpy(v.small, text, (size_t)len);
    } else {
        memcpy(v.prefix, text, 4);
        v.buf = buf;
        v.offset = (int32_t)offset;
    }
    return v;
}

/* The value of row i; text and items are borrowed from the column, nested items are put in arena. */
CH_NODISCARD ch_status ch_column_scalar(const ch_column *c, int64_t i, ch_arena *arena,
                                        ch_scalar *out, ch_error *err);

/* Bytes held alive by the column; shared buffers count in full. */
int64_t ch_column_bytes(const ch_column *c);

#endif
