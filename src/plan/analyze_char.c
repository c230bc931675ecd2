/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_char.c - comparisons of CHAR(n) columns: the shorter side is padded with blanks to the length of the other.
 *
 * A CHAR column is STRING in a plan; its metadata tells the length, as in Spark, and its values are padded when they are
 * read. Constants that it is compared with are padded here, and columns where the other side is longer. What the
 * comparison is called stays as it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/analyzer.h"
#include "plan/fold.h"

#define CHAR_KEY "\"__CHAR_VARCHAR_TYPE_STRING\":\"char("

/* n of a CHAR(n) column; 0: it is none. */
static int32_t length_of(const ch_expr *e)
{
    const char *metadata = e->kind == CH_EXPR_ATTRIBUTE && e->type->id == CH_STRING
                               ? ((const ch_expr_attribute *)e)->attr->metadata
                               : NULL;
    const char *at = metadata ? strstr(metadata, CHAR_KEY) : NULL;
    return at ? atoi(at + sizeof CHAR_KEY - 1) : 0;
}

/* Characters of a constant text; -1: it is NULL or no constant. */
static ch_status length_of_text(ch_analyzer *a, const ch_expr *e, int32_t *out, ch_error *err)
{
    ch_scalar value;
    bool done = false;
    *out = -1;
    if (e->type->id != CH_STRING || !ch_expr_is_foldable(e))
        return CH_OK;
    CH_TRY(ch_expr_fold(a->ctx->func, a->arena, e, &value, &done, err));
    if (!done || value.is_null)
        return CH_OK;
    *out = 0;
    for (int64_t i = 0; i < value.v.str.len; i++)
        *out += ((unsigned char)value.v.str.text[i] & 0xC0) != 0x80;
    return CH_OK;
}

static ch_status pad(ch_analyzer *a, ch_expr **e, int32_t length, ch_error *err)
{
    ch_expr *arg[2] = {*e};
    const ch_scalar n = {.type = CH_T_INT, .v.i64 = length};
    CH_AN_NEW(arg[1], ch_make_literal(a->arena, &n, err));
    return ch_call_make(a->ctx, "rpad", arg, 2, e, err);
}

static bool is_comparison(const char *name)
{
    static const char *const NAME[] = {
        "=", "==", "!=", "<>", "<", "<=", ">", ">=", "<=>", "equal_null", "in"};
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (strcmp(name, NAME[i]) == 0)
            return true;
    return false;
}

/* The lengths of all sides, if they are columns and constants of which one at least is a CHAR; *most 0: leave it. */
static ch_status measure(ch_analyzer *a, const ch_expr_call *c, int32_t *length, int32_t *most,
                         ch_error *err)
{
    bool in = strcmp(c->func->name, "in") == 0;
    int32_t longest = 0, chars = 0;
    *most = 0;
    for (int32_t i = 0; i < c->args.n; i++)
        chars += (length[i] = length_of(c->args.item[i])) > 0;
    if (!chars || (in && !length[0]))
        return CH_OK;
    for (int32_t i = 0; i < c->args.n; i++) {
        bool column = length[i] > 0 && (!in || i == 0);
        if (!column)
            CH_TRY(length_of_text(a, c->args.item[i], &length[i], err));
        if (length[i] < 0)
            return CH_OK; /* also for a NULL in the list of IN, as Spark has it */
        longest = length[i] > longest ? length[i] : longest;
    }
    *most = longest;
    return CH_OK;
}

ch_status ch_an_pad_chars(ch_analyzer *a, const ch_expr *at, ch_expr **call, ch_error *err)
{
    const ch_expr_call *c = (const void *)*call;
    ch_expr_call *copy;
    int32_t *length, most;
    if (c->head.kind != CH_EXPR_CALL || c->args.n < 2 || !is_comparison(c->func->name))
        return CH_OK;
    bool any = false;
    for (int32_t i = 0; i < c->args.n && i < 2; i++)
        any |= length_of(c->args.item[i]) > 0;
    if (!any)
        return CH_OK;
    CH_ARENA_ARRAY(length, a->arena, c->args.n, err);
    CH_TRY(measure(a, c, length, &most, err));
    bool shorter = false;
    for (int32_t i = 0; i < c->args.n; i++)
        shorter |= length[i] >= 0 && length[i] < most;
    if (!shorter)
        return CH_OK;
    CH_AN_NEW(copy, ch_expr_clone(a->arena, &c->head, err));
    copy->args = (ch_expr_list){0};
    for (int32_t i = 0; i < c->args.n; i++) {
        ch_expr *e = c->args.item[i];
        if (length[i] >= 0 && length[i] < most)
            CH_TRY(pad(a, &e, most, err));
        CH_TRY(ch_expr_list_add(a->arena, &copy->args, e, err));
    }
    return ch_an_cover(a, at, &c->head, &copy->head, call, err);
}
