/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - a query's rows to files, all or nothing.
 *
 *   folder   part files are written into a hidden folder beside the target and moved when all are
 *            complete; then _SUCCESS is made. Append moves the files into the target; overwrite exchanges
 *            the two folders' names, and removes the old one then.
 *   file     (single_file) one file beside the target, renamed over it at the end.
 *
 * A run that fails or is cancelled removes what it made; a killed one leaves only hidden names.
 *
 * Each worker writes its own part files. Rows that were sorted keep their order over the part files' numbers:
 * there a part is one range of the sort.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "format/format.h"
#include "plan/node.h"
#include "session/command.h"
#include "store/list.h"

typedef struct part {
    ch_file_writer *writer;
    int64_t number; /* morsel that it holds, when parts follow the order */
} part;

typedef struct write_run {
    ch_query *query;
    const ch_format *format;
    ch_format_context ctx;
    const ch_type *schema;
    ch_strmap *options;
    const char *target;    /* as the program named it, local */
    char *staging;         /* folder, or file when single */
    const char *extension; /* ".csv.gz" */
    char uuid[37];
    bool single, by_morsel;
    part *part; /* per slot */
    _Atomic int64_t n_files, n_rows;
} write_run;

static ch_status make_uuid(char out[37], ch_error *err)
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        CH_FAIL(err, IO, "action", "read", "path", "getrandom", "reason", strerror(errno));
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
    return CH_OK;
}

/* -------------------------------------------------------------------- parts */

static ch_status open_part(write_run *run, part *p, int64_t number, ch_error *err)
{
    char path[4096];
    if (run->single)
        snprintf(path, sizeof path, "%s", run->staging);
    else
        snprintf(path, sizeof path, "%s/part-%05lld-%s-c000%s", run->staging, (long long)number,
                 run->uuid, run->extension);
    if (strlen(path) >= sizeof path - 1)
        CH_FAIL(err, IO, "action", "write", "path", run->target, "reason", "the path is too long");
    CH_TRY(run->format->create(&run->ctx, path, run->schema, run->options, &p->writer, err));
    p->number = number;
    atomic_fetch_add(&run->n_files, 1);
    return CH_OK;
}

static ch_status close_part(write_run *run, part *p, ch_error *err)
{
    ch_file_writer *writer = p->writer;
    p->writer = NULL;
    return writer ? run->format->finish(writer, err) : CH_OK;
}

static ch_status write_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    write_run *run = user;
    part *p = &run->part[run->single ? 0 : slot];
    int64_t number = run->by_morsel ? (int64_t)(batch->seq >> 16 & 0xFFFFFFFF) : slot;
    if (p->writer && p->number != number && run->by_morsel)
        CH_TRY(close_part(run, p, err));
    if (!p->writer)
        CH_TRY(open_part(run, p, run->single ? 0 : number, err));
    p->number = number;
    atomic_fetch_add_explicit(&run->n_rows, batch->n, memory_order_relaxed);
    return run->format->write(p->writer, batch, err);
}

/* ------------------------------------------------------------------ the commit */

static ch_status touch(const char *folder, ch_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/_SUCCESS", folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return ch_file_error(err, errno, "write", path);
    close(fd);
    return CH_OK;
}

static ch_status move_into(write_run *run, ch_arena *arena, ch_error *err)
{
    ch_file *file;
    int32_t n;
    const char *from = run->staging;
    CH_TRY(ch_list_files(arena, &from, 1, NULL, &file, &n, err));
    for (int32_t i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", run->target, strrchr(file[i].path, '/') + 1);
        CH_TRY(ch_file_rename(file[i].path, path, err));
    }
    CH_TRY(ch_file_remove(run->staging, err));
    return touch(run->target, err);
}

static ch_status commit(write_run *run, ch_save_mode mode, ch_arena *arena, ch_error *err)
{
    if (run->single)
        return ch_file_rename(run->staging, run->target, err);
    bool exists = ch_file_exists(run->target);
    if (exists && mode == CH_SAVE_APPEND)
        return move_into(run, arena, err);
    CH_TRY(touch(run->staging, err));
    if (!exists && ch_file_rename(run->staging, run->target, NULL) == CH_OK)
        return CH_OK;
    /* Exchanged names leave no moment without a target, also when several write to it at once. */
    if (ch_file_exchange(run->staging, run->target))
        return ch_file_remove(run->staging, err);
    if (!exists)
        return ch_file_rename(run->staging, run->target, err);
    char *old = ch_arena_printf(arena, err, "%s-old", run->staging);
    if (!old)
        return CH_E_MEMORY;
    CH_TRY(ch_file_rename(run->target, old, err));
    ch_status status = ch_file_rename(run->staging, run->target, err);
    if (status != CH_OK) { /* put the old one back: nothing is lost */
        (void)!rename(old, run->target);
        return status;
    }
    return ch_file_remove(old, err);
}

/* Where to write: hidden, in the target's own folder, so that a rename is all it takes. */
static ch_status choose_staging(write_run *run, ch_arena *arena, ch_error *err)
{
    size_t len = strlen(run->target);
    char *target = ch_arena_strn(arena, run->target, len, err);
    if (!target)
        return CH_E_MEMORY;
    while (len > 1 && target[len - 1] == '/')
        target[--len] = 0;
    run->target = target;
    const char *slash = strrchr(target, '/');
    int above = slash ? (int)(slash - target) + 1 : 0;
    run->staging = ch_arena_printf(arena, err, "%.*s.%s.%s%s", above, target, target + above,
                                   run->uuid, run->single ? run->extension : "");
    if (!run->staging)
        return CH_E_MEMORY;
    if (above > 1) {
        char *folder = ch_arena_strn(arena, target, (size_t)above - 1, err);
        CH_TRY(folder ? ch_folder_make(folder, err) : CH_E_MEMORY);
    }
    return run->single ? CH_OK : ch_folder_make(run->staging, err);
}

static bool is_sorted(const ch_rel *rel)
{
    while (rel->kind == CH_REL_PROJECT)
        rel = ((const ch_rel_project *)rel)->input;
    return rel->kind == CH_REL_SORT;
}

static ch_status run_query(write_run *run, ch_save_mode mode, ch_error *err)
{
    ch_arena *arena = ch_query_arena(run->query);
    const ch_rel *plan;
    CH_TRY(ch_query_optimized(run->query, &plan, err));
    run->by_morsel = !run->single && is_sorted(plan);
    int slots = ch_query_slots(run->query);
    CH_ARENA_ARRAY(run->part, arena, slots, err);
    ch_status status = ch_query_each(run->query, write_batch, run, run->single, err);
    if (status == CH_OK && run->n_files == 0) /* no rows: a file with the header alone */
        status = open_part(run, &run->part[0], 0, err);
    for (int i = 0; i < slots && status == CH_OK; i++)
        status = close_part(run, &run->part[i], err);
    if (status == CH_OK)
        status = commit(run, mode, arena, err);
    for (int i = 0; i < slots; i++) {
        if (run->part[i].writer)
            run->format->abandon(run->part[i].writer);
        run->part[i].writer = NULL;
    }
    return status;
}

static ch_status prepare(write_run *run, ch_frame *frame, const ch_rel_write_operation *write,
                         ch_error *err)
{
    ch_query *query = run->query;
    ch_arena *arena = ch_query_arena(query);
    const char *name = write->source;
    if (!name)
        CH_TRY(ch_session_get(frame->session, "spark.sql.sources.default", arena, &name, err));
    run->format = ch_format_find(name);
    if (!run->format || !run->format->create)
        CH_FAIL(err, UNKNOWN_FORMAT, "provider", name, "known", "csv");
    run->schema = ch_query_schema(query);
    CH_ARENA_NEW(run->options, arena, err);
    ch_strmap_init(run->options, arena, true);
    for (int32_t i = 0; i < write->options.n; i++)
        CH_TRY(ch_strmap_put(run->options, write->options.key[i],
                             (void *)(uintptr_t)write->options.value[i], err));
    const char *codec;
    CH_TRY(run->format->codec_extension(run->options, &codec, err));
    run->extension = ch_arena_printf(arena, err, "%s%s", run->format->extension, codec);
    if (!run->extension)
        return CH_E_MEMORY;
    const ch_func_context *func = ch_query_func(query);
    run->ctx = (ch_format_context){.time_zone = func->time_zone,
                                   .ansi = func->ansi,
                                   .case_sensitive = func->case_sensitive,
                                   .n_slots = ch_query_slots(query),
                                   .batch_rows = CH_BATCH_ROWS,
                                   .mem = ch_query_mem(query)};
    CH_TRY(make_uuid(run->uuid, err));
    return choose_staging(run, arena, err);
}

ch_status ch_write_run(ch_frame *frame, const ch_rel_write_operation *write, int64_t *n_rows,
                       ch_error *err)
{
    write_run run = {.single = write->single_file};
    if (write->partitioning_columns.n)
        CH_FAIL(err, UNSUPPORTED, "feature", "partitionBy");
    run.target = ch_path_local(write->path);
    if (!run.target)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to another store than local files");
    if (ch_file_exists(run.target)) {
        if (write->mode == CH_SAVE_IGNORE)
            return CH_OK;
        if (write->mode == CH_SAVE_ERROR_IF_EXISTS)
            CH_FAIL(err, PATH_ALREADY_EXISTS, "outputPath", write->path);
    }
    /* The plan may read what it overwrites: files are replaced only after the last row was read. */
    CH_TRY(ch_query_open(frame, write->input, &run.query, err));
    ch_status status = prepare(&run, frame, write, err);
    if (status == CH_OK)
        status = run_query(&run, write->mode, err);
    if (status != CH_OK && run.staging)
        (void)!ch_file_remove(run.staging, NULL);
    if (n_rows)
        *n_rows = run.n_rows;
    ch_query_close(run.query);
    return status;
}
