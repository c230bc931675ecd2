/* SPDX-License-Identifier: Apache-2.0 */
/* op_scan.c - Scan: the batches of a file format, from store/scan.h into a pipeline. */
#include "exec/exec.h"
#include "format/format.h"
#include "plan/node.h"

typedef struct op_scan {
    ch_op op;
    const ch_rel_scan *rel;
    ch_predicate *predicate;
    int32_t n_predicates;
    ch_scan *scan;
} op_scan;

static const struct {
    const char *name;
    ch_predicate_op op, mirrored;
} COMPARISONS[] = {
    {"=", CH_PRED_EQ, CH_PRED_EQ},  {"==", CH_PRED_EQ, CH_PRED_EQ}, {"<", CH_PRED_LT, CH_PRED_GT},
    {"<=", CH_PRED_LE, CH_PRED_GE}, {">", CH_PRED_GT, CH_PRED_LT},  {">=", CH_PRED_GE, CH_PRED_LE},
    {"!=", CH_PRED_NE, CH_PRED_NE},
};

static const ch_expr_literal *as_literal(const ch_expr *e)
{
    return e->kind == CH_EXPR_LITERAL ? (const ch_expr_literal *)e : NULL;
}

/* Position in the scan's schema of a plain column, -1 for anything else. */
static int32_t schema_position(const ch_rel_scan *rel, const ch_expr *e)
{
    if (e->kind != CH_EXPR_ATTRIBUTE)
        return -1;
    int32_t at = ch_attr_position(&rel->head.output, ((const ch_expr_attribute *)e)->attr->id);
    return at < 0 ? -1 : rel->wanted[at];
}

/* Turns one pushed conjunct into a predicate; returns false where it is not that simple. */
static bool to_predicate(const ch_rel_scan *rel, const ch_expr *e, ch_predicate *out)
{
    if (e->kind != CH_EXPR_CALL)
        return false;
    const ch_expr_call *call = (const ch_expr_call *)e;
    const char *name = call->func->name;
    if (call->args.n == 1 && (strcmp(name, "isnull") == 0 || strcmp(name, "isnotnull") == 0)) {
        *out = (ch_predicate){.op = name[2] == 'n' && name[3] == 'u' ? CH_PRED_IS_NULL
                                                                     : CH_PRED_IS_NOT_NULL,
                              .column = schema_position(rel, call->args.item[0])};
        return out->column >= 0;
    }
    if (call->args.n != 2)
        return false;
    const ch_expr *a = call->args.item[0], *b = call->args.item[1];
    bool mirrored = as_literal(a) != NULL;
    const ch_expr_literal *lit = as_literal(mirrored ? a : b);
    int32_t column = schema_position(rel, mirrored ? b : a);
    if (!lit || column < 0 || lit->value.is_null)
        return false;
    for (size_t i = 0; i < sizeof COMPARISONS / sizeof *COMPARISONS; i++) {
        if (strcmp(name, COMPARISONS[i].name) == 0) {
            *out = (ch_predicate){.op = mirrored ? COMPARISONS[i].mirrored : COMPARISONS[i].op,
                                  .column = column,
                                  .n_values = 1,
                                  .value = &lit->value};
            return true;
        }
    }
    return false;
}

static ch_status scan_open(ch_op *self, ch_error *err)
{
    op_scan *op = (op_scan *)self;
    const ch_rel_scan *rel = op->rel;
    CH_ARENA_ARRAY(op->predicate, self->exec->arena, rel->pushed.n, err);
    for (int32_t i = 0; i < rel->pushed.n; i++)
        if (to_predicate(rel, rel->pushed.item[i], &op->predicate[op->n_predicates]))
            op->n_predicates++;
    ch_format_context ctx = {.time_zone = self->exec->func->time_zone,
                             .ansi = self->exec->func->ansi,
                             .case_sensitive = self->exec->func->case_sensitive,
                             .n_slots = self->exec->n_slots,
                             .batch_rows = self->exec->batch_rows,
                             .mem = self->mem};
    ch_scan_spec spec = {.file = rel->file,
                         .n_files = rel->n_files,
                         .options = rel->options,
                         .schema = rel->schema,
                         .wanted = rel->wanted,
                         .n_wanted = rel->head.output.n,
                         .predicate = op->predicate,
                         .n_predicates = op->n_predicates,
                         .limit = rel->limit};
    return rel->format->scan(&ctx, &spec, &op->scan, err);
}

static ch_status scan_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    ch_scan *scan = ((op_scan *)self)->scan;
    return scan->cls->begin(scan, slot, more, err);
}

static ch_status scan_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    ch_scan *scan = ((op_scan *)self)->scan;
    return scan->cls->next(scan, slot, out, err);
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

static ch_status scan_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_scan *rel = ((const op_scan *)self)->rel;
    CH_TRY(ch_buf_printf(out, err, "%s [", rel->name ? rel->name : rel->format->name));
    for (int32_t i = 0; i < self->output.n; i++)
        CH_TRY(ch_buf_printf(out, err, "%s%s#%lld", i ? ", " : "", self->output.item[i]->name,
                             (long long)self->output.item[i]->id));
    CH_TRY(ch_buf_adds(out, "]", err));
    for (int32_t i = 0; i < rel->pushed.n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : ", pushed: ", err));
        CH_TRY(ch_expr_print(rel->pushed.item[i], out, err));
    }
    if (rel->limit >= 0)
        CH_TRY(ch_buf_printf(out, err, ", limit %lld", (long long)rel->limit));
    return CH_OK;
}

static const ch_op_class SCAN = {.name = "Scan",
                                 .open = scan_open,
                                 .begin = scan_begin,
                                 .next = scan_next,
                                 .n_morsels = scan_morsels,
                                 .progress = scan_progress,
                                 .close = scan_close,
                                 .explain = scan_explain};

static ch_status make_scan(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_scan *op = ch_op_new(c->exec, &SCAN, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = (const ch_rel_scan *)rel;
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_scan = {CH_REL_SCAN, make_scan};
