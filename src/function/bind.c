/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind.c - from a signature and argument types to casts and a result type.
 *
 *   sig     = params "->" type
 *   params  = "" | param { "," param } ["..."]      a param in [ ] is optional, and all after it
 *   param   = part { "|" part }                     the first part that the argument already is,
 *                                                   else the first it can be cast to
 *   part    = "any" | "numeric" | "integral" | "text" (string or binary) | "array" | "map" |
 *             "struct" | T | "array<T>" | "map<K,V>" | a type
 *   T       = one capital letter: the least common type of all arguments with that letter
 */
#include <stdio.h>

#include "function/support.h"
#include "type/decimal.h"

enum { MOST_PARAMS = 12, N_LETTERS = 26 };

typedef struct param {
    const char *text;
    int len;
} param;

typedef struct signature {
    param param[MOST_PARAMS];
    int n, least;
    bool variadic;
    param result;
} signature;

/* Letters are bound in two rounds: common types first, then used. */
typedef struct letters {
    const ch_type *type[N_LETTERS];
} letters;

/* For when there is no memory to write a type out: without its parameters. */
static const char *const BARE_NAME[CH_N_TYPE_IDS] = {
    [CH_NULL] = "VOID",
    [CH_BOOLEAN] = "BOOLEAN",
    [CH_BYTE] = "TINYINT",
    [CH_SHORT] = "SMALLINT",
    [CH_INT] = "INT",
    [CH_LONG] = "BIGINT",
    [CH_FLOAT] = "FLOAT",
    [CH_DOUBLE] = "DOUBLE",
    [CH_DECIMAL] = "DECIMAL",
    [CH_STRING] = "STRING",
    [CH_CHAR] = "CHAR",
    [CH_VARCHAR] = "VARCHAR",
    [CH_BINARY] = "BINARY",
    [CH_DATE] = "DATE",
    [CH_TIME] = "TIME",
    [CH_TIMESTAMP] = "TIMESTAMP",
    [CH_TIMESTAMP_NTZ] = "TIMESTAMP_NTZ",
    [CH_DAY_TIME_INTERVAL] = "INTERVAL DAY TO SECOND",
    [CH_YEAR_MONTH_INTERVAL] = "INTERVAL YEAR TO MONTH",
    [CH_CALENDAR_INTERVAL] = "INTERVAL",
    [CH_ARRAY] = "ARRAY",
    [CH_MAP] = "MAP",
    [CH_STRUCT] = "STRUCT",
    [CH_VARIANT] = "VARIANT",
};

ch_quoted_type ch_quote_type(const ch_type *type)
{
    ch_quoted_type t = {{0}};
    snprintf(t.text, sizeof t.text, "\"%s\"", BARE_NAME[type->id]);
    ch_mem *mem = ch_mem_new(NULL, "type text", 0);
    ch_buf buf;
    if (!mem)
        return t;
    ch_buf_init(&buf, mem);
    ch_status status = ch_type_print_sql(type, &buf, NULL);
    if (status != CH_OK) { /* another query may have given memory back meanwhile */
        ch_buf_reset(&buf);
        status = ch_type_print_sql(type, &buf, NULL);
    }
    if (status == CH_OK)
        snprintf(t.text, sizeof t.text, "\"%s\"", buf.data ? buf.data : "");
    ch_buf_release(&buf);
    ch_mem_close(mem);
    return t;
}

bool ch_bind_any_nullable(const ch_bind *bind)
{
    for (int32_t i = 0; i < bind->n_args; i++)
        if (bind->arg_nullable[i])
            return true;
    return false;
}

ch_status ch_bind_count(const ch_bind *bind, const char *expected, ch_error *err)
{
    char name[80];
    snprintf(name, sizeof name, "`%s`", bind->func->name);
    CH_FAIL(err, WRONG_NUM_ARGS, "functionName", name, "expectedNum", expected, "actualNum",
            CH_I64(bind->n_args));
}

const char *ch_bind_sql(const ch_bind *bind)
{
    return bind->source->sql(bind->source, -1);
}

const char *ch_bind_arg_sql(const ch_bind *bind, int32_t i)
{
    return bind->source->sql(bind->source, i);
}

const ch_scalar *ch_bind_literal(const ch_bind *bind, int32_t i)
{
    return bind->source->literal(bind->source, i);
}

const ch_scalar *ch_bind_constant(const ch_bind *bind, int32_t i)
{
    return bind->source->constant(bind->source, i);
}

static const char *ordinal(int i)
{
    static const char *const name[] = {"first", "second",  "third",  "fourth", "fifth",
                                       "sixth", "seventh", "eighth", "ninth",  "tenth"};
    return i >= 0 && i < 10 ? name[i] : "last";
}

ch_status ch_bind_wrong_type(const ch_bind *bind, int i, const char *required, ch_error *err)
{
    char sql[512], arg[256], need[128];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    snprintf(arg, sizeof arg, "\"%s\"", ch_bind_arg_sql(bind, i));
    snprintf(need, sizeof need, "\"%s\"", required);
    CH_FAIL(err, DATATYPE_MISMATCH_INPUT, "paramIndex", ordinal(i), "inputSql", arg, "inputType",
            ch_quote_type(bind->arg_type[i]).text, "requiredType", need, "sqlExpr", sql);
}

ch_status ch_bind_differ(const ch_bind *bind, ch_error *err)
{
    char sql[512], name[80], types[512] = "(";
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    snprintf(name, sizeof name, "`%s`", bind->func->name);
    size_t n = 1;
    for (int32_t i = 0; i < bind->n_args && n < sizeof types - 1; i++) {
        int more = snprintf(types + n, sizeof types - n, "%s%s", i ? " or " : "",
                            ch_quote_type(bind->arg_type[i]).text);
        n += more > 0 ? (size_t)more : 0;
    }
    if (n < sizeof types - 1)
        snprintf(types + n, sizeof types - n, ")");
    CH_FAIL(err, DATATYPE_MISMATCH_DIFF, "functionName", name, "dataType", types, "sqlExpr", sql);
}

ch_status ch_bind_common(ch_bind *bind, int32_t from, const ch_type **out, ch_error *err)
{
    const ch_type *t = CH_T_NULL;
    bool string = false;
    /* Strings last, as Spark does: what others agree on must not depend on their place. */
    for (int32_t i = from; t && i < bind->n_args; i++) {
        if (ch_type_is_string(bind->arg_type[i]) && !bind->arg_type[i]->collation)
            string = true;
        else
            t = ch_common_type(t, bind->arg_type[i], bind->ctx->ansi);
    }
    if (t && string)
        t = ch_common_type(t, CH_T_STRING, bind->ctx->ansi);
    if (!t)
        return ch_bind_differ(bind, err);
    for (int32_t i = from; i < bind->n_args; i++)
        bind->arg_type[i] = t;
    *out = t;
    return CH_OK;
}

ch_status ch_bind_cast(ch_bind *bind, int32_t i, const ch_type *to, ch_error *err)
{
    if (!ch_can_implicit_cast(bind->arg_type[i], to, bind->ctx->ansi)) {
        ch_quoted_type need = ch_quote_type(to);
        need.text[strlen(need.text) - 1] = 0;
        return ch_bind_wrong_type(bind, i, need.text + 1, err);
    }
    bind->arg_type[i] = to;
    return CH_OK;
}

/* ---- signatures ---- */

static param trim(const char *from, const char *to)
{
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    return (param){from, (int)(to - from)};
}

static bool is(param p, const char *text)
{
    return (int)strlen(text) == p.len && memcmp(p.text, text, (size_t)p.len) == 0;
}

static void read_signature(const char *sig, signature *s)
{
    *s = (signature){.least = -1};
    const char *arrow = strstr(sig, "->"), *p = sig;
    s->result = trim(arrow + 2, sig + strlen(sig));
    int depth = 0;
    const char *start = sig;
    for (; p <= arrow; p++) {
        if (p < arrow && (*p == '<' || *p == '('))
            depth++;
        if (p < arrow && (*p == '>' || *p == ')'))
            depth--;
        bool bracket = p < arrow && (*p == '[' || *p == ']');
        if (p == arrow || bracket || (*p == ',' && depth == 0)) {
            param one = trim(start, p);
            if (one.len > 3 && memcmp(one.text + one.len - 3, "...", 3) == 0) {
                one = trim(one.text, one.text + one.len - 3);
                s->variadic = true;
            }
            if (one.len && s->n < MOST_PARAMS)
                s->param[s->n++] = one;
            if (bracket && *p == '[' && s->least < 0)
                s->least = s->n;
            start = p + 1;
        }
    }
    if (s->least < 0)
        s->least = s->variadic ? s->n - 1 : s->n;
}

static int letter_of(param p)
{
    return p.len == 1 && p.text[0] >= 'A' && p.text[0] <= 'Z' ? p.text[0] - 'A' : -1;
}

/* "array<T>", "map<K,V>": the letters within. */
static bool nested_letters(param p, const char *outer, int *first, int *second)
{
    int n = (int)strlen(outer);
    if (p.len < n + 3 || memcmp(p.text, outer, (size_t)n) != 0 || p.text[n] != '<')
        return false;
    *first = letter_of((param){p.text + n + 1, 1});
    *second = -1;
    if (*first < 0 || (p.text[n + 2] != '>' && p.text[n + 2] != ','))
        return false;
    if (p.text[n + 2] == ',') {
        param last = trim(p.text + n + 3, p.text + p.len - 1);
        *second = letter_of(last);
        return *second >= 0;
    }
    return true;
}

static const ch_type *parse_type(param p)
{
    char text[128];
    const ch_type *type = NULL;
    snprintf(text, sizeof text, "%.*s", p.len, p.text);
    return ch_type_parse(text, &type, NULL) == CH_OK ? type : NULL;
}

/* Does the argument fit this part as it is? */
static bool is_part(param p, const ch_type *t)
{
    int k, v;
    if (is(p, "any") || letter_of(p) >= 0)
        return true;
    if (is(p, "numeric"))
        return ch_type_is_numeric(t);
    if (is(p, "integral"))
        return ch_type_is_integral(t);
    if (is(p, "text"))
        return ch_type_is_view(t);
    if (is(p, "string"))
        return ch_type_is_string(t);
    if (is(p, "decimal"))
        return t->id == CH_DECIMAL;
    if (is(p, "array") || nested_letters(p, "array", &k, &v))
        return t->id == CH_ARRAY;
    if (is(p, "map") || nested_letters(p, "map", &k, &v))
        return t->id == CH_MAP;
    if (is(p, "struct"))
        return t->id == CH_STRUCT;
    return parse_type(p) == t;
}

/* What the argument must be cast to for this part; NULL: cannot be. */
static const ch_type *cast_to_part(param p, const ch_type *t, bool ansi)
{
    const ch_type *to;
    if (is(p, "numeric"))
        to = CH_T_DOUBLE;
    else if (is(p, "integral"))
        to = ch_type_is_numeric(t) ? NULL : CH_T_LONG; /* no fractions */
    else if (is(p, "text"))
        to = CH_T_STRING;
    else if (is(p, "decimal"))
        to = ch_dec_for(t) ? ch_dec_for(t) : ch_type_decimal(38, 18);
    else
        to = parse_type(p);
    if (!to && t->id == CH_NULL)
        return t;
    return to && ch_can_implicit_cast(t, to, ansi) ? to : NULL;
}

static param next_part(param p, int *at)
{
    int from = *at, depth = 0;
    for (; *at < p.len; ++*at) {
        char c = p.text[*at];
        depth += c == '<';
        depth -= c == '>';
        if (c == '|' && !depth)
            break;
    }
    param part = trim(p.text + from, p.text + *at);
    ++*at;
    return part;
}

/* The part of p that argument i takes, with the cast it needs in *to. */
static bool choose_part(param p, const ch_type *t, bool ansi, param *part, const ch_type **to)
{
    *to = t;
    for (int at = 0; at < p.len;) {
        *part = next_part(p, &at);
        if (is_part(*part, t))
            return true;
    }
    for (int at = 0; at < p.len;) {
        *part = next_part(p, &at);
        if ((*to = cast_to_part(*part, t, ansi)))
            return true;
    }
    return false;
}

static bool meet(letters *l, int i, const ch_type *t, bool ansi)
{
    if (i < 0)
        return true;
    l->type[i] = l->type[i] ? ch_common_type(l->type[i], t, ansi) : t;
    return l->type[i] != NULL;
}

static const ch_type *apply(param p, const letters *l, const ch_type *now)
{
    int k, v;
    if (letter_of(p) >= 0)
        return l->type[letter_of(p)];
    if (nested_letters(p, "array", &k, &v) && l->type[k])
        return ch_type_array(l->type[k],
                             now && now->id == CH_ARRAY ? now->field[0].nullable : true);
    if (nested_letters(p, "map", &k, &v) && l->type[k] && l->type[v])
        return ch_type_map(l->type[k], l->type[v],
                           now && now->id == CH_MAP ? now->field[1].nullable : true);
    return NULL;
}

ch_status ch_bind_sig(ch_bind *bind, const char *sig, ch_error *err)
{
    signature s;
    letters l = {{0}};
    bool ansi = bind->ctx->ansi;
    read_signature(sig, &s);
    if (bind->n_args < s.least || (!s.variadic && bind->n_args > s.n)) {
        char expected[64];
        if (s.variadic)
            snprintf(expected, sizeof expected, "> %d", s.least - 1);
        else if (s.least == s.n)
            snprintf(expected, sizeof expected, "%d", s.n);
        else
            snprintf(expected, sizeof expected, "[%d, %d]", s.least, s.n);
        return ch_bind_count(bind, expected, err);
    }
    param part;
    for (int32_t i = 0; i < bind->n_args; i++) {
        param p = s.param[i < s.n ? i : s.n - 1];
        const ch_type *to;
        if (!choose_part(p, bind->arg_type[i], ansi, &part, &to)) {
            char need[128];
            int n = snprintf(need, sizeof need, "%.*s", p.len, p.text);
            for (int j = 0; j < n && j < 127; j++)
                need[j] = need[j] >= 'a' && need[j] <= 'z' ? (char)(need[j] - 32) : need[j];
            return ch_bind_wrong_type(bind, i, need, err);
        }
        bind->arg_type[i] = to;
        int k, v;
        bool fits = true;
        if (letter_of(part) >= 0)
            fits = meet(&l, letter_of(part), to, ansi);
        else if (to->id == CH_ARRAY && nested_letters(part, "array", &k, &v))
            fits = meet(&l, k, to->field[0].type, ansi);
        else if (to->id == CH_MAP && nested_letters(part, "map", &k, &v))
            fits = meet(&l, k, to->field[0].type, ansi) && meet(&l, v, to->field[1].type, ansi);
        if (!fits)
            return ch_bind_differ(bind, err);
    }
    for (int32_t i = 0; i < bind->n_args; i++) {
        const ch_type *to;
        (void)choose_part(s.param[i < s.n ? i : s.n - 1], bind->arg_type[i], ansi, &part, &to);
        const ch_type *t = apply(part, &l, bind->arg_type[i]);
        if (t)
            bind->arg_type[i] = t;
    }
    bind->result = apply(s.result, &l, NULL);
    if (!bind->result)
        bind->result = parse_type(s.result);
    if (!bind->result)
        bind->result = CH_T_NULL; /* letters that only NULLs were given for */
    return CH_OK;
}

ch_status ch_func_bind(ch_bind *bind, ch_error *err)
{
    const ch_func *f = bind->func;
    bind->eval = f->eval;
    bind->nullable = (f->flags & CH_FUNC_NEVER_NULL)   ? false
                     : (f->flags & CH_FUNC_MAKES_NULL) ? true
                                                       : ch_bind_any_nullable(bind);
    if (f->sig)
        CH_TRY(ch_bind_sig(bind, f->sig, err));
    if (f->bind)
        CH_TRY(f->bind(bind, err));
    return CH_OK;
}
