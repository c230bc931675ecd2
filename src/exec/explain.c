/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - operators as EXPLAIN shows them.
 *
 *   tree        +- Filter (id > 3)
 *   formatted   +- Filter (2)              and behind the tree "(2) Filter", its columns and arguments
 *   analyzed    rows, batches, time, peak memory and spilled bytes of a run in columns, then the tree's line
 */
#include "exec/pipeline.h"
#include "plan/print.h"

static const char *name_of(const ch_op *op)
{
    return op->title ? op->title : op->cls->name;
}

static ch_status branch(int depth, ch_buf *out, ch_error *err)
{
    if (depth == 0)
        return CH_OK;
    CH_TRY(ch_buf_fill(out, ' ', (size_t)(depth - 1) * 3, err));
    return ch_buf_adds(out, "+- ", err);
}

static ch_status below(const ch_op *op, int depth, ch_buf *out, ch_error *err)
{
    return op->cls->explain_below ? op->cls->explain_below(op, depth, out, err) : CH_OK;
}

/* "Filter (id > 3)" */
static ch_status line(const ch_op *op, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, name_of(op), err));
    if (!op->cls->explain)
        return CH_OK;
    CH_TRY(ch_buf_addc(out, ' ', err));
    return op->cls->explain(op, out, err);
}

/* ---- tree ---------------------------------------------------------------------------------- */

static ch_status tree(const ch_op *op, int depth, ch_buf *out, ch_error *err)
{
    CH_TRY(branch(depth, out, err));
    CH_TRY(line(op, out, err));
    CH_TRY(ch_buf_addc(out, '\n', err));
    CH_TRY(below(op, depth, out, err));
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling)
        CH_TRY(tree(f, depth + 1, out, err));
    return CH_OK;
}

/* ---- analyzed ------------------------------------------------------------------------------ */

#define HEAD "        rows    batches     time ms   peak KiB  spilled KiB  operator\n"
enum { NUMBERS = 61 }; /* characters of a line before the operator */

/* An operator's own time: what it pushed on is the next one's. */
static double busy_ms(const ch_op *op)
{
    int64_t busy = op->busy_ns;
    if (op->next)
        busy -= op->next->busy_ns < busy ? op->next->busy_ns : busy;
    return (double)busy / 1e6;
}

static long long kib(int64_t bytes)
{
    return (long long)((bytes + 1023) / 1024);
}

/* Lines that are no operator's stand under the others. */
static ch_status analyzed_below(const ch_op *op, int depth, ch_buf *out, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, out->mem);
    ch_status status = below(op, depth, &text, err);
    for (const char *at = text.data; status == CH_OK && at && *at;) {
        size_t n = strcspn(at, "\n");
        status = ch_buf_fill(out, ' ', NUMBERS, err);
        if (status == CH_OK)
            status = ch_buf_add(out, at, n + (at[n] == '\n'), err);
        at += n + (at[n] == '\n');
    }
    ch_buf_release(&text);
    return status;
}

static ch_status analyzed(const ch_op *op, int depth, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "%12lld %10lld %11.3f %10lld %12lld  ", (long long)op->rows_out,
                         (long long)op->batches_out, busy_ms(op), kib(ch_mem_peak(op->mem)),
                         kib(op->spilled_bytes)));
    CH_TRY(branch(depth, out, err));
    CH_TRY(line(op, out, err));
    CH_TRY(ch_buf_addc(out, '\n', err));
    CH_TRY(analyzed_below(op, depth, out, err));
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling)
        CH_TRY(analyzed(f, depth + 1, out, err));
    return CH_OK;
}

/* ---- formatted ----------------------------------------------------------------------------- */

/* How many operators stand in the tree of op, itself counted: its number is that of those before it and these. */
static int count(const ch_op *op)
{
    int n = 1;
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling)
        n += count(f);
    return n;
}

/* Numbers are given from the leaves up, as they are computed. */
static ch_status numbered(const ch_op *op, int depth, int before, ch_buf *out, ch_error *err)
{
    CH_TRY(branch(depth, out, err));
    CH_TRY(ch_buf_printf(out, err, "%s (%d)\n", name_of(op), before + count(op)));
    CH_TRY(below(op, depth, out, err));
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling) {
        CH_TRY(numbered(f, depth + 1, before, out, err));
        before += count(f);
    }
    return CH_OK;
}

static ch_status columns(const char *title, const ch_attr_list *list, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "%s [%d]: ", title, (int)list->n));
    CH_TRY(ch_attrs_print(list, ", ", out, err));
    return ch_buf_addc(out, '\n', err);
}

static ch_status details(const ch_op *op, int before, ch_buf *out, ch_error *err)
{
    int number = before + count(op);
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling) {
        CH_TRY(details(f, before, out, err));
        before += count(f);
    }
    CH_TRY(ch_buf_printf(out, err, "\n(%d) %s\n", number, name_of(op)));
    for (const ch_op *f = op->first_feeder; f; f = f->next_sibling)
        if (f->rel)
            CH_TRY(columns("Input", &f->output, out, err));
    if (op->rel)
        CH_TRY(columns("Output", &op->output, out, err));
    if (op->cls->explain) {
        CH_TRY(ch_buf_adds(out, "Arguments: ", err));
        CH_TRY(op->cls->explain(op, out, err));
        CH_TRY(ch_buf_addc(out, '\n', err));
    }
    return CH_OK;
}

static ch_status formatted(const ch_op *first, ch_buf *out, ch_error *err)
{
    int before = 0;
    for (const ch_op *f = first; f; f = f->next_sibling) {
        CH_TRY(numbered(f, 0, before, out, err));
        before += count(f);
    }
    CH_TRY(ch_buf_addc(out, '\n', err));
    before = 0;
    for (const ch_op *f = first; f; f = f->next_sibling) {
        CH_TRY(details(f, before, out, err));
        before += count(f);
    }
    return CH_OK;
}

ch_status ch_physical_explain(const ch_physical *physical, ch_physical_style style, ch_buf *out,
                              ch_error *err)
{
    /* The sink itself is the door's business, not the query's. */
    const ch_op *first = physical->sink->first_feeder;
    if (style == CH_PHYSICAL_FORMATTED)
        return formatted(first, out, err);
    if (style == CH_PHYSICAL_ANALYZED)
        CH_TRY(ch_buf_adds(out, HEAD, err));
    for (const ch_op *f = first; f; f = f->next_sibling)
        CH_TRY(style == CH_PHYSICAL_ANALYZED ? analyzed(f, 0, out, err) : tree(f, 0, out, err));
    return CH_OK;
}
