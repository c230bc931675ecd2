/* SPDX-License-Identifier: Apache-2.0 */
/* parser_insert.c - INSERT into tables and folders. */
#include <strings.h>

#include "plan/plan_command.h"
#include "sql/parser_ddl.h"

static ch_status path_error(ch_sql_parser *p, int32_t start)
{
    return ch_sql_at(p, start, p->tok[p->n - 1].stop,
                     ch_error_set(p->err, CH_E_DIRECTORY_PATH_AND_OPTION, (const char *)0));
}

/* INSERT OVERWRITE [LOCAL] DIRECTORY ['path'] USING format [OPTIONS (...)] query */
static ch_status insert_directory(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_write_operation *w;
    ch_str_list format = {0};
    ch_option_list options = {0};
    int64_t len;
    CH_SQL_NEW(w, p, ch_sql_rel_new, CH_REL_WRITE_OPERATION, start);
    p->at += 2;
    ch_sql_accept_kw(p, CH_KW_LOCAL);
    p->at++;
    if (ch_sql_is_string(p, 0))
        CH_TRY(ch_sql_string(p, &w->path, &len));
    if (!ch_sql_accept_kw(p, CH_KW_USING))
        return ch_sql_starts_query(p, 0)
                   ? ch_sql_unsupported(p, start, "INSERT OVERWRITE DIRECTORY without USING")
                   : ch_sql_unexpected(p);
    CH_TRY(ch_sql_names(p, &format));
    if (ch_sql_accept_kw(p, CH_KW_OPTIONS))
        CH_TRY(ch_sql_options(p, &options));
    for (int32_t i = 0; i < options.n; i++) {
        if (strcasecmp(options.key[i], "path") != 0) {
            CH_TRY(ch_option_list_add(p->arena, &w->options, options.key[i], options.value[i],
                                      p->err));
            continue;
        }
        if (w->path)
            return path_error(p, start);
        w->path = options.value[i];
    }
    CH_TRY(ch_sql_query(p, &w->input));
    if (!w->path)
        return path_error(p, start);
    w->source = format.item[format.n - 1];
    w->mode = CH_SAVE_OVERWRITE;
    w->head.stop = p->tok[p->at - 1].stop;
    *out = &w->head;
    return CH_OK;
}

/* PARTITION (k = 1, l): keys in the order written, values as expressions */
static ch_status partition(ch_sql_parser *p, ch_rel_insert *in)
{
    int32_t n = 0;
    in->ordered = true;
    p->at++;
    CH_TRY(ch_sql_expect(p, '('));
    do {
        const char *key;
        ch_expr *value = NULL;
        CH_TRY(ch_sql_name(p, &key));
        if (ch_sql_accept(p, '=')) {
            CH_TRY(ch_sql_value(p, &value));
            in->ordered &= in->values.n == in->keys.n;
        }
        CH_TRY(ch_str_list_add(p->arena, &in->keys, key, p->err));
        if (value && in->ordered)
            CH_TRY(ch_expr_list_add(p->arena, &in->values, value, p->err));
        n++;
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, n);
}

/* Only tables of other systems have it; their catalogs would say so. */
static ch_status replace_where(ch_sql_parser *p, const ch_rel_insert *in)
{
    const char *name = "";
    for (int32_t i = 0; i < in->name.n && name; i++)
        name = ch_arena_printf(p->arena, NULL, "%s%s`%s`", name, i ? "." : "", in->name.item[i]);
    return ch_error_set(p->err, CH_E_TABLE_OPERATION, "tableName", name ? name : "", "operation",
                        "INSERT INTO ... REPLACE WHERE", (const char *)0);
}

/* INSERT INTO|OVERWRITE [TABLE] t [PARTITION (...)] [IF NOT EXISTS] [(a, b) | BY NAME] [query] */
static ch_status insert_table(ch_sql_parser *p, bool with_query, ch_rel_insert **out)
{
    ch_rel_insert *in;
    CH_SQL_NEW(in, p, ch_sql_rel_new, CH_REL_INSERT, ch_sql_here(p));
    p->at++;
    in->overwrite = ch_sql_is_kw(p, CH_KW_OVERWRITE);
    if (!in->overwrite && !ch_sql_is_kw(p, CH_KW_INTO))
        return ch_sql_unexpected(p);
    p->at++;
    in->ordered = true;
    p->at += ch_sql_is_kw(p, CH_KW_TABLE) && ch_sql_is_name(p, 1);
    CH_TRY(ch_sql_names(p, &in->name));
    if (ch_sql_is_kw(p, CH_KW_PARTITION) && ch_sql_peek(p, 1)->kind == '(')
        CH_TRY(partition(p, in));
    if (ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_NOT)) {
        p->at += 2;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_EXISTS));
        in->if_not_exists = true;
    }
    if (ch_sql_is_kw(p, CH_KW_REPLACE) &&
        (ch_sql_peek_kw(p, 1, CH_KW_WHERE) || ch_sql_peek_kw(p, 1, CH_KW_ON)))
        return replace_where(p, in);
    if (ch_sql_is_kw(p, CH_KW_BY) && ch_sql_is_word(p, 1, "NAME")) {
        p->at += 2;
        in->by_name = true;
    } else if (ch_sql_is(p, '(') && !ch_sql_starts_query(p, 1)) {
        CH_TRY(ch_sql_name_list(p, &in->columns));
    }
    if (with_query)
        CH_TRY(ch_sql_query(p, &in->input));
    in->head.stop = p->tok[p->at - 1].stop;
    *out = in;
    return CH_OK;
}

ch_status ch_sql_insert(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_insert *in;
    if (ch_sql_peek_kw(p, 1, CH_KW_OVERWRITE) &&
        (ch_sql_peek_kw(p, 2, CH_KW_DIRECTORY) ||
         (ch_sql_peek_kw(p, 2, CH_KW_LOCAL) && ch_sql_peek_kw(p, 3, CH_KW_DIRECTORY))) &&
        !(ch_sql_peek(p, 3)->kind == '('))
        return insert_directory(p, out);
    CH_TRY(insert_table(p, true, &in));
    *out = &in->head;
    return CH_OK;
}

/*
 * WITH a AS (...) INSERT INTO t SELECT ...: the same as INSERT INTO t WITH a AS (...) SELECT ...
 * ctes: what was read behind WITH; its input is set here.
 */
ch_status ch_sql_insert_with(ch_sql_parser *p, ch_rel_with *ctes, ch_rel **out)
{
    ch_rel_insert *in;
    CH_TRY(insert_table(p, true, &in));
    ctes->input = in->input;
    in->input = &ctes->head;
    *out = &in->head;
    return CH_OK;
}
