/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_json_pruning.c - from_json makes only the fields that somebody looks at.
 *
 *   Project [a.x]                                       Project [a.x]
 *   +- Generate explode(from_json(v, 'array<struct      +- Generate explode(from_json(v, 'array<struct
 *        <x: int, y: string, z: struct<p, q>>>')) a          <x: int>>')) a
 *
 * Two walks. The first goes down from the root and gathers of each column which parts are asked for: a field, the
 * elements of an array, that it is there at all, or everything, which is what an operator or function asks
 * for that is not known here. The second goes up again: from_json gets a smaller schema, and with it
 * whatever leads from there to those who asked gets another type and other ordinals.
 *
 * Spark's results stay: a value that does not fit makes its own field NULL and no other, and text that is no JSON
 * is noticed wherever it stands. Where somebody asks for the text of such records, or two fields have one name,
 * all fields count; and where there are options.
 */
#include <string.h>

#include "optimize/json_need.h"

/* ---- expressions ------------------------------------------------------------------------- */

/* What of its child an Extract needs, if of itself it is n. NULL in *out: all of it. */
static ch_status need_of_child(ch_needs *p, const ch_expr_extract *x, const ch_need *n,
                               const ch_need **out, ch_error *err)
{
    const ch_type *t = x->child->type;
    const ch_need *part = n ? n : &ch_need_all;
    *out = &ch_need_all;
    if (t->id == CH_STRUCT)
        return ch_need_part(p, t, x->ordinal, part, out, err);
    if (t->id != CH_ARRAY)
        return CH_OK;
    if (x->ordinal < 0)
        return ch_need_part(p, t, 0, part, out, err);
    const ch_need *item;
    part = part->all ? part : part->field[0] ? part->field[0] : &ch_need_all;
    CH_TRY(ch_need_part(p, t->field[0].type, x->ordinal, part, &item, err));
    return ch_need_part(p, t, 0, item, out, err);
}

static bool gives_item(const ch_expr *e)
{
    return (ch_is_call(e, "element_at") || ch_is_call(e, "try_element_at") ||
            ch_is_call(e, "get")) &&
           ((const ch_expr_call *)e)->args.item[0]->type->id == CH_ARRAY;
}

/* Of an argument, by what the call is and of itself is needed. */
static ch_status need_of_arg(ch_needs *p, const ch_expr_call *call, int32_t i, const ch_need *n,
                             const ch_need **out, ch_error *err)
{
    static const char *const COUNTS[] = {"isnull", "isnotnull", "size", "cardinality",
                                         "array_size"};
    *out = &ch_need_all;
    if (i > 0)
        return CH_OK;
    for (size_t k = 0; k < sizeof COUNTS / sizeof *COUNTS; k++)
        if (ch_is_call(&call->head, COUNTS[k]))
            *out = NULL;
    if (gives_item(&call->head))
        return ch_need_part(p, call->args.item[0]->type, 0, n ? n : &ch_need_all, out, err);
    return CH_OK;
}

typedef struct visit {
    ch_needs *p;
    const ch_expr_call *call; /* or NULL */
    const ch_need *n;         /* of the call */
    int32_t at;
} visit;

static ch_status gather(ch_needs *p, ch_expr *e, const ch_need *n, ch_error *err);

static ch_status gather_child(void *user, ch_expr **child, ch_error *err)
{
    visit *v = user;
    const ch_need *n = &ch_need_all;
    if (v->call)
        CH_TRY(need_of_arg(v->p, v->call, v->at++, v->n, &n, err));
    return gather(v->p, *child, n, err);
}

/* transform(array, x -> ..) and others that give nothing of the elements but what the function does. */
static bool looks_at_items(const ch_expr *e)
{
    if (!ch_is_call(e, "transform") && !ch_is_call(e, "exists") && !ch_is_call(e, "forall"))
        return false;
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    return args->n == 2 && args->item[1]->kind == CH_EXPR_LAMBDA_FUNCTION &&
           args->item[0]->type->id == CH_ARRAY;
}

static const ch_attr *item_of(const ch_expr_call *call)
{
    return ((const ch_expr_lambda_function *)call->args.item[1])->var[0];
}

/*
 * Of the array, by what the function looks at. Variables of functions that stand beside each other have the same
 * ids: what was known of another one is put back.
 */
static ch_status need_of_items(ch_needs *p, const ch_expr_call *call, const ch_need **out,
                               ch_error *err)
{
    const ch_attr *item = item_of(call);
    ch_need_column *c;
    CH_TRY(ch_need_column_of(p, item->id, &c, err));
    ch_need_column before = *c;
    c->wanted = NULL;
    CH_TRY(
        gather(p, ((const ch_expr_lambda_function *)call->args.item[1])->body, &ch_need_all, err));
    c = ch_need_find(p, item->id);
    const ch_need *n = ch_need_parts(item->type) ? c->wanted : &ch_need_all;
    *c = before;
    return ch_need_part(p, call->args.item[0]->type, 0, n, out, err);
}

/* Down: n is needed of the expression. */
static ch_status gather(ch_needs *p, ch_expr *e, const ch_need *n, ch_error *err)
{
    if (e->kind == CH_EXPR_ATTRIBUTE)
        return ch_need_want(p, ((const ch_expr_attribute *)e)->attr, n, err);
    if (e->kind == CH_EXPR_NAMED_LAMBDA_VARIABLE)
        return ch_need_want(p, ((const ch_expr_named_lambda_variable *)e)->attr, n, err);
    if (looks_at_items(e)) {
        CH_TRY(need_of_items(p, (const ch_expr_call *)e, &n, err));
        return gather(p, ((const ch_expr_call *)e)->args.item[0], n, err);
    }
    if (e->kind == CH_EXPR_ALIAS)
        return gather(p, ((const ch_expr_alias *)e)->child, n, err);
    if (e->kind == CH_EXPR_EXTRACT) {
        const ch_expr_extract *x = (const ch_expr_extract *)e;
        CH_TRY(need_of_child(p, x, n, &n, err));
        CH_TRY(gather(p, x->child, n, err));
        return x->extraction ? gather(p, x->extraction, &ch_need_all, err) : CH_OK;
    }
    p->found |= ch_need_is_from_json(e);
    visit v = {p, e->kind == CH_EXPR_CALL ? (const ch_expr_call *)e : NULL, n, 0};
    return ch_expr_map_children(NULL, &e, gather_child, &v, err);
}

static ch_status gather_all(void *user, ch_expr **e, ch_error *err)
{
    return gather(user, *e, &ch_need_all, err);
}

static ch_status rebuild(ch_needs *p, ch_expr **e, const ch_need *n, const ch_need **made,
                         ch_error *err);

static ch_status rebuild_all(void *user, ch_expr **e, ch_error *err)
{
    const ch_need *made;
    return rebuild(user, e, &ch_need_all, &made, err);
}

static ch_status rebuild_child(void *user, ch_expr **child, ch_error *err)
{
    visit *v = user;
    const ch_need *n = &ch_need_all;
    const ch_need *made;
    if (v->call)
        CH_TRY(need_of_arg(v->p, v->call, v->at++, v->n, &n, err));
    return rebuild(v->p, child, n, &made, err);
}

/* A field of what has fewer fields now, or of each element of such an array. */
static ch_status field_of(ch_needs *p, ch_expr_extract *x, const ch_expr_extract *was,
                          const ch_need *of, const ch_need **made, ch_error *err)
{
    bool array = x->child->type->id == CH_ARRAY;
    const ch_type *row = array ? x->child->type->field[0].type : x->child->type;
    if (array)
        of = of->field[0];
    for (int32_t i = 0; !of->all && i < was->ordinal; i++)
        x->ordinal -= !of->field[i];
    *made = of->all ? &ch_need_all : of->field[was->ordinal];
    x->head.type = row->field[x->ordinal].type;
    if (!array)
        return CH_OK;
    const ch_need *item = *made;
    *made = &ch_need_all;
    x->head.type = ch_type_array(x->head.type, was->head.type->field[0].nullable);
    if (!x->head.type)
        return CH_E_MEMORY;
    const ch_need *list;
    CH_TRY(ch_need_part(p, was->head.type, 0, item, &list, err));
    *made = item->all ? &ch_need_all : list;
    return CH_OK;
}

static ch_status rebuild_extract(ch_needs *p, ch_expr **e, const ch_need *n, const ch_need **made,
                                 ch_error *err)
{
    const ch_expr_extract *was = (const ch_expr_extract *)*e;
    ch_expr *child = was->child, *extraction = was->extraction;
    const ch_need *of;
    *made = &ch_need_all;
    CH_TRY(need_of_child(p, was, n, &n, err));
    CH_TRY(rebuild(p, &child, n, &of, err));
    if (extraction)
        CH_TRY(rebuild_all(p, &extraction, err));
    if (child == was->child && extraction == was->extraction)
        return CH_OK;
    ch_expr_extract *x;
    CH_AN_NEW(x, ch_expr_clone(p->arena, *e, err));
    x->child = child;
    x->extraction = extraction;
    *e = &x->head;
    if (of->all)
        return CH_OK;
    if (was->ordinal >= 0)
        return field_of(p, x, was, of, made, err);
    *made = of->field[0];
    x->head.type = child->type->field[0].type;
    return CH_OK;
}

/* element_at(array, i) and the like. */
static ch_status rebuild_item(ch_needs *p, ch_expr **e, const ch_need *n, const ch_need **made,
                              ch_error *err)
{
    const ch_expr_call *was = (const ch_expr_call *)*e;
    ch_expr **arg;
    const ch_need *of;
    CH_ARENA_ARRAY(arg, p->arena, was->args.n + 1, err);
    for (int32_t i = 0; i < was->args.n; i++) {
        const ch_need *ignored;
        arg[i] = was->args.item[i];
        const ch_need *of_arg;
        CH_TRY(need_of_arg(p, was, i, n, &of_arg, err));
        CH_TRY(rebuild(p, &arg[i], of_arg, i ? &ignored : &of, err));
    }
    ch_expr_call *call;
    CH_AN_NEW(call, ch_expr_clone(p->arena, *e, err));
    call->args.item = arg;
    *e = &call->head;
    *made = &ch_need_all;
    if (of->all)
        return CH_OK;
    CH_TRY(ch_call_make(p->ctx, was->func->name, arg, was->args.n, e, err));
    (*e)->start = was->head.start;
    (*e)->stop = was->head.stop;
    (*e)->text = was->head.text;
    *made = of->field[0];
    return CH_OK;
}

static ch_status retyped(ch_needs *p, const ch_attr *attr, const ch_type *type, const ch_attr **out,
                         ch_error *err)
{
    ch_attr *now;
    CH_ARENA_NEW(now, p->arena, err);
    *now = *attr;
    now->type = type;
    *out = now;
    return CH_OK;
}

static ch_status rebuild_function(ch_needs *p, ch_expr **e, const ch_attr *item, ch_error *err)
{
    ch_expr_lambda_function *f;
    CH_TRY(ch_expr_map_children(p->arena, e, rebuild_all, p, err));
    CH_AN_NEW(f, ch_expr_clone(p->arena, *e, err));
    const ch_attr **var;
    CH_ARENA_ARRAY(var, p->arena, f->args.n + 1, err);
    memcpy(var, f->var, sizeof *var * (size_t)f->args.n);
    var[0] = item;
    f->var = var;
    *e = &f->head;
    return CH_OK;
}

static ch_status rebuild_items(ch_needs *p, ch_expr **e, ch_error *err)
{
    const ch_expr_call *was = (const ch_expr_call *)*e;
    const ch_attr *item = item_of(was);
    const ch_need *n, *made;
    ch_expr **arg;
    ch_need_column *c;
    CH_TRY(need_of_items(p, was, &n, err));
    CH_ARENA_ARRAY(arg, p->arena, 2, err);
    memcpy(arg, was->args.item, 2 * sizeof *arg);
    CH_TRY(rebuild(p, &arg[0], n, &made, err));
    CH_TRY(ch_need_column_of(p, item->id, &c, err));
    ch_need_column before = *c;
    c->made = made->all ? NULL : made->field[0]->all ? NULL : made->field[0];
    c->type = arg[0]->type->field[0].type;
    if (c->made)
        CH_TRY(retyped(p, item, c->type, &item, err));
    CH_TRY(c->made ? rebuild_function(p, &arg[1], item, err)
                   : ch_expr_map_children(p->arena, &arg[1], rebuild_all, p, err));
    *ch_need_find(p, item->id) = before;
    ch_expr_call *call;
    CH_AN_NEW(call, ch_expr_clone(p->arena, *e, err));
    call->args.item = arg;
    *e = &call->head;
    return CH_OK;
}

/* Up: n is needed, *made is what *e is made of now. */
static ch_status rebuild(ch_needs *p, ch_expr **e, const ch_need *n, const ch_need **made,
                         ch_error *err)
{
    *made = &ch_need_all;
    switch ((*e)->kind) {
    case CH_EXPR_ATTRIBUTE:
    case CH_EXPR_NAMED_LAMBDA_VARIABLE: {
        /* The two have one shape. */
        const ch_attr *attr = ((const ch_expr_attribute *)*e)->attr;
        const ch_need_column *c = ch_need_find(p, attr->id);
        if (!c || !c->made)
            return CH_OK;
        ch_expr_attribute *ref;
        CH_AN_NEW(ref, ch_expr_clone(p->arena, *e, err));
        CH_TRY(retyped(p, attr, c->type, &ref->attr, err));
        ref->head.type = c->type;
        *made = c->made;
        *e = &ref->head;
        return CH_OK;
    }
    case CH_EXPR_ALIAS: {
        ch_expr *child = ((const ch_expr_alias *)*e)->child;
        CH_TRY(rebuild(p, &child, n, made, err));
        if (child == ((const ch_expr_alias *)*e)->child)
            return CH_OK;
        ch_expr_alias *alias;
        CH_AN_NEW(alias, ch_expr_clone(p->arena, *e, err));
        alias->child = child;
        alias->head.type = child->type;
        *e = &alias->head;
        return CH_OK;
    }
    case CH_EXPR_EXTRACT:
        return rebuild_extract(p, e, n, made, err);
    default:
        break;
    }
    if (ch_need_is_from_json(*e)) {
        CH_TRY(ch_expr_map_children(p->arena, e, rebuild_all, p, err));
        return ch_need_shrink(p, e, n, made, err);
    }
    if (gives_item(*e))
        return rebuild_item(p, e, n, made, err);
    if (looks_at_items(*e))
        return rebuild_items(p, e, err);
    visit v = {p, (*e)->kind == CH_EXPR_CALL ? (const ch_expr_call *)*e : NULL, n, 0};
    return ch_expr_map_children(p->arena, e, rebuild_child, &v, err);
}

/* ---- relations --------------------------------------------------------------------------- */

/* Which arguments of explode() and the like are spread out, and to which of its columns. */
static bool is_explode(const ch_rel_generate *g, bool *fields, int32_t *column)
{
    static const char *const NAME[] = {"explode",          "explode_outer", "posexplode",
                                       "posexplode_outer", "inline",        "inline_outer"};
    for (int i = 0; i < 6; i++)
        if (ch_is_call(g->generator, NAME[i])) {
            *fields = i >= 4;
            *column = i == 2 || i == 3;
            return ((const ch_expr_call *)g->generator)->args.item[0]->type->id == CH_ARRAY;
        }
    return false;
}

/* Of the array that a generator spreads out. */
static ch_status need_of_generated(ch_needs *p, const ch_rel_generate *g, const ch_need **out,
                                   ch_error *err)
{
    bool fields;
    int32_t column;
    *out = &ch_need_all;
    if (!is_explode(g, &fields, &column))
        return CH_OK;
    const ch_type *list = ((const ch_expr_call *)g->generator)->args.item[0]->type;
    ch_need *item;
    if (!fields)
        return ch_need_part(p, list, 0, ch_need_wanted(p, g->generated.item[column]), out, err);
    CH_TRY(ch_need_new(p, list->field[0].type, &item, err));
    for (int32_t i = 0; i < g->generated.n; i++)
        if (ch_attr_list_find(&g->head.output, g->generated.item[i]->id))
            item->field[i] = ch_need_wanted(p, g->generated.item[i]);
    return ch_need_part(p, list, 0, item, out, err);
}

/* Does it only hand on columns by their ids, and look at them in its expressions? */
static bool is_known(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_PROJECT:
    case CH_REL_FILTER:
    case CH_REL_AGGREGATE:
    case CH_REL_JOIN:
    case CH_REL_SORT:
    case CH_REL_LIMIT:
    case CH_REL_OFFSET:
    case CH_REL_WINDOW:
    case CH_REL_GENERATE:
    case CH_REL_REPARTITION:
        return true;
    default:
        return false;
    }
}

static ch_status gather_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status want_all(void *user, ch_rel **input, ch_error *err)
{
    for (int32_t i = 0; i < (*input)->output.n; i++)
        CH_TRY(ch_need_want(user, (*input)->output.item[i], &ch_need_all, err));
    return CH_OK;
}

static ch_status gather_rel(void *user, ch_rel **at, ch_error *err)
{
    ch_needs *p = user;
    ch_rel *rel = *at;
    if (rel->kind == CH_REL_PROJECT) {
        const ch_expr_list *list = &((const ch_rel_project *)rel)->expressions;
        for (int32_t i = 0; i < list->n; i++)
            if (list->item[i]->kind == CH_EXPR_ALIAS)
                CH_TRY(gather(p, list->item[i], ch_need_wanted(p, rel->output.item[i]), err));
    } else if (rel->kind == CH_REL_GENERATE) {
        const ch_rel_generate *g = (const ch_rel_generate *)rel;
        const ch_need *n;
        CH_TRY(need_of_generated(p, g, &n, err));
        const ch_expr_call *call = (const ch_expr_call *)g->generator;
        for (int32_t i = 0; i < call->args.n; i++)
            CH_TRY(gather(p, call->args.item[i], i ? &ch_need_all : n, err));
    } else {
        CH_TRY(ch_rel_map_exprs(NULL, &rel, gather_all, p, err));
    }
    if (!is_known(rel))
        CH_TRY(ch_rel_map_inputs(NULL, &rel, want_all, p, err));
    return ch_rel_map_inputs(NULL, &rel, gather_rel, p, err);
}

/* Columns of the list that have another type now. */
static ch_status retype(ch_needs *p, ch_attr_list *list, ch_error *err)
{
    ch_attr_list now = {0};
    bool differs = false;
    for (int32_t i = 0; i < list->n; i++) {
        const ch_need_column *c = ch_need_find(p, list->item[i]->id);
        differs |= c && c->made;
    }
    for (int32_t i = 0; differs && i < list->n; i++) {
        const ch_need_column *c = ch_need_find(p, list->item[i]->id);
        const ch_attr *attr = list->item[i];
        if (c && c->made)
            CH_TRY(retyped(p, attr, c->type, &attr, err));
        CH_TRY(ch_attr_list_add(p->arena, &now, attr, err));
    }
    if (differs)
        *list = now;
    return CH_OK;
}

static ch_status set_made(ch_needs *p, int64_t id, const ch_need *made, const ch_type *type,
                          ch_error *err)
{
    ch_need_column *c;
    if (made->all)
        return CH_OK;
    CH_TRY(ch_need_column_of(p, id, &c, err));
    c->made = made;
    c->type = type;
    return CH_OK;
}

static ch_status rebuild_project(ch_needs *p, ch_rel **rel, ch_error *err)
{
    ch_rel_project *project = (ch_rel_project *)*rel;
    ch_expr_list list = {0};
    bool differs = false;
    for (int32_t i = 0; i < project->expressions.n; i++) {
        ch_expr *e = project->expressions.item[i];
        const ch_need *made;
        CH_TRY(rebuild(p, &e, ch_need_wanted(p, project->head.output.item[i]), &made, err));
        if (e->kind == CH_EXPR_ALIAS)
            CH_TRY(set_made(p, ((const ch_expr_alias *)e)->id, made, e->type, err));
        differs |= e != project->expressions.item[i];
        CH_TRY(ch_expr_list_add(p->arena, &list, e, err));
    }
    return differs ? ch_make_project(p->arena, project->input, &list, rel, err) : CH_OK;
}

static ch_status rebuild_generate(ch_needs *p, ch_rel **rel, ch_error *err)
{
    const ch_rel_generate *was = (const ch_rel_generate *)*rel;
    const ch_expr_call *call = (const ch_expr_call *)was->generator;
    bool fields = false;
    int32_t column = 0;
    const ch_need *n;
    const ch_need *made, *ignored;
    ch_expr **arg;
    ch_rel_generate *g;
    CH_TRY(need_of_generated(p, was, &n, err));
    CH_ARENA_ARRAY(arg, p->arena, call->args.n + 1, err);
    bool differs = false;
    for (int32_t i = 0; i < call->args.n; i++) {
        arg[i] = call->args.item[i];
        CH_TRY(rebuild(p, &arg[i], i ? &ch_need_all : n, i ? &ignored : &made, err));
        differs |= arg[i] != call->args.item[i];
    }
    if (!differs)
        return CH_OK;
    CH_AN_NEW(g, ch_rel_clone(p->arena, *rel, err));
    *rel = &g->head;
    CH_TRY(ch_call_make(p->ctx, call->func->name, arg, call->args.n, &g->generator, err));
    g->generator->start = call->head.start;
    g->generator->stop = call->head.stop;
    g->generator->text = call->head.text;
    if (made->all || !is_explode(was, &fields, &column))
        return CH_OK;
    const ch_type *row = g->generator->type->field[0].type;
    made = made->field[0];
    if (!fields) {
        CH_TRY(set_made(p, g->generated.item[column]->id, made, row->field[column].type, err));
        return retype(p, &g->generated, err);
    }
    ch_attr_list kept = {0};
    for (int32_t i = 0; i < was->generated.n; i++) {
        if (!made->field[i])
            continue;
        CH_TRY(
            set_made(p, was->generated.item[i]->id, made->field[i], row->field[kept.n].type, err));
        CH_TRY(ch_attr_list_add(p->arena, &kept, was->generated.item[i], err));
    }
    g->generated = kept;
    return retype(p, &g->generated, err);
}

static ch_status rebuild_rel(void *user, ch_rel **rel, ch_error *err)
{
    ch_needs *p = user;
    const ch_rel *was = *rel;
    CH_TRY(ch_rel_map_inputs(p->arena, rel, rebuild_rel, p, err));
    if ((*rel)->kind == CH_REL_PROJECT)
        CH_TRY(rebuild_project(p, rel, err));
    else if ((*rel)->kind == CH_REL_GENERATE)
        CH_TRY(rebuild_generate(p, rel, err));
    else
        CH_TRY(ch_rel_map_exprs(p->arena, rel, rebuild_all, p, err));
    if (*rel == was)
        return CH_OK;
    ch_rel *copy;
    CH_AN_NEW(copy, ch_rel_clone(p->arena, *rel, err));
    *rel = copy;
    if (ch_passes_columns(copy)) {
        copy->output = ch_only_input(copy)->output;
        return CH_OK;
    }
    return retype(p, &copy->output, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    ch_needs p = {.ctx = ctx, .arena = ctx->arena};
    ch_rel *plan = *rel;
    CH_TRY(want_all(&p, &plan, err));
    CH_TRY(gather_rel(&p, &plan, err));
    if (!p.found)
        return CH_OK;
    CH_TRY(rebuild_rel(&p, &plan, err));
    if (p.changed)
        *rel = plan;
    *changed = p.changed;
    return CH_OK;
}

const ch_rule ch_rule_json_pruning = {
    .name = "json_pruning",
    .doc = "Makes only those fields of from_json that are used.",
    .apply = apply,
    .whole = true,
    .once = true,
};
