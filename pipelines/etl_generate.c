/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etl_generate.c - a shop's tables, of any size, in any database that a JDBC URL names.
 *
 * Each table is a query of `numbers`: id counts from 1, and a to e are five random numbers, functions of id and the seed
 * alone. Thus any thread may make any row, and an order knows its lines without reading them. The other names that
 * are no columns are session variables.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "folders.h"
#include "pipelines/etl.h"

static const char NUMBERS[] =
    "SELECT id, pmod(xxhash64(id, 1, seed), 1000000007) AS a, pmod(xxhash64(id, 2, seed), 1000000007) AS b,"
    " pmod(xxhash64(id, 3, seed), 1000000007) AS c, pmod(xxhash64(id, 4, seed), 1000000007) AS d,"
    " pmod(xxhash64(id, 5, seed), 1000000007) AS e FROM ids";

static const char WAREHOUSES[] =
    "SELECT INT(id) AS warehouse_id, concat(city, ' ', id) AS warehouse_name, city, country FROM (SELECT id,"
    "   element_at(array('Auckland', 'Whangārei', 'Zürich', 'Łódź', 'São Paulo', '東京', 'Chicago', 'Nairobi'),"
    "     INT(1 + (id - 1) % 8)) AS city,"
    "   element_at(array('New Zealand', 'New Zealand', 'Switzerland', 'Poland', 'Brazil', 'Japan', 'United States', 'Kenya'),"
    "     INT(1 + (id - 1) % 8)) AS country FROM numbers)";

static const char PRODUCTS[] =
    "SELECT INT(id) AS product_id, concat_ws(' ',"
    "   element_at(array('Plain', 'Blue', 'Folding', 'Heavy', 'Little', 'Quiet', 'Striped'), INT(1 + a % 7)),"
    "   element_at(array('kettle', 'pan', 'lamp', 'candle', 'chair', 'shelf', 'ladder', 'rope'), INT(1 + id % 8)), id)"
    "   AS product_name,"
    " element_at(array('Kitchen', 'Light', 'Furniture', 'Tools'), INT(1 + id % 8 DIV 2)) AS category,"
    " CAST((499 + id * 7919 % 9500) / 100 AS DECIMAL(10,2)) AS price FROM numbers";

/* Every warehouse has every product. */
static const char INVENTORY[] =
    "SELECT INT(id) AS inventory_id, INT(1 + (id - 1) DIV n_products) AS warehouse_id,"
    " INT(1 + (id - 1) % n_products) AS product_id, INT(b % (101 + a % 900)) AS quantity,"
    " INT(100 + a % 900) AS capacity,"
    " timestamp_seconds(unix_timestamp(last_day) - c % 30 * 86400 + d % 86400) AS last_updated FROM numbers";

static const char CUSTOMERS[] =
    "SELECT INT(id) AS customer_id, concat(first, ' ', last) AS customer_name,"
    " concat(lower(first), '.', id, '@example.com') AS email, city FROM (SELECT id,"
    "   element_at(array('Ana', 'Bo', 'Chidi', 'Dunja', 'Emre', 'Fay', 'Grace', 'Hēmi'), INT(1 + a % 8)) AS first,"
    "   element_at(array('Nguyễn', 'Okafor', 'Petrov', 'Quispe', 'Rossi', 'Smith', 'Tāne', 'Weiß'), INT(1 + b % 8)) AS last,"
    "   element_at(array('Auckland', 'Bern', 'Cusco', 'Dakar', 'Essen'), INT(1 + c % 5)) AS city FROM numbers)";

/* Some customers order far more than others. Everyone has an hour, from 7 to 22, when they do it every second time. */
static const char ORDERS[] =
    "SELECT INT(id) AS order_id, INT(customer_id) AS customer_id,"
    " timestamp_seconds(unix_timestamp(last_day) - (n_orders - id) * 365 DIV n_orders * 86400"
    "   + if(d % 2 = 0, 7 + customer_id * 7919 % 16, e % 24) * 3600 + e % 3600) AS order_date,"
    " CAST(aggregate(sequence(1, 1 + a % 4), 0L, (cents, line) -> cents"
    "   + (1 + (c + line) % 5) * (499 + (1 + (b + line * 31) % n_products) * 7919 % 9500)) / 100 AS DECIMAL(12,2))"
    "   AS total_amount"
    " FROM (SELECT *, BIGINT(greatest(1, ceil(n_customers * pow(e / 1000000007, 2)))) AS customer_id FROM numbers)";

static const char ORDER_ITEMS[] =
    "SELECT INT(id) AS order_id, INT(line) AS line, INT(1 + (b + line * 31) % n_products) AS product_id,"
    " INT(1 + (d + line) % n_warehouses) AS warehouse_id, INT(1 + (c + line) % 5) AS quantity,"
    " CAST((499 + (1 + (b + line * 31) % n_products) * 7919 % 9500) / 100 AS DECIMAL(10,2)) AS unit_price"
    " FROM (SELECT id, b, c, d, explode(sequence(1, 1 + a % 4)) AS line FROM numbers)";

/* These types are understood by all the databases. A TIMESTAMP of old MariaDB changes by itself unless it may be NULL. */
static const struct {
    const char *name, *columns, *rows;
} TABLE[] = {
    {"warehouses",
     "warehouse_id INT NOT NULL PRIMARY KEY, warehouse_name VARCHAR(60), city VARCHAR(40), country VARCHAR(40)",
     WAREHOUSES},
    {"products",
     "product_id INT NOT NULL PRIMARY KEY, product_name VARCHAR(60), category VARCHAR(40), price DECIMAL(10,2)",
     PRODUCTS},
    {"inventory",
     "inventory_id INT NOT NULL PRIMARY KEY, warehouse_id INT, product_id INT, quantity INT, capacity INT,"
     " last_updated TIMESTAMP NULL",
     INVENTORY},
    {"customers",
     "customer_id INT NOT NULL PRIMARY KEY, customer_name VARCHAR(60), email VARCHAR(80), city VARCHAR(40)",
     CUSTOMERS},
    {"orders",
     "order_id INT NOT NULL PRIMARY KEY, customer_id INT, order_date TIMESTAMP NULL, total_amount DECIMAL(12,2)",
     ORDERS},
    {"order_items",
     "order_id INT NOT NULL, line INT NOT NULL, product_id INT, warehouse_id INT, quantity INT,"
     " unit_price DECIMAL(10,2), PRIMARY KEY (order_id, line)",
     ORDER_ITEMS},
};
enum { N_TABLES = sizeof TABLE / sizeof *TABLE };

static int64_t between(int64_t low, int64_t n, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

/* A statement that gives no rows: what a connection is begun with. It may be run more than once. */
static int execute(chert_session *session, const char *url, const char *sql, chert_error *err)
{
    chert_df *one = chert_read(session, "jdbc", "", NULL, err, "url", url, "query",
                               "SELECT 1 AS one", "sessionInitStatement", sql, NULL);
    chert_df_count(one, err);
    chert_df_free(one);
    return err->code;
}

static int declare(chert_session *session, const char *name, int64_t value, chert_error *err)
{
    char sql[120];
    snprintf(sql, sizeof sql, "DECLARE OR REPLACE VARIABLE %s BIGINT DEFAULT %lld", name,
             (long long)value);
    chert_df_free(chert_sql(session, sql, err));
    return err->code;
}

static int declare_date(chert_session *session, const char *date, chert_error *err)
{
    char sql[120];
    snprintf(sql, sizeof sql, "DECLARE OR REPLACE VARIABLE last_day DATE DEFAULT DATE'%.10s'",
             date);
    chert_df_free(chert_sql(session, sql, err));
    return err->code;
}

static bool is_there(chert_session *session, const char *url, const char *table)
{
    chert_error none = CHERT_ERROR_INIT;
    chert_df *df = chert_read(session, "jdbc", "", NULL, &none, "url", url, "dbtable", table, NULL);
    char *schema = chert_df_schema(df, &none);
    bool there = schema != NULL;
    chert_free(schema);
    chert_df_free(df);
    chert_error_free(&none);
    return there;
}

static int make_table(chert_session *session, const chert_etl_generate_options *o, int i,
                      chert_error *err)
{
    char sql[400];
    bool mysql =
        strncasecmp(o->url, "jdbc:mysql", 10) == 0 || strncasecmp(o->url, "jdbc:mariadb", 12) == 0;
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", TABLE[i].name);
    if (o->overwrite && execute(session, o->url, sql, err) != 0)
        return err->code;
    snprintf(sql, sizeof sql, "CREATE TABLE IF NOT EXISTS %s (%s)%s", TABLE[i].name,
             TABLE[i].columns, mysql ? " CHARACTER SET utf8mb4" : "");
    return execute(session, o->url, sql, err);
}

static int fill_table(chert_session *session, const chert_etl_generate_options *o, int i,
                      int64_t rows, chert_error *err)
{
    chert_df *ids = chert_range(session, 1, rows + 1, 1, err);
    chert_df_create_temp_view(ids, "ids", err);
    chert_df *numbers = err->code ? NULL : chert_sql(session, NUMBERS, err);
    chert_df_create_temp_view(numbers, "numbers", err);
    chert_df *table = err->code ? NULL : chert_sql(session, TABLE[i].rows, err);
    chert_df_write(table, "jdbc", "", "append", err, "url", o->url, "dbtable", TABLE[i].name, NULL);
    chert_df_free(table);
    chert_df_free(numbers);
    chert_df_free(ids);
    return err->code;
}

int chert_etl_generate(chert_session *session, const chert_etl_generate_options *o,
                       chert_error *err)
{
    int64_t customers = between(1, o->orders / 10, INT32_MAX);
    int64_t products = between(20, o->orders / 100, 5000);
    int64_t warehouses = between(5, o->orders / 20000, 100);
    const int64_t rows[N_TABLES] = {warehouses, products,  warehouses * products,
                                    customers,  o->orders, o->orders};
    for (int i = 0; i < N_TABLES && !o->overwrite; i++)
        if (is_there(session, o->url, TABLE[i].name))
            return chert_fail(err, "TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
                              "The database has a table %s already; --overwrite replaces it",
                              TABLE[i].name);
    int failed = declare(session, "seed", (int64_t)o->seed, err) ||
                 declare(session, "n_warehouses", warehouses, err) ||
                 declare(session, "n_products", products, err) ||
                 declare(session, "n_customers", customers, err) ||
                 declare(session, "n_orders", o->orders, err) ||
                 declare_date(session, o->date, err);
    for (int i = 0; i < N_TABLES && !failed; i++)
        failed = make_table(session, o, i, err) || fill_table(session, o, i, rows[i], err);
    return err->code;
}

int chert_etl_generate_file(chert_session *session, const char *folder,
                            const chert_etl_generate_options *options, chert_error *err)
{
    chert_etl_generate_options o = *options;
    char *path = chert_path(folder, CHERT_ETL_FILE);
    char *aside = path ? chert_print("%s.%ld.tmp", path, (long)getpid()) : NULL;
    /* A new database is filled aside and appears whole; one that is there keeps its other tables. */
    const bool is_new = !path || access(path, F_OK) != 0;
    char *url = !aside   ? NULL
                : is_new ? chert_print("jdbc:sqlite:%s?synchronous=OFF&journal_mode=OFF", aside)
                         : chert_print("jdbc:sqlite:%s", path);
    int why = chert_make_folders(folder);
    FILE *empty = NULL;
    errno = why;
    if (why)
        chert_fail_io(err, "make", folder);
    else if (!url)
        chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
    else if (is_new &&
             !(empty = fopen(aside, "wb"))) /* an empty file is a database without tables */
        chert_fail_io(err, "write", aside);
    if (empty)
        fclose(empty);
    if (!err->code) {
        o.url = url;
        if (chert_etl_generate(session, &o, err) == 0 && is_new && rename(aside, path) != 0)
            chert_fail_io(err, "write", path);
        if (err->code && is_new)
            unlink(aside);
    }
    free(url);
    free(aside);
    free(path);
    return err->code;
}
