/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_csv_spark.c - every question that real Spark was asked about CSV, asked of Chert.
 *
 * The answers lie in tests/data/csv_spark; its README says how to read them. Each reading case runs
 * with usual sizes, and with chunks, windows and morsels of a few bytes, which must not change anything.
 * CSV_CASE=<name> runs one case alone.
 */
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "column/format_value.h"
#include "format/csv.h"
#include "format/csv_source.h"
#include "json_lite.h"
#include "store/list.h"

#define FOLDER "tests/data/csv_spark/"

/*
 * Cases about what lies above a format: columns from folder names, checks of a query's schema,
 * session settings of the old parser. They are asked again in SQL, where those rooms can answer.
 */
static const char *const ELSEWHERE[] = {
    "partition folders",
    "partition folders, null and text",
    "recursiveFileLookup",
    "nested folders",
    "singleVariantColumn",
    "bad schema",
    "duplicate schema columns",
    "legacy parser",
    "array column",
    "struct column",
    "void column",
    "strings and chars",
    "varchar too long",
    "times",
    "extension",
    /* Takes its names from whichever file the file system lists first. */
    "two files, other headers",
    /* Names of months and days in other languages. */
    "dateFormat in a locale",
    "dateFormat locale",
};

static int n_run, n_failed;

static bool is_elsewhere(const char *name)
{
    for (size_t i = 0; i < sizeof ELSEWHERE / sizeof *ELSEWHERE; i++)
        if (strcmp(ELSEWHERE[i], name) == 0)
            return true;
    return false;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static void make_file(const char *folder, const js *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file->key);
    for (char *p = path + strlen(folder) + 1; *p; p++) {
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0777);
            *p = '/';
        }
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    js *text = js_get(file, "text");
    if (text) {
        fwrite(text->text, 1, text->len, f);
    } else {
        const char *h = js_text(file, "hex");
        for (; h && *h; h += 2)
            fputc(hex(h[0]) << 4 | hex(h[1]), f);
    }
    fclose(f);
}

/* ---- rows as text --------------------------------------------------------------------------- */

typedef struct rows {
    char **row;
    int n, cap;
} rows;

static void add_row(rows *r, char *text)
{
    if (r->n == r->cap)
        r->row = realloc(r->row, sizeof *r->row * (size_t)(r->cap = r->cap * 2 + 16));
    r->row[r->n++] = text;
}

static void free_rows(rows *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->row[i]);
    free(r->row);
    *r = (rows){0};
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_rows(rows *r)
{
    qsort(r->row, (size_t)r->n, sizeof *r->row, by_text);
}

static void append_cell(char **to, const char *text, size_t len)
{
    *to += sprintf(*to, "|");
    for (size_t i = 0; i < len; i++)
        *to += sprintf(*to, (uint8_t)text[i] < 32 ? "\\x%02x" : "%c", (uint8_t)text[i]);
}

static char *expected_row(const js *row)
{
    char *text = malloc(1 << 16), *to = text;
    *to = 0;
    for (const js *v = row->first; v; v = v->next) {
        if (v->kind == JS_STRING) {
            append_cell(&to, v->text, v->len);
        } else if (v->kind == JS_OBJECT) {
            char bytes[4096];
            size_t n = 0;
            for (const char *h = js_text(v, "hex"); *h; h += 2)
                bytes[n++] = (char)(hex(h[0]) << 4 | hex(h[1]));
            append_cell(&to, bytes, n);
        } else {
            to += sprintf(to, "|<null>");
        }
    }
    return text;
}

static char *found_row(ch_batch *batch, int64_t r, ch_mem *mem)
{
    static const ch_value_format FORMAT = {
        .style = CH_VALUE_CAST, .ansi = true, .zone = &ch_zone_utc};
    char *text = malloc(1 << 16), *to = text;
    ch_buf b;
    ch_buf_init(&b, mem);
    *to = 0;
    for (int32_t c = 0; c < batch->n_cols; c++) {
        if (ch_column_is_null(batch->col[c], r)) {
            to += sprintf(to, "|<null>");
            continue;
        }
        b.len = 0;
        assert_int_equal(ch_format_value(&FORMAT, batch->col[c], r, &b, NULL), CH_OK);
        append_cell(&to, b.data ? b.data : "", b.len);
    }
    ch_buf_release(&b);
    return text;
}

/* ---- one case ------------------------------------------------------------------------------- */

typedef struct answer {
    rows rows;
    int64_t count;
    char columns[4096];
    bool at_analysis;
} answer;

static ch_status read_all(const ch_format_context *ctx, const ch_scan_spec *spec,
                          const ch_csv_sizes *sizes, answer *a, ch_error *err)
{
    ch_scan *scan;
    ch_status status = ch_csv_scan_open(ctx, spec, sizes, &scan, err);
    if (status != CH_OK)
        return status;
    for (bool more; (status = scan->cls->begin(scan, 0, &more, err)) == CH_OK && more;) {
        for (bool end = false; !end;) {
            ch_batch batch;
            status = scan->cls->next(scan, 0, &batch, err);
            if (status != CH_OK)
                goto out;
            end = batch.n_full == 0;
            status = ch_batch_flatten(&batch, err);
            assert_int_equal(status, CH_OK);
            a->count += batch.n;
            for (int64_t r = 0; batch.n_cols && r < batch.n; r++)
                add_row(&a->rows, found_row(&batch, r, ctx->mem));
            ch_batch_release(&batch);
        }
    }
out:
    scan->cls->close(scan);
    return status;
}

static ch_status ask(const js *c, const char *folder, const ch_csv_sizes *sizes, ch_mem *mem,
                     answer *a, ch_error *err)
{
    ch_arena arena;
    ch_strmap options;
    ch_file *file;
    int32_t n_files, wanted[256], n_wanted = 0;
    const ch_type *schema = NULL;
    ch_status status;
    char path[512];
    const char *paths[1] = {path};

    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    for (js *o = js_get(c, "options")->first; o; o = o->next)
        CH_TRY_OUT(ch_strmap_put(&options, o->key, o->text, err));
    const char *relative = js_text(c, "path");
    snprintf(path, sizeof path, "%s/%s", folder, relative ? relative : ".");
    a->at_analysis = true;
    CH_TRY_OUT(ch_list_files(&arena, paths, 1, &options, &file, &n_files, err));
    const char *ntz = js_text(js_get(c, "conf"), "spark.sql.timestampType");
    ch_format_context ctx = {.time_zone = "UTC",
                             .ansi = true,
                             .timestamp_ntz = ntz && strstr(ntz, "NTZ"),
                             .n_slots = 1,
                             .batch_rows = sizes ? 3 : 4096,
                             .mem = mem};
    ch_scan_spec spec = {
        .file = file, .n_files = n_files, .options = &options, .wanted = wanted, .limit = -1};
    if (js_text(c, "schema"))
        CH_TRY_OUT(ch_type_parse_ddl(js_text(c, "schema"), &schema, err));
    else
        CH_TRY_OUT(ch_csv_infer(&ctx, &spec, &schema, err));
    a->at_analysis = false;
    ch_buf type;
    ch_buf_init(&type, mem);
    for (int32_t i = 0; i < schema->n_fields; i++) {
        type.len = 0;
        assert_int_equal(ch_type_print(schema->field[i].type, &type, NULL), CH_OK);
        snprintf(a->columns + strlen(a->columns), sizeof a->columns - strlen(a->columns), "%s %s,",
                 schema->field[i].name, type.data);
    }
    ch_buf_release(&type);
    js *select = js_get(c, "select");
    if (js_get(c, "count")) {
        n_wanted = 0;
    } else if (select && select->kind == JS_LIST) {
        for (js *s = select->first; s; s = s->next)
            for (int32_t i = 0; i < schema->n_fields; i++)
                if (strcmp(schema->field[i].name, s->text) == 0)
                    wanted[n_wanted++] = i;
    } else {
        for (int32_t i = 0; i < schema->n_fields; i++)
            wanted[n_wanted++] = i;
    }
    spec.schema = schema;
    spec.n_wanted = n_wanted;
    CH_TRY_OUT(read_all(&ctx, &spec, sizes, a, err));
out:
    ch_arena_release(&arena);
    return status;
}

static bool is_cause(const js *error, const char *class)
{
    bool foreign = true; /* only Java's own exceptions: any error will do */
    for (js *e = js_get(error, "causes")->first; e; e = e->next) {
        if (strcmp(e->text, class) == 0)
            return true;
        foreign &= strncmp(e->text, "java.", 5) == 0 || strncmp(e->text, "com.", 4) == 0 ||
                   strncmp(e->text, "org.", 4) == 0 || strncmp(e->text, "FAILED_READ", 11) == 0;
    }
    return foreign;
}

static void complain(const char *file, const js *c, const char *what, const char *expected,
                     const char *found)
{
    n_failed++;
    print_error("%s: %s: %s\n  expected %s\n  found    %s\n", file, js_text(c, "name"), what,
                expected, found);
}

static void compare_rows(const char *file, const js *c, const char *what, answer *a)
{
    rows want = {0};
    js *unordered = js_get(c, "unordered");
    for (js *r = js_get(c, "rows")->first; r; r = r->next)
        add_row(&want, expected_row(r));
    if (unordered && unordered->truth) {
        sort_rows(&want);
        sort_rows(&a->rows);
    }
    for (int i = 0; i < want.n || i < a->rows.n; i++) {
        const char *w = i < want.n ? want.row[i] : "(no more rows)";
        const char *f = i < a->rows.n ? a->rows.row[i] : "(no more rows)";
        if (strcmp(w, f) != 0) {
            complain(file, c, what, w, f);
            break;
        }
    }
    free_rows(&want);
}

static void check_columns(const char *file, const js *c, const answer *a)
{
    char want[4096] = "";
    for (js *p = js_get(c, "columns")->first; p; p = p->next)
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s %s,", p->first->text,
                 p->first->next->text);
    if (strcmp(want, a->columns) != 0)
        complain(file, c, "columns", want, a->columns);
}

static void run_case(const char *file, const js *c, const char *folder, const ch_csv_sizes *sizes)
{
    UNIT_BEGIN(NULL);
    answer a = {0};
    const js *error = js_get(c, "error");
    const char *what = sizes ? "rows, tiny sizes" : "rows";
    ch_status status = ask(c, folder, sizes, mem, &a, &err);
    if (status != CH_OK) {
        char text[1024];
        snprintf(text, sizeof text, "[%s] %s", ch_status_class(err.code),
                 err.message ? err.message : "");
        if (!error)
            complain(file, c, what, "no error", text);
        else if (!is_cause(error, ch_status_class(err.code)))
            complain(file, c, what, js_text(error, "class"), text);
    } else if (error) {
        complain(file, c, what, js_text(error, "class"), "no error");
    } else {
        check_columns(file, c, &a);
        if (js_get(c, "count")) {
            js *is = js_get(c, "count_is");
            char w[32], f[32];
            snprintf(w, sizeof w, "%.0f", is->number);
            snprintf(f, sizeof f, "%lld", (long long)a.count);
            if (strcmp(w, f) != 0)
                complain(file, c, "count", w, f);
        } else {
            compare_rows(file, c, what, &a);
        }
    }
    free_rows(&a.rows);
    ch_error_release(&err);
    UNIT_END();
}

static void read_cases(const char *file)
{
    js doc;
    char *block;
    js_load(file, &doc, &block);
    assert_non_null(block);
    for (js *c = js_get(&doc, "cases")->first; c; c = c->next) {
        const char *name = js_text(c, "name"), *only = getenv("CSV_CASE");
        char folder[] = "/tmp/chert_csv_XXXXXX";
        if (is_elsewhere(name) || (only && strcmp(only, name) != 0))
            continue;
        assert_non_null(mkdtemp(folder));
        for (js *f = js_get(c, "files")->first; f; f = f->next)
            make_file(folder, f);
        n_run++;
        run_case(file, c, folder, NULL);
        static const ch_csv_sizes TINY = {.morsel_bytes = 5, .chunk_bytes = 8, .window_bytes = 4};
        static const ch_csv_sizes SMALL = {
            .morsel_bytes = 11, .chunk_bytes = 64, .window_bytes = 64};
        run_case(file, c, folder, &TINY);
        run_case(file, c, folder, &SMALL);
        assert_int_equal(ch_file_remove(folder, NULL), CH_OK);
    }
    js_free_items(&doc);
    free(block);
}

static void spark_s_answers_about_reading(void **state)
{
    CH_UNUSED(state);
    static const char *const FILES[] = {
        "read_basic",   "read_blanks",     "read_compressed", "read_encodings", "read_errors",
        "read_headers", "read_infer",      "read_limits",     "read_nulls",     "read_quotes",
        "read_ragged",  "read_separators", "read_types",
    };
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        char path[256];
        snprintf(path, sizeof path, FOLDER "%s.json", FILES[i]);
        read_cases(path);
    }
    print_message("%d cases, %d complaints\n", n_run, n_failed);
    assert_int_equal(n_failed, 0);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The two row sets that most writing cases use; their SQL is the cases' own. */
static const char *const TEXTS[] = {"x",      NULL,    "",     "a,b",  "say \"hi\"", " pad ",
                                    "l1\nl2", "c:\\d", "#n",   "it's", "\"",         "\t",
                                    "cr\rx",  "end\\", "東京", "null"};
static const char TEXTS_SQL[] = "SELECT a, b FROM VALUES (1, 'x')";
static const char ONE_SQL[] = "SELECT 1 a, 'x' b";

static void make_rows(int64_t n, const char *const *text, ch_mem *mem, ch_batch *batch,
                      const ch_type **schema)
{
    const ch_field field[2] = {{.name = "a", .type = CH_T_INT, .nullable = true},
                               {.name = "b", .type = CH_T_STRING, .nullable = true}};
    *schema = ch_type_struct(field, 2);
    assert_int_equal(ch_batch_init(batch, mem, 2, n, NULL), CH_OK);
    assert_int_equal(ch_column_new(mem, CH_T_INT, n, &batch->col[0], NULL), CH_OK);
    assert_int_equal(ch_column_new(mem, CH_T_STRING, n, &batch->col[1], NULL), CH_OK);
    ch_view *view = batch->col[1]->data;
    assert_int_equal(ch_column_need_valid(batch->col[1], NULL), CH_OK);
    for (int64_t i = 0; i < n; i++) {
        ((int32_t *)batch->col[0]->data)[i] = (int32_t)i + 1;
        ch_bit_put(batch->col[1]->valid, i, text[i] != NULL);
        view[i] =
            ch_view_make(text[i] ? text[i] : "", text[i] ? (int64_t)strlen(text[i]) : 0, 0, 0);
    }
}

static ch_status write_file(const js *c, const char *path, ch_mem *mem, ch_error *err)
{
    static const char *const ONE[] = {"x"};
    bool one = strcmp(js_text(c, "sql"), ONE_SQL) == 0;
    ch_arena arena;
    ch_strmap options;
    ch_batch batch;
    const ch_type *schema;
    ch_file_writer *writer;
    ch_format_context ctx = {.time_zone = "UTC", .ansi = true, .mem = mem};
    const ch_format *csv = ch_format_find("CSV");
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    for (js *o = js_get(c, "options")->first; o; o = o->next)
        assert_int_equal(ch_strmap_put(&options, o->key, o->text, NULL), CH_OK);
    make_rows(one ? 1 : (int64_t)(sizeof TEXTS / sizeof *TEXTS), one ? ONE : TEXTS, mem, &batch,
              &schema);
    ch_status status = csv->create(&ctx, path, schema, &options, &writer, err);
    if (status == CH_OK) {
        status = csv->write(writer, &batch, err);
        if (status == CH_OK)
            status = csv->finish(writer, err);
        else
            csv->abandon(writer);
    }
    ch_batch_release(&batch);
    ch_arena_release(&arena);
    return status;
}

/* The file's bytes, decompressed by the reader's own way in. */
static size_t slurp(const char *path, char *to, size_t cap, ch_mem *mem)
{
    ch_csv_text t = {.mem = mem, .chunk_bytes = 1 << 16};
    assert_int_equal(ch_csv_text_open(&t, &(ch_file){.path = path}, NULL), CH_OK);
    assert_int_equal(ch_csv_text_fill(&t, -1, NULL), CH_OK);
    size_t n = t.len < cap ? t.len : cap;
    memcpy(to, t.text, n);
    ch_csv_text_release(&t);
    return n;
}

static void write_case(const char *file, const js *c, const char *folder)
{
    UNIT_BEGIN(NULL);
    const js *error = js_get(c, "error"), *part = NULL;
    char path[512], found[8192], want[8192];
    for (js *f = error ? NULL : js_get(c, "files")->first; f; f = f->next)
        if (strncmp(f->key, "part-", 5) == 0)
            part = f;
    const char *dot = part ? strchr(part->key, '.') : ".csv";
    snprintf(path, sizeof path, "%s/out%s", folder, dot);
    ch_status status = write_file(c, path, mem, &err);
    /* Chert writes zstd, which this Spark could not. */
    const char *codec = js_text(js_get(c, "options"), "compression");
    if (error && codec && strcmp(codec, "zstd") == 0) {
        assert_ok(status);
    } else if (error) {
        if (status == CH_OK || !is_cause(error, ch_status_class(err.code)))
            complain(file, c, "write", js_text(error, "class"),
                     status == CH_OK ? "no error" : ch_status_class(err.code));
    } else {
        assert_ok(status);
        size_t n_found, n_want = 0;
        js *text = js_get(part, "text");
        if (text) {
            n_found = slurp(path, found, sizeof found, mem);
            memcpy(want, text->text, n_want = text->len);
        } else {
            FILE *f = fopen(path, "rb");
            n_found = fread(found, 1, sizeof found, f);
            fclose(f);
            for (const char *h = js_text(part, "hex"); *h; h += 2)
                want[n_want++] = (char)(hex(h[0]) << 4 | hex(h[1]));
        }
        if (n_found != n_want || memcmp(found, want, n_want) != 0) {
            found[n_found < sizeof found ? n_found : sizeof found - 1] = 0;
            want[n_want] = 0;
            complain(file, c, "bytes", want, found);
        }
    }
    ch_error_release(&err);
    UNIT_END();
}

static void spark_s_bytes_when_writing(void **state)
{
    static const char *const FILES[] = {"write_text", "write_files"};
    CH_UNUSED(state);
    n_run = n_failed = 0;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        char path[256], *block;
        js doc;
        snprintf(path, sizeof path, FOLDER "%s.json", FILES[i]);
        js_load(path, &doc, &block);
        assert_non_null(block);
        for (js *c = js_get(&doc, "cases")->first; c; c = c->next) {
            const char *sql = js_text(c, "sql");
            char folder[] = "/tmp/chert_csv_XXXXXX";
            if (is_elsewhere(js_text(c, "name")) ||
                (strncmp(sql, TEXTS_SQL, strlen(TEXTS_SQL)) != 0 && strcmp(sql, ONE_SQL) != 0))
                continue; /* asked again in SQL */
            assert_non_null(mkdtemp(folder));
            n_run++;
            write_case(path, c, folder);
            assert_int_equal(ch_file_remove(folder, NULL), CH_OK);
        }
        js_free_items(&doc);
        free(block);
    }
    print_message("%d cases, %d complaints\n", n_run, n_failed);
    assert_int_equal(n_failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spark_s_answers_about_reading),
        cmocka_unit_test(spark_s_bytes_when_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
