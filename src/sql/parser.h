/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser.h - inside of src/sql: a recursive descent over the tokens, one file per part of the grammar.
 *
 *   parser.c            tokens, names, errors; the two doors
 *   parser_statement.c  CREATE TEMP VIEW, SET, EXPLAIN ...; the way to all statements
 *   parser_show.c       SHOW, DESCRIBE
 *   parser_ddl.c        databases, tables, stored views; parser_alter.c ALTER
 *   parser_function.c   functions
 *   parser_insert.c     INSERT
 *   parser_cache.c      CACHE TABLE, UNCACHE TABLE, CLEAR CACHE
 *   parser_query.c      WITH, set operations, SELECT, ORDER BY, LIMIT
 *   parser_pipe.c       query |> operator
 *   parser_window.c     OVER, WINDOW
 *   parser_relation.c   FROM: tables, joins, aliases
 *   parser_expr.c       operators by precedence, predicates
 *   parser_primary.c    what stands between operators: calls, CASE, CAST, names
 *   parser_literal.c    numbers, strings, dates, intervals
 *   parser_type.c       data types, column definitions
 *   parser_marker.c     parameters, IDENTIFIER(...)
 *   parser_variable.c   session variables, EXECUTE IMMEDIATE
 *
 * No keyword is reserved, as in Spark, so that what a word means depends on what follows: a keyword
 * starts a clause or is an operator only if its operand can follow, else it is a name. Spark's
 * generated parser looks ahead without bound; here one or two tokens, and the place of the matching
 * parenthesis, are enough.
 *
 * Every rule starts at p->at and leaves it behind what it took. The first error wins and unwinds all.
 */
#ifndef CH_SQL_PARSER_H
#define CH_SQL_PARSER_H

#include "plan/node.h"
#include "sql/lexer.h"
#include "sql/sql.h"

typedef struct ch_sql_lambda ch_sql_lambda;
struct ch_sql_lambda {
    const ch_str_list *args;
    const ch_sql_lambda *outer;
};

typedef struct ch_sql_parser {
    const ch_sql_context *ctx;
    ch_arena *arena;
    const char *text;
    const ch_token *tok;
    int32_t at, n;
    ch_error *err;
    int32_t depth;               /* of rules that call themselves */
    int32_t height;              /* of the expression parsed last */
    int32_t tallest;             /* of those parsed inside the primary expression at hand */
    int32_t angles;              /* '>' left over from a >> or >>> that closed a nested type */
    const ch_sql_lambda *lambda; /* whose arguments are in sight */
    ch_expr_list windows;        /* OVER name, of the SELECT at hand */
    int32_t name_start,
        name_stop;   /* bytes: the first name of a table or the like; stop 0: none yet */
    int32_t n_taken; /* parameters, by ? */
    bool taken_by_name, taken_by_place;
} ch_sql_parser;

#define CH_SQL_MAX_DEPTH 400
#define CH_SQL_MAX_HEIGHT 4000

/* ---- tokens ---- */

static inline const ch_token *ch_sql_peek(const ch_sql_parser *p, int32_t ahead)
{
    return &p->tok[p->at + ahead < p->n ? p->at + ahead : p->n - 1];
}
static inline bool ch_sql_is(const ch_sql_parser *p, int kind)
{
    return p->tok[p->at].kind == kind;
}
static inline bool ch_sql_is_kw(const ch_sql_parser *p, ch_keyword keyword)
{
    return p->tok[p->at].keyword == (int16_t)keyword;
}
static inline bool ch_sql_peek_kw(const ch_sql_parser *p, int32_t ahead, ch_keyword keyword)
{
    return ch_sql_peek(p, ahead)->keyword == (int16_t)keyword;
}
bool ch_sql_accept(ch_sql_parser *p, int kind);
bool ch_sql_accept_kw(ch_sql_parser *p, ch_keyword keyword);
bool ch_sql_accept_if_exists(ch_sql_parser *p); /* IF EXISTS */
/* The token must stand here; says what is missing, or what is too much, as Spark does. */
CH_NODISCARD ch_status ch_sql_expect(ch_sql_parser *p, int kind);
CH_NODISCARD ch_status ch_sql_expect_kw(ch_sql_parser *p, ch_keyword keyword);
/* Says that `what` is missing here. */
ch_status ch_sql_expect_missing(ch_sql_parser *p, const char *what);
/* The ')' behind a list of n items. */
CH_NODISCARD ch_status ch_sql_close_list(ch_sql_parser *p, int32_t n);

/* Can an expression start at the token `ahead` of here? */
bool ch_sql_starts_expr(const ch_sql_parser *p, int32_t ahead);
/* Can a query start there (SELECT, VALUES, WITH, TABLE, FROM, or a parenthesis around one)? */
bool ch_sql_starts_query(const ch_sql_parser *p, int32_t ahead);
/* Does the keyword here start a clause that ends an expression or a table (WHERE x, GROUP BY x, ...)? */
bool ch_sql_starts_clause(const ch_sql_parser *p);

/* ---- errors; all return the status ---- */

/* Here is a token that cannot be. */
ch_status ch_sql_unexpected(ch_sql_parser *p);
ch_status ch_sql_extra(ch_sql_parser *p);
/* Locates an error that was just set: bytes [start, stop). */
ch_status ch_sql_at(ch_sql_parser *p, int32_t start, int32_t stop, ch_status status);
ch_status ch_sql_unsupported(ch_sql_parser *p, int32_t start, const char *what);
ch_status ch_sql_too_deep(ch_sql_parser *p);
#define CH_SQL_DEEPER(p)                     \
    do {                                     \
        if (++(p)->depth > CH_SQL_MAX_DEPTH) \
            return ch_sql_too_deep(p);       \
    } while (0)

/* ---- names ---- */

bool ch_sql_is_name(const ch_sql_parser *p, int32_t ahead);
CH_NODISCARD ch_status ch_sql_name(ch_sql_parser *p, const char **out);
/* A name that may not be followed by -name: a-b is refused with advice. */
CH_NODISCARD ch_status ch_sql_checked_name(ch_sql_parser *p, const char **out);
CH_NODISCARD ch_status ch_sql_names(ch_sql_parser *p, ch_str_list *out); /* a.b.c */
/* "a.b.c": a function's name */
CH_NODISCARD ch_status ch_sql_join_names(ch_sql_parser *p, const ch_str_list *parts,
                                         const char **out);
CH_NODISCARD ch_status ch_sql_name_list(ch_sql_parser *p, ch_str_list *out); /* (a, b) */
/* The text of the token as the user wrote it, quotes and escapes resolved for strings. */
CH_NODISCARD ch_status ch_sql_string(ch_sql_parser *p, const char **out, int64_t *len);
bool ch_sql_is_string(const ch_sql_parser *p, int32_t ahead);
/* Raw text of bytes [start, stop). */
const char *ch_sql_slice(ch_sql_parser *p, int32_t start, int32_t stop);
CH_NODISCARD ch_status ch_sql_options(ch_sql_parser *p, ch_option_list *out); /* (k v, k = v) */

/* ---- nodes ---- */

int32_t ch_sql_here(const ch_sql_parser *p); /* where the next token begins */
/* Node of the kind, from byte `start` to the end of the last token taken. */
void *ch_sql_expr_new(ch_sql_parser *p, ch_expr_kind kind, int32_t start);
void *ch_sql_rel_new(ch_sql_parser *p, ch_rel_kind kind, int32_t start);
CH_NODISCARD ch_status ch_sql_call(ch_sql_parser *p, const char *name, int32_t start, ch_expr *a,
                                   ch_expr *b, ch_expr **out);
CH_NODISCARD ch_status ch_sql_literal_string(ch_sql_parser *p, const char *text, int64_t len,
                                             int32_t start, ch_expr **out);
CH_NODISCARD ch_status ch_sql_literal_bool(ch_sql_parser *p, bool value, int32_t start,
                                           ch_expr **out);
CH_NODISCARD ch_status ch_sql_literal_int(ch_sql_parser *p, int32_t value, int32_t start,
                                          ch_expr **out);

/* ---- rules ---- */

CH_NODISCARD ch_status ch_sql_statement(ch_sql_parser *p, ch_rel **out);
/* At CACHE, UNCACHE, CLEAR, or SHOW before CACHE. */
CH_NODISCARD ch_status ch_sql_cache(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_query(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_from(ch_sql_parser *p, ch_rel **out); /* behind FROM */
CH_NODISCARD ch_status ch_sql_values(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_expr(ch_sql_parser *p, ch_expr **out);
/* |> operators behind *plan (parser_pipe.c), and what some of them share with ordinary queries. */
CH_NODISCARD ch_status ch_sql_pipes(ch_sql_parser *p, int32_t start, ch_rel **plan);
/* ORDER BY ... SORT BY, and with limits LIMIT and OFFSET */
CH_NODISCARD ch_status ch_sql_organize(ch_sql_parser *p, int32_t start, bool limits, ch_rel **plan);
/* UNION, INTERSECT, EXCEPT with the query behind it; *done false: none begins here. */
CH_NODISCARD ch_status ch_sql_set_onto(ch_sql_parser *p, int32_t start, ch_rel **plan, bool *done);
/* A join or TABLESAMPLE; likewise. */
CH_NODISCARD ch_status ch_sql_relation_onto(ch_sql_parser *p, int32_t start, ch_rel **plan,
                                            bool *done);
/* Without AND, OR, NOT and predicates: valueExpression of Spark's grammar. */
CH_NODISCARD ch_status ch_sql_value(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_primary(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_named_expr(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_expr_list(ch_sql_parser *p, ch_expr_list *out); /* a, b, c */
/* One of a call: value, name => value; `aliased`: value AS name. */
CH_NODISCARD ch_status ch_sql_argument(ch_sql_parser *p, bool aliased, ch_expr **out);
/* One of a table function: also TABLE(...), key => TABLE(...) (parser_table_argument.c). */
CH_NODISCARD ch_status ch_sql_table_function_argument(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_sort_item(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_sort_items(ch_sql_parser *p, ch_expr_list *out);
CH_NODISCARD ch_status ch_sql_window_spec(ch_sql_parser *p, ch_expr_window *out);
/* At WINDOW: the specifications go into the OVER w of this SELECT, p->windows from first_window on. */
CH_NODISCARD ch_status ch_sql_window_clause(ch_sql_parser *p, int32_t first_window);
CH_NODISCARD ch_status ch_sql_number(ch_sql_parser *p, bool negative, int32_t start, ch_expr **out);
bool ch_sql_is_number(const ch_sql_parser *p, int32_t ahead);
CH_NODISCARD ch_status ch_sql_strings(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_typed_literal(ch_sql_parser *p, ch_expr **out); /* DATE '...' */
bool ch_sql_starts_interval(const ch_sql_parser *p);
CH_NODISCARD ch_status ch_sql_interval(ch_sql_parser *p, ch_expr **out);
CH_NODISCARD ch_status ch_sql_type(ch_sql_parser *p, const ch_type **out);
CH_NODISCARD ch_status ch_sql_columns(ch_sql_parser *p, const ch_type **out); /* (a INT, b ...) */
/* Columns of a table, which may have DEFAULT besides; without parentheses and with. */
CH_NODISCARD ch_status ch_sql_bare_columns(ch_sql_parser *p, const ch_type **out);
CH_NODISCARD ch_status ch_sql_table_columns(ch_sql_parser *p, const ch_type **out);
/* [COMMENT 'x'] as metadata; NULL if there is none. */
CH_NODISCARD ch_status ch_sql_field_comment(ch_sql_parser *p, const char **out);

/* At ? or :name */
CH_NODISCARD ch_status ch_sql_marker(ch_sql_parser *p, ch_expr **out);
/* A positive number becomes negative; false: it is something else. */
bool ch_sql_negate(ch_expr *e);
/* The same where a number or text must stand: INTERVAL ? DAY. */
CH_NODISCARD ch_status ch_sql_marker_text(ch_sql_parser *p, const char **out);
/* IDENTIFIER('a.b') gives the parts of a name. */
bool ch_sql_starts_identifier(const ch_sql_parser *p);
CH_NODISCARD ch_status ch_sql_identifier(ch_sql_parser *p, ch_str_list *out);
CH_NODISCARD ch_status ch_sql_declare(ch_sql_parser *p, ch_rel **out);
bool ch_sql_starts_set_variable(const ch_sql_parser *p);
CH_NODISCARD ch_status ch_sql_set_variable(ch_sql_parser *p, ch_rel **out);
bool ch_sql_starts_drop_variable(const ch_sql_parser *p);
CH_NODISCARD ch_status ch_sql_drop_variable(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_execute(ch_sql_parser *p, ch_rel **out);

/* out = node, or returns CH_E_MEMORY from the calling rule. */
#define CH_SQL_NEW(node, p, make, kind, start) \
    do {                                       \
        (node) = make((p), (kind), (start));   \
        if (!(node))                           \
            return CH_E_MEMORY;                \
    } while (0)

#endif
