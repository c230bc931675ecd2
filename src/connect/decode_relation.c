/* SPDX-License-Identifier: Apache-2.0 */
/* decode_relation.c - the protocol's relations as plan relations, and the table of them. */
#include "connect/decode_relation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session/command.h"
#include "sql/sql.h"
#include "type/datetime.h"

typedef PB(Relation) message;
#define DECODER(name) \
    ch_status cn_decode_##name##_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)

ch_status cn_copy_text(cn_decode *d, const char *text, const char **out, ch_error *err)
{
    *out = ch_arena_str(d->arena, text ? text : "", err);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status cn_add_option(cn_decode *d, ch_option_list *list, const char *key, const char *value,
                        ch_error *err)
{
    const char *own_key, *own_value;
    CH_TRY(cn_copy_text(d, key, &own_key, err));
    CH_TRY(cn_copy_text(d, value, &own_value, err));
    return ch_option_list_add(d->arena, list, own_key, own_value, err);
}

/* ---- one input --------------------------------------------------------------------------- */

DECODER(project)
{
    ch_rel_project *r;
    CN_NODE(r, d, PROJECT, err);
    *out = &r->head;
    if (m->project->input) {
        CH_TRY(cn_decode_relation(d, m->project->input, &r->input, err));
    } else {
        ch_rel_one_row *one;
        CN_NODE(one, d, ONE_ROW, err);
        r->input = &one->head;
    }
    return cn_decode_exprs(d, m->project->expressions, m->project->n_expressions, &r->expressions,
                           err);
}

DECODER(filter)
{
    ch_rel_filter *r;
    CN_NODE(r, d, FILTER, err);
    *out = &r->head;
    CH_TRY(cn_decode_relation(d, m->filter->input, &r->input, err));
    return cn_decode_expr(d, m->filter->condition, &r->condition, err);
}

DECODER(sort)
{
    ch_rel_sort *r;
    CN_NODE(r, d, SORT, err);
    *out = &r->head;
    r->is_global = !m->sort->has_is_global || m->sort->is_global;
    r->limit = -1;
    CH_TRY(cn_decode_relation(d, m->sort->input, &r->input, err));
    return cn_decode_sort_orders(d, m->sort->order, m->sort->n_order, &r->order, err);
}

DECODER(limit)
{
    ch_rel_limit *r;
    CN_NODE(r, d, LIMIT, err);
    *out = &r->head;
    r->limit = m->limit->limit;
    return cn_decode_relation(d, m->limit->input, &r->input, err);
}

DECODER(offset)
{
    ch_rel_offset *r;
    CN_NODE(r, d, OFFSET, err);
    *out = &r->head;
    r->offset = m->offset->offset;
    return cn_decode_relation(d, m->offset->input, &r->input, err);
}

DECODER(tail)
{
    ch_rel_tail *r;
    CN_NODE(r, d, TAIL, err);
    *out = &r->head;
    r->limit = m->tail->limit;
    return cn_decode_relation(d, m->tail->input, &r->input, err);
}

DECODER(sample)
{
    const PB(Sample) *s = m->sample;
    ch_rel_sample *r;
    CN_NODE(r, d, SAMPLE, err);
    *out = &r->head;
    r->lower = s->lower_bound;
    r->upper = s->upper_bound;
    r->with_replacement = s->with_replacement;
    r->has_seed = s->has_seed;
    r->seed = s->seed;
    r->sorted = s->deterministic_order;
    double fraction =
        s->upper_bound - s->lower_bound; /* a hair of rounding is no mistake, as in Spark */
    if (!(fraction >= -1e-6) || (!s->with_replacement && !(fraction <= 1 + 1e-6))) {
        char text[128];
        snprintf(text, sizeof text, "Sampling fraction (%g) must be %s replacement", fraction,
                 s->with_replacement ? "nonnegative with" : "on interval [0, 1] without");
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", text);
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(deduplicate)
{
    const PB(Deduplicate) *s = m->deduplicate;
    ch_rel_deduplicate *r;
    if (s->within_watermark)
        CN_UNSUPPORTED(err, "dropDuplicatesWithinWatermark");
    CN_NODE(r, d, DEDUPLICATE, err);
    *out = &r->head;
    r->all_columns_as_keys = s->all_columns_as_keys;
    CH_TRY(cn_copy_strings(d->arena, s->column_names, s->n_column_names, &r->columns, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

/* Over rows that all are there a watermark changes nothing (EliminateEventTimeWatermark). */
DECODER(with_watermark)
{
    const PB(WithWatermark) *s = m->with_watermark;
    const char *delay = s->delay_threshold ? s->delay_threshold : "";
    ch_interval interval;
    if (!ch_interval_parse(delay, (int64_t)strlen(delay), &interval))
        CH_FAIL(err, CANNOT_PARSE_INTERVAL, "intervalString", delay);
    if (interval.months < 0 || interval.days < 0 || interval.nanos < 0) {
        const char *text = ch_arena_printf(
            d->arena, err, "requirement failed: delay threshold (%s) should not be negative.",
            delay);
        if (!text)
            return CH_E_MEMORY;
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", text);
    }
    return cn_decode_relation(d, s->input, out, err);
}

DECODER(range)
{
    const PB(Range) *s = m->range;
    ch_rel_range *r;
    CN_NODE(r, d, RANGE, err);
    *out = &r->head;
    r->from = s->start;
    r->to = s->end;
    r->step = s->has_step ? s->step : 0; /* which is not sent */
    r->num_partitions = s->has_num_partitions ? s->num_partitions : 0;
    if (r->step == 0)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", "requirement failed: step (0) cannot be 0");
    return CH_OK;
}

DECODER(subquery_alias)
{
    ch_rel_subquery_alias *r;
    CN_NODE(r, d, SUBQUERY_ALIAS, err);
    *out = &r->head;
    CH_TRY(cn_copy_text(d, m->subquery_alias->alias, &r->alias, err));
    return cn_decode_relation(d, m->subquery_alias->input, &r->input, err);
}

DECODER(repartition)
{
    ch_rel_repartition *r;
    CN_NODE(r, d, REPARTITION, err);
    *out = &r->head;
    r->num_partitions = m->repartition->num_partitions;
    r->shuffle = m->repartition->shuffle;
    return cn_decode_relation(d, m->repartition->input, &r->input, err);
}

DECODER(repartition_by_expression)
{
    const PB(RepartitionByExpression) *s = m->repartition_by_expression;
    ch_rel_repartition *r;
    CN_NODE(r, d, REPARTITION, err);
    *out = &r->head;
    r->num_partitions = s->num_partitions;
    r->shuffle = true;
    const PB(Expression) *first = s->n_partition_exprs ? s->partition_exprs[0] : NULL;
    r->by_id = first && first->expr_type_case ==
                            SPARK__CONNECT__EXPRESSION__EXPR_TYPE_DIRECT_SHUFFLE_PARTITION_ID;
    if (r->by_id) {
        ch_expr *id;
        if (s->n_partition_exprs > 1 || r->num_partitions < 1)
            CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                    "repartitionById needs one id, and a number of partitions");
        CH_TRY(cn_decode_expr(d, first->direct_shuffle_partition_id->child, &id, err));
        CH_TRY(ch_expr_list_add(d->arena, &r->expressions, id, err));
    } else {
        CH_TRY(cn_decode_exprs(d, s->partition_exprs, s->n_partition_exprs, &r->expressions, err));
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(to_df)
{
    ch_rel_to_df *r;
    CN_NODE(r, d, TO_DF, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, m->to_df->column_names, m->to_df->n_column_names, &r->names,
                           err));
    return cn_decode_relation(d, m->to_df->input, &r->input, err);
}

DECODER(with_columns_renamed)
{
    const PB(WithColumnsRenamed) *s = m->with_columns_renamed;
    ch_rel_with_columns_renamed *r;
    CN_NODE(r, d, WITH_COLUMNS_RENAMED, err);
    *out = &r->head;
    for (size_t i = 0; i < s->n_renames; i++)
        CH_TRY(cn_add_option(d, &r->renames, s->renames[i]->col_name, s->renames[i]->new_col_name,
                             err));
    for (size_t i = 0; i < s->n_rename_columns_map; i++)
        CH_TRY(cn_add_option(d, &r->renames, s->rename_columns_map[i]->key,
                             s->rename_columns_map[i]->value, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(with_columns)
{
    const PB(WithColumns) *s = m->with_columns;
    ch_rel_with_columns *r;
    CN_NODE(r, d, WITH_COLUMNS, err);
    *out = &r->head;
    for (size_t i = 0; i < s->n_aliases; i++) {
        ch_expr *e;
        CH_TRY(cn_decode_alias(d, s->aliases[i], &e, err));
        CH_TRY(ch_expr_list_add(d->arena, &r->aliases, e, err));
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(drop)
{
    ch_rel_drop *r;
    CN_NODE(r, d, DROP, err);
    *out = &r->head;
    CH_TRY(cn_decode_exprs(d, m->drop->columns, m->drop->n_columns, &r->columns, err));
    CH_TRY(
        cn_copy_strings(d->arena, m->drop->column_names, m->drop->n_column_names, &r->names, err));
    return cn_decode_relation(d, m->drop->input, &r->input, err);
}

DECODER(hint)
{
    ch_rel_hint *r;
    CN_NODE(r, d, HINT, err);
    *out = &r->head;
    CH_TRY(cn_copy_text(d, m->hint->name, &r->name, err));
    CH_TRY(cn_decode_exprs(d, m->hint->parameters, m->hint->n_parameters, &r->parameters, err));
    return cn_decode_relation(d, m->hint->input, &r->input, err);
}

DECODER(aggregate)
{
    const PB(Aggregate) *s = m->aggregate;
    ch_rel_aggregate *r;
    CN_NODE(r, d, AGGREGATE, err);
    *out = &r->head;
    switch (s->group_type) {
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_GROUPBY:
        r->group_type = CH_GROUP_BY;
        break;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_ROLLUP:
        r->group_type = CH_GROUP_ROLLUP;
        break;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_CUBE:
        r->group_type = CH_GROUP_CUBE;
        break;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_GROUPING_SETS:
        r->group_type = CH_GROUP_SETS;
        break;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_PIVOT:
        r->group_type = CH_GROUP_PIVOT;
        CH_TRY(cn_decode_pivot(d, s, r, err));
        break;
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an aggregate is of no type");
    }
    CH_TRY(cn_decode_relation(d, s->input, &r->input, err));
    CH_TRY(
        cn_decode_exprs(d, s->grouping_expressions, s->n_grouping_expressions, &r->grouping, err));
    CH_TRY(cn_decode_exprs(d, s->aggregate_expressions, s->n_aggregate_expressions, &r->aggregates,
                           err));
    if (r->group_type != CH_GROUP_SETS)
        return CH_OK;
    /* Each set's expressions as positions in `grouping`, which they are added to when they are new. */
    r->n_sets = (int32_t)s->n_grouping_sets;
    CH_ARENA_ARRAY(r->sets, d->arena, r->n_sets + 1, err);
    CH_ARENA_ARRAY(r->set_len, d->arena, r->n_sets + 1, err);
    for (int32_t i = 0; i < r->n_sets; i++) {
        ch_expr_list set = {0};
        CH_TRY(cn_decode_exprs(d, s->grouping_sets[i]->grouping_set,
                               s->grouping_sets[i]->n_grouping_set, &set, err));
        CH_ARENA_ARRAY(r->sets[i], d->arena, set.n + 1, err);
        for (int32_t k = 0; k < set.n; k++) {
            int32_t at = 0;
            while (at < r->grouping.n && !ch_expr_equal(r->grouping.item[at], set.item[k]))
                at++;
            if (at == r->grouping.n)
                CH_TRY(ch_expr_list_add(d->arena, &r->grouping, set.item[k], err));
            r->sets[i][r->set_len[i]++] = at;
        }
    }
    return CH_OK;
}

/* ---- two inputs -------------------------------------------------------------------------- */

static ch_status join_type(int type, ch_join_type *out, ch_error *err)
{
    switch (type) {
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_INNER:
        *out = CH_JOIN_INNER;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_FULL_OUTER:
        *out = CH_JOIN_FULL_OUTER;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_OUTER:
        *out = CH_JOIN_LEFT_OUTER;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_RIGHT_OUTER:
        *out = CH_JOIN_RIGHT_OUTER;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_ANTI:
        *out = CH_JOIN_LEFT_ANTI;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_SEMI:
        *out = CH_JOIN_LEFT_SEMI;
        return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_CROSS:
        *out = CH_JOIN_CROSS;
        return CH_OK;
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a join is of no type");
    }
}

DECODER(join)
{
    const PB(Join) *s = m->join;
    ch_rel_join *r;
    if (s->join_data_type &&
        (s->join_data_type->is_left_struct || s->join_data_type->is_right_struct))
        CN_UNSUPPORTED(err, "joinWith of typed datasets");
    CN_NODE(r, d, JOIN, err);
    *out = &r->head;
    CH_TRY(join_type(s->join_type, &r->join_type, err));
    CH_TRY(cn_decode_relation(d, s->left, &r->left, err));
    CH_TRY(cn_decode_relation(d, s->right, &r->right, err));
    if (s->join_condition)
        CH_TRY(cn_decode_expr(d, s->join_condition, &r->condition, err));
    return cn_copy_strings(d->arena, s->using_columns, s->n_using_columns, &r->using_columns, err);
}

DECODER(lateral_join)
{
    const PB(LateralJoin) *s = m->lateral_join;
    ch_rel_join *r;
    CN_NODE(r, d, JOIN, err);
    *out = &r->head;
    r->lateral = true;
    CH_TRY(join_type(s->join_type, &r->join_type, err));
    CH_TRY(cn_decode_relation(d, s->left, &r->left, err));
    CH_TRY(cn_decode_relation(d, s->right, &r->right, err));
    return s->join_condition ? cn_decode_expr(d, s->join_condition, &r->condition, err) : CH_OK;
}

DECODER(set_op)
{
    const PB(SetOperation) *s = m->set_op;
    ch_rel_set_operation *r;
    CN_NODE(r, d, SET_OPERATION, err);
    *out = &r->head;
    switch (s->set_op_type) {
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_INTERSECT:
        r->op = CH_SET_INTERSECT;
        break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_UNION:
        r->op = CH_SET_UNION;
        break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_EXCEPT:
        r->op = CH_SET_EXCEPT;
        break;
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a set operation is of no type");
    }
    r->is_all = s->is_all;
    r->by_name = s->by_name;
    r->allow_missing_columns = s->allow_missing_columns;
    CH_TRY(cn_decode_relation(d, s->left_input, &r->left, err));
    return cn_decode_relation(d, s->right_input, &r->right, err);
}

/* ---- SQL and references ------------------------------------------------------------------ */

/* A constant, or array(), map() or struct() of constants. */
static bool is_argument(const ch_expr *e)
{
    static const char *const NAME[] = {
        "array", "map", "struct", "map_from_arrays", "map_from_entries", "named_struct"};
    const ch_expr_unresolved_function *f = (const void *)e;
    bool known = e->kind == CH_EXPR_UNRESOLVED_FUNCTION;
    if (e->kind == CH_EXPR_CAST)
        return is_argument(((const ch_expr_cast *)e)->child);
    if (!known)
        return e->kind == CH_EXPR_LITERAL;
    known = false;
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        known |= strcasecmp(f->name, NAME[i]) == 0;
    for (int32_t i = 0; i < f->args.n; i++)
        known &= is_argument(f->args.item[i]);
    return known;
}

typedef struct arguments {
    const char **name;
    ch_expr **value;
    int32_t n;
} arguments;

static ch_status add_argument(cn_decode *d, arguments *to, const char *name,
                              const PB(Expression) * e, const PB(Expression__Literal) * old,
                              ch_error *err)
{
    PB(Expression) literal = SPARK__CONNECT__EXPRESSION__INIT;
    if (!e) {
        literal.expr_type_case = SPARK__CONNECT__EXPRESSION__EXPR_TYPE_LITERAL;
        literal.literal = (PB(Expression__Literal) *)(uintptr_t)old;
        e = &literal;
    }
    char place[16];
    (void)snprintf(place, sizeof place, "_%d", (int)to->n);
    CH_TRY(cn_decode_expr(d, e, &to->value[to->n], err));
    if (name)
        CH_TRY(cn_copy_text(d, name, &to->name[to->n], err));
    if (!is_argument(to->value[to->n]))
        CH_FAIL(err, INVALID_SQL_ARG, "name", name ? name : place);
    to->n++;
    return CH_OK;
}

static ch_status decode_arguments(cn_decode *d, const PB(SQL) * m, arguments *to, ch_error *err)
{
    size_t n = m->n_args + m->n_pos_args + m->n_named_arguments + m->n_pos_arguments;
    *to = (arguments){0};
    CH_ARENA_ARRAY(to->name, d->arena, n + 1, err);
    CH_ARENA_ARRAY(to->value, d->arena, n + 1, err);
    for (size_t i = 0; i < m->n_named_arguments; i++)
        CH_TRY(add_argument(d, to, m->named_arguments[i]->key, m->named_arguments[i]->value, NULL,
                            err));
    for (size_t i = 0; i < m->n_args; i++)
        CH_TRY(add_argument(d, to, m->args[i]->key, NULL, m->args[i]->value, err));
    if (to->n == 0)
        to->name = NULL;
    for (size_t i = 0; i < m->n_pos_arguments; i++)
        CH_TRY(add_argument(d, to, NULL, m->pos_arguments[i], NULL, err));
    for (size_t i = 0; i < m->n_pos_args; i++)
        CH_TRY(add_argument(d, to, NULL, NULL, m->pos_args[i], err));
    return CH_OK;
}

ch_status cn_decode_sql(cn_decode *d, const PB(SQL) * m, ch_rel **out, ch_error *err)
{
    ch_sql_context ctx;
    const char *text;
    arguments given;
    CH_TRY(cn_copy_text(d, m->query, &text, err));
    CH_TRY(ch_session_sql_context(d->session->session, d->arena, &ctx, err));
    CH_TRY(decode_arguments(d, m, &given, err));
    ch_sql_params params = {.value = given.value, .name = given.name, .n = given.n};
    ctx.params = &params;
    d->frame->text = d->n_texts++ ? NULL : text;
    return ch_sql_parse(&ctx, text, out, err);
}

DECODER(sql)
{
    return cn_decode_sql(d, m->sql, out, err);
}

/* References with a name, spark.sql("... {df}", df=...), stand before the root as WITH has them. */
static ch_status named_references(cn_decode *d, const PB(WithRelations) * s, ch_rel **out,
                                  ch_error *err)
{
    ch_rel_with *w;
    CN_NODE(w, d, WITH, err);
    for (size_t i = 0; i < s->n_references; i++) {
        ch_rel *rel;
        if (s->references[i]->rel_type_case != SPARK__CONNECT__RELATION__REL_TYPE_SUBQUERY_ALIAS)
            continue;
        CH_TRY(cn_decode_relation(d, s->references[i], &rel, err));
        CH_TRY(ch_rel_list_add(d->arena, &w->ctes, rel, err));
    }
    w->input = *out;
    if (w->ctes.n)
        *out = &w->head;
    return CH_OK;
}

DECODER(with_relations)
{
    const PB(WithRelations) *s = m->with_relations;
    PB(Relation) **before = d->reference;
    size_t n_before = d->n_references;
    /* Outer plans stay visible: a subquery may refer to what is around it. */
    CH_ARENA_ARRAY(d->reference, d->arena, n_before + s->n_references + 1, err);
    memcpy(d->reference, s->references, sizeof *before * s->n_references);
    if (n_before)
        memcpy(d->reference + s->n_references, before, sizeof *before * n_before);
    d->n_references += s->n_references;
    ch_status status = cn_decode_relation(d, s->root, out, err);
    if (status == CH_OK)
        status = named_references(d, s, out, err);
    d->reference = before;
    d->n_references = n_before;
    return status;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct {
    PB(Relation__RelTypeCase) which;
    ch_status (*decode)(cn_decode *d, const message *m, ch_rel **out, ch_error *err);
    const char *refused;
} ROW[] = {
#define CN_REL(CASE, decoder) \
    {SPARK__CONNECT__RELATION__REL_TYPE_##CASE, cn_decode_##decoder##_rel, NULL},
#define CN_NO_REL(CASE, what) {SPARK__CONNECT__RELATION__REL_TYPE_##CASE, NULL, what},
#include "builtin/connect_relations.def"
#undef CN_REL
#undef CN_NO_REL
};

ch_status cn_decode_relation(cn_decode *d, const message *m, ch_rel **out, ch_error *err)
{
    *out = NULL;
    for (size_t i = 0; m && i < sizeof ROW / sizeof *ROW; i++) {
        if (ROW[i].which != m->rel_type_case)
            continue;
        if (!ROW[i].decode)
            CN_UNSUPPORTED(err, ROW[i].refused);
        CH_TRY(ROW[i].decode(d, m, out, err));
        if (m->common && m->common->has_plan_id)
            (*out)->plan_id = m->common->plan_id;
        return CH_OK;
    }
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
            m ? "a relation is of a kind that this version does not know"
              : "a relation is missing");
}

ch_status cn_decode_frame(cn_session *session, const message *relation, ch_frame **out,
                          ch_error *err)
{
    ch_frame *frame;
    ch_rel *rel;
    *out = NULL;
    CH_TRY(ch_frame_new(session->session, NULL, 0, &frame, err));
    cn_decode d = {.session = session, .frame = frame, .arena = &frame->arena};
    ch_status status = cn_decode_relation(&d, relation, &rel, err);
    if (status != CH_OK) {
        ch_frame_unref(frame);
        return status;
    }
    frame->rel = rel;
    *out = frame;
    return CH_OK;
}

ch_status cn_decode_plan(cn_session *session, const PB(Plan) * plan, ch_frame **out, ch_error *err)
{
    *out = NULL;
    if (!plan || plan->op_type_case != SPARK__CONNECT__PLAN__OP_TYPE_ROOT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a relation is expected as the plan's root");
    return cn_decode_frame(session, plan->root, out, err);
}
