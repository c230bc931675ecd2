/* SPDX-License-Identifier: Apache-2.0 */
/* parser_show.c - SHOW and DESCRIBE. */
#include "plan/plan_command.h"
#include "sql/parser_ddl.h"

/* ---- SHOW ---- */

/* [LIKE] 'pattern' */
static ch_status like_pattern(ch_sql_parser *p, const char **out)
{
    int64_t len;
    bool like = ch_sql_is_kw(p, CH_KW_LIKE);
    if (!like && !ch_sql_is_string(p, 0))
        return CH_OK;
    p->at += like;
    return ch_sql_string(p, out, &len);
}

static ch_status in_name(ch_sql_parser *p, ch_str_list *out)
{
    if (!ch_sql_is_kw(p, CH_KW_FROM) && !ch_sql_is_kw(p, CH_KW_IN))
        return CH_OK;
    p->at++;
    return ch_sql_names(p, out);
}

/* SHOW [scope] FUNCTIONS [IN db] [LIKE] name or 'pattern' */
static ch_status show_functions(ch_sql_parser *p, ch_rel_show *s)
{
    s->what = CH_SHOW_FUNCTIONS;
    if (!ch_sql_is_kw(p, CH_KW_FUNCTIONS))
        CH_TRY(ch_sql_name(p, &s->scope));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_FUNCTIONS));
    CH_TRY(in_name(p, &s->name));
    bool like = ch_sql_is_kw(p, CH_KW_LIKE);
    if (ch_sql_is_name(p, like)) {
        ch_str_list legacy = {0};
        p->at += like;
        int32_t start = ch_sql_here(p);
        CH_TRY(ch_sql_names(p, &legacy));
        s->pattern = legacy.item[legacy.n - 1];
        if (s->name.n)
            return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                             ch_error_set(p->err, CH_E_SHOW_FUNCTIONS_PATTERN, "pattern",
                                          ch_arena_printf(p->arena, NULL, "`%s`", s->pattern),
                                          (const char *)0));
        return CH_OK;
    }
    return like_pattern(p, &s->pattern);
}

static ch_status show_columns(ch_sql_parser *p, ch_rel_show *s)
{
    ch_str_list table = {0}, database = {0};
    s->what = CH_SHOW_COLUMNS;
    p->at++;
    if (!ch_sql_is_kw(p, CH_KW_FROM) && !ch_sql_is_kw(p, CH_KW_IN))
        return ch_sql_unexpected(p);
    CH_TRY(in_name(p, &table));
    CH_TRY(in_name(p, &database));
    s->name = table;
    if (database.n)
        s->database = database.item[database.n - 1];
    if (!database.n || table.n > 1)
        return CH_OK;
    CH_TRY(ch_str_list_add(p->arena, &database, table.item[table.n - 1], p->err));
    s->name = database;
    return CH_OK;
}

static ch_status show_list(ch_sql_parser *p, ch_rel_show *s, ch_show_what what)
{
    s->what = what;
    p->at++;
    CH_TRY(in_name(p, &s->name));
    return like_pattern(p, &s->pattern);
}

/* TBLPROPERTIES t [('key')] */
static ch_status show_properties(ch_sql_parser *p, ch_rel_show *s)
{
    int64_t len;
    s->what = CH_SHOW_TBLPROPERTIES;
    p->at++;
    CH_TRY(ch_sql_names(p, &s->name));
    if (!ch_sql_accept(p, '('))
        return CH_OK;
    if (ch_sql_is_string(p, 0)) {
        CH_TRY(ch_sql_string(p, &s->pattern, &len));
    } else {
        int32_t start = ch_sql_here(p);
        ch_str_list parts = {0};
        CH_TRY(ch_sql_names(p, &parts));
        s->pattern = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
        if (!s->pattern)
            return CH_E_MEMORY;
    }
    return ch_sql_expect(p, ')');
}

/* TABLE EXTENDED [IN db] LIKE 'pattern' [PARTITION (...)] */
static ch_status show_table_extended(ch_sql_parser *p, ch_rel_show *s)
{
    int64_t len;
    s->what = CH_SHOW_TABLE_EXTENDED;
    p->at++;
    CH_TRY(ch_sql_expect_kw(p, CH_KW_EXTENDED));
    CH_TRY(in_name(p, &s->name));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_LIKE));
    CH_TRY(ch_sql_string(p, &s->pattern, &len));
    return ch_sql_is_kw(p, CH_KW_PARTITION) ? ch_sql_partition_spec(p, &s->spec) : CH_OK;
}

ch_status ch_sql_show(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_show *s;
    ch_status status;
    CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SHOW, ch_sql_here(p));
    p->at++;
    *out = &s->head;
    switch (p->tok[p->at].keyword) {
    case CH_KW_TABLES:
        status = show_list(p, s, CH_SHOW_TABLES);
        break;
    case CH_KW_VIEWS:
        status = show_list(p, s, CH_SHOW_VIEWS);
        break;
    case CH_KW_DATABASES:
    case CH_KW_SCHEMAS:
    case CH_KW_NAMESPACES:
        status = show_list(p, s, CH_SHOW_DATABASES);
        break;
    case CH_KW_CATALOGS:
        status = show_list(p, s, CH_SHOW_CATALOGS);
        break;
    case CH_KW_COLUMNS:
        status = show_columns(p, s);
        break;
    case CH_KW_CREATE:
        p->at++;
        if (!ch_sql_accept_kw(p, CH_KW_TABLE))
            return ch_sql_unexpected(p);
        s->what = CH_SHOW_CREATE_TABLE;
        status = ch_sql_names(p, &s->name);
        if (status == CH_OK && ch_sql_is_kw(p, CH_KW_AS) && ch_sql_is_word(p, 1, "SERDE"))
            p->at += 2;
        break;
    case CH_KW_TABLE:
        status = show_table_extended(p, s);
        break;
    case CH_KW_CURRENT:
        p->at++;
        if (!ch_sql_is_namespace(p, 0))
            return ch_sql_unexpected(p);
        p->at++;
        s->what = CH_SHOW_CURRENT_NAMESPACE;
        status = CH_OK;
        break;
    default:
        if (ch_sql_is_word(p, 0, "TBLPROPERTIES") && ch_sql_is_name(p, 1)) {
            status = show_properties(p, s);
            break;
        }
        if (ch_sql_is_word(p, 0, "PARTITIONS") && ch_sql_is_name(p, 1)) {
            s->what = CH_SHOW_PARTITIONS;
            p->at++;
            status = ch_sql_names(p, &s->name);
            if (status == CH_OK && ch_sql_is_kw(p, CH_KW_PARTITION))
                status = ch_sql_partition_spec(p, &s->spec);
            break;
        }
        if (ch_sql_is_name(p, 0) && ch_sql_peek(p, 1)->kind == CH_TOK_EOF &&
            !ch_sql_is_kw(p, CH_KW_FUNCTIONS)) {
            p->at++;
            return ch_sql_expect_missing(p, "'FUNCTIONS'");
        }
        status = show_functions(p, s);
    }
    CH_TRY(status);
    s->head.stop = p->tok[p->at - 1].stop;
    return CH_OK;
}

/* ---- DESCRIBE ------------------------------------------------------------------------------ */

static ch_status describe_function(ch_sql_parser *p, ch_rel_describe *d)
{
    p->at++;
    d->is_function = true;
    d->extended = ch_sql_is_kw(p, CH_KW_EXTENDED) && !(ch_sql_peek(p, 1)->kind == CH_TOK_EOF);
    p->at += d->extended;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    if (ch_sql_is_name(p, 0))
        return ch_sql_names(p, &d->name);
    /* An operator: <=> */
    const ch_token *t = &p->tok[p->at++];
    const char *text = ch_sql_slice(p, t->start, t->stop);
    return text ? ch_str_list_add(p->arena, &d->name, text, p->err) : CH_E_MEMORY;
}

ch_status ch_sql_describe(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_describe *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DESCRIBE, start);
    p->at++;
    *out = &d->head;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    bool named = ch_sql_peek(p, 1)->kind != CH_TOK_EOF && ch_sql_peek(p, 1)->kind != ';';
    if (ch_sql_is_kw(p, CH_KW_FUNCTION) && named) {
        CH_TRY(describe_function(p, d));
    } else if (ch_sql_is_namespace(p, 0) && named) {
        p->at++;
        d->is_database = true;
        d->extended = ch_sql_is_kw(p, CH_KW_EXTENDED) && ch_sql_is_name(p, 1);
        p->at += d->extended;
        CH_TRY(ch_sql_names(p, &d->name));
    } else if (ch_sql_starts_query(p, 0) && !ch_sql_is_kw(p, CH_KW_TABLE)) {
        CH_TRY(ch_sql_query(p, &d->input));
    } else if (ch_sql_is_kw(p, CH_KW_QUERY) && named) {
        p->at++;
        CH_TRY(ch_sql_query(p, &d->input));
    } else {
        if (ch_sql_is_kw(p, CH_KW_TABLE) && named)
            p->at++;
        named = ch_sql_peek(p, 1)->kind != CH_TOK_EOF && ch_sql_peek(p, 1)->kind != ';';
        d->extended =
            (ch_sql_is_kw(p, CH_KW_EXTENDED) || ch_sql_is_kw(p, CH_KW_FORMATTED)) && named;
        p->at += d->extended;
        CH_TRY(ch_sql_names(p, &d->name));
        if (ch_sql_is_kw(p, CH_KW_PARTITION) && ch_sql_peek(p, 1)->kind == '(')
            CH_TRY(ch_sql_partition_spec(p, &d->spec));
        int next = ch_sql_peek(p, 1)->kind;
        if (ch_sql_is_name(p, 0) && (next == CH_TOK_EOF || next == '.' || next == ';'))
            CH_TRY(ch_sql_names(p, &d->column));
        if (ch_sql_is_name(p, 0) && ch_sql_is_name(p, 1)) {
            p->at++;
            return ch_sql_peek(p, 1)->kind == CH_TOK_EOF ? ch_sql_extra(p) : ch_sql_unexpected(p);
        }
    }
    d->head.stop = p->tok[p->at - 1].stop;
    if (d->name.n && p->name_stop) {
        d->head.start = p->name_start;
        d->head.stop = p->name_stop;
    }
    return CH_OK;
}
