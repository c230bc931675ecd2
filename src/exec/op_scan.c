/* SPDX-License-Identifier: Apache-2.0 */
/* op_scan.c - Scan: the batches of a file format, from store/scan.h into a pipeline. */
#include <strings.h>

#include "exec/scan_prune.h"
#include "plan/print.h"
#include "plan/scan_predicate.h"
#include "store/cached.h"
#include "store/list.h"

/* Rows that a join above cannot use; asked here unless the scan itself does. */
typedef struct scan_filter {
    int32_t column;
    ch_runtime_filter *filter;
    bool by_scan;
} scan_filter;

typedef struct op_scan {
    ch_op op;
    const ch_rel_scan *rel;
    ch_predicate *predicate;
    int32_t n_predicates;
    ch_scan *scan;
    scan_filter *filter;
    int32_t n_filters;
    int32_t n_kept; /* files that are read; the others cannot have rows that pass */
} op_scan;

/* Files are cut as for so many workers where the cuts decide what comes out. */
#define FIXED_CUT 8

static bool is_on(const ch_rel_scan *rel, const char *option)
{
    const char *value = rel->options ? ch_strmap_get(rel->options, option) : NULL;
    return value && strcasecmp(value, "true") == 0;
}

static ch_status open_kept(op_scan *op, const ch_scan_spec *spec, ch_error *err)
{
    ch_cached_spec kept = {.wanted = spec->wanted,
                           .n_wanted = spec->n_wanted,
                           .predicate = spec->predicate,
                           .n_predicates = spec->n_predicates,
                           .n_slots = op->op.exec->n_slots,
                           .mem = op->op.mem};
    return ch_cached_scan(op->rel->cached, &kept, &op->scan, err);
}

/* The scan of the files that may have rows that pass. */
static ch_status open_files(op_scan *op, const ch_format_context *ctx, const ch_scan_spec *spec,
                            ch_error *err)
{
    const ch_rel_scan *rel = op->rel;
    ch_exec *exec = op->op.exec;
    bool *keep;
    if (rel->cached)
        return open_kept(op, spec, err);
    if (!rel->dataset) {
        ch_scan_spec by_size = *spec;
        ch_file *file;
        CH_ARENA_ARRAY(file, exec->arena, rel->n_files + 1, err);
        for (int32_t i = 0; i < rel->n_files; i++)
            file[i] = rel->file[i];
        CH_TRY(ch_files_by_size(exec->arena, file, NULL, rel->n_files, err));
        by_size.file = file;
        return rel->format->scan(ctx, &by_size, &op->scan, err);
    }
    CH_TRY(ch_scan_prune(exec, rel, op->op.mem, &keep, err));
    for (int32_t i = 0; i < op->n_filters; i++) {
        scan_filter *f = &op->filter[i];
        if (!f->filter->ready || !ch_dataset_is_constant(rel->dataset, rel->wanted[f->column]))
            continue;
        CH_TRY(ch_scan_prune_by(exec, rel, f->column, f->filter, op->op.mem, &keep, err));
        f->by_scan = true;
    }
    op->n_kept = 0;
    for (int32_t i = 0; i < rel->n_files; i++)
        op->n_kept += !keep || keep[i];
    return ch_dataset_scan(rel->dataset, rel->format, ctx, spec, keep, &op->scan, err);
}

static ch_status add_predicates(op_scan *op, ch_arena *arena, ch_error *err)
{
    const ch_rel_scan *rel = op->rel;
    CH_ARENA_ARRAY(op->predicate, arena, rel->n_asked + rel->pushed.n + 1, err);
    for (int32_t i = 0; i < rel->n_asked; i++)
        op->predicate[op->n_predicates++] = rel->asked[i];
    for (int32_t i = 0; i < rel->pushed.n; i++) {
        bool is, exact;
        CH_TRY(ch_scan_predicate(rel, rel->pushed.item[i], arena, &op->predicate[op->n_predicates],
                                 &is, &exact, err));
        op->n_predicates += is;
    }
    return CH_OK;
}

static ch_status scan_open(ch_op *self, ch_error *err)
{
    op_scan *op = (op_scan *)self;
    const ch_rel_scan *rel = op->rel;
    CH_TRY(add_predicates(op, self->exec->arena, err));
    ch_format_context ctx = {.time_zone = self->exec->func->time_zone,
                             .corrupt_column = self->exec->func->corrupt_column,
                             .ansi = self->exec->func->ansi,
                             .case_sensitive = self->exec->func->case_sensitive,
                             .n_slots = self->exec->n_slots,
                             .cut_slots = self->exec->fixed_cuts ? FIXED_CUT : 0,
                             .batch_rows = self->exec->batch_rows,
                             .ignore_missing_files = is_on(rel, "ignoreMissingFiles"),
                             .ignore_corrupt_files = is_on(rel, "ignoreCorruptFiles"),
                             .mem = self->mem,
                             .cancel = self->exec->cancel};
    ch_scan_spec spec = {.file = rel->file,
                         .n_files = rel->n_files,
                         .options = rel->options,
                         .schema = rel->schema,
                         .wanted = rel->wanted,
                         .n_wanted = rel->head.output.n,
                         .predicate = op->predicate,
                         .n_predicates = op->n_predicates,
                         .limit = rel->limit,
                         .part = rel->parts.item,
                         .n_parts = rel->parts.n,
                         .aggregate = rel->aggregate};
    CH_TRY(open_files(op, &ctx, &spec, err));
    for (int32_t i = 0; i < op->n_filters && op->scan->cls->narrow; i++) {
        scan_filter *f = &op->filter[i];
        if ((f->filter->ready || f->filter->side) && !f->by_scan)
            CH_TRY(op->scan->cls->narrow(op->scan, f->column, f->filter, &f->by_scan, err));
    }
    return CH_OK;
}

static ch_status scan_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    ch_scan *scan = ((op_scan *)self)->scan;
    return scan->cls->begin(scan, slot, more, err);
}

static ch_status narrow(ch_op *self, scan_filter *f, ch_batch *batch, ch_error *err)
{
    ch_column *column;
    size_t bytes = (size_t)ch_bit_bytes(batch->n);
    CH_TRY(ch_batch_column(batch, f->column, &column, err));
    uint64_t *keep = ch_mem_alloc(self->mem, bytes, err);
    if (!keep)
        return CH_E_MEMORY;
    ch_bits_fill(keep, batch->n, true);
    ch_status status = ch_runtime_filter_test(f->filter, column, keep, self->mem, err);
    if (status == CH_OK)
        status = ch_batch_filter(batch, keep, err);
    ch_mem_free(self->mem, keep, bytes);
    return status;
}

static ch_status scan_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_scan *op = (op_scan *)self;
    CH_TRY(op->scan->cls->next(op->scan, slot, out, err));
    for (int32_t i = 0; i < op->n_filters && out->n > 0; i++) {
        scan_filter *f = &op->filter[i];
        if (f->by_scan || !ch_runtime_filter_useful(f->filter))
            continue;
        ch_status status = narrow(self, f, out, err);
        if (status != CH_OK) {
            ch_batch_release(out);
            return status;
        }
    }
    return CH_OK;
}

static int64_t scan_morsels(const ch_op *self)
{
    return ((const op_scan *)self)->scan->n_morsels;
}

static void scan_progress(const ch_op *self, ch_scan_progress *sum)
{
    const ch_scan *scan = ((const op_scan *)self)->scan;
    ch_scan_progress p = {0};
    if (scan && scan->cls->progress)
        scan->cls->progress(scan, &p);
    sum->bytes_done += p.bytes_done;
    sum->bytes_total += p.bytes_total;
    sum->rows += p.rows;
    sum->n_malformed += p.n_malformed;
}

static void scan_close(ch_op *self)
{
    op_scan *op = (op_scan *)self;
    if (op->scan)
        op->scan->cls->close(op->scan);
    op->scan = NULL;
}

/* InMemoryTableScan [k#1L], [(id#0L > 5)], the columns that are read and what chunks are refuted by. */
static ch_status kept_explain(const op_scan *op, ch_buf *out, ch_error *err)
{
    const ch_rel_scan *rel = op->rel;
    CH_TRY(ch_attrs_print(&op->op.output, ", ", out, err));
    for (int32_t i = 0; i < rel->pushed.n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : ", [", err));
        CH_TRY(ch_expr_print_as(rel->pushed.item[i], CH_PRINT_TREE, NULL, out, err));
    }
    if (rel->pushed.n)
        CH_TRY(ch_buf_addc(out, ']', err));
    if (op->op.opened && op->scan) {
        int64_t n, n_skipped;
        ch_cached_scan_chunks(op->scan, &n, &n_skipped);
        CH_TRY(ch_buf_printf(out, err, ", chunks %lld of %lld", (long long)(n - n_skipped),
                             (long long)n));
    }
    return CH_OK;
}

static ch_status explain_filters(const op_scan *op, bool bounds, const char *before, ch_buf *out,
                                 ch_error *err)
{
    for (int32_t i = 0; i < op->n_filters; i++) {
        const ch_attr *attr = op->op.output.item[op->filter[i].column];
        if ((op->filter[i].filter->side != CH_BOUND_NONE) != bounds)
            continue;
        CH_TRY(ch_buf_printf(out, err, "%s%s#%lld", before, attr->name, (long long)attr->id));
        before = ", ";
    }
    return CH_OK;
}

static ch_status scan_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_scan *rel = ((const op_scan *)self)->rel;
    if (rel->cached)
        return kept_explain((const op_scan *)self, out, err);
    CH_TRY(ch_buf_printf(out, err, "%s [", rel->name ? rel->name : rel->format->name));
    for (int32_t i = 0; i < self->output.n; i++)
        CH_TRY(ch_buf_printf(out, err, "%s%s#%lld", i ? ", " : "", self->output.item[i]->name,
                             (long long)self->output.item[i]->id));
    CH_TRY(ch_buf_adds(out, "]", err));
    for (int32_t i = 0; i < rel->asked_of.n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : ", asked there: ", err));
        CH_TRY(ch_expr_print(rel->asked_of.item[i], out, err));
    }
    for (int32_t i = 0; i < rel->pushed.n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : ", pushed: ", err));
        CH_TRY(ch_expr_print(rel->pushed.item[i], out, err));
    }
    const op_scan *op = (const op_scan *)self;
    CH_TRY(explain_filters(op, false, ", narrowed by joins: ", out, err));
    CH_TRY(explain_filters(op, true, ", narrowed by top-N: ", out, err));
    if (self->opened && rel->dataset && op->n_kept < rel->n_files)
        CH_TRY(ch_buf_printf(out, err, ", files %d of %d", op->n_kept, rel->n_files));
    if (rel->limit >= 0)
        CH_TRY(ch_buf_printf(out, err, ", limit %lld", (long long)rel->limit));
    return CH_OK;
}

/* What is kept, and the plan that made it, each one step deeper. */
static ch_status scan_explain_below(const ch_op *self, int depth, ch_buf *out, ch_error *err)
{
    const ch_rel_scan *rel = ((const op_scan *)self)->rel;
    return rel->cached ? ch_kept_print(rel, 3 * depth + 3, out, err) : CH_OK;
}

static const ch_op_class SCAN = {.name = "Scan",
                                 .open = scan_open,
                                 .begin = scan_begin,
                                 .next = scan_next,
                                 .n_morsels = scan_morsels,
                                 .progress = scan_progress,
                                 .close = scan_close,
                                 .explain = scan_explain,
                                 .explain_below = scan_explain_below};

static ch_status take_offers(ch_compiler *c, op_scan *op, ch_error *err)
{
    int32_t n = 0;
    if (op->rel->limit >= 0)
        return CH_OK;
    for (const ch_filter_offer *o = c->offers; o; o = o->next)
        n++;
    CH_ARENA_ARRAY(op->filter, c->exec->arena, n + 1, err);
    for (const ch_filter_offer *o = c->offers; o; o = o->next) {
        int32_t at = ch_attr_position(&op->op.output, o->id);
        o->filter->wanted = true;
        op->filter[op->n_filters++] = (scan_filter){.column = at, .filter = o->filter};
    }
    return CH_OK;
}

static ch_status make_scan(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_scan *op = ch_op_new(c->exec, &SCAN, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = (const ch_rel_scan *)rel;
    if (op->rel->cached)
        op->op.title = op->rel->name;
    CH_TRY(take_offers(c, op, err));
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_scan = {CH_REL_SCAN, make_scan, .takes_offers = true};
