/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query_explain.c - EXPLAIN's sections, under Spark's titles.
 *
 *   SIMPLE, FORMATTED   the physical plan (exec/explain.c)
 *   EXTENDED            the plan as parsed, analyzed, optimized, and physical
 *   COST                the optimized plan with guesses at rows and bytes, and the physical one
 *   CODEGEN             nothing: operators are compiled beforehand
 *   ANALYZE             the physical plan with what was counted while it ran; Spark has none
 */
#include <stdio.h>
#include <string.h>

#include "optimize/optimize.h"
#include "plan/print.h"
#include "session/query.h"

static ch_status section(const char *title, const ch_rel *rel, ch_rel_note note, ch_buf *out,
                         ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "== %s ==\n", title));
    CH_TRY(ch_rel_print_noted(rel, note, out, err));
    return ch_buf_addc(out, '\n', err);
}

/* "a: int, b: bigint", which Spark writes above the analyzed plan. */
static ch_status columns_line(const ch_attr_list *columns, ch_buf *out, ch_error *err)
{
    for (int32_t i = 0; i < columns->n; i++) {
        CH_TRY(ch_buf_printf(out, err, "%s%s: ", i ? ", " : "", columns->item[i]->name));
        CH_TRY(ch_type_print(columns->item[i]->type, out, err));
    }
    return ch_buf_addc(out, '\n', err);
}

/* "20.0 B", "1953.1 KiB": a unit from twice its size on, as Utils.bytesToString of Spark. */
static ch_status bytes_text(int64_t bytes, ch_buf *out, ch_error *err)
{
    static const char *const UNIT[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int u = 0;
    double value = (double)bytes;
    while (u < 6 && value >= 2048) {
        value /= 1024;
        u++;
    }
    return ch_buf_printf(out, err, "%.1f %s", value, UNIT[u]);
}

/* Three digits, as BigDecimal writes them: 999, 1.23E+4. */
static ch_status count_text(int64_t n, ch_buf *out, ch_error *err)
{
    char text[32];
    int mantissa, hundredths, exponent;
    if (n < 1000)
        return ch_buf_printf(out, err, "%lld", (long long)n);
    snprintf(text, sizeof text, "%.2e", (double)n);
    if (sscanf(text, "%d.%de%d", &mantissa, &hundredths, &exponent) != 3)
        return ch_buf_adds(out, text, err);
    return ch_buf_printf(out, err, "%d.%02dE+%d", mantissa, hundredths, exponent);
}

static ch_status statistics(const ch_rel *rel, ch_buf *out, ch_error *err)
{
    int64_t bytes = ch_estimate_bytes(rel), rows = ch_estimate_rows(rel);
    if (bytes < 0 || rows < 0)
        return CH_OK;
    CH_TRY(ch_buf_adds(out, ", Statistics(sizeInBytes=", err));
    CH_TRY(bytes_text(bytes, out, err));
    CH_TRY(ch_buf_adds(out, ", rowCount=", err));
    CH_TRY(count_text(rows, out, err));
    return ch_buf_addc(out, ')', err);
}

static ch_status extended(ch_query *q, const ch_rel *optimized, ch_buf *out, ch_error *err)
{
    CH_TRY(section("Parsed Logical Plan", ch_query_written(q), NULL, out, err));
    CH_TRY(ch_buf_adds(out, "== Analyzed Logical Plan ==\n", err));
    CH_TRY(columns_line(ch_query_output(q), out, err));
    CH_TRY(ch_rel_print(ch_query_analyzed(q), out, err));
    CH_TRY(ch_buf_addc(out, '\n', err));
    return section("Optimized Logical Plan", optimized, NULL, out, err);
}

typedef struct explanation {
    ch_query *query;
    ch_explain_mode mode;
    ch_buf *out;
} explanation;

static ch_status explain_there(void *user, ch_error *err)
{
    const explanation *e = user;
    ch_query *q = e->query;
    ch_buf *out = e->out;
    const ch_rel *optimized;
    CH_TRY(ch_query_optimized(q, &optimized, err));
    if (e->mode == CH_EXPLAIN_CODEGEN)
        return ch_buf_adds(out, "Found 0 WholeStageCodegen subtrees.\n", err);
    if (e->mode == CH_EXPLAIN_EXTENDED)
        CH_TRY(extended(q, optimized, out, err));
    if (e->mode == CH_EXPLAIN_COST)
        CH_TRY(section("Optimized Logical Plan", optimized, statistics, out, err));
    CH_TRY(ch_buf_adds(out, "== Physical Plan ==\n", err));
    ch_physical_style style = e->mode == CH_EXPLAIN_ANALYZE     ? CH_PHYSICAL_ANALYZED
                              : e->mode == CH_EXPLAIN_FORMATTED ? CH_PHYSICAL_FORMATTED
                                                                : CH_PHYSICAL_TREE;
    return ch_query_explain_physical(q, style, out, err);
}

ch_status ch_query_explain(ch_query *q, ch_explain_mode mode, ch_buf *out, ch_error *err)
{
    explanation e = {q, mode, out};
    return ch_query_deep(q, explain_there, &e, err);
}
