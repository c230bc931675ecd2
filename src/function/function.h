/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.h - SQL functions: how one is described, bound to argument types, and called.
 *
 * A family of functions is one file, which ends with its table of rows:
 *
 *   const ch_func ch_func_<family>[] = { {.name = "factorial", .sig = "int -> bigint", ...}, CH_FUNC_END };
 *
 * and one row CH_FUNCS(<family>) in builtin/functions.def. Operators are functions too, under
 * Spark's names: "+", "-", "*", "/", "%", "div", "=", "==", "<=>", "!=", "<", "<=", ">", ">=",
 * "and", "or", "not", "negative", "positive", "isnull", "isnotnull", "in", "like", "when", "if", "coalesce", ...
 *
 * Life of a call
 *   1. The analyzer finds the rows called `name`, and binds the first that fits: by its `sig`, or by
 *      its `bind` where the types follow a rule. Binding says which casts the arguments need, the
 *      result's type and nullability, and which kernel to run.
 *   2. Per worker, `open` makes private state (a compiled pattern, a random generator).
 *   3. `eval` runs once per batch.
 *   4. `close` frees the state.
 */
#ifndef CH_FUNCTION_FUNCTION_H
#define CH_FUNCTION_FUNCTION_H

#include "base/arena.h"
#include "column/column.h"

typedef struct ch_func ch_func;
typedef struct ch_bind ch_bind;
typedef struct ch_bind_source ch_bind_source;
typedef struct ch_call ch_call;

/* What the session says about evaluation; immutable during a query. */
typedef struct ch_func_context {
    bool ansi;             /* spark.sql.ansi.enabled */
    const char *time_zone; /* IANA name or offset, as in spark.sql.session.timeZone */
    bool decimal_allow_precision_loss;
    bool case_sensitive;
    bool map_last_win;          /* spark.sql.mapKeyDedupPolicy = LAST_WIN */
    const char *corrupt_column; /* spark.sql.columnNameOfCorruptRecord; NULL: _corrupt_record */
    int64_t now_us;             /* the query's start: current_timestamp() is the same everywhere */
    const char *user, *catalog, *database;
    const _Atomic bool
        *cancel; /* the query's; NULL: nobody cancels. For loops that may take seconds */
} ch_func_context;

static inline bool ch_func_cancelled(const ch_func_context *ctx)
{
    return ctx->cancel && atomic_load_explicit(ctx->cancel, memory_order_relaxed);
}

/*
 * Binding: filled by the analyzer, completed by sig or bind().
 * Everything made here lives in `arena`, which lives as long as the plan.
 */
typedef struct ch_bind_key {
    bool descending, nulls_first;
} ch_bind_key;

struct ch_bind {
    const ch_func *func;
    const ch_func_context *ctx;
    ch_arena *arena;
    int32_t n_args;
    const bool *arg_nullable;
    ch_bind_source *source; /* for the functions below; the analyzer's */
    int32_t n_keys;         /* the last arguments: the orderings of WITHIN GROUP */
    const ch_bind_key *key; /* n_keys, in the arena */

    /* In: the arguments' types. Out: the types they must be cast to. */
    const ch_type **arg_type;
    /* Out */
    const ch_type *result;
    bool nullable; /* before: any argument nullable, or CH_FUNC_MAKES_NULL */
    ch_status (*eval)(const ch_call *call, ch_column **out, ch_error *err); /* before: func->eval */
    void *data; /* for the kernel; in arena */
    /* Set by bind() when it has refused with an error that another row of the same name must not hide. */
    bool final;
};

/*
 * What takes as long to make as an argument is large, and is therefore made when asked for. A failure (no
 * memory) gives the empty text or NULL, and is what the binding ends with, whatever follows from it.
 */
struct ch_bind_source {
    const char *(*sql)(ch_bind_source *self, int32_t arg); /* -1: of the call */
    const ch_scalar *(*literal)(ch_bind_source *self, int32_t arg);
    const ch_scalar *(*constant)(ch_bind_source *self, int32_t arg);
};
/* The call as SQL text, for errors ("sqlExpr"), and argument i. */
const char *ch_bind_sql(const ch_bind *bind);
const char *ch_bind_arg_sql(const ch_bind *bind, int32_t i);
/* The value of an argument that is written as such; otherwise NULL. */
const ch_scalar *ch_bind_literal(const ch_bind *bind, int32_t i);
/* The value of a foldable argument, which may itself be NULL-valued; otherwise NULL. */
const ch_scalar *ch_bind_constant(const ch_bind *bind, int32_t i);

struct ch_call {
    const ch_func *func;
    const ch_func_context *ctx;
    void *data;  /* bind()'s */
    void *state; /* open()'s; NULL if there is none */
    int64_t rows;
    int32_t n_args;
    /* `rows` values each; FLAT, or CONST where the function has CH_FUNC_TAKES_CONST. */
    ch_column *const *arg;
    const ch_type *result;
    ch_mem *mem;
    uint64_t seq; /* of the batch the rows are from; see function/partition_number.h */
};

enum {
    CH_FUNC_DEFAULT = 0,
    /* Any NULL argument gives NULL: the driver sets valid = AND of the arguments' bits, and
     * skips the call when an argument is NULL throughout. Slots under a NULL hold anything. */
    CH_FUNC_NULL_PROPAGATES = 1 << 0,
    /* May give NULL for arguments that are not. */
    CH_FUNC_MAKES_NULL = 1 << 1,
    /* Never gives NULL. */
    CH_FUNC_NEVER_NULL = 1 << 2,
    /* Can fail for some value (ANSI overflow, bad input): is evaluated only for rows that need it. */
    CH_FUNC_MAY_FAIL = 1 << 3,
    /* Not a function of its arguments (rand, uuid): never folded, never moved or merged. */
    CH_FUNC_NONDETERMINISTIC = 1 << 4,
    /* The kernel handles CONST arguments itself; otherwise it sees FLAT ones only. */
    CH_FUNC_TAKES_CONST = 1 << 5,
    /* Has no arguments' rows to look at, wants call->rows (rand()). */
    CH_FUNC_AGGREGATE = 1 << 6, /* a row with .agg */
    CH_FUNC_WINDOW = 1 << 7,    /* works only OVER a window */
    CH_FUNC_GENERATOR = 1 << 8, /* explode: rows out of one row */
    /* Evaluates its own arguments (CASE, COALESCE, AND, OR, IF, lambdas): the evaluator knows it. */
    CH_FUNC_SPECIAL = 1 << 9,
    /* Not listed by SHOW FUNCTIONS: an operator, or for the engine's own use. */
    CH_FUNC_INTERNAL = 1 << 10,
    /* Its last arguments are lambda functions (function/lambda.h); also CH_FUNC_SPECIAL. */
    CH_FUNC_HIGHER_ORDER = 1 << 11,
    /* An aggregate that may be followed by WITHIN GROUP (ORDER BY ...); see ch_bind.key. */
    CH_FUNC_WITHIN_GROUP = 1 << 12,
    /* Written in Python (python/udf.h): the optimizer takes its calls out of expressions. */
    CH_FUNC_PYTHON = 1 << 13,
    /* eval makes its result itself, of whatever type: *out is NULL on entry. It is FLAT or CONST. */
    CH_FUNC_MAKES_COLUMN = 1 << 14,
};

typedef struct ch_agg ch_agg;

struct ch_func {
    const char *name; /* lower case; NULL ends a table */
    /*
     * "int, string -> boolean"; "string... -> string" any number of the last one; "T, T -> T" one
     * type for all (found by Spark's least common type); "any". Optional arguments in [ ].
     * NULL where bind() decides all.
     */
    const char *sig;
    ch_status (*bind)(ch_bind *bind, ch_error *err);
    /*
     * *out on entry: for results of fixed width or views, a FLAT column of call->rows whose valid
     * bits are set as the flags say (NULL if all are set; ch_column_need_valid() to make them);
     * NULL for nested results, which eval makes. On return: gives the result, FLAT or any encoding.
     */
    ch_status (*eval)(const ch_call *call, ch_column **out, ch_error *err);
    ch_status (*open)(const ch_call *call, void **state, ch_error *err);
    void (*close)(const ch_call *call, void *state);
    const ch_agg *agg;
    uint32_t flags;
    /* Names for f(name => value), "str, upperChar = 'X'": optional ones have a value; NULL: none. */
    const char *parameters;
    const char *doc;     /* one sentence */
    const char *example; /* "SELECT factorial(5)" */
    const char *expect;  /* "120" */
    const char *since;
};
/* clang-format off */
#define CH_FUNC_END {.name = NULL}
/* clang-format on */

/*
 * Aggregates keep one state of fixed size per group, inside the group's row of a hash table.
 * Rows of one batch may belong to any groups: state[i] is the group state of row i.
 */
struct ch_agg {
    /* Bytes of a state, aligned to 8; all-zero bytes are the state of an empty group.
     * A state that is relocatable plain bytes needs no save/load. */
    int32_t state_bytes;
    /* Same but by type of argument; NULL: state_bytes. */
    int32_t (*size)(const ch_call *call);
    /* Adds row i's arguments to state[i]; NULL rows are the aggregate's business. With
     * one_group, state[0] is that of all rows. extra: memory that lives as long as the states. */
    ch_status (*update)(const ch_call *call, uint8_t *const *state, bool one_group, ch_arena *extra,
                        ch_error *err);
    /* into[i] += from[i]. `from` may be dropped afterwards, together with its `extra`. */
    ch_status (*merge)(const ch_call *call, uint8_t *const *into, uint8_t *const *from, int64_t n,
                       ch_arena *extra, ch_error *err);
    /* Results of n groups. *out as in ch_func.eval. */
    ch_status (*result)(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                        ch_error *err);
    /* States that point into `extra` (text, lists): to and from a BINARY column, for spilling. NULL
     * where a state is plain bytes. */
    ch_status (*save)(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                      ch_error *err);
    ch_status (*load)(const ch_call *call, const ch_column *in, uint8_t *const *state, int64_t n,
                      ch_arena *extra, ch_error *err);
    /* Also a window function's incremental frame: takes row i's arguments out again; may be NULL. */
    ch_status (*retract)(const ch_call *call, uint8_t *const *state, bool one_group,
                         ch_arena *extra, ch_error *err);
    bool ignores_distinct; /* min, max, ...: DISTINCT changes nothing */
};

/* The first row called name (lower case), NULL if none; ch_func_next: the next row of that name. */
const ch_func *ch_func_find(const char *name);
const ch_func *ch_func_next(const ch_func *func);
/* Every row, for SHOW FUNCTIONS, documentation and tests: i from 0 until NULL. */
const ch_func *ch_func_at(int i);

/*
 * Binds func to argument types by its bind() or sig, with Spark's implicit casts (ANSI or not).
 * Errors: WRONG_NUM_ARGS, DATATYPE_MISMATCH_*; when several rows share a name the analyzer tries each
 * and reports the last one's.
 */
CH_NODISCARD ch_status ch_func_bind(ch_bind *bind, ch_error *err);

/*
 * One call with everything that is not the kernel's business: folds all-CONST arguments to one row,
 * runs deterministic functions of one DICT argument on the dictionary, flattens, computes validity.
 *   call  borrows  arg may have any encoding here
 */
CH_NODISCARD ch_status ch_func_call(const ch_call *call,
                                    ch_status (*eval)(const ch_call *, ch_column **, ch_error *),
                                    ch_column **out, ch_error *err);

/* Spark's type rules, shared by functions, set operations, CASE and joins. NULL: there is none. */
const ch_type *ch_common_type(const ch_type *a, const ch_type *b, bool ansi);
/* The widest type that both turn into without losing anything (findTightestCommonType). */
const ch_type *ch_tightest_type(const ch_type *a, const ch_type *b);
/* May a value be cast at all (explicitly), and may it be cast silently (store-assign, implicit)? */
bool ch_can_cast(const ch_type *from, const ch_type *to, bool ansi);
bool ch_can_implicit_cast(const ch_type *from, const ch_type *to, bool ansi);

/* CAST: mode says what a bad value does. Gives any encoding. */
typedef enum ch_cast_mode { CH_CAST_LEGACY, CH_CAST_ANSI, CH_CAST_TRY } ch_cast_mode;
CH_NODISCARD ch_status ch_cast(ch_column *in, const ch_type *to, ch_cast_mode mode,
                               const ch_func_context *ctx, ch_mem *mem, ch_column **out,
                               ch_error *err);

#endif
