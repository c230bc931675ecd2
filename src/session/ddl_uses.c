/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_uses.c - what the text of a stored view or function names: nothing of the session's own, and not itself. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "session/functions.h"
#include "session/sql_function.h"

static ch_status check_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status refuse(const ch_ddl_uses *u, const char *kind, const char *name, ch_error *err)
{
    CH_FAIL(err, INVALID_TEMP_OBJ_REFERENCE, "obj", u->kind, "objName", u->name, "tempObj", kind,
            "tempObjName", name);
}

/* ---- functions ------------------------------------------------------------------------------ */

const ch_func *ch_ddl_builtin(const char *name)
{
    char lower[128];
    size_t n = strlen(name);
    if (n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return ch_func_find(lower);
}

static ch_status parts_of(ch_arena *arena, const char *name, ch_str_list *out, ch_error *err)
{
    *out = (ch_str_list){0};
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, ".");
        const char *part = ch_arena_strn(arena, p, len, err);
        CH_TRY(part ? ch_str_list_add(arena, out, part, err) : CH_E_MEMORY);
        p += len + (p[len] == '.');
    }
    return CH_OK;
}

static bool is_temporary(const ch_ddl_uses *u, const ch_str_list *parts)
{
    bool session = parts->n > 1 && strcasecmp(parts->item[parts->n - 2], "session") == 0;
    if (parts->n > 1 && !session)
        return false;
    ch_function_entry *own = ch_functions_find(u->c->session, parts->item[parts->n - 1]);
    ch_function_entry_unref(own);
    return own != NULL;
}

static ch_status check_function(ch_ddl_uses *u, const char *name, ch_error *err)
{
    ch_ddl *c = u->c;
    ch_str_list parts;
    ch_table_name at;
    ch_meta_function *stored;
    bool function = strcmp(u->kind, "FUNCTION") == 0;
    if ((u->temp && !function) || ch_ddl_builtin(name))
        return CH_OK;
    CH_TRY(parts_of(c->arena, name, &parts, err));
    if (!parts.n)
        return CH_OK;
    if (is_temporary(u, &parts) && u->temp)
        return CH_OK;
    if (is_temporary(u, &parts))
        return refuse(u, "FUNCTION", ch_ddl_quote(c, parts.item[parts.n - 1]), err);
    CH_TRY(ch_sql_function_stored(c, &parts, &at, &stored, err));
    const char *full = ch_table_quoted(c->arena, at.database, at.name, NULL);
    if (!stored && function)
        CH_FAIL(err, ROUTINE_NOT_FOUND, "routineName", full);
    if (function && strcmp(full, u->name) == 0) {
        const char *path = ch_arena_printf(c->arena, NULL, "%s -> %s", full, full);
        CH_FAIL(err, CYCLIC_FUNCTION_REFERENCE, "path", path ? path : "");
    }
    u->reads |= stored && strcmp(stored->data_access, "READS SQL DATA") == 0;
    return CH_OK;
}

static ch_status check_expr(void *user, ch_expr **expr, ch_error *err)
{
    ch_ddl_uses *u = user;
    const ch_expr_unresolved_function *f = (const void *)*expr;
    if ((*expr)->kind == CH_EXPR_SUBQUERY) {
        ch_rel *plan = ((ch_expr_subquery *)*expr)->plan;
        CH_TRY(check_rel(user, &plan, err));
    }
    if ((*expr)->kind == CH_EXPR_UNRESOLVED_FUNCTION && !f->is_infix && !f->python && !f->sql)
        CH_TRY(check_function(u, f->name, err));
    ch_expr *copy = *expr;
    return ch_expr_map_children(u->c->arena, &copy, check_expr, user, err);
}

/* ---- tables and views ------------------------------------------------------------------------- */

static bool is_common(const ch_ddl_uses *u, const char *name)
{
    for (int32_t i = 0; u->with && i < u->with->ctes.n; i++)
        if (strcasecmp(((const ch_rel_subquery_alias *)u->with->ctes.item[i])->alias, name) == 0)
            return true;
    return false;
}

static ch_status recursive(const ch_ddl_uses *u, ch_error *err)
{
    const char *path = ch_arena_printf(u->c->arena, NULL, "%s -> %s", u->name, u->name);
    CH_FAIL(err, RECURSIVE_VIEW, "viewIdent", u->name, "newPath", path ? path : "");
}

static ch_status check_table(ch_ddl_uses *u, const ch_str_list *parts, ch_error *err)
{
    ch_ddl *c = u->c;
    ch_meta_table *t;
    bool is_temp;
    if (parts->n == 1 && is_common(u, parts->item[0]))
        return CH_OK;
    if (u->temp) {
        bool self = strcmp(u->kind, "VIEW") == 0 && parts->n == 1 &&
                    strcasecmp(parts->item[0], u->temp) == 0;
        return self ? recursive(u, err) : CH_OK;
    }
    ch_error own = {0};
    ch_status status = ch_ddl_find(c, parts, &t, &is_temp, &own);
    if (status != CH_OK && status != CH_E_TABLE_OR_VIEW_NOT_FOUND)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    u->reads = true;
    if (is_temp)
        return refuse(u, "VIEW", ch_ddl_quote_list(c, parts), err);
    return t && strcmp(ch_ddl_table(c, t), u->name) == 0 ? recursive(u, err) : CH_OK;
}

static ch_status check_rel(void *user, ch_rel **rel, ch_error *err)
{
    ch_ddl_uses *u = user;
    ch_rel *copy = *rel;
    const ch_rel_unresolved_table_valued_function *f = (const void *)copy;
    if (copy->kind == CH_REL_READ_NAMED_TABLE)
        return check_table(u, &((const ch_rel_read_named_table *)copy)->parts, err);
    if (copy->kind == CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION && !f->sql)
        CH_TRY(check_function(u, f->function_name, err));
    const ch_rel_with *with = u->with;
    if (copy->kind == CH_REL_WITH)
        u->with = (const ch_rel_with *)copy;
    CH_TRY(ch_rel_map_exprs(u->c->arena, &copy, check_expr, user, err));
    ch_status status = ch_rel_map_inputs(u->c->arena, &copy, check_rel, user, err);
    u->with = with;
    return status;
}

ch_status ch_ddl_check_uses(ch_ddl_uses *uses, ch_rel *rel, ch_expr *expr, ch_error *err)
{
    if (rel)
        CH_TRY(check_rel(uses, &rel, err));
    return expr ? check_expr(uses, &expr, err) : CH_OK;
}
