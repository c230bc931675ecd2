/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_load.c - functions of shared objects.
 *
 * An object is never unloaded: arrays that its functions gave may be kept long after they are forgotten, and their
 * release() is its code.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "function/native_call.h"

static ch_status cannot_load(const char *file, const char *symbol, const char *name,
                             const char *reason, ch_error *err)
{
    char quoted[160];
    snprintf(quoted, sizeof quoted, "`%.150s`", name);
    CH_FAIL(err, CANNOT_LOAD_FUNCTION, "className", symbol, "functionName", quoted, "file", file,
            "reason", reason);
}

static ch_status find_entry(const char *file, const char *symbol, const char *name,
                            ch_native_entry **out, ch_error *err)
{
    /* Without a '/' the loader would look in its own folders, and not here. */
    char path[4096];
    int len = snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file);
    if (len < 0 || (size_t)len >= sizeof path)
        return cannot_load(file, symbol, name, "its path is too long", err);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *reason = library ? NULL : dlerror();
    if (!library)
        return cannot_load(file, symbol, name, reason ? reason : "it is no shared object", err);
    void *found = dlsym(library, symbol);
    reason = found ? NULL : dlerror();
    ch_status status =
        found ? CH_OK
              : cannot_load(file, symbol, name, reason ? reason : "it has no such symbol", err);
    memcpy(out, &found, sizeof found); /* ISO C has no cast for it */
    dlclose(library);
    return status;
}

ch_status ch_native_load(ch_mem *parent, const char *file, const char *symbol, const char *name,
                         ch_native **out, ch_error *err)
{
    ch_native_entry *entry;
    char message[CH_NATIVE_MESSAGE] = "";
    union { /* with room for what a later version has */
        ch_native_desc desc;
        char room[1024];
    } u = {.desc = {.struct_bytes = sizeof u.desc}};
    *out = NULL;
    CH_TRY(find_entry(file, symbol, name, &entry, err));
    int code = entry(&u.desc, message, sizeof message);
    if (code != 0)
        return cannot_load(file, symbol, name, ch_native_message(message, code), err);
    if (u.desc.struct_bytes > sizeof u.desc) {
        if (u.desc.release)
            u.desc.release(u.desc.user_data);
        return cannot_load(file, symbol, name, "it was made for a later version of Chert", err);
    }
    ch_native *n;
    CH_TRY(ch_native_new(parent, &u.desc, name, &n, err));
    n->file = ch_arena_str(&n->arena, file, err);
    n->symbol = ch_arena_str(&n->arena, symbol, err);
    if (!n->file || !n->symbol) {
        ch_native_unref(n);
        return CH_E_MEMORY;
    }
    *out = n;
    return CH_OK;
}
