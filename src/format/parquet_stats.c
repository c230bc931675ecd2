/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_stats.c - what min, max and NULL counts prove.
 *
 * Bounds are used where their order is certain: min_value and max_value of columns with TYPE_ORDER; the
 * older min and max only of signed numbers. Texts may be cut short and still bound. Writers
 * leave NaN out of bounds, and NaN is Spark's greatest number, so a maximum of floats bounds nothing.
 */
#include "format/parquet_scan.h"

/* ---- scalars ------------------------------------------------------------------------------- */

static bool load(const ch_type *type, int width, const void *from, ch_scalar *out)
{
    int8_t i8;
    int16_t i16;
    int32_t i32;
    float f32;
    switch (width) {
    case 1:
        memcpy(&i8, from, 1);
        out->v.i64 = i8;
        return true;
    case 2:
        memcpy(&i16, from, 2);
        out->v.i64 = i16;
        return true;
    case 4:
        memcpy(&i32, from, 4);
        memcpy(&f32, from, 4);
        if (type->id == CH_FLOAT)
            out->v.f64 = f32;
        else
            out->v.i64 = i32;
        return true;
    case 8:
        memcpy(&out->v, from, 8);
        return true;
    default:
        memcpy(&out->v.i128, from, 16);
        return true;
    }
}

static bool is_float(const ch_type *type)
{
    return type->id == CH_FLOAT || type->id == CH_DOUBLE;
}

bool ch_pq_bound_scalar(const ch_pq_wanted *leaf, ch_thrift_bytes bytes, ch_scalar *out)
{
    ch_pq_conversion c;
    const ch_type *type = leaf->type;
    *out = (ch_scalar){.type = type};
    if (!ch_pq_conversion_find(leaf->node, type, &c) || c.is_uuid ||
        leaf->node->element->type == CH_PQ_INT96 || leaf->node->note.meaning == CH_PQ_M_FLOAT16 ||
        (type->id == CH_STRING && type->collation))
        return false;
    if (ch_type_is_view(type)) {
        out->v.str.text = bytes.text;
        out->v.str.len = bytes.len;
        return true;
    }
    if (c.in_width == -1) {
        out->v.boolean = bytes.len && bytes.text[0];
        return bytes.len == 1;
    }
    union {
        ch_i128 align;
        char bytes[16];
    } value;
    if (c.is_byte_array) {
        if (bytes.len > 16)
            return false;
        ch_view view = ch_view_make(bytes.text, bytes.len, 0, 0);
        if (!c.run || !c.run(&c, &view, bytes.text, 1, value.bytes))
            return false;
    } else {
        if (bytes.len != c.in_width)
            return false;
        if (!c.run)
            memcpy(value.bytes, bytes.text, (size_t)c.out_width);
        else if (!c.run(&c, bytes.text, NULL, 1, value.bytes))
            return false;
    }
    /* Numbers that are cut to a narrower type have no order any more. */
    if (type->id == CH_BYTE || type->id == CH_SHORT) {
        int32_t whole;
        memcpy(&whole, bytes.text, 4);
        if (whole != (type->id == CH_BYTE ? (int8_t)whole : (int16_t)whole))
            return false;
    }
    load(type, c.out_width, value.bytes, out);
    return !(is_float(type) && out->v.f64 != out->v.f64);
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* May the older min and max be believed? Their order was that of signed numbers. */
static bool is_signed_number(const ch_pq_node *node)
{
    switch (node->element->type) {
    case CH_PQ_INT32:
    case CH_PQ_INT64:
        return !(node->note.meaning == CH_PQ_M_INTEGER && !node->note.is_signed);
    case CH_PQ_BOOLEAN:
    case CH_PQ_FLOAT:
    case CH_PQ_DOUBLE:
        return true;
    default:
        return false;
    }
}

void ch_pq_bounds_of_chunk(const ch_pq_file *file, const ch_pq_wanted *leaf,
                           const ch_pq_column_meta *meta, ch_bounds *out)
{
    const ch_pq_stats *s = meta->stats;
    *out = (ch_bounds){.n_null = -1, .n = meta->num_values};
    if (!s)
        return;
    if (ch_thrift_has(s, CH_PQ_STATS_NULLS) && s->null_count >= 0 &&
        s->null_count <= meta->num_values)
        out->n_null = s->null_count;
    bool signed_number = is_signed_number(leaf->node);
    bool is_new =
        ch_thrift_has(s, CH_PQ_STATS_MIN_VALUE) || ch_thrift_has(s, CH_PQ_STATS_MAX_VALUE);
    if (is_new && (file->has_type_order || signed_number)) {
        if (ch_thrift_has(s, CH_PQ_STATS_MIN_VALUE))
            out->has_min = ch_pq_bound_scalar(leaf, s->min_value, &out->min);
        if (ch_thrift_has(s, CH_PQ_STATS_MAX_VALUE))
            out->has_max = ch_pq_bound_scalar(leaf, s->max_value, &out->max);
    } else if (signed_number) {
        if (ch_thrift_has(s, CH_PQ_STATS_MIN))
            out->has_min = ch_pq_bound_scalar(leaf, s->min, &out->min);
        if (ch_thrift_has(s, CH_PQ_STATS_MAX))
            out->has_max = ch_pq_bound_scalar(leaf, s->max, &out->max);
    }
}

bool ch_pq_bounds_are_values(const ch_pq_wanted *leaf, const ch_pq_stats *s)
{
    if (!s || is_float(leaf->type))
        return false;
    return !ch_type_is_view(leaf->type) ||
           (ch_thrift_has(s, CH_PQ_STATS_MIN_EXACT) && s->is_min_exact &&
            ch_thrift_has(s, CH_PQ_STATS_MAX_EXACT) && s->is_max_exact);
}
