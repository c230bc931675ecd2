/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - what is in a node: one table of fields per kind, and the loops over
 * it.
 *
 * Constructors zero the node, set kind and "nowhere in the text"; the caller
 * fills the fields and, if it knows the place, start and stop.
 */
#ifndef CH_PLAN_NODE_H
#define CH_PLAN_NODE_H

#include "plan/plan.h"

typedef enum ch_node_field_kind {
    CH_NODE_EXPR,      /* ch_expr *, may be NULL */
    CH_NODE_EXPR_LIST, /* ch_expr_list */
    CH_NODE_REL,       /* ch_rel *, may be NULL */
    CH_NODE_REL_LIST,
    CH_NODE_STR, /* const char *, may be NULL */
    CH_NODE_STR_LIST,
    CH_NODE_OPTIONS, /* ch_option_list */
    CH_NODE_BOOL,
    CH_NODE_I32, /* int32_t and enums */
    CH_NODE_I64,
    CH_NODE_F64,
    CH_NODE_TYPE,    /* const ch_type * */
    CH_NODE_SCALAR,  /* ch_scalar */
    CH_NODE_ATTR,    /* const ch_attr *: equal when the ids are */
    CH_NODE_FUNC,    /* const ch_func *: one in Python by what it is */
    CH_NODE_POINTER, /* compared by address, not printed */
    /* Arrays that carry their length beside them; in memory order: */
    CH_NODE_EXPR_ROWS,  /* ch_expr_list *row; int32_t n_rows */
    CH_NODE_INDEX_SETS, /* int32_t **sets, *set_len, n_sets */
    CH_NODE_WANTED      /* int32_t *, head.output.n of them */
} ch_node_field_kind;

typedef struct ch_node_field {
    const char *name;
    ch_node_field_kind kind;
    uint16_t offset;
} ch_node_field;

typedef struct ch_node_class {
    const char *name; /* "Filter" */
    uint16_t bytes;
    uint16_t n_fields;
    const ch_node_field *field;
} ch_node_class;

const ch_node_class *ch_expr_class(ch_expr_kind kind);
const ch_node_class *ch_rel_class(ch_rel_kind kind);
/* Of a field of CH_NODE_EXPR_ROWS: how many there are. */
static inline int32_t ch_node_n_rows(const void *node, size_t offset)
{
    return *(const int32_t *)(const void *)((const char *)node + offset + sizeof(void *));
}

/* A zeroed node of the kind; NULL with err set. */
void *ch_expr_new(ch_arena *arena, ch_expr_kind kind, ch_error *err);
void *ch_rel_new(ch_arena *arena, ch_rel_kind kind, ch_error *err);
/* A shallow copy, for rewrites: change its fields before anybody else sees it.
 */
void *ch_expr_clone(ch_arena *arena, const ch_expr *expr, ch_error *err);
void *ch_rel_clone(ch_arena *arena, const ch_rel *rel, ch_error *err);

/* Lists grow at the end. A list that another node may share (after a clone) must be built anew
 * instead. */
CH_NODISCARD ch_status ch_expr_list_add(ch_arena *arena, ch_expr_list *list, ch_expr *expr,
                                        ch_error *err);
CH_NODISCARD ch_status ch_rel_list_add(ch_arena *arena, ch_rel_list *list, ch_rel *rel,
                                       ch_error *err);
CH_NODISCARD ch_status ch_str_list_add(ch_arena *arena, ch_str_list *list, const char *text,
                                       ch_error *err);
CH_NODISCARD ch_status ch_option_list_add(ch_arena *arena, ch_option_list *list, const char *key,
                                          const char *value, ch_error *err);

/* A name as programs write it, "a.`b c`.d", into its parts. */
CH_NODISCARD ch_status ch_name_split(ch_arena *arena, const char *name, ch_str_list *parts,
                                     ch_error *err);

/*
 * Children in order of the fields; fn may replace each (by writing *child).
 * With copy-on-write: *expr itself is cloned first if some child changed.
 */
typedef ch_status (*ch_expr_fn)(void *user, ch_expr **child, ch_error *err);
typedef ch_status (*ch_rel_fn)(void *user, ch_rel **child, ch_error *err);
CH_NODISCARD ch_status ch_expr_map_children(ch_arena *arena, ch_expr **expr, ch_expr_fn fn,
                                            void *user, ch_error *err);
CH_NODISCARD ch_status ch_rel_map_inputs(ch_arena *arena, ch_rel **rel, ch_rel_fn fn, void *user,
                                         ch_error *err);
/* The expressions that stand directly in a relation. */
CH_NODISCARD ch_status ch_rel_map_exprs(ch_arena *arena, ch_rel **rel, ch_expr_fn fn, void *user,
                                        ch_error *err);

/*
 * How many nodes stand one below the other at most, CH_MOST_LEVELS if it is more: what must be known to call
 * oneself on each (base/stack.h). Cost O(nodes), and at most a million.
 */
#define CH_MOST_LEVELS 20000
CH_NODISCARD ch_status ch_rel_levels(const ch_rel *rel, ch_mem *mem, int32_t *levels,
                                     ch_error *err);

/* Structural equality and hash; attributes by id, places in the text ignored.
 */
bool ch_expr_equal(const ch_expr *a, const ch_expr *b);
bool ch_rel_equal(const ch_rel *a, const ch_rel *b);
bool ch_scalar_equal(const ch_scalar *a, const ch_scalar *b);
/* child: tells the hashes of those below, if they are known already; or NULL. */
typedef uint64_t (*ch_child_hash)(void *user, const ch_expr *child);
uint64_t ch_expr_hash_by(const ch_expr *expr, ch_child_hash child, void *user);
static inline uint64_t ch_expr_hash(const ch_expr *expr)
{
    return ch_expr_hash_by(expr, NULL, NULL);
}

/* The expression as Spark writes it in column names ("(a + 1)", "CAST(a AS
 * INT)", "count(1)"), and in errors (quoted: "\"(a + 1)\""). */
CH_NODISCARD ch_status ch_expr_print(const ch_expr *expr, ch_buf *out, ch_error *err);
char *ch_expr_sql(ch_arena *arena, const ch_expr *expr, ch_error *err);
/* An indented tree of relations, one line each, as EXPLAIN EXTENDED shows it.
 */
CH_NODISCARD ch_status ch_rel_print(const ch_rel *rel, ch_buf *out, ch_error *err);

#endif
