/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - a query's rows to files, all or nothing.
 *
 *   folder   part files are written into a hidden folder beside the target and moved when all are
 *            complete; then _SUCCESS is made. Append moves the files into the target; overwrite exchanges
 *            the two folders' names, and removes the old one then. With partitionOverwriteMode dynamic only the
 *            partitions that got rows are exchanged.
 *   file     (single_file) one file beside the target, renamed over it at the end.
 *
 * A run that fails or is cancelled removes what it made; a killed one leaves only hidden names,
 * which the next write to the target removes.
 *
 * Several results that belong together (ch_write_together) share a staging folder, or a remote job.
 *
 * Remote stores have no names to exchange: files go where they belong, and appear when their job is committed
 * (store/store.h).
 *
 * Each worker writes its own part files. Rows that were sorted keep their order over the part files' numbers:
 * there a part is one range of the sort. coalesce(n) and repartition(n) at the end of the plan say how many
 * files there are.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "plan/node.h"
#include "plan/print.h"
#include "session/cache.h"
#include "session/command.h"
#include "session/session_store.h"
#include "session/staging.h"
#include "session/write_files.h"

typedef struct write_run {
    ch_query *query;
    const ch_rel_write_operation *write;
    ch_files_spec spec;
    ch_files *files;
    const char *target; /* local, without links */
    char *staging;      /* the path of place: folder, or file when single */
    ch_staging place;
    char uuid[CH_UUID_TEXT];
    bool single, dynamic, ordered;
    bool together;      /* one of several: the others and the commit are write_set's */
    const char **moved; /* pairs: what was moved where, to be undone */
    int32_t n_moved, cap_moved;
    const ch_write_watch *watch; /* or NULL */
    ch_store_context *store;     /* of a remote target, else NULL */
    ch_store_job *job;
} write_run;

/* ------------------------------------------------------------------ the commit */

static ch_status touch(const char *folder, ch_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/_SUCCESS", folder);
    /* A link of this name is not followed: it could lead out of what may be written. */
    int fd = open(path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ch_file_error(err, errno, "write", path);
    close(fd);
    return CH_OK;
}

/* Moves a file or folder, and remembers it. exchange: the two names change places if both are there. */
static ch_status move_one(write_run *run, const char *from, const char *to, bool exchange,
                          ch_arena *arena, ch_error *err)
{
    if (run->n_moved + 2 > run->cap_moved) {
        int32_t cap = run->cap_moved ? run->cap_moved * 2 : 32;
        const char **more;
        CH_ARENA_ARRAY(more, arena, cap, err);
        if (run->n_moved)
            memcpy(more, run->moved, sizeof *more * (size_t)run->n_moved);
        run->moved = more;
        run->cap_moved = cap;
    }
    bool done = exchange && ch_file_exchange(from, to);
    if (!done)
        CH_TRY(ch_file_rename(from, to, err));
    run->moved[run->n_moved++] = from;
    run->moved[run->n_moved++] = to;
    return CH_OK;
}

static void undo_moves(write_run *run)
{
    for (int32_t i = run->n_moved; i > 0; i -= 2)
        if (!ch_file_exchange(run->moved[i - 1], run->moved[i - 2]))
            (void)!rename(run->moved[i - 1], run->moved[i - 2]);
    run->n_moved = 0;
}

/*
 * What lies in `from` to `to`, folder by folder.
 *   depth  partition folders still below; at 0 these are files
 * Dynamic overwriting exchanges the innermost folders as a whole.
 */
static ch_status move_tree(write_run *run, const char *from, const char *to, int32_t depth,
                           ch_arena *arena, ch_error *err)
{
    DIR *dir = opendir(from);
    ch_status status = CH_OK;
    if (!dir)
        return ch_file_error(err, errno, "read", from);
    for (struct dirent *e; status == CH_OK && (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *a = ch_arena_printf(arena, err, "%s/%s", from, e->d_name);
        char *b = ch_arena_printf(arena, err, "%s/%s", to, e->d_name);
        if (!a || !b)
            status = CH_E_MEMORY;
        else if (depth > 1 || (depth == 1 && !run->dynamic && ch_file_exists(b))) {
            status = ch_folder_make(b, err);
            if (status == CH_OK)
                status = move_tree(run, a, b, depth - 1, arena, err);
        } else {
            status = move_one(run, a, b, depth == 1, arena, err);
        }
    }
    closedir(dir);
    return status;
}

/* What is left beside the target; another writer may be removing it, too. */
static ch_status remove_aside(const char *path, ch_error *err)
{
    ch_error own = {0};
    if (ch_file_remove(path, &own) == CH_E_PATH_NOT_FOUND)
        ch_error_release(&own);
    return ch_error_pass(err, &own);
}

static ch_status move_into(write_run *run, ch_arena *arena, ch_error *err)
{
    ch_status status = move_tree(run, run->staging, run->target, run->spec.n_keys, arena, err);
    if (status == CH_OK)
        status = touch(run->target, err);
    if (status != CH_OK) {
        undo_moves(run);
        return status;
    }
    return remove_aside(run->staging, err);
}

/* The folders of depth more levels below `from`, named from `path` on. */
static ch_status note_folders(write_run *run, const char *from, const char *path, int32_t depth,
                              ch_error *err)
{
    if (depth == 0)
        return ch_str_list_add(run->watch->arena, run->watch->folders, path, err);
    DIR *dir = opendir(from);
    ch_status status = CH_OK;
    if (!dir)
        return ch_file_error(err, errno, "read", from);
    for (struct dirent *e; status == CH_OK && (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || !strchr(e->d_name, '='))
            continue;
        char *deeper = ch_arena_printf(run->watch->arena, err, "%s/%s", from, e->d_name);
        char *name =
            ch_arena_printf(run->watch->arena, err, "%s%s%s", path, *path ? "/" : "", e->d_name);
        status = deeper && name ? note_folders(run, deeper, name, depth - 1, err) : CH_E_MEMORY;
    }
    closedir(dir);
    return status;
}

static ch_status commit_remote(write_run *run, ch_error *err)
{
    ch_job_end end = {.replace = run->write->mode == CH_SAVE_OVERWRITE,
                      .by_folder = run->dynamic,
                      .success = !run->single,
                      .only_if_new = run->single && run->write->mode == CH_SAVE_ERROR_IF_EXISTS};
    return ch_store_job_commit(run->job, &end, err);
}

/* The folder staging gets the name target; what had it before goes. */
static ch_status replace_folder(const char *staging, const char *target, ch_arena *arena,
                                ch_error *err)
{
    bool exists = ch_file_exists(target);
    if (!exists && ch_file_rename(staging, target, NULL) == CH_OK)
        return CH_OK;
    /* Exchanged names leave no moment without a target, also when several write to it at once. */
    if (ch_file_exchange(staging, target))
        return remove_aside(staging, err);
    if (!exists)
        return ch_file_rename(staging, target, err);
    char *old = ch_arena_printf(arena, err, "%s-old", staging);
    if (!old)
        return CH_E_MEMORY;
    CH_TRY(ch_file_rename(target, old, err));
    ch_status status = ch_file_rename(staging, target, err);
    if (status != CH_OK) { /* put the old one back: nothing is lost */
        (void)!rename(old, target);
        return status;
    }
    return remove_aside(old, err);
}

/*
 * The target's files change places with the new ones, one by one: for folders that cannot be renamed. Hidden ones stay, as
 * does what a file system keeps at its root.
 */
static ch_status replace_inside(write_run *run, ch_arena *arena, ch_error *err)
{
    char *old = ch_arena_printf(arena, err, "%s-old", run->staging);
    if (!old)
        return CH_E_MEMORY;
    CH_TRY(ch_folder_make(old, err));
    DIR *dir = opendir(run->target);
    ch_status status = dir ? CH_OK : ch_file_error(err, errno, "read", run->target);
    for (struct dirent *e; status == CH_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "lost+found") == 0)
            continue;
        char *from = ch_arena_printf(arena, err, "%s/%s", run->target, e->d_name);
        char *to = ch_arena_printf(arena, err, "%s/%s", old, e->d_name);
        status = from && to ? move_one(run, from, to, false, arena, err) : CH_E_MEMORY;
    }
    if (dir)
        closedir(dir);
    if (status == CH_OK)
        status = move_tree(run, run->staging, run->target, 0, arena, err);
    if (status != CH_OK) {
        undo_moves(run);
        (void)!rmdir(old);
        return status;
    }
    CH_TRY(remove_aside(run->staging, err));
    return remove_aside(old, err);
}

static ch_status commit(write_run *run, ch_arena *arena, ch_error *err)
{
    if (run->together)
        return run->store ? CH_OK : touch(run->staging, err);
    if (run->watch && run->spec.n_keys) {
        CH_TRY(run->store
                   ? ch_files_folders(run->files, run->watch->arena, run->watch->folders, err)
                   : note_folders(run, run->staging, "", run->spec.n_keys, err));
        CH_TRY(run->watch->before_commit(run->watch->user, err));
    }
    if (run->store)
        return commit_remote(run, err);
    if (run->single)
        return ch_file_rename(run->staging, run->target, err);
    if (ch_file_exists(run->target) && (run->write->mode == CH_SAVE_APPEND || run->dynamic))
        return move_into(run, arena, err);
    CH_TRY(touch(run->staging, err));
    return run->place.inside ? replace_inside(run, arena, err)
                             : replace_folder(run->staging, run->target, arena, err);
}

/* A remote target: without slashes at its end, and with a job for it. */
static ch_status begin_job(write_run *run, ch_arena *arena, ch_error *err)
{
    size_t len = strlen(run->target);
    while (len > 0 && run->target[len - 1] == '/')
        len--;
    run->target = ch_arena_strn(arena, run->target, len, err);
    if (!run->target)
        return CH_E_MEMORY;
    return ch_store_job_begin(run->store, run->target, &run->job, err);
}

/* Where to write: hidden, in the target's own folder, so that a rename is all it takes. */
static ch_status choose_staging(write_run *run, ch_arena *arena, ch_error *err)
{
    size_t len = strlen(run->target);
    char *real = realpath(run->target, NULL); /* links stay, and lead where they led */
    char *target =
        real ? ch_arena_str(arena, real, err) : ch_arena_strn(arena, run->target, len, err);
    free(real);
    if (!target)
        return CH_E_MEMORY;
    len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        target[--len] = 0;
    run->target = target;
    ch_status status = ch_staging_make(arena, target, run->uuid,
                                       run->single ? run->spec.extension : NULL, &run->place, err);
    run->staging = run->place.path;
    return status;
}

/* ------------------------------------------------------------------ how many files */

static const ch_rel *below_projects(const ch_rel *rel)
{
    while (rel->kind == CH_REL_PROJECT)
        rel = ((const ch_rel_project *)rel)->input;
    return rel;
}

/* coalesce(n), repartition(n), and the hints of these names. */
static void find_lanes(write_run *run, const ch_rel *rel)
{
    ch_files_spec *s = &run->spec;
    for (; rel;) {
        if (rel->kind == CH_REL_REPARTITION) {
            const ch_rel_repartition *r = (const ch_rel_repartition *)rel;
            s->n_lanes = r->num_partitions;
            s->spread = r->shuffle;
            return;
        }
        if (rel->kind == CH_REL_HINT) {
            const ch_rel_hint *h = (const ch_rel_hint *)rel;
            bool coalesce = strcasecmp(h->name, "coalesce") == 0;
            if ((coalesce || strcasecmp(h->name, "repartition") == 0) && h->parameters.n &&
                h->parameters.item[0]->kind == CH_EXPR_LITERAL) {
                const ch_scalar *n = &((const ch_expr_literal *)h->parameters.item[0])->value;
                if (!n->is_null && ch_type_is_integral(n->type) && n->v.i64 > 0)
                    s->n_lanes = n->v.i64 > INT32_MAX ? INT32_MAX : (int32_t)n->v.i64;
                s->spread = !coalesce;
                return;
            }
            rel = h->input;
        } else if (rel->kind == CH_REL_PROJECT) {
            rel = ((const ch_rel_project *)rel)->input;
        } else if (rel->kind == CH_REL_SUBQUERY_ALIAS) {
            rel = ((const ch_rel_subquery_alias *)rel)->input;
        } else {
            return;
        }
    }
}

static ch_status choose_lanes(write_run *run, ch_error *err)
{
    ch_files_spec *s = &run->spec;
    const ch_rel *plan;
    find_lanes(run, ch_query_analyzed(run->query));
    CH_TRY(ch_query_optimized(run->query, &plan, err));
    bool sorted = below_projects(plan)->kind == CH_REL_SORT && !s->spread;
    /* One file of sorted rows gets them in order; several follow the ranges of the sort. */
    run->ordered = run->single || (sorted && s->n_lanes == 1);
    s->by_morsel = sorted && !run->ordered;
    if (s->by_morsel || s->n_lanes > s->ctx.n_slots * (s->spread ? INT32_MAX / 1024 : 1))
        s->n_lanes = 0;
    return CH_OK;
}

/* ------------------------------------------------------------------ the run */

static ch_status to_files(void *user, int slot, ch_batch *batch, ch_error *err)
{
    return ch_files_write(((write_run *)user)->files, slot, batch, err);
}

static ch_status run_query(write_run *run, ch_session *session, ch_error *err)
{
    ch_arena *arena = ch_query_arena(run->query);
    CH_TRY(choose_lanes(run, err));
    run->spec.folder = run->store ? run->target : run->staging;
    run->spec.single = run->single ? run->spec.folder : NULL;
    CH_TRY(ch_files_new(&run->spec, &run->files, err));
    ch_status status = ch_query_each(run->query, to_files, run, run->ordered, err);
    if (status == CH_OK)
        status = ch_files_finish(run->files, err);
    if (status == CH_OK)
        status = commit(run, arena, err);
    if (status == CH_OK)
        ch_cache_path_changed(session, run->target);
    return status;
}

/* Where columns are found again by their names, each stands once. */
static ch_status check_names(const ch_files_spec *s, ch_arena *arena, ch_error *err)
{
    const ch_type *schema = s->schema;
    ch_strmap seen;
    if (s->format->by_place)
        return CH_OK;
    ch_strmap_init(&seen, arena, !s->ctx.case_sensitive);
    for (int32_t c = 0; c < schema->n_fields; c++) {
        const char *name = schema->field[c].name;
        if (ch_strmap_has(&seen, name)) {
            char *quoted = ch_arena_printf(arena, err, "`%s`", name);
            for (char *p = quoted; p && *p && !s->ctx.case_sensitive; p++)
                *p = (char)tolower((unsigned char)*p);
            CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", quoted ? quoted : "");
        }
        CH_TRY(ch_strmap_put(&seen, name, (void *)(uintptr_t)name, err));
    }
    return CH_OK;
}

static ch_status no_such_column(const write_run *run, const char *name, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, run->spec.ctx.mem);
    ch_status status = ch_type_print(run->spec.schema, &text, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_PARTITION_COLUMN_NOT_FOUND, "col", name, "schemaCatalog",
                              text.data, (const char *)0);
    ch_buf_release(&text);
    return status;
}

/* The columns that make folders: there, once each, of a kind that a folder's name can hold. */
static ch_status find_keys(write_run *run, ch_arena *arena, ch_error *err)
{
    ch_files_spec *s = &run->spec;
    const ch_str_list *names = &run->write->partitioning_columns;
    const ch_type *schema = s->schema;
    int32_t *key;
    CH_ARENA_ARRAY(key, arena, names->n + 1, err);
    for (int32_t i = 0; i < names->n; i++) {
        key[i] = -1;
        for (int32_t c = 0; c < schema->n_fields && key[i] < 0; c++)
            if (s->ctx.case_sensitive ? strcmp(schema->field[c].name, names->item[i]) == 0
                                      : strcasecmp(schema->field[c].name, names->item[i]) == 0)
                key[i] = c;
        if (key[i] < 0)
            return no_such_column(run, names->item[i], err);
        for (int32_t k = 0; k < i; k++)
            if (key[k] == key[i]) {
                char *quoted = ch_arena_printf(arena, err, "`%s`", names->item[i]);
                CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", quoted ? quoted : "");
            }
        const ch_type *type = schema->field[key[i]].type;
        if (ch_type_is_nested(type) || type->id == CH_BINARY) {
            char *text = ch_type_quoted(arena, type, err);
            CH_FAIL(err, INVALID_PARTITION_COLUMN_DATA_TYPE, "type", text ? text : "");
        }
    }
    if (names->n && names->n == schema->n_fields)
        CH_FAIL(err, ALL_PARTITION_COLUMNS_NOT_ALLOWED);
    if (names->n && run->single)
        CH_FAIL(err, UNSUPPORTED, "feature", "partitionBy into a single file");
    s->key = key;
    s->key_name = names->item;
    s->n_keys = names->n;
    return CH_OK;
}

/* Options of the write itself; those of the format are the format's to look at. */
static ch_status read_options(write_run *run, ch_session *session, ch_arena *arena, ch_error *err)
{
    ch_files_spec *s = &run->spec;
    const char *most = ch_strmap_get(s->options, "maxRecordsPerFile");
    const char *mode = ch_strmap_get(s->options, "partitionOverwriteMode");
    char *end;
    if (!most)
        CH_TRY(ch_session_get(session, "spark.sql.files.maxRecordsPerFile", arena, &most, err));
    if (!mode)
        CH_TRY(
            ch_session_get(session, "spark.sql.sources.partitionOverwriteMode", arena, &mode, err));
    s->max_rows = strtoll(most, &end, 10);
    if (end == most || *end)
        CH_FAIL(err, INVALID_OPTION, "name", "maxRecordsPerFile", "value", most, "expected",
                "a number of rows");
    bool dynamic = strcasecmp(mode, "dynamic") == 0;
    if (!dynamic && strcasecmp(mode, "static") != 0)
        CH_FAIL(err, INVALID_OPTION, "name", "partitionOverwriteMode", "value", mode, "expected",
                "static or dynamic");
    run->dynamic = dynamic && run->write->mode == CH_SAVE_OVERWRITE && s->n_keys > 0;
    return ch_session_spill_dir(session, arena, &s->spill_dir, err);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static ch_status add_option(ch_strmap *options, const char *key, const char *value, ch_error *err)
{
    if (!begins_with(key, "parquet.") && !begins_with(key, "spark.sql.parquet."))
        return CH_OK;
    return ch_strmap_has(options, key) ? CH_OK
                                       : ch_strmap_put(options, key, (void *)(uintptr_t)value, err);
}

/* What the session says about the format, under the settings' own names, where no option speaks. */
static ch_status add_settings(ch_session *session, ch_strmap *options, ch_arena *arena,
                              ch_error *err)
{
    ch_option_list changed;
    CH_TRY(ch_session_changed(session, arena, &changed, err));
    for (int32_t i = 0; i < changed.n; i++)
        CH_TRY(add_option(options, changed.key[i], changed.value[i], err));
    for (int i = 0; ch_setting_at(i); i++) {
        const char *value, *key = ch_setting_at(i)->name;
        CH_TRY(ch_session_get(session, key, arena, &value, err));
        if (value)
            CH_TRY(add_option(options, key, value, err));
    }
    return CH_OK;
}

static ch_status prepare(write_run *run, ch_frame *frame, ch_error *err)
{
    ch_query *query = run->query;
    ch_files_spec *s = &run->spec;
    const ch_rel_write_operation *write = run->write;
    ch_arena *arena = ch_query_arena(query);
    const char *name = write->source;
    ch_strmap *options;
    if (!name)
        CH_TRY(ch_session_get(frame->session, "spark.sql.sources.default", arena, &name, err));
    s->format = ch_format_find(name);
    if (!s->format || !s->format->create)
        CH_FAIL(err, UNKNOWN_FORMAT, "provider", name, "known", ch_formats_known(arena, true));
    s->schema = ch_query_schema(query);
    CH_ARENA_NEW(options, arena, err);
    ch_strmap_init(options, arena, true);
    for (int32_t i = 0; i < write->options.n; i++)
        CH_TRY(ch_strmap_put(options, write->options.key[i],
                             (void *)(uintptr_t)write->options.value[i], err));
    CH_TRY(add_settings(frame->session, options, arena, err));
    s->options = options;
    const char *codec;
    CH_TRY(s->format->codec_extension(options, &codec, err));
    s->extension = ch_arena_printf(arena, err, "%s%s", s->format->extension, codec);
    if (!s->extension)
        return CH_E_MEMORY;
    s->func = ch_query_func(query);
    s->ctx = (ch_format_context){.time_zone = s->func->time_zone,
                                 .ansi = s->func->ansi,
                                 .case_sensitive = s->func->case_sensitive,
                                 .n_slots = ch_query_slots(query),
                                 .batch_rows = CH_BATCH_ROWS,
                                 .mem = ch_query_mem(query),
                                 .store = run->store};
    CH_TRY(check_names(s, arena, err));
    CH_TRY(find_keys(run, arena, err));
    CH_TRY(read_options(run, frame->session, arena, err));
    CH_TRY(ch_uuid(run->uuid, err));
    s->uuid = run->uuid;
    if (run->together)
        return CH_OK;
    return run->store ? begin_job(run, arena, err) : choose_staging(run, arena, err);
}

ch_status ch_write_run(ch_frame *frame, const ch_rel_write_operation *write, int64_t *n_rows,
                       ch_error *err)
{
    return ch_write_table(frame, write, NULL, n_rows, err);
}

/* What the mode says about a target that is there. *skip: nothing is to be done. */
static ch_status check_mode(const write_run *run, bool exists, bool *skip, ch_error *err)
{
    *skip = exists && run->write->mode == CH_SAVE_IGNORE;
    if (exists && run->write->mode == CH_SAVE_ERROR_IF_EXISTS)
        CH_FAIL(err, PATH_ALREADY_EXISTS, "outputPath", run->write->path);
    return CH_OK;
}

static ch_status open_remote(write_run *run, ch_session *session, bool *skip, ch_error *err)
{
    ch_file file;
    ch_error own = {0};
    CH_TRY(ch_session_store(session, &run->write->options, ch_query_arena(run->query),
                            ch_query_mem(run->query), &ch_query_func(run->query)->cancel,
                            &run->store, err));
    if (run->write->mode == CH_SAVE_APPEND || run->write->mode == CH_SAVE_OVERWRITE)
        return CH_OK;
    ch_status status = ch_store_stat(run->store, run->target, &file, NULL, &own);
    bool exists = status == CH_OK;
    if (status != CH_OK && status != CH_E_PATH_NOT_FOUND)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    return check_mode(run, exists, skip, err);
}

ch_status ch_write_table(ch_frame *frame, const ch_rel_write_operation *write,
                         const ch_write_watch *watch, int64_t *n_rows, ch_error *err)
{
    const ch_format *format = write->source ? ch_format_find(write->source) : NULL;
    if (format && format->is_source)
        return ch_write_source(frame, format, write, n_rows, err);
    if (!write->path || !*write->path)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", "Expected exactly one path to be specified.");
    write_run run = {
        .write = write, .single = write->single_file, .watch = watch, .place = CH_STAGING_NONE};
    bool remote = ch_path_is_remote(write->path), skip = false;
    run.target = remote ? write->path : ch_path_local(write->path);
    if (!run.target)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to another store than local files");
    if (!remote)
        CH_TRY(check_mode(&run, ch_file_exists(run.target), &skip, err));
    if (skip)
        return CH_OK;
    /* The plan may read what it overwrites: files are replaced only after the last row was read. */
    CH_TRY(ch_query_open(frame, write->input, &run.query, err));
    ch_status status = remote ? open_remote(&run, frame->session, &skip, err) : CH_OK;
    if (status == CH_OK && !skip)
        status = prepare(&run, frame, err);
    if (status == CH_OK && !skip)
        status = run_query(&run, frame->session, err);
    if (n_rows)
        *n_rows = run.files ? ch_files_rows(run.files) : 0;
    ch_files_free(run.files);
    if (status != CH_OK && run.staging)
        (void)!ch_file_remove(run.staging, NULL);
    ch_store_job_free(run.job);
    ch_store_context_free(run.store);
    ch_staging_release(&run.place);
    ch_query_close(run.query);
    return status;
}

/* ------------------------------------------------------------------ several together */

typedef struct write_set {
    write_run *run;
    int32_t n;
    write_run whole; /* the folder: where it is, its staging place or job */
} write_set;

/* Does the folder hold names that are not the results'? */
static ch_status has_others(const write_set *s, bool *out, ch_error *err)
{
    DIR *dir = opendir(s->whole.target);
    *out = false;
    if (!dir)
        return ch_file_error(err, errno, "read", s->whole.target);
    for (struct dirent *e; !*out && (e = readdir(dir)) != NULL;) {
        bool ours = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        for (int32_t i = 0; i < s->n && !ours; i++)
            ours = strcmp(e->d_name, s->run[i].write->path) == 0;
        *out = !ours;
    }
    closedir(dir);
    return CH_OK;
}

static ch_status commit_together(write_set *s, ch_arena *arena, ch_error *err)
{
    write_run *whole = &s->whole;
    bool others = false;
    if (whole->store) {
        ch_job_end end = {
            .replace = true, .by_folder = true, .success = true, .success_by_folder = true};
        return ch_store_job_commit(whole->job, &end, err);
    }
    if (ch_file_exists(whole->target))
        CH_TRY(has_others(s, &others, err));
    if (!others)
        return replace_folder(whole->staging, whole->target, arena, err);
    for (int32_t i = 0; i < s->n; i++)
        CH_TRY(replace_folder(s->run[i].staging, s->run[i].target, arena, err));
    return remove_aside(whole->staging, err);
}

static ch_status begin_together(write_set *s, ch_frame *const *frame, const char *folder,
                                ch_error *err)
{
    write_run *whole = &s->whole;
    for (int32_t i = 0; i < s->n; i++)
        CH_TRY(ch_query_open(frame[i], s->run[i].write->input, &s->run[i].query, err));
    ch_query *first = s->run[0].query;
    ch_arena *arena = ch_query_arena(first);
    bool remote = ch_path_is_remote(folder);
    whole->target = remote ? folder : ch_path_local(folder);
    if (!whole->target)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to another store than local files");
    CH_TRY(ch_uuid(whole->uuid, err));
    if (!remote)
        return choose_staging(whole, arena, err);
    CH_TRY(ch_session_store(frame[0]->session, &s->run[0].write->options, arena,
                            ch_query_mem(first), &ch_query_func(first)->cancel, &whole->store,
                            err));
    return begin_job(whole, arena, err);
}

static ch_status write_one(write_set *s, ch_frame *frame, write_run *run, ch_error *err)
{
    ch_arena *arena = ch_query_arena(run->query);
    run->target = ch_arena_printf(arena, err, "%s/%s", s->whole.target, run->write->path);
    run->store = s->whole.store;
    if (!run->store)
        run->staging = ch_arena_printf(arena, err, "%s/%s", s->whole.staging, run->write->path);
    if (!run->target || (!run->store && !run->staging))
        return CH_E_MEMORY;
    if (run->staging)
        CH_TRY(ch_folder_make(run->staging, err));
    CH_TRY(prepare(run, frame, err));
    return run_query(run, frame->session, err);
}

ch_status ch_write_together(ch_frame *const *frame, ch_rel_write_operation *const *write, int32_t n,
                            const char *folder, ch_error *err)
{
    ch_arena arena;
    ch_mem *mem = frame[0]->arena.mem;
    ch_arena_init(&arena, mem);
    write_set s = {.n = n, .whole = {.place = CH_STAGING_NONE}};
    s.run = ch_arena_alloc(&arena, sizeof *s.run * (size_t)n, err);
    ch_status status = s.run ? CH_OK : CH_E_MEMORY;
    for (int32_t i = 0; i < n && s.run; i++)
        s.run[i] = (write_run){.write = write[i], .together = true, .place = CH_STAGING_NONE};
    if (status == CH_OK)
        status = begin_together(&s, frame, folder, err);
    for (int32_t i = 0; i < n && status == CH_OK; i++)
        status = write_one(&s, frame[i], &s.run[i], err);
    if (status == CH_OK)
        status = commit_together(&s, &arena, err);
    for (int32_t i = 0; i < n && s.run; i++)
        ch_files_free(s.run[i].files);
    if (status == CH_OK)
        for (int32_t i = 0; i < n; i++)
            ch_cache_path_changed(frame[0]->session, s.run[i].target);
    else if (s.whole.staging)
        (void)!ch_file_remove(s.whole.staging, NULL);
    ch_store_job_free(s.whole.job);
    ch_store_context_free(s.whole.store);
    ch_staging_release(&s.whole.place);
    for (int32_t i = n; i > 0 && s.run; i--)
        ch_query_close(s.run[i - 1].query);
    ch_arena_release(&arena);
    return status;
}
