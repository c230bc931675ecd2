/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_csv_scan.c - the index, its twin, and the reader on random text.
 *
 * Text is drawn from an alphabet of special characters, so that every rule is broken somewhere.
 * The twins must agree on all of the index; the reader must give the same rows through the index, without
 * it, and with the text cut into chunks and morsels of any size, on one slot or several.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/csv.h"
#include "format/csv_scan.h"

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % n);
}

/* Mostly regular CSV, with something odd at one byte in `odd`, or never (0). */
static size_t draw_text(char *to, size_t cap, uint32_t odd)
{
    static const char *const ODD[] = {"\"", "\\", "\r", "\n", ",",    " ",  "\"\"", "\\\"",
                                      "\t", "é",  "\0", "#",  "\xff", "東", "\r\n", "x\"y"};
    size_t n = 0;
    while (n + 200 < cap) {
        uint32_t fields = 3;
        if (odd && draw(odd) == 0)
            fields = draw(6);
        for (uint32_t f = 0; f < fields; f++) {
            bool quoted = draw(3) == 0;
            if (f)
                to[n++] = ',';
            if (quoted)
                to[n++] = '"';
            for (uint32_t k = draw(18); k > 0; k--) {
                to[n++] = (char)('a' + draw(26));
                if (quoted && draw(12) == 0)
                    to[n++] = ',';
                if (odd && draw(odd) == 0) {
                    const char *s = ODD[draw(sizeof ODD / sizeof *ODD)];
                    size_t len = *s ? strlen(s) : 1;
                    memcpy(to + n, s, len);
                    n += len;
                }
            }
            if (quoted)
                to[n++] = '"';
        }
        if (odd && odd < 1000 && draw(8) == 0)
            to[n++] = '\r';
        to[n++] = '\n';
        if (draw(5000) == 0)
            break;
    }
    return draw(3) == 0 && n ? n - 1 : n;
}

static void the_simd_index_is_that_of_its_scalar_twin(void **state)
{
    static char text[4096 + CH_CSV_PADDING];
    static uint32_t pos[2][4096 + CH_CSV_SLACK];
    ch_csv_scan_fn simd = ch_csv_scan_simd();
    UNIT_BEGIN(state);
    static const uint32_t ODDS[] = {40, 400, 2000, 0};
    for (int round = 0; simd && round < 20000; round++) {
        ch_arena arena;
        ch_csv_shape shape;
        uint32_t n_fields = draw(8) ? 3 : 1 + draw(70);
        bool wanted[70];
        for (uint32_t f = 0; f < n_fields; f++)
            wanted[f] = draw(2);
        ch_arena_init(&arena, mem);
        size_t n = draw_text(text, 300 + draw(3500), ODDS[draw(4)]);
        ch_csv_dialect d = {.sep = ',',
                            .quote = '"',
                            .escape = draw(2) ? '"' : '\\',
                            .multi_line = draw(2),
                            .crlf = draw(4) > 0,
                            .no_fields = draw(10) == 0};
        uint32_t start = draw(4) ? 0 : draw((uint32_t)n + 1);
        uint32_t cap = draw(5) == 0 ? 1 + draw(50) : 4096;
        memset(text + n, draw(2) ? '\n' : 'x', CH_CSV_PADDING);
        ch_csv_index a = {.pos = pos[0], .cap_pos = 4096};
        ch_csv_index b = {.pos = pos[1], .cap_pos = cap};
        if (d.no_fields)
            n_fields = 1;
        assert_ok(ch_csv_shape_make(n_fields, draw(10) ? wanted : NULL, &arena, &shape, &err));
        ch_csv_scan_scalar(&d, &shape, text, start, (uint32_t)n, &a);
        simd(&d, &shape, text, start, (uint32_t)n, &b);
        assert_true(b.end <= a.end);
        if (cap == 4096) {
            assert_int_equal(a.end, b.end);
            assert_int_equal(a.irregular, b.irregular);
            assert_int_equal(a.n_pos, b.n_pos);
            assert_int_equal(a.n_rows, b.n_rows);
        }
        assert_true(b.n_pos <= a.n_pos && b.n_rows <= a.n_rows);
        assert_memory_equal(pos[0], pos[1], sizeof(uint32_t) * (b.n_pos + 1));
        assert_true(!a.has_cr || b.has_cr || cap < 4096);
        assert_true(!a.non_ascii || b.non_ascii || cap < 4096);
        assert_true(!a.has_doubled || b.has_doubled || cap < 4096);
        assert_true(!a.has_bare || b.has_bare || cap < 4096);
        ch_arena_release(&arena);
    }
    UNIT_END();
}

/* ---- the reader ------------------------------------------------------------------------------- */

typedef struct morsel_text {
    uint64_t seq;
    char *text;
    size_t len;
} morsel_text;

static int by_seq(const void *a, const void *b)
{
    uint64_t x = ((const morsel_text *)a)->seq, y = ((const morsel_text *)b)->seq;
    return x < y ? -1 : x > y;
}

static size_t put_batch(ch_batch *batch, char *to)
{
    size_t n = 0;
    for (int64_t r = 0; r < batch->n; r++) {
        for (int32_t c = 0; c < batch->n_cols; c++) {
            to[n++] = '|';
            if (ch_column_is_null(batch->col[c], r)) {
                to[n++] = '~';
                continue;
            }
            ch_str s = ch_column_str(batch->col[c], r);
            memcpy(to + n, s.text, (size_t)s.len);
            n += (size_t)s.len;
        }
        to[n++] = '\n';
    }
    return n;
}

/* All rows as one text; slots take turns at random, so morsels overlap in time. */
static char *read_text(const ch_file *file, ch_strmap *options, const int32_t *wanted,
                       int32_t n_wanted, const ch_csv_sizes *sizes, int n_slots, int64_t batch_rows,
                       ch_mem *mem, size_t *len, int64_t *n_malformed)
{
    const ch_type *schema;
    ch_scan *scan;
    morsel_text part[20000];
    int n_parts = 0;
    bool inside[8] = {0}, out_of_morsels = false;
    ch_error err = {0};
    assert_ok(
        ch_type_parse_ddl("a STRING, b STRING, c STRING, _corrupt_record STRING", &schema, &err));
    ch_format_context ctx = {
        .time_zone = "UTC", .n_slots = n_slots, .batch_rows = batch_rows, .mem = mem};
    ch_scan_spec spec = {.file = file,
                         .n_files = 1,
                         .options = options,
                         .schema = schema,
                         .wanted = wanted,
                         .n_wanted = n_wanted,
                         .limit = -1};
    assert_ok(ch_csv_scan_open(&ctx, &spec, sizes, &scan, &err));
    for (int busy = 1; busy;) {
        int s = (int)draw((uint32_t)n_slots);
        if (!inside[s] && !out_of_morsels) {
            bool more;
            assert_ok(scan->cls->begin(scan, s, &more, &err));
            inside[s] = more;
            out_of_morsels = !more;
        }
        if (inside[s]) {
            ch_batch batch;
            assert_ok(scan->cls->next(scan, s, &batch, &err));
            inside[s] = batch.n_full > 0;
            assert_ok(ch_batch_flatten(&batch, &err));
            if (batch.n_full) {
                assert_true(n_parts < 20000);
                char *text = malloc(1 << 16);
                size_t n = put_batch(&batch, text);
                part[n_parts++] = (morsel_text){.seq = batch.seq, .text = text, .len = n};
            }
            ch_batch_release(&batch);
        }
        busy = !out_of_morsels;
        for (int k = 0; k < n_slots; k++)
            busy |= inside[k];
    }
    ch_scan_progress progress;
    scan->cls->progress(scan, &progress);
    *n_malformed = progress.n_malformed;
    scan->cls->close(scan);
    qsort(part, (size_t)n_parts, sizeof *part, by_seq);
    char *all = malloc(1 << 18);
    *len = 0;
    for (int i = 0; i < n_parts; i++) {
        memcpy(all + *len, part[i].text, part[i].len);
        *len += part[i].len;
        free(part[i].text);
    }
    return all;
}

/* Leaves bytes of a failed round for a person to look at. */
static void keep(const char *name, const char *bytes, size_t n)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/chert_csv_%s", name);
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(bytes, 1, n, f);
        fclose(f);
    }
}

static void rows_do_not_depend_on_index_cuts_or_slots(void **state)
{
    static const char *const OPTIONS[][6] = {
        {NULL},
        {"multiLine", "true", NULL},
        {"escape", "\"", NULL},
        {"escape", "\"", "multiLine", "true", NULL},
        {"header", "true", "nullValue", "a", NULL},
        {"emptyValue", "EMPTY", "comment", "#", NULL},
        {"multiLine", "true", "comment", "b", NULL},
        {"lineSep", "\n", NULL},
        {"mode", "DROPMALFORMED", NULL},
    };
    static const uint32_t ODDS[] = {60, 60, 600, 3000, 0};
    static const int32_t WANTED[] = {0, 1, 2, 3}, SOME[] = {2, 0};
    char path[] = "/tmp/chert_csv_XXXXXX", text[4096];
    UNIT_BEGIN(state);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (int round = 0; round < 700; round++) {
        size_t n = draw_text(text, 250 + draw(3500), ODDS[draw(5)]);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, text, n, 0), n);
        const char *const *o = OPTIONS[round % (int)(sizeof OPTIONS / sizeof *OPTIONS)];
        ch_arena arena;
        ch_strmap options;
        ch_file file = {.path = path, .bytes = (int64_t)n};
        ch_arena_init(&arena, mem);
        ch_strmap_init(&options, &arena, true);
        for (int k = 0; k < 6 && o[k]; k += 2)
            assert_ok(ch_strmap_put(&options, o[k], (void *)(uintptr_t)o[k + 1], &err));
        bool all = draw(3) > 0;
        const int32_t *wanted = all ? WANTED : SOME;
        int32_t n_wanted = all ? 4 : draw(8) ? 2 : 0;

        ch_csv_sizes slow = {.one_by_one = true};
        size_t len, want_len;
        int64_t bad, want_bad;
        char *want =
            read_text(&file, &options, wanted, n_wanted, &slow, 1, 4096, mem, &want_len, &want_bad);
        for (int k = 0; k < 4; k++) {
            ch_csv_sizes sizes = {0};
            if (k)
                sizes = (ch_csv_sizes){.morsel_bytes = 1 + draw(k == 1 ? 20 : 400),
                                       .chunk_bytes = 1 + draw(k == 2 ? 20 : 400),
                                       .window_bytes = 1 + draw(100),
                                       .one_by_one = draw(4) == 0};
            char *found = read_text(&file, &options, wanted, n_wanted, &sizes, 1 + (int)draw(4),
                                    1 + draw(k ? 9 : 4096), mem, &len, &bad);
            if (len != want_len || memcmp(found, want, len) != 0) {
                size_t same = 0;
                while (same < len && same < want_len && found[same] == want[same])
                    same++;
                keep("text", text, n);
                keep("want", want, want_len);
                keep("found", found, len);
                print_error("round %d, options %s=%s, morsel %d chunk %d window %d, byte %d; see "
                            "chert_csv_{text,want,found}\n",
                            round, o[0] ? o[0] : "", o[0] ? o[1] : "", (int)sizes.morsel_bytes,
                            (int)sizes.chunk_bytes, (int)sizes.window_bytes, (int)same);
                fail();
            }
            assert_int_equal(bad, want_bad);
            free(found);
        }
        free(want);
        ch_arena_release(&arena);
    }
    close(fd);
    unlink(path);
    UNIT_END();
}

int main(void)
{
    if (getenv("CSV_SEED")) /* other text than usual */
        seed = strtoull(getenv("CSV_SEED"), NULL, 10) * 2 + 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simd_index_is_that_of_its_scalar_twin),
        cmocka_unit_test(rows_do_not_depend_on_index_cuts_or_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
