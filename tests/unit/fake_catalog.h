/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_catalog.h - a catalog of a few tables, for tests of the analyzer and the optimizer.
 *
 *   t(a int, b bigint, s string, f boolean, d double, dt date)    no NULLs; views on VALUES
 *   u(a int, name string, st int), n(i int, dec decimal(10,2)), empty_t(Aa int, bB int)
 *   location(lat, long, region_id, date), region(region_id, region_name)    files, 1 GiB and 800 bytes
 */
#ifndef CH_TESTS_FAKE_CATALOG_H
#define CH_TESTS_FAKE_CATALOG_H

#include <strings.h>

#include "format/format.h"
#include "plan/analyze.h"
#include "plan/node.h"
#include "sql/sql.h"

typedef struct fake_catalog {
    ch_catalog catalog;
    ch_sql_context sql;
    ch_func_context func;
    _Atomic int64_t next_id;
    ch_analyze_context analyze;
} fake_catalog;

static const char *const FAKE_VIEW[][2] = {
    {"t",
     "SELECT * FROM VALUES (1, 2L, 'x', true, 1.5D, DATE'2020-01-01') AS t(a, b, s, f, d, dt)"},
    {"u", "SELECT * FROM VALUES (1, 'p', 7), (2, NULL, NULL) AS u(a, name, st)"},
    {"n", "SELECT CAST(NULL AS INT) i, CAST(NULL AS DECIMAL(10,2)) dec"},
    {"empty_t", "SELECT 1 AS Aa, 2 AS bB WHERE false"},
};
static ch_file FAKE_FILE[] = {{"location.csv", 1 << 30, 0}, {"region.csv", 800, 0}};
static const char *const FAKE_SCAN[][3] = {
    {"location", "csv location", "lat STRING, long STRING, region_id STRING, date STRING"},
    {"region", "csv region", "region_id STRING, region_name STRING"},
};

static ch_status fake_table(ch_catalog *self, const ch_str_list *parts,
                            const ch_option_list *options, ch_arena *arena, ch_rel **out,
                            ch_str_list *qualifier, ch_error *err)
{
    fake_catalog *f = (fake_catalog *)self;
    CH_UNUSED(options);
    *out = NULL;
    for (size_t i = 0; parts->n == 1 && i < sizeof FAKE_VIEW / sizeof *FAKE_VIEW; i++)
        if (strcasecmp(parts->item[0], FAKE_VIEW[i][0]) == 0) {
            CH_TRY(ch_str_list_add(arena, qualifier, FAKE_VIEW[i][0], err));
            return ch_sql_parse(&f->sql, FAKE_VIEW[i][1], out, err);
        }
    for (size_t i = 0; parts->n == 1 && i < 2; i++)
        if (strcasecmp(parts->item[0], FAKE_SCAN[i][0]) == 0) {
            ch_rel_scan *s = ch_rel_new(arena, CH_REL_SCAN, err);
            if (!s)
                return CH_E_MEMORY;
            s->name = FAKE_SCAN[i][1];
            s->file = &FAKE_FILE[i];
            s->n_files = 1;
            *out = &s->head;
            CH_TRY(ch_str_list_add(arena, qualifier, FAKE_SCAN[i][0], err));
            return ch_type_parse_ddl(FAKE_SCAN[i][2], &s->schema, err);
        }
    return CH_OK;
}

static void fake_catalog_init(fake_catalog *f, ch_arena *arena)
{
    *f = (fake_catalog){
        .catalog = {.table = fake_table},
        .sql = {.arena = arena, .ansi = true, .time_zone = "UTC"},
        .func = {.ansi = true,
                 .time_zone = "UTC",
                 .decimal_allow_precision_loss = true,
                 .user = "me",
                 .catalog = "spark_catalog",
                 .database = "default"},
    };
    f->analyze = (ch_analyze_context){
        .arena = arena, .catalog = &f->catalog, .func = &f->func, .next_id = &f->next_id};
}

/* Parses and resolves one query. */
static ch_status fake_analyze(fake_catalog *f, const char *sql, ch_rel **out, ch_error *err)
{
    ch_rel *parsed;
    f->analyze.sql = sql;
    f->next_id = 0;
    CH_TRY(ch_sql_parse(&f->sql, sql, &parsed, err));
    return ch_analyze(&f->analyze, parsed, out, err);
}

#endif
