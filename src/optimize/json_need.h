/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_need.h - which parts of values are asked for, and calls of from_json that make no others.
 *
 * A need is a tree beside a type: of a struct one for each field, of an array one for its elements. The columns of
 * a plan each have two, what is wanted of them (gathered from the root down) and what is made
 * (from from_json up), which is at least that.
 */
#ifndef CH_OPTIMIZE_JSON_NEED_H
#define CH_OPTIMIZE_JSON_NEED_H

#include "optimize/rewrite.h"

/* NULL instead of one: only whether the value is there. Never written once it is in use. */
typedef struct ch_need ch_need;
struct ch_need {
    bool all;
    const ch_need **field; /* STRUCT: one each; ARRAY: of the elements */
};
extern const ch_need ch_need_all;

typedef struct ch_need_column {
    int64_t id;
    const ch_need *wanted;
    const ch_need *made; /* NULL: all of it */
    const ch_type *type; /* that follows from made */
} ch_need_column;

typedef struct ch_needs {
    const ch_analyze_context *ctx;
    ch_arena *arena;
    ch_need_column *column;
    int32_t n, cap;
    bool found, changed; /* is there a from_json; was one made smaller */
} ch_needs;

/* Fields of a struct; 1 of an array; 0 of all else. */
static inline int32_t ch_need_parts(const ch_type *t)
{
    return t->id == CH_STRUCT ? t->n_fields : t->id == CH_ARRAY ? 1 : 0;
}

/* A need of nothing yet, to be filled; and one of part i alone. In the arena. */
CH_NODISCARD ch_status ch_need_new(ch_needs *p, const ch_type *t, ch_need **out, ch_error *err);
CH_NODISCARD ch_status ch_need_part(ch_needs *p, const ch_type *t, int32_t i, const ch_need *part,
                                    const ch_need **out, ch_error *err);

/* The column with this id; NULL, or made if it is new. Until the next one is made. */
ch_need_column *ch_need_find(const ch_needs *p, int64_t id);
CH_NODISCARD ch_status ch_need_column_of(ch_needs *p, int64_t id, ch_need_column **out,
                                         ch_error *err);
/* n is wanted of the column, besides what was before. */
CH_NODISCARD ch_status ch_need_want(ch_needs *p, const ch_attr *attr, const ch_need *n,
                                    ch_error *err);
const ch_need *ch_need_wanted(const ch_needs *p, const ch_attr *attr);

/* from_json of a text and a schema, which may be made smaller. */
bool ch_need_is_from_json(const ch_expr *e);
/* A call of it of which n is needed, made smaller; *made: what it makes now. */
CH_NODISCARD ch_status ch_need_shrink(ch_needs *p, ch_expr **e, const ch_need *n,
                                      const ch_need **made, ch_error *err);

#endif
