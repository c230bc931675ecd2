/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_statement.c - the way to everything that is not a query, and of that: temporary views, SET, EXPLAIN.
 */
#include "plan/plan_command.h"
#include "sql/parser_ddl.h"

#include <ctype.h>
#include <strings.h>

static ch_status parse_statement(ch_sql_parser *p, ch_rel **out);

/* ---- views --------------------------------------------------------------------------------- */

static ch_status comment(ch_sql_parser *p, const char **out)
{
    int64_t len;
    p->at++;
    return ch_sql_string(p, out, &len);
}

/* (a COMMENT 'x', b) */
static ch_status view_columns(ch_sql_parser *p, ch_str_list *out)
{
    p->at++;
    do {
        const char *name, *text;
        CH_TRY(ch_sql_name(p, &name));
        CH_TRY(ch_str_list_add(p->arena, out, name, p->err));
        if (ch_sql_is_kw(p, CH_KW_COMMENT) && ch_sql_is_string(p, 1))
            CH_TRY(comment(p, &text));
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, out->n);
}

static ch_status check_view(ch_sql_parser *p, const ch_rel_create_view *v)
{
    int32_t start = v->head.start, stop = p->tok[p->at - 1].stop;
    const char *last = v->name.item[v->name.n - 1];
    if (v->if_not_exists && v->replace)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_CREATE_VIEW_EXISTS_REPLACE, "viewName", last,
                                      (const char *)0));
    if (v->if_not_exists)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_TEMP_VIEW_IF_NOT_EXISTS, (const char *)0));
    if (v->name.n > 1)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_INVALID_TEMP_OBJ_QUALIFIER, "objectType", "VIEW",
                                      "objectName", ch_arena_printf(p->arena, NULL, "`%s`", last),
                                      "qualifier",
                                      ch_arena_printf(p->arena, NULL, "`%s`", v->name.item[0]),
                                      (const char *)0));
    return CH_OK;
}

/* USING format [OPTIONS (...)]; the option path becomes a path. */
static ch_status data_source(ch_sql_parser *p, const ch_type *schema, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_read_data_source *d;
    ch_str_list format = {0};
    ch_option_list options = {0};
    p->at++;
    CH_TRY(ch_sql_names(p, &format));
    if (ch_sql_accept_kw(p, CH_KW_OPTIONS))
        CH_TRY(ch_sql_options(p, &options));
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_READ_DATA_SOURCE, start);
    d->format = format.item[format.n - 1];
    d->schema = schema;
    for (int32_t i = 0; i < options.n; i++) {
        if (strcasecmp(options.key[i], "path") == 0)
            CH_TRY(ch_str_list_add(p->arena, &d->paths, options.value[i], p->err));
        else
            CH_TRY(ch_option_list_add(p->arena, &d->options, options.key[i], options.value[i],
                                      p->err));
    }
    *out = &d->head;
    return CH_OK;
}

/* a INT, behind '(' : a column definition, and not only a name. */
static bool starts_column_types(const ch_sql_parser *p)
{
    return ch_sql_is_name(p, 1) && ch_sql_is_name(p, 2) &&
           !(ch_sql_peek_kw(p, 2, CH_KW_COMMENT) && ch_sql_is_string(p, 3));
}

/* Behind CREATE [OR REPLACE] [GLOBAL] TEMPORARY VIEW. */
static ch_status create_view(ch_sql_parser *p, ch_rel_create_view *v)
{
    const ch_type *schema = NULL;
    if (ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_NOT)) {
        p->at += 2;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_EXISTS));
        v->if_not_exists = true;
    }
    CH_TRY(ch_sql_names(p, &v->name));
    if (ch_sql_is(p, '(') && starts_column_types(p) && !ch_sql_peek_kw(p, 2, CH_KW_AS))
        CH_TRY(ch_sql_columns(p, &schema));
    else if (ch_sql_is(p, '('))
        CH_TRY(view_columns(p, &v->columns));
    if (ch_sql_is_kw(p, CH_KW_USING)) {
        CH_TRY(data_source(p, schema, &v->input));
        v->head.stop = p->tok[p->at - 1].stop;
        return check_view(p, v);
    }
    if (ch_sql_is_kw(p, CH_KW_COMMENT) && ch_sql_is_string(p, 1))
        CH_TRY(comment(p, &v->comment));
    if (!ch_sql_accept_kw(p, CH_KW_AS))
        return ch_sql_unexpected(p);
    int32_t start = ch_sql_here(p);
    CH_TRY(ch_sql_query(p, &v->input));
    v->head.stop = p->tok[p->at - 1].stop;
    v->text = ch_sql_slice(p, start, v->head.stop);
    if (!v->text)
        return CH_E_MEMORY;
    return check_view(p, v);
}

static ch_status parse_create(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_create_view *v;
    int32_t start = ch_sql_here(p);
    CH_SQL_NEW(v, p, ch_sql_rel_new, CH_REL_CREATE_VIEW, start);
    p->at++;
    if (ch_sql_accept_kw(p, CH_KW_OR)) {
        if (!ch_sql_accept_kw(p, CH_KW_REPLACE))
            return ch_sql_unexpected(p);
        v->replace = true;
    }
    v->is_global = ch_sql_accept_kw(p, CH_KW_GLOBAL);
    bool temporary = ch_sql_accept_kw(p, CH_KW_TEMPORARY) || ch_sql_accept_kw(p, CH_KW_TEMP);
    *out = &v->head;
    if (ch_sql_is_kw(p, CH_KW_VIEW) && (temporary || !v->is_global)) {
        p->at++;
        if (ch_sql_is(p, CH_TOK_EOF))
            return ch_sql_unexpected(p);
        return temporary ? create_view(p, v) : ch_sql_create_view(p, start, v->replace, out);
    }
    bool table = ch_sql_is_kw(p, CH_KW_TABLE), database = ch_sql_is_namespace(p, 0);
    bool function = ch_sql_is_kw(p, CH_KW_FUNCTION) && !v->is_global;
    if (!function && (temporary || v->is_global || (!table && !database)))
        return ch_sql_unexpected(p);
    p->at++;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    if (function)
        return ch_sql_create_function(p, start, v->replace, temporary, out);
    return table ? ch_sql_create_table(p, start, v->replace, out)
                 : ch_sql_create_database(p, start, out);
}

static ch_status parse_drop(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_drop_view *d;
    int32_t start = ch_sql_here(p);
    p->at++;
    bool temporary = ch_sql_is_kw(p, CH_KW_TEMPORARY) || ch_sql_is_kw(p, CH_KW_TEMP);
    bool table = ch_sql_is_kw(p, CH_KW_TABLE);
    if (ch_sql_peek_kw(p, temporary, CH_KW_FUNCTION)) {
        p->at += 1 + temporary;
        return ch_sql_drop_function(p, start, temporary, out);
    }
    if (ch_sql_is_namespace(p, 0) && ch_sql_is_name(p, 1)) {
        p->at++;
        return ch_sql_drop_database(p, start, out);
    }
    if (!table && !ch_sql_is_kw(p, CH_KW_VIEW))
        return ch_sql_unexpected(p);
    p->at++;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DROP_VIEW, start);
    d->is_table = table;
    d->if_exists = ch_sql_accept_if_exists(p);
    CH_TRY(ch_sql_names(p, &d->name));
    if (table)
        ch_sql_accept_word(p, "PURGE");
    d->head.stop = p->tok[p->at - 1].stop;
    *out = &d->head;
    return CH_OK;
}

/* ---- SET ----------------------------------------------------------------------------------- */

static bool is_config_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == ':' || c == '\\';
}

static ch_status set_error(ch_sql_parser *p, int32_t start, ch_status code)
{
    return ch_sql_at(p, start, p->tok[p->n - 1].stop, ch_error_set(p->err, code, (const char *)0));
}

/* A key in backquotes or of plain characters at text + *at; NULL if there is none. */
static const char *config_key(ch_sql_parser *p, const char *text, size_t *at, size_t end)
{
    size_t from = *at;
    if (text[from] == '`') {
        size_t to = from + 1;
        while (to < end && text[to] != '`')
            to++;
        *at = to + 1;
        return to < end ? ch_sql_slice(p, (int32_t)from + 1, (int32_t)to) : NULL;
    }
    while (*at < end && is_config_char(text[*at]))
        ++*at;
    return *at > from ? ch_sql_slice(p, (int32_t)from, (int32_t)*at) : NULL;
}

static size_t skip_blanks(const char *text, size_t at, size_t end)
{
    while (at < end && isspace((unsigned char)text[at]))
        at++;
    return at;
}

/* Where the statement's own text ends: before ; and blanks. */
static size_t statement_end(const ch_sql_parser *p)
{
    int32_t last = p->n - 2;
    while (last > 0 && p->tok[last].kind == ';')
        last--;
    return (size_t)p->tok[last].stop;
}

static ch_status set_time_zone(ch_sql_parser *p, ch_rel_set *s)
{
    int64_t len;
    int32_t start = s->head.start;
    p->at += 3;
    s->key = "spark.sql.session.timeZone";
    if (ch_sql_is_string(p, 0))
        return ch_sql_string(p, &s->value, &len);
    if (ch_sql_accept_kw(p, CH_KW_LOCAL)) {
        s->value = "LOCAL";
        return CH_OK;
    }
    if (!ch_sql_is_kw(p, CH_KW_INTERVAL) || !ch_sql_starts_interval(p))
        return set_error(p, start, CH_E_INVALID_TIME_ZONE_SYNTAX);
    ch_expr *e;
    CH_TRY(ch_sql_interval(p, &e));
    if (e->type->id != CH_DAY_TIME_INTERVAL)
        return set_error(p, start, CH_E_INVALID_TIME_ZONE_SYNTAX);
    int64_t minutes = ((ch_expr_literal *)e)->value.v.i64 / INT64_C(60000000);
    int64_t away = minutes < 0 ? -minutes : minutes;
    s->value = ch_arena_printf(p->arena, p->err, "%c%02d:%02d", minutes < 0 ? '-' : '+',
                               (int)(away / 60 % 100), (int)(away % 60));
    return s->value ? CH_OK : CH_E_MEMORY;
}

/* SET, SET -v, SET key, SET key = value: the value is text as it stands, up to ;. */
static ch_status parse_set(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_set *s;
    int32_t start = ch_sql_here(p);
    bool reset = ch_sql_is_kw(p, CH_KW_RESET);
    CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SET, start);
    s->reset = reset;
    *out = &s->head;
    if (ch_sql_peek_kw(p, 1, CH_KW_TIME) && ch_sql_peek_kw(p, 2, CH_KW_ZONE) && !reset)
        return set_time_zone(p, s);
    ch_status wrong = reset ? CH_E_INVALID_RESET_SYNTAX : CH_E_INVALID_SET_SYNTAX;
    size_t at = (size_t)p->tok[p->at].stop, end = statement_end(p);
    p->at = p->n - 1;
    s->head.stop = (int32_t)end;
    at = skip_blanks(p->text, at, end);
    if (at >= end)
        return CH_OK;
    if (!reset && end - at == 2 && strncmp(p->text + at, "-v", 2) == 0) {
        s->verbose = true;
        return CH_OK;
    }
    s->key = config_key(p, p->text, &at, end);
    if (!s->key)
        return set_error(p, start, wrong);
    at = skip_blanks(p->text, at, end);
    if (at >= end)
        return CH_OK;
    if (reset || p->text[at] != '=')
        return set_error(p, start, wrong);
    at = skip_blanks(p->text, at + 1, end);
    size_t stop = end;
    if (at < end && p->text[at] == '`' && p->text[end - 1] == '`' && end - at >= 2) {
        at++;
        stop--;
    }
    s->value = ch_sql_slice(p, (int32_t)at, (int32_t)(stop > at ? stop : at));
    return s->value ? CH_OK : CH_E_MEMORY;
}

/* ---- EXPLAIN ------------------------------------------------------------------------------ */

static ch_status parse_explain(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_explain *e;
    CH_SQL_NEW(e, p, ch_sql_rel_new, CH_REL_EXPLAIN, ch_sql_here(p));
    p->at++;
    static const struct {
        ch_keyword keyword;
        ch_explain_mode mode;
    } MODE[] = {
        {CH_KW_EXTENDED, CH_EXPLAIN_EXTENDED}, {CH_KW_CODEGEN, CH_EXPLAIN_CODEGEN},
        {CH_KW_COST, CH_EXPLAIN_COST},         {CH_KW_FORMATTED, CH_EXPLAIN_FORMATTED},
        {CH_KW_ANALYZE, CH_EXPLAIN_ANALYZE},   {CH_KW_LOGICAL, CH_EXPLAIN_SIMPLE},
    };
    for (size_t i = 0; i < sizeof MODE / sizeof *MODE; i++)
        if (ch_sql_is_kw(p, MODE[i].keyword)) {
            e->mode = MODE[i].mode;
            p->at++;
            break;
        }
    CH_SQL_DEEPER(p);
    CH_TRY(parse_statement(p, &e->input));
    p->depth--;
    e->head.stop = p->tok[p->at - 1].stop;
    *out = &e->head;
    return CH_OK;
}

/* ---- statement ----------------------------------------------------------------------------- */

/* Statements of Spark that are not there; NULL: it is none of them. */
static const char *missing_statement(const ch_sql_parser *p)
{
    static const char *const RESOURCE[] = {"JAR", "JARS", "FILE", "FILES", "ARCHIVE", "ARCHIVES"};
    bool add = ch_sql_is_word(p, 0, "ADD"), list = ch_sql_is_word(p, 0, "LIST");
    for (size_t i = 0; (add || list) && i < sizeof RESOURCE / sizeof *RESOURCE; i++)
        if (ch_sql_is_word(p, 1, RESOURCE[i]))
            return add ? "ADD JAR, FILE or ARCHIVE" : "LIST JARS, FILES or ARCHIVES";
    return ch_sql_is_word(p, 0, "BEGIN") ? "SQL scripting (BEGIN ... END)" : NULL;
}

static ch_status parse_statement(ch_sql_parser *p, ch_rel **out)
{
    if (ch_sql_starts_query(p, 0) || ch_sql_is(p, '('))
        return ch_sql_query(p, out);
    int32_t start = ch_sql_here(p);
    bool found = false;
    if (ch_sql_is_kw(p, CH_KW_REFRESH) && ch_sql_peek_kw(p, 1, CH_KW_FUNCTION) &&
        ch_sql_is_name(p, 2))
        return ch_sql_refresh_function(p, out);
    CH_TRY(ch_sql_table_statement(p, &found, out));
    if (found)
        return CH_OK;
    switch (p->tok[p->at].keyword) {
    case CH_KW_SELECT:
    case CH_KW_VALUES:
    case CH_KW_WITH:
    case CH_KW_TABLE:
    case CH_KW_FROM:
        return ch_sql_query(p, out);
    case CH_KW_CREATE:
        return parse_create(p, out);
    case CH_KW_DECLARE:
        return ch_sql_declare(p, out);
    case CH_KW_EXECUTE:
        return ch_sql_execute(p, out);
    case CH_KW_DROP:
        return ch_sql_starts_drop_variable(p) ? ch_sql_drop_variable(p, out) : parse_drop(p, out);
    case CH_KW_SHOW:
        if (ch_sql_peek_kw(p, 1, CH_KW_CACHE) &&
            (ch_sql_peek(p, 2)->kind == CH_TOK_EOF || ch_sql_peek(p, 2)->kind == ';'))
            return ch_sql_cache(p, out);
        return ch_sql_show(p, out);
    case CH_KW_DESC:
    case CH_KW_DESCRIBE:
        return ch_sql_describe(p, out);
    case CH_KW_SET:
        if (ch_sql_peek_kw(p, 1, CH_KW_CATALOG) && (ch_sql_is_name(p, 2) || ch_sql_is_string(p, 2)))
            return ch_sql_set_catalog(p, out);
        return ch_sql_starts_set_variable(p) ? ch_sql_set_variable(p, out) : parse_set(p, out);
    case CH_KW_RESET:
        return parse_set(p, out);
    case CH_KW_EXPLAIN:
        return parse_explain(p, out);
    case CH_KW_USE:
        return ch_sql_use(p, out);
    case CH_KW_INSERT:
        return ch_sql_insert(p, out);
    case CH_KW_CACHE:
    case CH_KW_CLEAR:
    case CH_KW_UNCACHE:
        return ch_sql_cache(p, out);
    case CH_KW_ALTER:
        return ch_sql_alter(p, out);
    case CH_KW_ANALYZE:
    case CH_KW_DELETE:
    case CH_KW_LOAD:
    case CH_KW_MERGE:
    case CH_KW_REFRESH:
    case CH_KW_REPAIR:
    case CH_KW_TRUNCATE:
    case CH_KW_UPDATE:
        if (ch_sql_peek(p, 1)->kind == CH_TOK_EOF) {
            p->at++;
            return ch_sql_unexpected(p);
        }
        p->at++;
        return ch_sql_unsupported(p, start, ch_keyword_text((ch_keyword)p->tok[p->at - 1].keyword));
    default: {
        const char *missing = missing_statement(p);
        if (!missing)
            return ch_sql_unexpected(p);
        p->at = p->n - 1;
        return ch_sql_unsupported(p, start, missing);
    }
    }
}

ch_status ch_sql_statement(ch_sql_parser *p, ch_rel **out)
{
    return parse_statement(p, out);
}
