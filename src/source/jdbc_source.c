/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_source.c - a table of a database as a data source: its columns, and its rows.
 *
 *   morsel i    SELECT wanted columns FROM table WHERE (pushed) AND (partition i) [GROUP BY keys] LIMIT n
 *
 * Each slot has a connection of its own and streams: it holds one batch of rows. Predicates that can be written in SQL are
 * the database's to answer, by its own rules for text, as in Spark.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "source/jdbc_write.h"

/* ---- columns -------------------------------------------------------------------------------------------- */

static ch_status no_type(const ch_jdbc_source *s, const ch_jdbc_field *f, ch_error *err)
{
    CH_UNUSED(s);
    CH_FAIL(err, JDBC_TYPE, "typeName", f->native ? f->native : "?", "columnName", f->name);
}

const ch_type *ch_jdbc_custom_type(const ch_jdbc_source *s, const char *name)
{
    for (int32_t i = 0; s->custom && i < s->custom->n_fields; i++)
        if (strcasecmp(s->custom->field[i].name, name) == 0)
            return s->custom->field[i].type;
    return NULL;
}

#define CHAR_METADATA "{\"__CHAR_VARCHAR_TYPE_STRING\":\"char("

/* CHAR and VARCHAR are STRING; the length of a CHAR is kept as Spark keeps it, since it is padded when it is read. */
static ch_status as_text(ch_arena *arena, ch_field *f, ch_error *err)
{
    if (f->type->id == CH_CHAR) {
        f->metadata = ch_arena_printf(arena, err, CHAR_METADATA "%d)\"}", f->type->length);
        if (!f->metadata)
            return CH_E_MEMORY;
    }
    if (f->type->id == CH_CHAR || f->type->id == CH_VARCHAR)
        f->type = CH_T_STRING;
    return CH_OK;
}

/* Characters that the column has at least; 0: any number. */
static int32_t padding_of(const ch_field *f)
{
    return f->metadata && strncmp(f->metadata, CHAR_METADATA, sizeof CHAR_METADATA - 1) == 0
               ? atoi(f->metadata + sizeof CHAR_METADATA - 1)
               : 0;
}

ch_status ch_jdbc_schema(const ch_jdbc_source *source, ch_arena *arena, const ch_type **out,
                         ch_error *err)
{
    ch_jdbc_conn *conn;
    ch_jdbc_field *field;
    ch_field *column;
    int32_t n;
    char *sql =
        ch_arena_printf(arena, err, "%sSELECT * FROM %s WHERE 1=0", source->prepare, source->table);
    if (!sql)
        return CH_E_MEMORY;
    CH_TRY(ch_jdbc_connect(source, &conn, err));
    ch_status status = source->driver->describe(conn, sql, arena, &field, &n, err);
    ch_jdbc_close(conn);
    CH_TRY(status);
    CH_ARENA_ARRAY(column, arena, n + 1, err);
    for (int32_t i = 0; i < n; i++) {
        const ch_type *custom = ch_jdbc_custom_type(source, field[i].name);
        column[i] = (ch_field){field[i].name, custom ? custom : field[i].type, true, NULL};
        if (!column[i].type)
            return no_type(source, &field[i], err);
        CH_TRY(as_text(arena, &column[i], err));
    }
    *out = ch_type_struct(column, n);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static ch_status infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                       const ch_type **schema, ch_error *err)
{
    ch_arena arena;
    ch_jdbc_source *source;
    ch_arena_init(&arena, ctx->mem);
    ch_status status = ch_jdbc_source_of(ctx, spec->options, false, &arena, &source, err);
    if (status == CH_OK)
        status = ch_jdbc_schema(source, &arena, schema, err);
    ch_arena_release(&arena);
    return status;
}

/* ---- the scan ------------------------------------------------------------------------------------------- */

typedef struct jdbc_slot {
    ch_jdbc_conn *conn; /* NULL: none yet */
    bool runs;          /* a query that was not finished */
    bool more;
    int32_t part;
    uint32_t n_batches;
} jdbc_slot;

typedef struct jdbc_scan {
    ch_scan base;
    ch_mem *mem;
    ch_arena arena;
    ch_jdbc_source *source;
    int64_t batch_rows;
    const ch_type **type;
    int32_t *padding;
    int32_t n_wanted;
    const char *before, *where; /* SELECT ... FROM t, and pushed predicates or NULL */
    const char *group;          /* " GROUP BY ...", or "" */
    const char *const *clause;
    int32_t n_parts;
    int64_t limit;
    _Atomic int32_t next_part;
    _Atomic int64_t rows;
    int n_slots;
    jdbc_slot *slot;
} jdbc_scan;

static ch_status add_statement(const jdbc_scan *s, int32_t part, ch_buf *sql, ch_error *err)
{
    CH_TRY(ch_buf_adds(sql, s->before, err));
    if (s->where)
        CH_TRY(ch_buf_printf(sql, err, " WHERE (%s)", s->where));
    if (s->clause[part])
        CH_TRY(ch_buf_printf(sql, err, " %s (%s)", s->where ? "AND" : "WHERE", s->clause[part]));
    CH_TRY(ch_buf_adds(sql, s->group, err));
    if (s->limit >= 0)
        CH_TRY(ch_buf_printf(sql, err, " LIMIT %lld", (long long)s->limit));
    return CH_OK;
}

static void start_clock(ch_jdbc_conn *conn)
{
    int64_t seconds = conn->source->timeout_s;
    conn->deadline_ns = seconds ? ch_tick_ns() + seconds * 1000000000 : 0;
}

static ch_status open_part(jdbc_scan *s, jdbc_slot *slot, int32_t part, ch_error *err)
{
    ch_buf sql;
    if (slot->conn && slot->conn->lost) {
        ch_jdbc_close(slot->conn);
        slot->conn = NULL;
    }
    if (!slot->conn)
        CH_TRY(ch_jdbc_connect(s->source, &slot->conn, err));
    start_clock(slot->conn);
    ch_buf_init(&sql, s->mem);
    ch_status status = add_statement(s, part, &sql, err);
    if (status == CH_OK) {
        slot->runs = true;
        status = s->source->driver->open(slot->conn, sql.data, s->type,
                                         s->n_wanted ? s->n_wanted : 1, err);
    }
    ch_buf_release(&sql);
    return status;
}

static ch_status scan_begin(ch_scan *scan, int index, bool *more, ch_error *err)
{
    jdbc_scan *s = (jdbc_scan *)scan;
    jdbc_slot *slot = &s->slot[index];
    *more = false;
    if (atomic_load_explicit(&scan->stop, memory_order_relaxed))
        return CH_OK;
    slot->part = atomic_fetch_add_explicit(&s->next_part, 1, memory_order_relaxed);
    if (slot->part >= s->n_parts) {
        atomic_store_explicit(&s->next_part, s->n_parts, memory_order_relaxed);
        return CH_OK;
    }
    slot->n_batches = 0;
    CH_TRY(open_part(s, slot, slot->part, err));
    slot->more = *more = true;
    return CH_OK;
}

static void end_part(jdbc_scan *s, jdbc_slot *slot)
{
    if (slot->runs)
        s->source->driver->finish(slot->conn);
    slot->runs = false;
    slot->more = false;
}

static ch_status scan_next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    jdbc_scan *s = (jdbc_scan *)scan;
    jdbc_slot *slot = &s->slot[index];
    ch_jdbc_rows rows = {0};
    ch_status status = CH_OK;
    if (slot->more) {
        status = ch_jdbc_heed(slot->conn, err);
        if (status == CH_OK)
            status = ch_jdbc_rows_init(&rows, s->mem, s->source->zone, s->type,
                                       s->n_wanted ? s->n_wanted : 1, s->batch_rows, err);
        for (int32_t c = 0; c < s->n_wanted && status == CH_OK; c++)
            rows.column[c].padding = s->padding[c];
        if (status == CH_OK)
            status = s->source->driver->fetch(slot->conn, &rows, &slot->more, err);
        slot->conn->deadline_ns = 0; /* from the first rows on, time is whoever's who takes them */
    }
    if (status == CH_OK && !slot->more)
        end_part(s, slot);
    if (status == CH_OK)
        status = ch_batch_init(out, s->mem, s->n_wanted, rows.n, err);
    if (status == CH_OK && s->n_wanted && rows.n) {
        status = ch_jdbc_rows_take(&rows, out, err);
        if (status != CH_OK)
            ch_batch_release(out);
    }
    if (status == CH_OK && s->n_wanted && !rows.n) { /* the last batch: no rows, but columns */
        for (int32_t c = 0; c < s->n_wanted && status == CH_OK; c++)
            status = ch_column_new(s->mem, s->type[c], 0, &out->col[c], err);
        if (status != CH_OK)
            ch_batch_release(out);
    }
    if (status == CH_OK) {
        out->seq = (uint64_t)slot->part << 32 | slot->n_batches++;
        out->file = -1;
        atomic_fetch_add_explicit(&s->rows, rows.n, memory_order_relaxed);
    }
    ch_jdbc_rows_release(&rows);
    return status;
}

static void scan_progress(const ch_scan *scan, ch_scan_progress *out)
{
    const jdbc_scan *s = (const jdbc_scan *)scan;
    *out = (ch_scan_progress){
        .rows = atomic_load_explicit(&((jdbc_scan *)(uintptr_t)s)->rows, memory_order_relaxed)};
}

static void scan_close(ch_scan *scan)
{
    jdbc_scan *s = (jdbc_scan *)scan;
    for (int i = 0; s->slot && i < s->n_slots; i++) {
        end_part(s, &s->slot[i]);
        ch_jdbc_close(s->slot[i].conn);
    }
    ch_arena_release(&s->arena);
    ch_mem_free(s->mem, s, sizeof *s);
}

static const ch_scan_class JDBC_SCAN = {.name = "jdbc",
                                        .begin = scan_begin,
                                        .next = scan_next,
                                        .progress = scan_progress,
                                        .close = scan_close};

static ch_status make_select(jdbc_scan *s, const ch_scan_spec *spec, ch_error *err)
{
    ch_buf text;
    CH_ARENA_ARRAY(s->type, &s->arena, spec->n_wanted + 1, err);
    CH_ARENA_ARRAY(s->padding, &s->arena, spec->n_wanted + 1, err);
    s->type[0] = CH_T_INT; /* of SELECT 1 */
    s->n_wanted = spec->n_wanted;
    ch_buf_init(&text, s->mem);
    ch_status status =
        ch_buf_printf(&text, err, "%sSELECT %s", s->source->prepare, s->source->hint);
    for (int32_t i = 0; i < spec->n_wanted && status == CH_OK; i++) {
        const ch_field *f = &spec->schema->field[spec->wanted[i]];
        s->type[i] = f->type;
        s->padding[i] = padding_of(f);
        status = i ? ch_buf_addc(&text, ',', err) : CH_OK;
        if (status == CH_OK)
            status = spec->aggregate
                         ? ch_jdbc_add_item(s->source, spec->aggregate->rows,
                                            &spec->aggregate->item[spec->wanted[i]], &text, err)
                         : ch_jdbc_add_name(s->source->driver, f->name, &text, err);
    }
    if (status == CH_OK)
        status =
            ch_buf_printf(&text, err, "%s FROM %s", spec->n_wanted ? "" : "1", s->source->table);
    if (status == CH_OK)
        s->before = ch_arena_strn(&s->arena, text.data, text.len, err);
    ch_buf_release(&text);
    return status != CH_OK ? status : s->before ? CH_OK : CH_E_MEMORY;
}

static ch_status make_group(jdbc_scan *s, const ch_scan_spec *spec, ch_error *err)
{
    ch_buf text;
    s->group = "";
    if (!spec->aggregate)
        return CH_OK;
    ch_buf_init(&text, s->mem);
    ch_status status = ch_jdbc_add_items(s->source, spec->aggregate, true, &text, err);
    if (status == CH_OK && text.len) {
        s->group = ch_arena_printf(&s->arena, err, " GROUP BY %s", text.data);
        status = s->group ? CH_OK : CH_E_MEMORY;
    }
    ch_buf_release(&text);
    return status;
}

/* The columns of the table, whatever is made of them. */
static const ch_type *rows_of(const ch_scan_spec *spec)
{
    return spec->aggregate ? spec->aggregate->rows : spec->schema;
}

static ch_status make_where(jdbc_scan *s, const ch_scan_spec *spec, ch_error *err)
{
    ch_buf text;
    const ch_type *rows = rows_of(spec);
    ch_status status = CH_OK;
    ch_buf_init(&text, s->mem);
    for (int32_t i = 0; i < spec->n_predicates && status == CH_OK && s->source->push_predicate;
         i++) {
        const ch_predicate *p = &spec->predicate[i];
        bool done = true;
        size_t before = text.len;
        /* There it has no blanks at its end. */
        if (padding_of(&rows->field[p->column]) && p->op != CH_PRED_IS_NULL &&
            p->op != CH_PRED_IS_NOT_NULL)
            continue;
        status = ch_buf_adds(&text, before ? " AND (" : "(", err);
        if (status == CH_OK)
            status =
                ch_jdbc_add_predicate(s->source, p, rows->field[p->column].name, &text, &done, err);
        if (status == CH_OK && done)
            status = ch_buf_addc(&text, ')', err);
        if (!done)
            text.len = before;
    }
    if (status == CH_OK && text.len) {
        s->where = ch_arena_strn(&s->arena, text.data, text.len, err);
        status = s->where ? CH_OK : CH_E_MEMORY;
    }
    ch_buf_release(&text);
    return status;
}

static ch_status make_parts(jdbc_scan *s, const ch_format_context *ctx, const ch_scan_spec *spec,
                            ch_error *err)
{
    const char **clause;
    if (!spec->n_parts)
        return ch_jdbc_partitions(s->source, rows_of(spec), ctx->case_sensitive, &s->arena,
                                  &s->clause, &s->n_parts, err);
    CH_ARENA_ARRAY(clause, &s->arena, spec->n_parts, err);
    for (int32_t i = 0; i < spec->n_parts; i++)
        clause[i] = spec->part[i];
    s->clause = clause;
    s->n_parts = spec->n_parts;
    return CH_OK;
}

static ch_status scan_open(jdbc_scan *s, const ch_format_context *ctx, const ch_scan_spec *spec,
                           ch_error *err)
{
    CH_TRY(ch_jdbc_source_of(ctx, spec->options, false, &s->arena, &s->source, err));
    CH_TRY(make_select(s, spec, err));
    CH_TRY(make_where(s, spec, err));
    CH_TRY(make_group(s, spec, err));
    CH_TRY(make_parts(s, ctx, spec, err));
    s->limit = s->source->push_limit ? spec->limit : -1;
    s->batch_rows = ctx->batch_rows;
    s->base.n_morsels = s->n_parts;
    s->n_slots = ctx->n_slots < 1 ? 1 : ctx->n_slots;
    CH_ARENA_ARRAY(s->slot, &s->arena, s->n_slots, err);
    return CH_OK;
}

static ch_status scan(const ch_format_context *ctx, const ch_scan_spec *spec, ch_scan **out,
                      ch_error *err)
{
    *out = NULL;
    jdbc_scan *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    s->base.cls = &JDBC_SCAN;
    s->mem = ctx->mem;
    ch_arena_init(&s->arena, ctx->mem);
    ch_status status = scan_open(s, ctx, spec, err);
    if (status != CH_OK)
        scan_close(&s->base);
    else
        *out = &s->base;
    return status;
}

/* As Spark does: what can be said in SQL is the database's to answer, by its rules for text. */
static ch_status answers(const ch_format_context *ctx, const ch_scan_spec *spec,
                         const ch_predicate *p, bool *out, ch_error *err)
{
    ch_arena arena;
    ch_jdbc_source *source;
    ch_buf text;
    const ch_field *f = &spec->schema->field[p->column];
    ch_arena_init(&arena, ctx->mem);
    ch_buf_init(&text, ctx->mem);
    *out = false;
    ch_status status = ch_jdbc_source_of(ctx, spec->options, false, &arena, &source, err);
    bool blanks = padding_of(f) && p->op != CH_PRED_IS_NULL && p->op != CH_PRED_IS_NOT_NULL;
    if (status == CH_OK && source->push_predicate && !blanks)
        status = ch_jdbc_add_predicate(source, p, f->name, &text, out, err);
    ch_buf_release(&text);
    ch_arena_release(&arena);
    return status;
}

static ch_status aggregates(const ch_format_context *ctx, const ch_scan_spec *spec,
                            const ch_scan_item *item, bool *out, ch_error *err)
{
    ch_arena arena;
    ch_jdbc_source *source;
    ch_arena_init(&arena, ctx->mem);
    ch_status status = ch_jdbc_source_of(ctx, spec->options, false, &arena, &source, err);
    *out = status == CH_OK && ch_jdbc_aggregates(source, spec->schema, item);
    ch_arena_release(&arena);
    return status;
}

/* ", PushedAggregates: [COUNT(*)], PushedGroupByExpressions: ["k"]", as Spark's scan of a catalog's table has it. */
static ch_status add_pushed(const ch_jdbc_source *source, const ch_scan_aggregate *a, ch_buf *out,
                            ch_error *err)
{
    CH_TRY(ch_buf_adds(out, " PushedAggregates: [", err));
    CH_TRY(ch_jdbc_add_items(source, a, false, out, err));
    CH_TRY(ch_buf_adds(out, "], PushedGroupByExpressions: [", err));
    CH_TRY(ch_jdbc_add_items(source, a, true, out, err));
    return ch_buf_addc(out, ']', err);
}

/* "JDBCRelation(people) [numPartitions=1]", as Spark names it. */
static ch_status describe(const ch_format_context *ctx, const ch_scan_spec *spec, ch_arena *arena,
                          const char **name, ch_error *err)
{
    ch_jdbc_source *source;
    const char *const *clause;
    int32_t n = spec->n_parts;
    CH_TRY(ch_jdbc_source_of(ctx, spec->options, false, arena, &source, err));
    if (!n)
        CH_TRY(ch_jdbc_partitions(source, rows_of(spec), ctx->case_sensitive, arena, &clause, &n,
                                  err));
    ch_buf pushed;
    ch_buf_init(&pushed, ctx->mem);
    ch_status status = spec->aggregate ? add_pushed(source, spec->aggregate, &pushed, err) : CH_OK;
    *name = status == CH_OK ? ch_arena_printf(arena, err, "JDBCRelation(%s) [numPartitions=%d]%s",
                                              source->table, n, pushed.len ? pushed.data : "")
                            : NULL;
    ch_buf_release(&pushed);
    return status == CH_OK && !*name ? CH_E_MEMORY : status;
}

const ch_format ch_format_jdbc = {
    .name = "jdbc",
    .extension = "",
    .options = ch_jdbc_option_table,
    .is_source = true,
    .infer = infer,
    .scan = scan,
    .describe = describe,
    .answers = answers,
    .aggregates = aggregates,
    .open_sink = ch_jdbc_sink_open,
    .write = ch_jdbc_sink_write,
    .finish = ch_jdbc_sink_finish,
    .abandon = ch_jdbc_sink_abandon,
};
