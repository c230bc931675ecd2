/* SPDX-License-Identifier: Apache-2.0 */
/* parser_function.c - CREATE, DROP and REFRESH FUNCTION. */
#include "sql/parser_ddl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "plan/plan_command.h"
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

/* ---- (parameters) RETURNS type characteristics RETURN body ------------------------------------- */

static ch_status twice(ch_sql_parser *p, int32_t start, const char *clause)
{
    return ch_sql_at(
        p, start, p->tok[p->at - 1].stop,
        ch_error_set(p->err, CH_E_DUPLICATE_CLAUSES, "clauseName", clause, (const char *)0));
}

static ch_status not_allowed(ch_sql_parser *p, int32_t start, const char *format, const char *what)
{
    const char *message = ch_arena_printf(p->arena, NULL, "%s%s%s", format, what,
                                          format[0] == 'S' ? " is not supported" : "");
    return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                     ch_error_set(p->err, CH_E_OPERATION_NOT_ALLOWED, "message",
                                  message ? message : "", (const char *)0));
}

/* Takes these words, if they stand here. */
static bool accept_words(ch_sql_parser *p, const char *words)
{
    int32_t n = 0;
    char word[32];
    for (const char *w = words; *w; n++) {
        size_t len = strcspn(w, " ");
        memcpy(word, w, len);
        word[len] = 0;
        if (!ch_sql_is_word(p, n, word))
            return false;
        w += len + (w[len] == ' ');
    }
    p->at += n;
    return true;
}

/* What is said about the function, and where that begins: -1, nothing yet. */
typedef struct said {
    int32_t start;
    bool comment, access, language;
} said;

/* One characteristic; *found false: none stands here. */
static ch_status characteristic(ch_sql_parser *p, ch_rel_function *f, said *s, bool *found)
{
    int64_t len;
    const char *name;
    int32_t start = ch_sql_here(p);
    *found = true;
    s->start = s->start < 0 ? start : s->start;
    bool no = accept_words(p, "NOT DETERMINISTIC");
    if (no || accept_words(p, "DETERMINISTIC")) {
        bool again = f->determinism != 0;
        f->determinism = no ? -1 : 1;
        return again ? twice(p, s->start, "DETERMINISTIC") : CH_OK;
    }
    if (accept_words(p, "LANGUAGE")) {
        CH_TRY(ch_sql_name(p, &name));
        if (s->language)
            return twice(p, s->start, "LANGUAGE");
        s->language = true;
        return strcasecmp(name, "SQL") == 0
                   ? CH_OK
                   : not_allowed(p, start,
                                 "Unsupported language for user defined functions: ", name);
    }
    if (ch_sql_is_kw(p, CH_KW_COMMENT) && ch_sql_is_string(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_string(p, &f->comment, &len));
        if (s->comment)
            return twice(p, s->start, "COMMENT");
        s->comment = true;
        return CH_OK;
    }
    bool reads = accept_words(p, "READS SQL DATA");
    if (reads || accept_words(p, "CONTAINS SQL")) {
        f->data_access = reads ? "READS SQL DATA" : "CONTAINS SQL";
        if (s->access)
            return twice(p, s->start, "SQL DATA ACCESS");
        s->access = true;
        return CH_OK;
    }
    if (accept_words(p, "SPECIFIC")) {
        CH_TRY(ch_sql_name(p, &name));
        return not_allowed(p, start, "SQL function with SPECIFIC name", "");
    }
    if (accept_words(p, "RETURNS NULL ON NULL INPUT"))
        return not_allowed(p, start, "SQL function with ", "RETURNS NULL ON NULL INPUT");
    if (accept_words(p, "SQL SECURITY INVOKER"))
        return not_allowed(p, start, "SQL function with ", "SQL SECURITY INVOKER");
    *found = accept_words(p, "CALLED ON NULL INPUT") || accept_words(p, "SQL SECURITY DEFINER");
    return CH_OK;
}

/* RETURNS type, RETURNS TABLE [(columns)] */
static ch_status returns(ch_sql_parser *p, ch_rel_function *f)
{
    if (!ch_sql_is_word(p, 0, "RETURNS") || ch_sql_peek_kw(p, 1, CH_KW_NULL))
        return CH_OK;
    p->at++;
    if (!ch_sql_is_kw(p, CH_KW_TABLE))
        return ch_sql_type(p, &f->returns);
    p->at++;
    f->is_table = true;
    return ch_sql_is(p, '(') ? ch_sql_columns(p, &f->returns) : CH_OK;
}

static ch_status signature_and_body(ch_sql_parser *p, ch_rel_function *f)
{
    said s = {.start = -1};
    bool more = true;
    if (ch_sql_peek(p, 1)->kind == ')') {
        p->at += 2;
        f->parameters = ch_type_struct(NULL, 0);
        if (!f->parameters)
            return ch_error_memory(p->err, "types", 0, 0);
    } else {
        CH_TRY(ch_sql_table_columns(p, &f->parameters));
    }
    CH_TRY(returns(p, f));
    while (more)
        CH_TRY(characteristic(p, f, &s, &more));
    if (!ch_sql_accept_word(p, "RETURN"))
        return ch_sql_is(p, CH_TOK_EOF) ? ch_sql_unexpected(p)
                                        : ch_sql_expect_missing(p, "'RETURN'");
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    int32_t start = ch_sql_here(p);
    if (ch_sql_starts_query(p, 0))
        CH_TRY(ch_sql_query(p, &f->query));
    else
        CH_TRY(ch_sql_expr(p, &f->expr));
    f->body = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
    return f->body ? CH_OK : CH_E_MEMORY;
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
    if (ch_sql_is(p, '(')) {
        CH_TRY(signature_and_body(p, f));
    } else {
        if (!ch_sql_is_kw(p, CH_KW_AS))
            return ch_sql_unexpected(p);
        CH_TRY(class_and_resources(p, f));
    }
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
    f->if_exists = ch_sql_accept_if_exists(p);
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
