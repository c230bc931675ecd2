/* SPDX-License-Identifier: Apache-2.0 */
/* Writing folders of part files: partitions, modes, how many files. CSV stands for every format. */
#include "unit_api.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

static char folder[64];

static int begin(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/chert-write-XXXXXX");
    *state = mkdtemp(folder) ? unit_session(2, 64 << 20) : NULL;
    return *state ? 0 : -1;
}

static int end(void **state)
{
    chert_session_free(*state);
    return ch_file_remove(folder, NULL) == CH_OK ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* Saves and gives the error's class; option pairs end with NULL. */
static const char *save(chert_session *s, const char *sql, const char *name, const char *mode,
                        const char *const *keys, const char *const *options, int32_t parts)
{
    static char class[64];
    chert_error err = CHERT_ERROR_INIT;
    chert_df *df = chert_sql(s, sql, &err);
    assert_no_error(err);
    if (parts) {
        chert_df *few =
            parts > 0 ? chert_df_repartition(df, parts, &err) : chert_df_coalesce(df, -parts, &err);
        chert_df_free(df);
        df = few;
    }
    chert_writer *w = chert_df_writer(df, &err);
    assert_non_null(w);
    chert_writer_format(w, "csv", &err);
    chert_writer_mode(w, mode, &err);
    for (; options && *options; options += 2)
        chert_writer_option(w, options[0], options[1], &err);
    if (keys)
        chert_writer_partition_by(w, &err, keys[0], keys[1], NULL);
    assert_no_error(err);
    int code = chert_writer_save(w, path_of(name), &err);
    snprintf(class, sizeof class, "%s", code ? err.error_class : "");
    chert_error_free(&err);
    chert_writer_free(w);
    chert_df_free(df);
    return class;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "i=1/part|i=2/part|_SUCCESS": names below the folder, sorted, part files without numbers and UUIDs. */
static void list(const char *path, const char *above, char **out, int *n)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char below[1024], shown[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        bool is_part = strncmp(e->d_name, "part-", 5) == 0;
        snprintf(shown, sizeof shown, "%s%s", above, is_part ? "part" : e->d_name);
        assert_int_equal(stat(below, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            strncat(shown, "/", sizeof shown - strlen(shown) - 1);
            list(below, shown, out, n);
        } else {
            out[(*n)++] = strdup(shown);
        }
    }
    closedir(dir);
}

static void assert_files(const char *name, const char *want)
{
    char *names[512], text[4096] = "";
    int n = 0;
    list(path_of(name), "", names, &n);
    qsort(names, (size_t)n, sizeof *names, by_text);
    for (int i = 0; i < n; i++) {
        if (i)
            strcat(text, "|");
        strcat(text, names[i]);
        free(names[i]);
    }
    assert_string_equal(text, want);
}

/* The first cell of a query's first row. */
static int64_t ask(chert_session *s, const char *format, const char *name)
{
    char sql[512];
    chert_error err = CHERT_ERROR_INIT;
    snprintf(sql, sizeof sql, format, path_of(name));
    chert_df *df = chert_sql(s, sql, &err);
    assert_no_error(err);
    chert_query *q = chert_query_new(df, &err);
    assert_no_error(err);
    chert_query_run(q, &err);
    assert_no_error(err);
    char *text = chert_query_text(q, 0, 0, &err);
    int64_t value = text ? atoll(text) : -1;
    chert_free(text);
    chert_query_free(q);
    chert_df_free(df);
    return value;
}

static const char *const ROWS =
    "SELECT * FROM VALUES (1, 'a', 1.5D), (2, 'b/c d', NULL), (3, '', 2D) t(i, s, d)";

static void rows_go_to_the_folders_of_their_keys(void **state)
{
    const char *i[2] = {"i", NULL}, *s[2] = {"s", NULL}, *both[2] = {"d", "i"};
    assert_string_equal(save(*state, ROWS, "i", "error", i, NULL, 0), "");
    assert_files("i", "_SUCCESS|i=1/part|i=2/part|i=3/part");
    assert_string_equal(save(*state, ROWS, "s", "error", s, NULL, 0), "");
    assert_files("s", "_SUCCESS|s=__HIVE_DEFAULT_PARTITION__/part|s=a/part|s=b%2Fc d/part");
    assert_string_equal(save(*state, ROWS, "both", "error", both, NULL, 0), "");
    assert_files("both", "_SUCCESS|d=1.5/i=1/part|d=2.0/i=3/part|"
                         "d=__HIVE_DEFAULT_PARTITION__/i=2/part");
    assert_int_equal(ask(*state, "SELECT sum(i * 10 + coalesce(d, 0)) FROM csv.`%s`", "both"), 63);
    assert_string_equal(save(*state, "SELECT 1 a, 2 b WHERE false", "none", "error",
                             (const char *[2]){"a", NULL}, NULL, 0),
                        "");
    assert_files("none", "_SUCCESS");
}

static void what_cannot_be_partitioned_is_refused(void **state)
{
    const char *key[2] = {"a", NULL}, *twice[2] = {"a", "A"};
    assert_string_equal(save(*state, "SELECT array(1) a, 2 b", "x", "error", key, NULL, 0),
                        "INVALID_PARTITION_COLUMN_DATA_TYPE");
    assert_string_equal(save(*state, "SELECT 1 a", "x", "error", key, NULL, 0),
                        "ALL_PARTITION_COLUMNS_NOT_ALLOWED");
    assert_string_equal(save(*state, "SELECT 1 a, 2 b", "x", "error", twice, NULL, 0),
                        "COLUMN_ALREADY_EXISTS");
    assert_false(ch_file_exists(path_of("x")));
    assert_files("", "");
}

static void modes_do_what_they_say(void **state)
{
    const char *i[2] = {"i", NULL};
    const char *dynamic[] = {"partitionOverwriteMode", "dynamic", NULL};
    assert_string_equal(save(*state, ROWS, "t", "error", i, NULL, 0), "");
    assert_string_equal(save(*state, ROWS, "t", "error", i, NULL, 0), "PATH_ALREADY_EXISTS");
    assert_string_equal(save(*state, ROWS, "t", "ignore", i, NULL, 0), "");
    assert_int_equal(ask(*state, "SELECT count(*) FROM csv.`%s`", "t"), 3);
    const char *more = "SELECT * FROM VALUES (3, 'n', 0D), (4, 'n', 0D) t(i, s, d)";
    assert_string_equal(save(*state, more, "t", "append", i, NULL, 0), "");
    assert_int_equal(ask(*state, "SELECT count(*) FROM csv.`%s`", "t"), 5);
    assert_files("t", "_SUCCESS|i=1/part|i=2/part|i=3/part|i=3/part|i=4/part");
    assert_string_equal(save(*state, "SELECT 3 i, 'new' s, 9D d", "t", "overwrite", i, dynamic, 0),
                        "");
    assert_files("t", "_SUCCESS|i=1/part|i=2/part|i=3/part|i=4/part");
    assert_int_equal(ask(*state, "SELECT count(*) FROM csv.`%s` WHERE _c0 = 'new'", "t"), 1);
    assert_string_equal(save(*state, "SELECT 7 i, 'x' s, 9D d", "t", "overwrite", i, NULL, 0), "");
    assert_files("t", "_SUCCESS|i=7/part");
    assert_files("", "t/_SUCCESS|t/i=7/part"); /* nothing hidden is left beside it */
}

static void a_failed_write_leaves_what_was_there(void **state)
{
    const char *i[2] = {"i", NULL};
    const char *dynamic[] = {"partitionOverwriteMode", "dynamic", NULL};
    const char *bad = "SELECT id % 3 i, 1 / (id - 90000) x FROM range(100000)";
    assert_string_equal(save(*state, ROWS, "t", "error", i, NULL, 0), "");
    for (int k = 0; k < 3; k++)
        assert_string_equal(
            save(*state, bad, "t", k ? "overwrite" : "append", i, k == 2 ? dynamic : NULL, 0),
            "DIVIDE_BY_ZERO");
    assert_files("", "t/_SUCCESS|t/i=1/part|t/i=2/part|t/i=3/part");
}

static void the_number_of_files_can_be_chosen(void **state)
{
    const char *most[] = {"maxRecordsPerFile", "400", NULL};
    const char *key[2] = {"k", NULL};
    const char *rows = "SELECT id, id % 2 k FROM range(1000)";
    assert_string_equal(save(*state, rows, "one", "error", NULL, NULL, -1), "");
    assert_files("one", "_SUCCESS|part");
    assert_string_equal(save(*state, rows, "three", "error", NULL, NULL, 3), "");
    assert_files("three", "_SUCCESS|part|part|part");
    assert_string_equal(save(*state, rows, "max", "error", NULL, most, -1), "");
    assert_files("max", "_SUCCESS|part|part|part");
    assert_string_equal(save(*state, rows, "both", "error", key, most, -1), "");
    assert_files("both", "_SUCCESS|k=0/part|k=0/part|k=1/part|k=1/part");
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(*state, "SELECT sum(CAST(_c0 AS BIGINT)) FROM csv.`%s`",
                             (const char *[]){"one", "three", "max", "both"}[i]),
                         499500);
    /* Sorted rows keep their order in one file. */
    assert_string_equal(save(*state, "SELECT 999 - id x FROM range(1000) ORDER BY x", "sorted",
                             "error", NULL, NULL, -1),
                        "");
    assert_files("sorted", "_SUCCESS|part");
}

/* More folders than files may be open: rows wait, in memory and on disk, and each folder gets one file. */
static void thousands_of_folders_fit_into_little_memory(void **state)
{
    const char *key[2] = {"k", NULL};
    assert_string_equal(save(*state,
                             "SELECT id, repeat('text ', 20) t, id % 300 k FROM range(200000)",
                             "many", "error", key, NULL, -1),
                        "");
    static char *names[512];
    int n = 0;
    list(path_of("many"), "", names, &n);
    assert_int_equal(n, 301);
    for (int i = 0; i < n; i++)
        free(names[i]);
    assert_int_equal(ask(*state, "SELECT sum(CAST(_c0 AS BIGINT)) FROM csv.`%s`", "many"),
                     INT64_C(200000) * 199999 / 2);
    assert_int_equal(ask(*state,
                         "SELECT count(*) FROM csv.`%s` WHERE CAST(_c0 AS BIGINT) %% 300 <> k OR "
                         "length(_c1) <> 99",
                         "many"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_go_to_the_folders_of_their_keys, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_partitioned_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(modes_do_what_they_say, begin, end),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_what_was_there, begin, end),
        cmocka_unit_test_setup_teardown(the_number_of_files_can_be_chosen, begin, end),
        cmocka_unit_test_setup_teardown(thousands_of_folders_fit_into_little_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
