/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_join.c - Join, compiled: which conjuncts of the condition are keys, which side is built, what is given.
 *
 *   type          build right                              build left
 *   inner, cross  pairs                                    pairs
 *   left outer    pairs, unmatched probe rows              pairs, unmatched build rows
 *   right outer   pairs, unmatched build rows              pairs, unmatched probe rows
 *   full outer    pairs, unmatched of both                 the same
 *   semi, anti    (un)matched probe rows                   (un)matched build rows
 *   existence     probe rows, marked                       -
 *
 * left = right and left <=> right are keys where each side names columns of one input only; what is left of
 * the condition is evaluated for the pairs that the keys let through.
 */
#include "exec/few_sort.h"
#include "exec/join.h"
#include "plan/analyze.h"
#include "plan/node.h"

enum { SIDE_LEFT = 1, SIDE_RIGHT = 2 };

typedef struct sides {
    const ch_attr_list *left, *right;
    int seen;
} sides;

static ch_status see(void *user, ch_expr **e, ch_error *err)
{
    sides *s = user;
    if ((*e)->kind == CH_EXPR_ATTRIBUTE) {
        int64_t id = ((const ch_expr_attribute *)*e)->attr->id;
        s->seen |= ch_attr_position(s->left, id) >= 0 ? SIDE_LEFT : 0;
        s->seen |= ch_attr_position(s->right, id) >= 0 ? SIDE_RIGHT : 0;
        return CH_OK;
    }
    return ch_expr_map_children(NULL, e, see, user, err); /* changes nothing: needs no arena */
}

/* Which inputs an expression reads. */
static int sides_of(const ch_rel_join *rel, ch_expr *e)
{
    sides s = {&rel->left->output, &rel->right->output, 0};
    return see(&s, &e, NULL) == CH_OK ? s.seen : SIDE_LEFT | SIDE_RIGHT;
}

typedef struct keys {
    ch_expr_list left, right, rest;
    bool null_safe[64];
} keys;

static bool is_call(const ch_expr *e, const char *name)
{
    return e->kind == CH_EXPR_CALL && strcmp(((const ch_expr_call *)e)->func->name, name) == 0;
}

static ch_status add_key(ch_arena *arena, keys *k, ch_expr *left, ch_expr *right, bool null_safe,
                         ch_error *err)
{
    k->null_safe[k->left.n] = null_safe;
    CH_TRY(ch_expr_list_add(arena, &k->left, left, err));
    return ch_expr_list_add(arena, &k->right, right, err);
}

/* What is asked of the row around a NOT IN: coalesce(e, false), so that no NULL counts. NULL: not so. */
static ch_expr *never_null(const ch_expr *e)
{
    const ch_expr_call *call = (const ch_expr_call *)e;
    if (!is_call(e, "coalesce") || call->args.n != 2)
        return NULL;
    const ch_expr_literal *no = (const ch_expr_literal *)call->args.item[1];
    bool is_false = no->head.kind == CH_EXPR_LITERAL && no->head.type->id == CH_BOOLEAN &&
                    !no->value.is_null && !no->value.v.boolean;
    return is_false ? call->args.item[0] : NULL;
}

/*
 * Keys and the rest of a condition. Of a NOT IN only what cannot be NULL is a key, and what may count as
 * false where it is: the comparison itself, which matches when it is NULL, is asked pair by pair.
 */
static ch_status take_apart(ch_arena *arena, const ch_rel_join *rel, ch_expr *e, keys *k,
                            ch_error *err)
{
    ch_expr *whole = e;
    if (rel->null_aware && never_null(e))
        e = never_null(e);
    else if (rel->null_aware && e->nullable && !is_call(e, "and"))
        return ch_expr_list_add(arena, &k->rest, e, err);
    const ch_expr_call *call = (const ch_expr_call *)e;
    if (is_call(e, "and") && e == whole) {
        for (int32_t i = 0; i < call->args.n; i++)
            CH_TRY(take_apart(arena, rel, call->args.item[i], k, err));
        return CH_OK;
    }
    bool null_safe = is_call(e, "<=>");
    if ((null_safe || is_call(e, "=") || is_call(e, "==")) && k->left.n < 64 &&
        call->args.item[0]->type == call->args.item[1]->type && ch_expr_is_deterministic(e)) {
        ch_expr *a = call->args.item[0], *b = call->args.item[1];
        int of_a = sides_of(rel, a), of_b = sides_of(rel, b);
        if (of_a == SIDE_LEFT && of_b == SIDE_RIGHT)
            return add_key(arena, k, a, b, null_safe, err);
        if (of_a == SIDE_RIGHT && of_b == SIDE_LEFT)
            return add_key(arena, k, b, a, null_safe, err);
    }
    return ch_expr_list_add(arena, &k->rest, whole, err);
}

static void decide(ch_join *j, const ch_rel_join *rel)
{
    ch_join_type t = rel->join_type;
    bool semi = t == CH_JOIN_LEFT_SEMI, anti = t == CH_JOIN_LEFT_ANTI;
    bool marks = t == CH_JOIN_EXISTENCE;
    j->type = t;
    j->build_left = rel->build == CH_BUILD_LEFT && !rel->null_aware && !marks;
    j->pairs = !semi && !anti && !marks;
    if (marks)
        j->probe_emit = CH_EMIT_MARKED;
    bool keep_left = t == CH_JOIN_LEFT_OUTER || t == CH_JOIN_FULL_OUTER;
    bool keep_right = t == CH_JOIN_RIGHT_OUTER || t == CH_JOIN_FULL_OUTER;
    j->keep_probe = j->build_left ? keep_right : keep_left;
    if (j->build_left ? keep_left : keep_right)
        j->build_emit = CH_EMIT_UNMATCHED;
    if (semi || anti) {
        ch_join_emit emit = semi ? CH_EMIT_MATCHED : CH_EMIT_UNMATCHED;
        *(j->build_left ? &j->build_emit : &j->probe_emit) = emit;
    }
}

/* A key that is a build column kept as it is needs no second copy. */
static int32_t key_of_column(const ch_join *j, const ch_attr *attr)
{
    for (int32_t k = 0; k < j->n_keys; k++) {
        const ch_expr *e = j->build_key.item[k];
        bool changed =
            ch_type_is_nested(e->type) || e->type->id == CH_FLOAT || e->type->id == CH_DOUBLE;
        if (e->kind == CH_EXPR_ATTRIBUTE && !changed &&
            ((const ch_expr_attribute *)e)->attr->id == attr->id)
            return k;
    }
    return -1;
}

static ch_status make_layouts(ch_join *j, ch_error *err)
{
    ch_arena *arena = j->exec->arena;
    int32_t n = j->n_keys, n_build = j->build_attrs->n, n_probe = j->probe_attrs->n;
    int32_t most = n + (n_build > n_probe ? n_build : n_probe) + 1;
    const ch_type **types;
    CH_ARENA_ARRAY(types, arena, most, err);
    CH_ARENA_ARRAY(j->build_col, arena, n_build + 1, err);
    CH_ARENA_ARRAY(j->build_from, arena, n_build + 1, err);
    int32_t n_cols = n;
    for (int32_t k = 0; k < n; k++)
        types[k] = ch_key_type(j->build_key.item[k]->type);
    for (int32_t c = 0; c < n_build; c++) {
        j->build_col[c] = key_of_column(j, j->build_attrs->item[c]);
        if (j->build_col[c] >= 0)
            continue;
        j->build_from[n_cols - n] = c;
        j->build_col[c] = n_cols;
        types[n_cols++] = j->build_attrs->item[c]->type;
    }
    CH_TRY(ch_rowlayout_init(&j->layout, arena, types, n_cols, n, true, sizeof(ch_join_link), err));
    for (int32_t k = 0; k < n; k++)
        types[k] = ch_key_type(j->probe_key.item[k]->type);
    for (int32_t c = 0; c < n_probe; c++)
        types[n + c] = j->probe_attrs->item[c]->type;
    return ch_rowlayout_init(&j->probe_layout, arena, types, n + n_probe, n, true, 0, err);
}

static ch_status find_keys(ch_join *j, const ch_rel_join *rel, ch_error *err)
{
    ch_arena *arena = j->exec->arena;
    keys *k;
    CH_ARENA_NEW(k, arena, err);
    if (rel->condition)
        CH_TRY(take_apart(arena, rel, rel->condition, k, err));
    j->null_matches = rel->null_aware;
    if (rel->null_aware && k->left.n == 0 && k->rest.n == 1) { /* only the comparison */
        keys *one;
        CH_ARENA_NEW(one, arena, err);
        ch_rel_join plain = *rel;
        plain.null_aware = false;
        CH_TRY(take_apart(arena, &plain, k->rest.item[0], one, err));
        j->null_aware = one->left.n == 1 && one->rest.n == 0 && !one->null_safe[0];
        if (j->null_aware) {
            k = one;
            j->null_matches = false;
        }
    }
    j->n_keys = k->left.n;
    j->null_safe = k->null_safe;
    j->residual = k->rest;
    j->build_key = j->build_left ? k->left : k->right;
    j->probe_key = j->build_left ? k->right : k->left;
    return CH_OK;
}

static ch_status make_evaluators(ch_join *j, const ch_rel_join *rel, ch_error *err)
{
    ch_arena *arena = j->exec->arena;
    const ch_attr_list *l = &rel->left->output, *r = &rel->right->output;
    CH_ARENA_ARRAY(j->both.item, arena, l->n + r->n + 1, err);
    for (int32_t i = 0; i < l->n; i++)
        j->both.item[j->both.n++] = l->item[i];
    for (int32_t i = 0; i < r->n; i++)
        j->both.item[j->both.n++] = r->item[i];
    CH_TRY(ch_evaluator_new(j->exec, &j->build_key, j->build_attrs, &j->build_ev, err));
    CH_TRY(ch_evaluator_new(j->exec, &j->probe_key, j->probe_attrs, &j->probe_ev, err));
    return ch_evaluator_new(j->exec, &j->residual, &j->both, &j->residual_ev, err);
}

static ch_status make_join(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_join *join = (const ch_rel_join *)rel;
    ch_join *j;
    CH_ARENA_NEW(j, c->exec->arena, err);
    j->exec = c->exec;
    pthread_mutex_init(&j->lock, NULL);
    size_t bytes = sizeof(ch_op) + sizeof(ch_join *);
    decide(j, join);
    CH_TRY(find_keys(j, join, err));
    if (j->type == CH_JOIN_FULL_OUTER && j->n_keys)
        CH_TRY(ch_few_sort_new(c->exec, j->build_left ? &j->build_key : &j->probe_key,
                               j->build_left ? &j->probe_key : &j->build_key, &rel->output, next,
                               &next, err));
    ch_op *probe = ch_op_new(c->exec, &ch_op_class_hash_join, bytes, rel, next, err);
    ch_op *build =
        probe ? ch_op_new(c->exec, &ch_op_class_hash_build, bytes, NULL, NULL, err) : NULL;
    if (!build)
        return CH_E_MEMORY;
    *(ch_join **)(void *)(probe + 1) = j;
    *(ch_join **)(void *)(build + 1) = j;
    j->probe_op = probe;
    if (join->broadcast) /* the name that those look for who asked for it */
        probe->title = j->n_keys ? "BroadcastHashJoin" : "BroadcastNestedLoopJoin";
    j->build_op = build;
    j->mem = build->mem;
    const ch_rel *build_rel = j->build_left ? join->left : join->right;
    const ch_rel *probe_rel = j->build_left ? join->right : join->left;
    j->build_attrs = &build_rel->output;
    j->probe_attrs = &probe_rel->output;
    CH_TRY(make_layouts(j, err));
    CH_TRY(make_evaluators(j, join, err));
    build->output = build_rel->output;
    ch_op_add_feeder(probe, build);
    CH_TRY(ch_join_offer_filters(c, j, build_rel, probe_rel, err));
    const ch_filter_offer *probe_offers = c->offers;
    c->offers = j->build_offers;
    CH_TRY(ch_compile_into(c, build_rel, build, err));
    c->offers = probe_offers;
    return ch_compile_into(c, probe_rel, probe, err);
}

const ch_op_maker ch_op_maker_join = {CH_REL_JOIN, make_join, .takes_offers = true};
