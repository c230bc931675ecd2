/* SPDX-License-Identifier: Apache-2.0 */
/* api_error.c - errors at the boundary. */
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"

int chert_error_take(chert_error *out, ch_error *err)
{
    int code = (int)err->code;
    if (!out || code == 0 || out->code != 0) {
        ch_error_release(err);
        return code;
    }
    ch_error *copy = malloc(sizeof *copy);
    out->code = code;
    out->error_class = ch_status_class(err->code);
    out->sqlstate = ch_status_sqlstate(err->code);
    out->line = err->line;
    out->position = err->column;
    out->text = ch_error_text(err);
    out->message = err->message;
    if (copy) {
        *copy = *err;
        *err = (ch_error){0};
    }
    out->internal = copy;
    if (!copy) { /* no memory even for that: the class still says what happened */
        out->message = NULL;
        ch_error_release(err);
    }
    return code;
}

int chert_error_argument(chert_error *out, const char *what)
{
    ch_error err = {0};
    (void)ch_error_set(&err, CH_E_INVALID_OPTION, "name", "argument", "value", what, "expected",
                       strstr(what, "NULL") ? "a value that is not NULL" : "what chert.h says",
                       (const char *)0);
    return chert_error_take(out, &err);
}

const char *chert_error_param(const chert_error *err, const char *name)
{
    return err && name && err->internal ? ch_error_param(err->internal, name) : NULL;
}

bool chert_error_is_cancelled(const chert_error *err)
{
    return err && err->code == CH_E_CANCELLED;
}

void chert_error_free(chert_error *err)
{
    if (!err)
        return;
    if (err->internal) {
        ch_error_release(err->internal);
        free(err->internal);
    }
    free((void *)(uintptr_t)err->text);
    *err = (chert_error)CHERT_ERROR_INIT;
}

void chert_free(void *ptr)
{
    free(ptr);
}
