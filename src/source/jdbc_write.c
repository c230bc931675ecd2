/* SPDX-License-Identifier: Apache-2.0 */
/* jdbc_write.c - what the modes of a write do to a table, and in which order. */
#include "source/jdbc_write.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"

#define CLEAN_SECONDS 10 /* for a table that nobody wants any more */

typedef struct jdbc_sink {
    ch_mem *mem;
    ch_arena arena;
    ch_jdbc_source *source;
    const ch_jdbc_driver *driver;
    const ch_jdbc_write_class *write;
    ch_jdbc_conn *conn;
    const ch_type *schema;
    const char **column;
    const char *target; /* the table as statements name it */
    const char *table;  /* that gets the rows: target, or one beside it */
    bool replaces;      /* target is there and goes when the rows are in place */
    bool made, marked;  /* table; marked: its comment says that it is not complete */
} jdbc_sink;

const char *ch_jdbc_common_type(const ch_type *type)
{
    switch (type->id) {
    case CH_INT:
    case CH_SHORT:
        return "INTEGER";
    case CH_LONG:
        return "BIGINT";
    case CH_DOUBLE:
        return "DOUBLE PRECISION";
    case CH_FLOAT:
        return "REAL";
    case CH_BYTE:
        return "BYTE";
    case CH_BOOLEAN:
        return "BIT(1)";
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return "TEXT";
    case CH_BINARY:
        return "BLOB";
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        return "TIMESTAMP";
    case CH_DATE:
        return "DATE";
    default:
        return NULL;
    }
}

/* ---- names ---------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* Where a name that begins at text ends: a word, or anything in quotes; NULL: it is no name. */
static const char *name_end(const char *text, char quote)
{
    if (*text == quote) {
        for (text++; *text; text++) {
            if (*text != quote)
                continue;
            if (text[1] != quote)
                return text + 1;
            text++;
        }
        return NULL;
    }
    const char *from = text;
    while (is_word(*text))
        text++;
    return text > from ? text : NULL;
}

/* Bytes of a name's last part, which gives way to a suffix if it has more: MySQL knows names of 64 characters. */
enum { MOST_BASE = 48 };

/* a, a.b, "a b".c as they stand; whatever else the name is, it is quoted, so that it is nothing but a name. */
static ch_status table_name(const ch_jdbc_source *s, ch_arena *arena, const char *suffix,
                            const char **out, ch_error *err)
{
    const char *text = s->name, *last = text, *end = text;
    char quote = s->driver->quote;
    ch_buf name;
    bool plain = true;
    while (plain) {
        end = name_end(last, quote);
        plain = end != NULL;
        if (!end || *end != '.')
            break;
        last = end + 1;
    }
    plain = plain && end && !*end;
    ch_buf_init(&name, s->mem);
    ch_status status = CH_OK;
    bool quoted = plain && *suffix && end[-1] == quote;
    if (!plain) {
        ch_buf whole;
        ch_buf_init(&whole, s->mem);
        bool is_long = *suffix && strlen(text) > MOST_BASE;
        status = ch_buf_printf(&whole, err, "%s%s", is_long ? "" : text, suffix);
        if (status == CH_OK)
            status = ch_jdbc_add_name(s->driver, whole.data, &name, err);
        ch_buf_release(&whole);
    } else {
        int len = *suffix && end - last > MOST_BASE ? (int)(last - text) + quoted
                                                    : (int)(end - text) - quoted;
        status = ch_buf_printf(&name, err, "%.*s%s", len, text, suffix);
        if (status == CH_OK && quoted)
            status = ch_buf_addc(&name, quote, err);
    }
    *out = status == CH_OK ? ch_arena_str(arena, name.data, err) : NULL;
    ch_buf_release(&name);
    return status != CH_OK ? status : *out ? CH_OK : CH_E_MEMORY;
}

/* ---- statements ----------------------------------------------------------------------------------------- */

/* The option queryTimeout is for each statement, and for each batch of rows. */
static void start_clock(jdbc_sink *k)
{
    int64_t seconds = k->source->timeout_s;
    k->conn->deadline_ns = seconds ? ch_tick_ns() + seconds * 1000000000 : 0;
}

static ch_status run(jdbc_sink *k, ch_error *err, const char *before, const char *what,
                     const char *after)
{
    ch_buf sql;
    ch_buf_init(&sql, k->mem);
    start_clock(k);
    ch_status status = ch_buf_printf(&sql, err, "%s%s%s", before, what, after);
    if (status == CH_OK)
        status = k->driver->execute(k->conn, sql.data, NULL, err);
    ch_buf_release(&sql);
    k->conn->deadline_ns = 0;
    return status;
}

/* As Spark asks: a query of it works. */
static ch_status table_exists(jdbc_sink *k, bool *out, ch_error *err)
{
    ch_error own = {0};
    ch_status status = run(k, &own, "SELECT 1 FROM ", k->target, " WHERE 1=0");
    *out = status == CH_OK;
    if (status == CH_E_MEMORY || status == CH_E_CANCELLED)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    return CH_OK;
}

static const char *option(const jdbc_sink *k, const char *name)
{
    const char *v = ch_strmap_get(k->source->options, name);
    return v ? v : "";
}

/* What createTableColumnTypes says of the column; NULL: nothing. */
static const ch_type *told_type(const ch_type *told, const char *name)
{
    for (int32_t i = 0; told && i < told->n_fields; i++)
        if (strcasecmp(told->field[i].name, name) == 0)
            return told->field[i].type;
    return NULL;
}

static ch_status add_column(jdbc_sink *k, const ch_type *told, const ch_field *f, ch_buf *sql,
                            ch_error *err)
{
    const ch_type *own = told_type(told, f->name);
    const char *type = NULL;
    CH_TRY(ch_jdbc_add_name(k->driver, f->name, sql, err));
    CH_TRY(ch_buf_addc(sql, ' ', err));
    if (own) {
        CH_TRY(ch_type_print(own, sql, err));
    } else {
        CH_TRY(k->driver->column_type(f->type, &k->arena, &type, err));
        CH_TRY(ch_buf_adds(sql, type, err));
    }
    return f->nullable ? CH_OK : ch_buf_adds(sql, " NOT NULL", err);
}

/* The option tableComment becomes the table's comment; a mark goes. */
static ch_status set_comment(jdbc_sink *k, ch_error *err)
{
    const char *text = option(k, "tableComment");
    ch_buf sql;
    if (!k->marked && !*text)
        return CH_OK;
    if (!k->write->comment_on) { /* as Spark: the table matters more */
        CH_LOG(WARN, "source", "no comment", "url", k->source->shown, "option", "tableComment");
        return CH_OK;
    }
    ch_buf_init(&sql, k->mem);
    ch_status status =
        ch_buf_printf(&sql, err, "%s%s%s'", k->write->comment_on, k->table, k->write->comment_is);
    for (; *text && status == CH_OK; text++) { /* a plain literal: nothing else is taken there */
        if (*text == '\'' || (*text == '\\' && k->driver->backslash))
            status = ch_buf_addc(&sql, *text, err);
        if (status == CH_OK)
            status = ch_buf_addc(&sql, *text, err);
    }
    if (status == CH_OK)
        status = run(k, err, sql.data, "'", "");
    ch_buf_release(&sql);
    k->marked &= status != CH_OK;
    return status;
}

static ch_status create_table(jdbc_sink *k, ch_error *err)
{
    const ch_type *told = NULL;
    const char *text = option(k, "createTableColumnTypes"), *more = option(k, "createTableOptions");
    ch_buf sql;
    if (*text)
        CH_TRY(ch_type_parse_ddl(text, &told, err));
    for (int32_t i = 0; told && i < told->n_fields; i++) {
        bool found = false;
        for (int32_t c = 0; c < k->schema->n_fields; c++)
            found |= strcasecmp(k->schema->field[c].name, told->field[i].name) == 0;
        if (!found)
            CH_FAIL(err, JDBC_NO_COLUMN, "name", told->field[i].name, "table",
                    "createTableColumnTypes");
    }
    ch_buf_init(&sql, k->mem);
    ch_status status = ch_buf_printf(&sql, err, "CREATE TABLE %s (", k->table);
    for (int32_t i = 0; i < k->schema->n_fields && status == CH_OK; i++) {
        status = i ? ch_buf_adds(&sql, ", ", err) : CH_OK;
        if (status == CH_OK)
            status = add_column(k, told, &k->schema->field[i], &sql, err);
    }
    if (!*more && k->write->table_options)
        more = k->write->table_options;
    /* A comment of the program's own would be lost with the mark. */
    bool marks = k->table != k->target && k->write->mark && !strcasestr(more, "comment");
    if (status == CH_OK)
        status = ch_buf_printf(&sql, err, ") %s%s", more, marks ? k->write->mark : "");
    if (status == CH_OK)
        status = run(k, err, sql.data, "", "");
    ch_buf_release(&sql);
    k->made = status == CH_OK;
    k->marked = k->made && marks;
    return status == CH_OK && !marks ? set_comment(k, err) : status;
}

static ch_status begin(jdbc_sink *k, ch_error *err)
{
    if (k->source->isolation && k->write->set_isolation)
        CH_TRY(run(k, err, k->write->set_isolation, k->source->isolation, ""));
    return run(k, err, k->write->begin, "", "");
}

/* A server that has no such locks, or does not let us, is no reason not to write. */
static ch_status if_possible(const jdbc_sink *k, ch_status status, ch_error *own, ch_error *err)
{
    if (status == CH_OK || status == CH_E_CANCELLED || status == CH_E_MEMORY || k->conn->lost)
        return status == CH_OK ? CH_OK : ch_error_pass(err, own);
    ch_error_release(own);
    return CH_OK;
}

/* A name beside the table that nobody else has. */
static ch_status choose_staging(jdbc_sink *k, ch_error *err)
{
    char uuid[CH_UUID_TEXT], suffix[24];
    CH_TRY(ch_uuid(uuid, err));
    snprintf(suffix, sizeof suffix, "_chert_%.8s", uuid);
    ch_error own = {0};
    if (k->write->claim)
        CH_TRY(if_possible(k, k->write->claim(k->conn, suffix + 1, &own), &own, err));
    return table_name(k->source, &k->arena, suffix, &k->table, err);
}

static ch_status prepare_table(jdbc_sink *k, ch_sink_mode mode, bool exists, ch_error *err)
{
    bool truncate = strcasecmp(option(k, "truncate"), "true") == 0;
    bool keeps = exists && (mode == CH_SINK_APPEND || truncate);
    k->table = k->target;
    k->replaces = exists && !keeps;
    if (!keeps && k->write->ddl_commits) {
        ch_error own = {0};
        if (k->write->drop_left)
            CH_TRY(if_possible(k, k->write->drop_left(k->conn, &own), &own, err));
        CH_TRY(choose_staging(k, err));
        CH_TRY(create_table(k, err));
        return begin(k, err);
    }
    CH_TRY(begin(k, err));
    if (keeps && mode == CH_SINK_APPEND)
        return CH_OK;
    if (keeps) {
        bool cascade = strcasecmp(option(k, "cascadeTruncate"), "true") == 0;
        return run(k, err, k->write->truncate ? k->write->truncate : "DELETE FROM ", k->target,
                   cascade && k->write->truncate ? " CASCADE" : "");
    }
    if (exists)
        CH_TRY(run(k, err, "DROP TABLE ", k->target, ""));
    k->replaces = false;
    return create_table(k, err);
}

/* ---- columns -------------------------------------------------------------------------------------------- */

/* Those of the table, by name: its own spelling goes into the statement. */
static ch_status match_columns(jdbc_sink *k, bool exists, bool case_sensitive, ch_error *err)
{
    ch_jdbc_field *field = NULL;
    int32_t n = 0;
    CH_ARENA_ARRAY(k->column, &k->arena, k->schema->n_fields + 1, err);
    if (exists) {
        char *sql = ch_arena_printf(&k->arena, err, "SELECT * FROM %s WHERE 1=0", k->target);
        if (!sql)
            return CH_E_MEMORY;
        CH_TRY(k->driver->describe(k->conn, sql, &k->arena, &field, &n, err));
    }
    for (int32_t i = 0; i < k->schema->n_fields; i++) {
        const char *name = k->schema->field[i].name;
        k->column[i] = exists ? NULL : name;
        for (int32_t c = 0; c < n && !k->column[i]; c++)
            if (case_sensitive ? strcmp(field[c].name, name) == 0
                               : strcasecmp(field[c].name, name) == 0)
                k->column[i] = field[c].name;
        if (!k->column[i])
            CH_FAIL(err, JDBC_NO_COLUMN, "name", name, "table", k->target);
    }
    return CH_OK;
}

/* Every column has a type in the database, before anything is done there. */
static ch_status check_types(jdbc_sink *k, ch_error *err)
{
    for (int32_t i = 0; i < k->schema->n_fields; i++) {
        const ch_field *f = &k->schema->field[i];
        const char *type;
        CH_TRY(k->driver->column_type(f->type, &k->arena, &type, err));
        if (type)
            continue;
        ch_buf text;
        ch_buf_init(&text, k->mem);
        ch_status status = ch_type_print(f->type, &text, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_JDBC_CANNOT_WRITE, "dt", text.data ? text.data : "",
                                  (const char *)0);
        ch_buf_release(&text);
        return status;
    }
    return CH_OK;
}

/* ---- the sink ------------------------------------------------------------------------------------------- */

static ch_status sink_begin(jdbc_sink *k, const ch_format_context *ctx, ch_sink_mode mode,
                            const ch_strmap *options, bool *skip, ch_error *err)
{
    bool exists;
    CH_TRY(ch_jdbc_source_of(ctx, options, true, &k->arena, &k->source, err));
    k->driver = k->source->driver;
    k->write = k->driver->write;
    if (!k->write)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to this database");
    CH_TRY(table_name(k->source, &k->arena, "", &k->target, err));
    CH_TRY(check_types(k, err));
    CH_TRY(k->driver->connect(k->source, &k->conn, err));
    CH_TRY(table_exists(k, &exists, err));
    if (exists && mode == CH_SINK_ERROR)
        CH_FAIL(err, JDBC_TABLE_EXISTS, "table", k->source->name);
    *skip = exists && mode == CH_SINK_IGNORE;
    if (*skip)
        return CH_OK;
    bool keeps =
        exists && (mode == CH_SINK_APPEND || strcasecmp(option(k, "truncate"), "true") == 0);
    CH_TRY(match_columns(k, keeps, ctx->case_sensitive, err));
    CH_TRY(prepare_table(k, mode, exists, err));
    return k->write->open(k->conn, k->table, k->column, k->schema, err);
}

ch_status ch_jdbc_sink_open(const ch_format_context *ctx, ch_sink_mode mode, const ch_type *schema,
                            const ch_strmap *options, ch_file_writer **out, ch_error *err)
{
    bool skip = false;
    *out = NULL;
    jdbc_sink *k = ch_mem_zalloc(ctx->mem, sizeof *k, err);
    if (!k)
        return CH_E_MEMORY;
    k->mem = ctx->mem;
    k->schema = schema;
    ch_arena_init(&k->arena, ctx->mem);
    ch_status status = sink_begin(k, ctx, mode, options, &skip, err);
    if (status != CH_OK || skip)
        ch_jdbc_sink_abandon((ch_file_writer *)k);
    else
        *out = (ch_file_writer *)k;
    return status;
}

ch_status ch_jdbc_sink_write(ch_file_writer *writer, ch_batch *batch, ch_error *err)
{
    jdbc_sink *k = (jdbc_sink *)writer;
    CH_TRY(ch_jdbc_heed(k->conn, err));
    CH_TRY(ch_batch_flatten(batch, err));
    start_clock(k);
    ch_status status = k->write->put(k->conn, batch, err);
    k->conn->deadline_ns = 0;
    return status;
}

/* The new table takes the name; the old one goes. One statement, so that there is a table at every moment. */
static ch_status take_name(jdbc_sink *k, ch_error *err)
{
    const char *old;
    if (k->table == k->target)
        return CH_OK;
    if (k->marked)
        CH_TRY(set_comment(k, err));
    if (!k->replaces)
        return k->write->rename(k->conn, k->table, k->target, NULL, err);
    const char *staging = k->table;
    CH_TRY(choose_staging(k, err)); /* a second name */
    old = k->table;
    k->table = staging;
    CH_TRY(k->write->rename(k->conn, staging, k->target, old, err));
    k->made = false;
    return run(k, err, "DROP TABLE ", old, "");
}

ch_status ch_jdbc_sink_finish(ch_file_writer *writer, ch_error *err)
{
    jdbc_sink *k = (jdbc_sink *)writer;
    start_clock(k);
    ch_status status = k->write->finish(k->conn, err);
    if (status == CH_OK)
        status = run(k, err, "COMMIT", "", "");
    if (status == CH_OK)
        status = take_name(k, err);
    if (status == CH_OK)
        k->made = false;
    ch_jdbc_sink_abandon(writer);
    return status;
}

/* Of a run that was stopped as well: its connection is lost, and what stops it is not to stop this. */
static void drop_staging(jdbc_sink *k)
{
    ch_jdbc_source quiet = *k->source;
    quiet.cancel = NULL;
    quiet.timeout_s = CLEAN_SECONDS;
    if (k->conn->lost) {
        ch_jdbc_close(k->conn);
        k->conn = NULL;
        if (k->driver->connect(&quiet, &k->conn, NULL) != CH_OK)
            return;
    }
    ch_jdbc_source *own = k->source;
    k->conn->source = k->source = &quiet;
    (void)!run(k, NULL, "DROP TABLE ", k->table, "");
    k->conn->source = k->source = own;
}

void ch_jdbc_sink_abandon(ch_file_writer *writer)
{
    jdbc_sink *k = (jdbc_sink *)writer;
    if (!k)
        return;
    if (k->conn && k->made && k->table != k->target)
        drop_staging(k);
    ch_jdbc_close(k->conn); /* an open transaction ends with it */
    ch_arena_release(&k->arena);
    ch_mem_free(k->mem, k, sizeof *k);
}
