/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_etl.c - chert run etl, chert generate etl. */
#include "cli/cmd_etl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/watch.h"
#include "pipelines/etl.h"

static const char *today(void)
{
    static char text[16];
    time_t now = time(NULL);
    struct tm day;
    if (!localtime_r(&now, &day) || !strftime(text, sizeof text, "%Y-%m-%d", &day))
        return "1970-01-01";
    return text;
}

/* The usage error of a --date that is none, or CH_EXIT_OK. */
static int check_date(const ch_cli_command *self, const char *date)
{
    return chert_etl_is_date(date)
               ? CH_EXIT_OK
               : ch_cli_usage(self, "--date takes a day as YYYY-MM-DD, not '%s'", date);
}

/* ---- run --------------------------------------------------------------------------------- */

typedef struct run {
    const char *jdbc, *output, *date, *folder;
} run;

static const ch_cli_option RUN_OPTIONS[] = {
    {0, "jdbc", "URL",
     "the database, as jdbc:mysql://host:3306/shop\n(default: MYSQL_HOST, else FOLDER/shop.db)",
     CH_CLI_TO(run, jdbc)},
    {'o', "output", "PATH",
     "s3a://bucket, s3a://bucket/prefix or a folder\n(default: S3_BUCKET, else FOLDER)",
     CH_CLI_TO(run, output)},
    {0, "date", "YYYY-MM-DD", "the day that the result is of (default: today)",
     CH_CLI_TO(run, date)},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static int run_now(chert_session *session, const chert_etl_place *place, const char *date)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_etl_report report;
    ch_watch watch;
    char stock[32], customers[32];
    double begin = ch_cli_now();
    ch_watch_start(&watch, session, ch_watch_wanted());
    int failed = chert_etl_run(session, place, date, &report, &err);
    bool stopped = ch_watch_stop(&watch);
    int code = failed ? ch_cli_error(&err) : CH_EXIT_OK;
    ch_cli_count(stock, report.stock);
    ch_cli_count(customers, report.customers);
    if (!failed)
        fprintf(stderr,
                "inventory_analytics: %s row%s, order_analytics: %s customer%s, in %.2f s\n"
                "written to %s\n",
                stock, report.stock == 1 ? "" : "s", customers, report.customers == 1 ? "" : "s",
                ch_cli_now() - begin, report.folder);
    free(report.folder);
    return stopped ? CH_EXIT_CANCELLED : code;
}

static int run_with(ch_cli_session *options, const run *r)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_settings settings;
    chert_etl_place place = {0};
    chert_session *session = NULL;
    ch_watch_block();
    if (chert_settings_read(&settings, ".env", &err) == 0 &&
        chert_etl_place_find(&place, &settings, r->jdbc, r->output, r->folder, &err) == 0)
        session = ch_cli_session_open(options, &err);
    if (session)
        chert_etl_use_s3(session, &place, &settings, &err);
    int code = err.code ? ch_cli_error(&err) : run_now(session, &place, r->date);
    chert_session_free(session);
    chert_etl_place_free(&place);
    chert_settings_free(&settings);
    return code;
}

static int run_etl(const ch_cli_command *self, int argc, char **argv)
{
    run r = {.date = today()};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .session = &options,
                        .to = &r,
                        .word = &r.folder};
    int code = ch_cli_read(&args);
    if (code < 0 && (code = check_date(self, r.date)) == CH_EXIT_OK)
        code = run_with(&options, &r);
    free(options.set);
    return code;
}

const ch_cli_command ch_cmd_run_etl = {
    .name = "run etl",
    .args = "[OPTIONS] [FOLDER]",
    .summary = "A shop's stock and customers, from its database to S3",
    .about =
        "Reads warehouses, products, inventory, customers, orders and order_items of a MySQL, MariaDB, PostgreSQL or SQLite\n"
        "database, and writes, as Parquet:\n"
        "\n"
        "  PATH/business_insights/YYYY-MM-DD/inventory_analytics    how full, how fresh, what to order: a row per place\n"
        "  PATH/business_insights/YYYY-MM-DD/order_analytics        how often, how much, when: a row per customer\n"
        "\n"
        "What is there for the date is replaced; a run that fails leaves it as it was. FOLDER is 'etl' unless told.\n"
        "\n"
        "Settings of the environment, or of .env in this folder: MYSQL_HOST, MYSQL_PORT (3306), MYSQL_DATABASE, MYSQL_USER,\n"
        "MYSQL_PASSWORD; S3_BUCKET, S3_ENDPOINT (for servers that are not Amazon's), AWS_REGION, AWS_ACCESS_KEY_ID,\n"
        "AWS_SECRET_ACCESS_KEY. Secrets are never shown.\n"
        "\n"
        "  chert generate etl && chert run etl                     a shop in a file, the result in a folder\n"
        "  chert run etl --jdbc jdbc:mysql://db/shop --output s3a://insights --date 2026-01-31",
    .option = RUN_OPTIONS,
    .run = run_etl,
};

/* ---- generate ---------------------------------------------------------------------------- */

typedef struct generate {
    const char *folder, *jdbc;
    chert_etl_generate_options options;
} generate;

static const ch_cli_option GENERATE_OPTIONS[] = {
    {'n', "orders", "N", "orders; the other tables follow from it (default: 100000)",
     CH_CLI_TO(generate, options.orders), 1, CHERT_ETL_MOST},
    {0, "seed", "N", "the same seed and date make the same data (default: 1)",
     CH_CLI_TO(generate, options.seed), 0, INT64_MAX},
    {0, "date", "YYYY-MM-DD", "the last day of the data (default: today)",
     CH_CLI_TO(generate, options.date)},
    {0, "jdbc", "URL", "fill this database instead of FOLDER/shop.db", CH_CLI_TO(generate, jdbc)},
    {0, "overwrite", NULL, "replace tables that the database has already",
     CH_CLI_TO(generate, options.overwrite)},
    CH_CLI_SESSION_OPTIONS,
    CH_CLI_HELP_OPTION,
    CH_CLI_OPTIONS_END,
};

static int generate_now(chert_session *session, const char *folder,
                        chert_etl_generate_options *options)
{
    chert_error err = CHERT_ERROR_INIT;
    ch_watch watch;
    char orders[32];
    double begin = ch_cli_now();
    ch_watch_start(&watch, session, ch_watch_wanted());
    int failed = folder ? chert_etl_generate_file(session, folder, options, &err)
                        : chert_etl_generate(session, options, &err);
    bool stopped = ch_watch_stop(&watch);
    if (failed) {
        int code = ch_cli_error(&err);
        return stopped ? CH_EXIT_CANCELLED : code;
    }
    ch_cli_count(orders, options->orders);
    fprintf(stderr, "%s%s%s orders in %.2f s\n", folder ? folder : "",
            folder ? "/" CHERT_ETL_FILE ": " : "", orders, ch_cli_now() - begin);
    return stopped ? CH_EXIT_CANCELLED : CH_EXIT_OK;
}

static int generate_with(ch_cli_session *options, generate *g)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_settings settings;
    chert_etl_place place = {0};
    chert_session *session = NULL;
    const char *folder = g->folder ? g->folder : CHERT_ETL_FOLDER;
    ch_watch_block();
    if (chert_settings_read(&settings, ".env", &err) == 0 &&
        (!g->jdbc || chert_etl_place_find(&place, &settings, g->jdbc, NULL, NULL, &err) == 0))
        session = ch_cli_session_open(options, &err);
    g->options.url = place.url;
    int code =
        session ? generate_now(session, g->jdbc ? NULL : folder, &g->options) : ch_cli_error(&err);
    chert_session_free(session);
    chert_etl_place_free(&place);
    chert_settings_free(&settings);
    return code;
}

static int run_generate(const ch_cli_command *self, int argc, char **argv)
{
    generate g = {.options = {.orders = 100000, .seed = 1, .date = today()}};
    ch_cli_session options = CH_CLI_SESSION_INIT;
    ch_cli_args args = {.command = self,
                        .argc = argc,
                        .argv = argv,
                        .session = &options,
                        .to = &g,
                        .word = &g.folder};
    int code = ch_cli_read(&args);
    if (code < 0 && g.jdbc && g.folder)
        code =
            ch_cli_usage(self, "--jdbc names a database, and '%s' a folder: one of them", g.folder);
    if (code < 0 && (code = check_date(self, g.options.date)) == CH_EXIT_OK)
        code = generate_with(&options, &g);
    free(options.set);
    return code;
}

const ch_cli_command ch_cmd_generate_etl = {
    .name = "generate etl",
    .args = "[OPTIONS] [FOLDER]",
    .summary = "A shop's database for 'chert run etl'",
    .about =
        "Makes and fills the tables warehouses, products, inventory, customers, orders and order_items, in the SQLite file\n"
        "FOLDER/shop.db ('etl' unless told), or in a MySQL, MariaDB, PostgreSQL or SQLite database by JDBC URL. For MySQL and MariaDB,\n"
        "user and password may be MYSQL_USER and MYSQL_PASSWORD of the environment or of .env.\n"
        "\n"
        "  chert generate etl -n 1000000 /tmp/shop && chert run etl /tmp/shop\n"
        "  chert generate etl --jdbc jdbc:mariadb://127.0.0.1/shop",
    .option = GENERATE_OPTIONS,
    .run = run_generate,
};
