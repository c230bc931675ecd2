/* SPDX-License-Identifier: Apache-2.0 */
/* functions.c - see functions.h. */
#include "session/functions.h"

#include <string.h>
#include <strings.h>

#include "plan/node.h"

typedef struct ch_function_link ch_function_link;
struct ch_function_link {
    ch_function_link *next;
    ch_function_entry *entry; /* owned reference */
};

/* ---- entries ------------------------------------------------------------------------------- */

ch_status ch_function_entry_new(ch_session *session, const char *name, ch_function_entry **out,
                                ch_error *err)
{
    ch_mem *parent = ch_engine_mem(ch_session_engine(session));
    ch_mem *mem = ch_mem_new(parent, "function", 0);
    ch_function_entry *e = mem ? ch_mem_zalloc(mem, sizeof *e, err) : NULL;
    *out = NULL;
    if (!e) {
        if (mem)
            ch_mem_close(mem);
        return mem ? CH_E_MEMORY : ch_error_memory(err, "process", (int64_t)sizeof *e, 0);
    }
    atomic_init(&e->refs, 1);
    e->mem = mem;
    ch_arena_init(&e->arena, mem);
    e->function.name = ch_arena_str(&e->arena, name, err);
    if (!e->function.name) {
        ch_function_entry_unref(e);
        return CH_E_MEMORY;
    }
    *out = e;
    return CH_OK;
}

static ch_function_entry *entry_ref(ch_function_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void ch_function_entry_unref(ch_function_entry *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_mem *mem = e->mem;
    ch_native_unref(e->function.native);
    ch_arena_release(&e->arena);
    ch_mem_free(mem, e, sizeof *e);
    ch_mem_close(mem);
}

/* ---- the list ------------------------------------------------------------------------------ */

/* Where the name is, or belongs; with the lock. */
static ch_function_link **find(ch_functions *f, const char *name, bool *found)
{
    ch_function_link **at = &f->first;
    int order = 1;
    while (*at && (order = strcasecmp((*at)->entry->function.name, name)) < 0)
        at = &(*at)->next;
    *found = *at && order == 0;
    return at;
}

ch_status ch_functions_put(ch_session *session, ch_function_entry *entry, bool replace,
                           bool *existed, ch_error *err)
{
    ch_functions *f = ch_session_functions(session);
    ch_mem *mem = ch_session_mem(session);
    ch_function_link *link = ch_mem_zalloc(mem, sizeof *link, err);
    ch_function_entry *unused = entry;
    *existed = false;
    if (!link) {
        ch_function_entry_unref(entry);
        return CH_E_MEMORY;
    }
    pthread_mutex_lock(&f->lock);
    ch_function_link **at = find(f, entry->function.name, existed);
    if (!*existed) {
        *link = (ch_function_link){*at, entry};
        *at = link;
        link = NULL;
        unused = NULL;
    } else if (replace) {
        unused = (*at)->entry;
        (*at)->entry = entry;
    }
    pthread_mutex_unlock(&f->lock);
    ch_mem_free(mem, link, sizeof *link);
    ch_function_entry_unref(unused);
    return CH_OK;
}

ch_function_entry *ch_functions_find(ch_session *session, const char *name)
{
    ch_functions *f = ch_session_functions(session);
    bool found;
    pthread_mutex_lock(&f->lock);
    ch_function_link **at = find(f, name, &found);
    ch_function_entry *e = found ? entry_ref((*at)->entry) : NULL;
    pthread_mutex_unlock(&f->lock);
    return e;
}

static void link_free(ch_session *session, ch_function_link *link)
{
    if (!link)
        return;
    ch_function_entry_unref(link->entry);
    ch_mem_free(ch_session_mem(session), link, sizeof *link);
}

bool ch_functions_drop(ch_session *session, const char *name)
{
    ch_functions *f = ch_session_functions(session);
    bool found;
    pthread_mutex_lock(&f->lock);
    ch_function_link **at = find(f, name, &found), *gone = found ? *at : NULL;
    if (gone)
        *at = gone->next;
    pthread_mutex_unlock(&f->lock);
    link_free(session, gone);
    return found;
}

ch_status ch_functions_names(ch_session *session, ch_arena *arena, ch_str_list *out, ch_error *err)
{
    ch_functions *f = ch_session_functions(session);
    ch_status status = CH_OK;
    *out = (ch_str_list){0};
    pthread_mutex_lock(&f->lock);
    for (const ch_function_link *l = f->first; l && status == CH_OK; l = l->next) {
        const char *name = ch_arena_str(arena, l->entry->function.name, err);
        status = name ? ch_str_list_add(arena, out, name, err) : CH_E_MEMORY;
    }
    pthread_mutex_unlock(&f->lock);
    return status;
}

ch_status ch_functions_copy(ch_session *from, ch_session *to, ch_error *err)
{
    ch_functions *f = ch_session_functions(from);
    ch_status status = CH_OK;
    bool existed;
    pthread_mutex_lock(&f->lock);
    for (const ch_function_link *l = f->first; l && status == CH_OK; l = l->next)
        status = ch_functions_put(to, entry_ref(l->entry), true, &existed, err);
    pthread_mutex_unlock(&f->lock);
    return status;
}

void ch_functions_release(ch_session *session)
{
    ch_functions *f = ch_session_functions(session);
    pthread_mutex_lock(&f->lock);
    ch_function_link *first = f->first;
    f->first = NULL;
    pthread_mutex_unlock(&f->lock);
    for (ch_function_link *next; first; first = next) {
        next = first->next;
        link_free(session, first);
    }
}

/* ---- kinds --------------------------------------------------------------------------------- */

static ch_status copy_udf(ch_function_entry *e, const ch_python_udf *udf, bool deterministic,
                          ch_error *err)
{
    ch_python_udf *own;
    CH_ARENA_NEW(own, &e->arena, err);
    char *command = ch_arena_strn(&e->arena, udf->command.text, (size_t)udf->command.len, err);
    char *version = ch_arena_str(&e->arena, udf->version, err);
    if (!command || !version)
        return CH_E_MEMORY;
    *own = (ch_python_udf){.eval_type = udf->eval_type,
                           .type = udf->type,
                           .command = {command, udf->command.len},
                           .version = version};
    ch_python_udf_name(own, e->function.name, deterministic);
    e->function.python = own;
    return CH_OK;
}

ch_status ch_functions_put_python(ch_session *session, const ch_python_udf *udf, bool deterministic,
                                  ch_error *err)
{
    ch_function_entry *e;
    bool existed;
    CH_TRY(ch_function_entry_new(session, udf->name, &e, err));
    ch_status status = copy_udf(e, udf, deterministic, err);
    if (status == CH_OK)
        return ch_functions_put(session, e, true, &existed, err);
    ch_function_entry_unref(e);
    return status;
}

ch_status ch_functions_put_native(ch_session *session, const ch_native_desc *desc, ch_error *err)
{
    ch_mem *parent = ch_engine_mem(ch_session_engine(session));
    ch_function_entry *e = NULL;
    ch_native *native;
    bool existed;
    CH_TRY(ch_native_new(parent, desc, desc->name, &native, err));
    ch_status status = ch_function_entry_new(session, native->name, &e, err);
    if (status != CH_OK) {
        ch_native_unref(native);
        return status;
    }
    e->function.native = native;
    return ch_functions_put(session, e, true, &existed, err);
}
