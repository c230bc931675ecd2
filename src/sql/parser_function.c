/* SPDX-License-Identifier: Apache-2.0 */
/* parser_function.c - CREATE, DROP and REFRESH FUNCTION. */
#include "sql/parser_ddl.h"

#include <ctype.h>
#include <strings.h>

#include "plan/print.h"

/* ---- errors -------------------------------------------------------------------------------- */

/* A temporary function is of the session: f, session.f, system.session.f, of which the last part remains. */
static ch_status temporary_name(ch_sql_parser *p, ch_rel_function *f)
{
    ch_str_list before = {f->name.item, f->name.n - 1};
    ch_str_list last = {f->name.item + before.n, 1};
    bool session = before.n > 0 && before.n < 3 &&
                   strcasecmp(before.item[before.n - 1], "session") == 0 &&
                   (before.n == 1 || strcasecmp(before.item[0], "system") == 0);
    if (before.n && !session) {
        const char *name = ch_names_quoted(p->arena, &last, NULL);
        const char *qualifier = ch_names_quoted(p->arena, &before, NULL);
        return ch_sql_at(p, f->head.start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_INVALID_TEMP_OBJ_QUALIFIER, "objectType",
                                      "FUNCTION", "objectName", name ? name : "", "qualifier",
                                      qualifier ? qualifier : "", (const char *)0));
    }
    f->name = last;
    return CH_OK;
}

static ch_status check_create(ch_sql_parser *p, ch_rel_function *f)
{
    int32_t start = f->head.start, stop = p->tok[p->at - 1].stop;
    if (f->replace && f->if_not_exists)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_CREATE_ROUTINE_EXISTS_REPLACE, (const char *)0));
    if (f->is_temporary && f->if_not_exists)
        return ch_sql_at(p, start, stop,
                         ch_error_set(p->err, CH_E_TEMP_FUNCTION_IF_NOT_EXISTS, (const char *)0));
    return f->is_temporary ? temporary_name(p, f) : CH_OK;
}

/* ---- AS 'class' USING FILE 'path', ... ------------------------------------------------------ */

static ch_status resource(ch_sql_parser *p, ch_rel_function *f)
{
    static const char *const KIND[] = {"jar", "file", "archive"};
    const char *kind, *path;
    int64_t len;
    CH_TRY(ch_sql_name(p, &kind));
    CH_TRY(ch_sql_string(p, &path, &len));
    for (size_t i = 0; i < sizeof KIND / sizeof *KIND; i++)
        if (strcasecmp(kind, KIND[i]) == 0)
            return ch_option_list_add(p->arena, &f->resources, KIND[i], path, p->err);
    char *lower = ch_arena_str(p->arena, kind, p->err);
    for (char *c = lower; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *what = ch_arena_printf(p->arena, NULL, "CREATE FUNCTION with resource type '%s'",
                                       lower ? lower : "");
    return ch_sql_at(p, f->head.start, p->tok[p->at - 1].stop,
                     ch_error_set(p->err, CH_E_OPERATION_NOT_ALLOWED, "message", what ? what : "",
                                  (const char *)0));
}

static ch_status class_and_resources(ch_sql_parser *p, ch_rel_function *f)
{
    int64_t len;
    p->at++;
    CH_TRY(ch_sql_string(p, &f->class_name, &len));
    if (!ch_sql_accept_kw(p, CH_KW_USING))
        return CH_OK;
    do {
        CH_TRY(resource(p, f));
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

/* ---- statements ---------------------------------------------------------------------------- */

ch_status ch_sql_create_function(ch_sql_parser *p, int32_t start, bool replace, bool temporary,
                                 ch_rel **out)
{
    ch_rel_function *f;
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_FUNCTION, start);
    *out = &f->head;
    f->action = CH_FUNCTION_CREATE;
    f->replace = replace;
    f->is_temporary = temporary;
    if (ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_NOT)) {
        p->at += 2;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_EXISTS));
        f->if_not_exists = true;
    }
    CH_TRY(ch_sql_names(p, &f->name));
    if (ch_sql_is(p, '('))
        return ch_sql_unsupported(p, start, "CREATE FUNCTION with a body in SQL");
    if (!ch_sql_is_kw(p, CH_KW_AS))
        return ch_sql_unexpected(p);
    CH_TRY(class_and_resources(p, f));
    f->head.stop = p->tok[p->at - 1].stop;
    return check_create(p, f);
}

/* Behind DROP [TEMPORARY] FUNCTION. */
ch_status ch_sql_drop_function(ch_sql_parser *p, int32_t start, bool temporary, ch_rel **out)
{
    ch_rel_function *f;
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_FUNCTION, start);
    *out = &f->head;
    f->action = CH_FUNCTION_DROP;
    f->is_temporary = temporary;
    if (ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_EXISTS)) {
        p->at += 2;
        f->if_exists = true;
    }
    CH_TRY(ch_sql_names(p, &f->name));
    f->head.stop = p->tok[p->at - 1].stop;
    return temporary ? temporary_name(p, f) : CH_OK;
}

/* At REFRESH FUNCTION. */
ch_status ch_sql_refresh_function(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_function *f;
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_FUNCTION, ch_sql_here(p));
    *out = &f->head;
    f->action = CH_FUNCTION_REFRESH;
    p->at += 2;
    CH_TRY(ch_sql_names(p, &f->name));
    f->head.stop = p->tok[p->at - 1].stop;
    return CH_OK;
}
