/* SPDX-License-Identifier: Apache-2.0 */
/* api_write.c - DataFrameWriter: what is written where and how, collected and then done at once. */
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "api/handles.h"
#include "plan/node.h"
#include "plan/plan_command.h"
#include "session/command.h"

struct chert_writer {
    ch_frame *frame; /* owned; its plan is the write */
    ch_rel_write_operation *write;
};

static bool save_mode(const char *mode, ch_save_mode *out)
{
    static const struct {
        const char *name;
        ch_save_mode mode;
    } MODES[] = {{"error", CH_SAVE_ERROR_IF_EXISTS},   {"errorifexists", CH_SAVE_ERROR_IF_EXISTS},
                 {"default", CH_SAVE_ERROR_IF_EXISTS}, {"append", CH_SAVE_APPEND},
                 {"overwrite", CH_SAVE_OVERWRITE},     {"ignore", CH_SAVE_IGNORE}};
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        if (strcasecmp(mode, MODES[i].name) == 0) {
            *out = MODES[i].mode;
            return true;
        }
    }
    return false;
}

static ch_status add_option(ch_frame *frame, ch_rel_write_operation *write, const char *key,
                            const char *value, ch_error *err)
{
    if (strcasecmp(key, "chert.singleFile") == 0) {
        write->single_file = strcasecmp(value, "true") == 0;
        return CH_OK;
    }
    ch_str_list keys = {write->options.key, write->options.n};
    ch_str_list values = {write->options.value, write->options.n};
    char *k = ch_arena_str(&frame->arena, key, err), *v = ch_arena_str(&frame->arena, value, err);
    if (!k || !v)
        return CH_E_MEMORY;
    CH_TRY(ch_str_list_add(&frame->arena, &keys, k, err));
    CH_TRY(ch_str_list_add(&frame->arena, &values, v, err));
    write->options = (ch_option_list){keys.item, values.item, keys.n};
    return CH_OK;
}

static ch_status set_mode(ch_rel_write_operation *write, const char *mode, ch_error *err)
{
    if (save_mode(mode, &write->mode))
        return CH_OK;
    CH_FAIL(err, INVALID_OPTION, "name", "mode", "value", mode, "expected",
            "error, append, overwrite or ignore");
}

static ch_status new_writer(const chert_df *df, chert_writer **out, ch_error *err)
{
    ch_frame *frame;
    *out = NULL;
    CH_TRY(ch_frame_new(df->session->session, &df->frame, 1, &frame, err));
    ch_rel_write_operation *write = ch_rel_new(&frame->arena, CH_REL_WRITE_OPERATION, err);
    chert_writer *w =
        write ? ch_arena_alloc(&frame->arena, sizeof *w, err) : NULL; /* goes with the frame */
    if (!w) {
        ch_frame_unref(frame);
        return CH_E_MEMORY;
    }
    write->input = (ch_rel *)(uintptr_t)df->frame->rel; /* only read */
    write->mode = CH_SAVE_ERROR_IF_EXISTS;
    frame->text = df->frame->text;
    frame->rel = &write->head;
    *w = (chert_writer){frame, write};
    *out = w;
    return CH_OK;
}

static ch_status copy_text(chert_writer *w, const char *text, const char **out, ch_error *err)
{
    *out = text ? ch_arena_str(&w->frame->arena, text, err) : NULL;
    return text && !*out ? CH_E_MEMORY : CH_OK;
}

chert_writer *chert_df_writer(const chert_df *df, chert_error *out)
{
    ch_error err = {0};
    chert_writer *w = NULL;
    if (df)
        (void)!new_writer(df, &w, &err);
    (void)chert_error_take(out, &err);
    return w;
}

int chert_writer_format(chert_writer *w, const char *format, chert_error *out)
{
    ch_error err = {0};
    if (w && !format)
        return chert_error_argument(out, "format NULL");
    ch_status status = w ? copy_text(w, format, &w->write->source, &err) : CH_E_INTERNAL;
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_writer_mode(chert_writer *w, const char *mode, chert_error *out)
{
    ch_error err = {0};
    ch_status status = w ? set_mode(w->write, mode ? mode : "error", &err) : CH_E_INTERNAL;
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_writer_option(chert_writer *w, const char *key, const char *value, chert_error *out)
{
    ch_error err = {0};
    if (!w || !key || !value)
        return chert_error_argument(out, "an option's key or value NULL");
    ch_status status = add_option(w->frame, w->write, key, value, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_writer_partition_by(chert_writer *w, chert_error *out, ...)
{
    ch_error err = {0};
    ch_status status = w ? CH_OK : CH_E_INTERNAL;
    va_list ap;
    va_start(ap, out);
    if (w)
        w->write->partitioning_columns = (ch_str_list){0};
    for (const char *name; status == CH_OK && (name = va_arg(ap, const char *)) != NULL;) {
        status = copy_text(w, name, &name, &err);
        if (status == CH_OK)
            status = ch_str_list_add(&w->frame->arena, &w->write->partitioning_columns, name, &err);
    }
    va_end(ap);
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_writer_save(chert_writer *w, const char *path, chert_error *out)
{
    ch_error err = {0};
    if (!w || !path)
        return chert_error_argument(out, "path NULL");
    ch_status status = copy_text(w, path, &w->write->path, &err);
    if (status == CH_OK)
        status = ch_write_run(w->frame, w->write, NULL, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

static bool is_plain_name(const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Frames and writes of the writers, at which the names are noted. */
static ch_status gather(chert_writer *const *w, const char *const *names, int n, ch_frame **frame,
                        ch_rel_write_operation **write, ch_error *err)
{
    for (int i = 0; i < n; i++) {
        CH_TRY(copy_text(w[i], names[i], &w[i]->write->path, err));
        w[i]->write->mode = CH_SAVE_OVERWRITE;
        frame[i] = w[i]->frame;
        write[i] = w[i]->write;
    }
    return CH_OK;
}

int chert_writers_save(chert_writer *const *w, const char *const *names, int n, const char *folder,
                       chert_error *out)
{
    ch_error err = {0};
    if (!w || !names || n < 1 || !folder || !*folder)
        return chert_error_argument(out, "writers, names or folder NULL, or none of them");
    for (int i = 0; i < n; i++) {
        if (!w[i] || w[i]->frame->session != w[0]->frame->session || w[i]->write->single_file)
            return chert_error_argument(out, "a writer NULL, of another session, or of a file");
        if (!is_plain_name(names[i]))
            return chert_error_argument(out, "a name NULL, empty, or with a '/'");
        for (int k = 0; k < i; k++)
            if (strcmp(names[i], names[k]) == 0)
                return chert_error_argument(out, "the same name twice");
    }
    ch_arena *arena = &w[0]->frame->arena;
    ch_frame **frame = ch_arena_alloc(arena, sizeof *frame * (size_t)n, &err);
    ch_rel_write_operation **write =
        frame ? ch_arena_alloc(arena, sizeof *write * (size_t)n, &err) : NULL;
    ch_status status = write ? gather(w, names, n, frame, write, &err) : CH_E_MEMORY;
    if (status == CH_OK)
        status = ch_write_together(frame, write, n, folder, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

void chert_writer_free(chert_writer *w)
{
    if (w)
        ch_frame_unref(w->frame);
}

int chert_df_write(const chert_df *df, const char *format, const char *path, const char *mode,
                   chert_error *out, ...)
{
    ch_error err = {0};
    chert_writer *w = NULL;
    if (!df)
        return CH_E_INTERNAL;
    if (!path)
        return chert_error_argument(out, "path NULL");
    ch_status status = new_writer(df, &w, &err);
    if (status == CH_OK) {
        w->write->source = format;
        w->write->path = path;
        status = set_mode(w->write, mode ? mode : "error", &err);
    }
    va_list ap;
    va_start(ap, out);
    for (const char *key; status == CH_OK && (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        status = value ? add_option(w->frame, w->write, key, value, &err)
                       : (ch_status)chert_error_argument(out, "an option's value NULL");
    }
    va_end(ap);
    if (status == CH_OK)
        status = ch_write_run(w->frame, w->write, NULL, &err);
    chert_writer_free(w);
    (void)chert_error_take(out, &err);
    return (int)status;
}
