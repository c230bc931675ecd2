/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_aggregate.c - which aggregates are a database's to compute, and how they are written.
 *
 * Only those whose result is what would be computed here of the rows:
 *   count    of any column whose values are all read as values
 *   min, max integers, decimals, days and moments without a zone; text where it can be compared by its bytes. A wall
 *            clock that is read in a zone is not in order where the clocks are set back
 *   sum      byte to int, whose bigint cannot overflow; decimals that have room for ten digits more
 *   keys     no floating point. What a database takes for several groups may be one here, and the groups of parallel
 *            reads meet again: whoever asks puts groups of equal keys together
 * A column with a type of the program's own (customSchema) is another value here than there.
 */
#include "source/jdbc.h"
#include "type/decimal.h"

static bool is_number(const ch_type *t)
{
    return ch_type_is_integral(t) || t->id == CH_DECIMAL;
}

/* By the rules above, whatever the database. */
static bool is_exact(const ch_field *f, ch_scan_item_kind kind)
{
    const ch_type *t = f->type;
    bool text = t->id == CH_STRING && !t->collation && !f->metadata;
    switch (kind) {
    case CH_ITEM_COUNT:
        return true;
    case CH_ITEM_KEY:
        return is_number(t) || ch_jdbc_is_moment(t) || text || t->id == CH_BOOLEAN;
    case CH_ITEM_MIN:
    case CH_ITEM_MAX:
        return is_number(t) || text || t->id == CH_DATE || t->id == CH_TIMESTAMP_NTZ;
    case CH_ITEM_SUM:
        return t->id == CH_BYTE || t->id == CH_SHORT || t->id == CH_INT ||
               (t->id == CH_DECIMAL && t->precision + 10 <= CH_DECIMAL_MAX);
    default:
        return false;
    }
}

static const char *behind_name(const ch_jdbc_source *s, const ch_type *rows,
                               const ch_scan_item *item)
{
    const ch_field *f = &rows->field[item->column];
    if (!s->driver->grouped || !is_exact(f, item->kind) || ch_jdbc_custom_type(s, f->name))
        return NULL;
    return s->driver->grouped(f->type, item->kind);
}

bool ch_jdbc_aggregates(const ch_jdbc_source *s, const ch_type *rows, const ch_scan_item *item)
{
    return s->push_aggregate &&
           (item->kind == CH_ITEM_COUNT_ROWS || behind_name(s, rows, item) != NULL);
}

ch_status ch_jdbc_add_item(const ch_jdbc_source *s, const ch_type *rows, const ch_scan_item *item,
                           ch_buf *out, ch_error *err)
{
    static const char *const CALL[] = {
        [CH_ITEM_KEY] = NULL,   [CH_ITEM_COUNT] = "COUNT(", [CH_ITEM_MIN] = "MIN(",
        [CH_ITEM_MAX] = "MAX(", [CH_ITEM_SUM] = "SUM(",     [CH_ITEM_COUNT_ROWS] = NULL};
    if (item->kind == CH_ITEM_COUNT_ROWS)
        return ch_buf_adds(out, "COUNT(*)", err);
    const char *call = CALL[item->kind], *behind = behind_name(s, rows, item);
    if (call)
        CH_TRY(ch_buf_adds(out, call, err));
    CH_TRY(ch_jdbc_add_name(s->driver, rows->field[item->column].name, out, err));
    if (behind)
        CH_TRY(ch_buf_adds(out, behind, err));
    return call ? ch_buf_addc(out, ')', err) : CH_OK;
}

ch_status ch_jdbc_add_items(const ch_jdbc_source *s, const ch_scan_aggregate *a, bool keys,
                            ch_buf *out, ch_error *err)
{
    bool any = false;
    for (int32_t i = 0; i < a->n; i++) {
        if ((a->item[i].kind == CH_ITEM_KEY) != keys)
            continue;
        if (any)
            CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(ch_jdbc_add_item(s, a->rows, &a->item[i], out, err));
        any = true;
    }
    return CH_OK;
}
