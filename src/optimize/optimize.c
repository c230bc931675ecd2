/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optimize.c - runs the rules of builtin/rules.def, in their order, until none changes anything.
 *
 * A rule sees each relation after its inputs (or before, if top_down), so that one round carries a
 * filter from the top of a plan to its scans.
 */
#include "optimize/optimize.h"

#include <string.h>

#include "optimize/rewrite.h"

#define CH_RULE(name) extern const ch_rule ch_rule_##name;
#include "builtin/rules.def"
#undef CH_RULE

static const ch_rule *const RULE[] = {
#define CH_RULE(name) &ch_rule_##name,
#include "builtin/rules.def"
#undef CH_RULE
};
#define N_RULES ((int)(sizeof RULE / sizeof *RULE))

/*
 * Plans settle within a few rounds; a pair of rules that undo each other must not hang the query. A round in which
 * a subquery became a join does not count: they are nested as deep as the program likes.
 */
#define MAX_ROUNDS 20
#define MOST_NESTED 2000

const ch_rule *ch_rule_at(int i)
{
    return i >= 0 && i < N_RULES ? RULE[i] : NULL;
}

/* Is the rule's name in spark.sql.optimizer.excludedRules? Those that the engine cannot do without stay. */
static bool is_excluded(const ch_analyze_context *ctx, const ch_rule *rule)
{
    size_t len = strlen(rule->name);
    const char *at = rule->required ? NULL : ctx->excluded_rules;
    while (at && *at) {
        size_t n = strcspn(at, ", ");
        if (n == len && strncmp(at, rule->name, n) == 0)
            return true;
        at += n;
        at += strspn(at, ", ");
    }
    return false;
}

typedef struct run {
    const ch_analyze_context *ctx;
    const ch_rule *rule;
    bool changed;
} run;

static ch_status walk(void *user, ch_rel **rel, ch_error *err);

static ch_status apply(run *r, ch_rel **rel, ch_error *err)
{
    bool changed = false;
    CH_TRY(r->rule->apply(r->ctx, rel, &changed, err));
    r->changed |= changed;
    return CH_OK;
}

/* Inputs may give another nullability or order of columns now: what passes them on must follow. */
static ch_status refresh(run *r, ch_rel **rel, ch_error *err)
{
    const ch_node_class *cls = ch_rel_class((*rel)->kind);
    if (!ch_passes_columns(*rel))
        return CH_OK;
    for (int i = 0; i < cls->n_fields; i++) {
        if (cls->field[i].kind != CH_NODE_REL)
            continue;
        const ch_rel *input = *(ch_rel *const *)((const char *)*rel + cls->field[i].offset);
        if (input && (*rel)->output.item != input->output.item) {
            CH_AN_NEW(*rel, ch_rel_clone(r->ctx->arena, *rel, err));
            (*rel)->output = input->output;
        }
        break;
    }
    return CH_OK;
}

static ch_status walk(void *user, ch_rel **rel, ch_error *err)
{
    run *r = user;
    if (r->rule->top_down)
        CH_TRY(apply(r, rel, err));
    CH_TRY(ch_rel_map_inputs(r->ctx->arena, rel, walk, r, err));
    CH_TRY(refresh(r, rel, err));
    return r->rule->top_down ? CH_OK : apply(r, rel, err);
}

/* Rounds of all rules that may run again and again. */
static ch_status settle(const ch_analyze_context *ctx, ch_rel **plan, ch_error *err)
{
    bool changed = true;
    int nested = 0;
    for (int round = 0; round < MAX_ROUNDS && changed; round++) {
        bool joined = false;
        changed = false;
        for (int i = 0; i < N_RULES; i++) {
            run r = {ctx, RULE[i], false};
            if (RULE[i]->once || is_excluded(ctx, RULE[i]))
                continue;
            CH_TRY(RULE[i]->whole ? apply(&r, plan, err) : walk(&r, plan, err));
            changed |= r.changed;
            joined |= r.changed && RULE[i] == &ch_rule_subquery;
        }
        if (joined && nested++ < MOST_NESTED)
            round--;
    }
    return CH_OK;
}

ch_status ch_optimize(const ch_analyze_context *ctx, ch_rel **plan, ch_error *err)
{
    CH_TRY(ch_extract_python(ctx, plan, err));
    CH_TRY(settle(ctx, plan, err));
    for (int i = 0; i < N_RULES; i++) {
        run r = {ctx, RULE[i], false};
        if (!RULE[i]->once || is_excluded(ctx, RULE[i]))
            continue;
        CH_TRY(RULE[i]->whole ? apply(&r, plan, err) : walk(&r, plan, err));
        if (r.changed)
            CH_TRY(settle(ctx, plan, err));
    }
    return CH_OK;
}
