/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_function.c - functions by name: those that the session has, then the stored ones.
 *
 * A query keeps what it has found: another function under the name changes nothing for it, and a stored one is read and
 * parsed once.
 */
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "session/catalog.h"
#include "session/functions.h"
#include "session/sql_function.h"

typedef struct ch_function_kept {
    struct ch_function_kept *next;
    ch_function_entry *entry; /* a registered one; or NULL, and: */
    const char *database, *name;
    ch_user_function stored;
} ch_function_kept;

static ch_status registered(ch_session_catalog *self, const char *name,
                            const ch_user_function **out, ch_error *err)
{
    ch_function_entry *entry = ch_functions_find(self->session, name);
    if (!entry)
        return CH_OK;
    ch_function_kept *kept = ch_arena_alloc(self->arena, sizeof *kept, err);
    if (!kept) {
        ch_function_entry_unref(entry);
        return CH_E_MEMORY;
    }
    *kept = (ch_function_kept){.next = self->functions, .entry = entry};
    self->functions = kept;
    *out = &entry->function;
    return CH_OK;
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

static ch_status stored(ch_session_catalog *self, const char *text, const ch_user_function **out,
                        ch_error *err)
{
    ch_metastore m;
    ch_str_list parts;
    ch_table_name name;
    ch_meta_function *found;
    ch_function_kept *kept;
    ch_sql_function *fn;
    CH_TRY(parts_of(self->arena, text, &parts, err));
    if (!parts.n)
        return CH_OK;
    CH_TRY(
        ch_table_name_of(self->session, &parts, self->catalog.database, self->arena, &name, err));
    if (!name.fits || name.is_global)
        return CH_OK;
    for (const ch_function_kept *k = self->functions; k; k = k->next)
        if (!k->entry && strcmp(k->name, name.name) == 0 &&
            strcmp(k->database, name.database) == 0) {
            *out = &k->stored;
            return CH_OK;
        }
    CH_TRY(ch_metastore_open(self->session, self->arena, self->mem, &m, err));
    CH_TRY(ch_meta_function_get(&m, name.database, name.name, &found, err));
    if (!found)
        return CH_OK;
    CH_TRY(ch_sql_function_of(self->session, found, self->arena, &fn, err));
    CH_ARENA_NEW(kept, self->arena, err);
    *kept = (ch_function_kept){.next = self->functions,
                               .database = name.database,
                               .name = name.name,
                               .stored = {.name = fn->full, .sql = fn}};
    self->functions = kept;
    *out = &kept->stored;
    return CH_OK;
}

ch_status ch_catalog_function(ch_catalog *base, const char *name, bool of_session,
                              const ch_user_function **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    *out = NULL;
    if (!base->stored_only && (of_session || !strchr(name, '.')))
        CH_TRY(registered(self, name, out, err));
    return *out || of_session ? CH_OK : stored(self, name, out, err);
}

void ch_catalog_functions_release(ch_session_catalog *catalog)
{
    for (const ch_function_kept *k = catalog->functions; k; k = k->next)
        ch_function_entry_unref(k->entry);
    catalog->functions = NULL;
}
