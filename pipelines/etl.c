/* SPDX-License-Identifier: Apache-2.0 */
/* etl.c - what the tables of a shop tell about its stock and its customers. examples/etl.py is the same in PySpark. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/etl.h"

static const char *const TABLES[] = {"warehouses", "products", "inventory",
                                     "customers",  "orders",   "order_items"};
enum { N_RESULTS = 2 };
static const char *const RESULTS[N_RESULTS] = {"inventory_analytics", "order_analytics"};

/* 100 for a place that is half full and was counted today; NULL where one of the two is not known. */
static int inventory_score(chert_function_call *call)
{
    const double *ratio = (const double *)call->arg[0]->buffers[1];
    const double *days = (const double *)call->arg[1]->buffers[1];
    double *score = (double *)chert_function_result(call, sizeof *score, 0);
    for (int64_t i = 0; score && i < call->rows; i++) {
        double points = (1 - fabs(ratio[i] - 0.5) * 2) * 100 - days[i] * 2;
        score[i] = points < 0 ? 0 : points > 100 ? 100 : points;
    }
    return score ? 0 : 1;
}

static const chert_function INVENTORY_SCORE = {
    .struct_bytes = sizeof INVENTORY_SCORE,
    .name = "inventory_score",
    .arguments = "DOUBLE, DOUBLE",
    .returns = "DOUBLE",
    .flags = CHERT_FUNCTION_NULL_PROPAGATES,
    .evaluate = inventory_score,
};

/* A row of inventory: how full its place is, how well it is kept, and how its warehouse does. */
static const char INVENTORY[] =
    "WITH stock AS (\n"
    "  SELECT *, try_divide(double(quantity), capacity) AS utilization_ratio,\n"
    "    datediff(run_date, last_updated) AS days_since_update\n"
    "  FROM inventory),\n"
    "sold AS (SELECT warehouse_id, sum(quantity) AS units_sold FROM order_items GROUP BY warehouse_id)\n"
    "SELECT inventory_id, warehouse_id, warehouse_name, city, country, product_id, product_name, category,\n"
    "  stock.quantity, stock.capacity, last_updated, days_since_update, utilization_ratio,\n"
    "  inventory_score(utilization_ratio, days_since_update) AS inventory_score,\n"
    "  coalesce(utilization_ratio < 0.2, false) AS needs_restock,\n"
    "  coalesce(utilization_ratio > 0.9, false) AS is_overstocked,\n"
    "  stock.capacity * 0.5 AS suggested_level,\n"
    "  try_divide(double(sum(stock.quantity) OVER w), sum(stock.capacity) OVER w) AS warehouse_utilization,\n"
    "  try_divide(double(units_sold), sum(stock.quantity) OVER w) AS warehouse_turnover\n"
    "FROM stock\n"
    "LEFT JOIN warehouses USING (warehouse_id)\n"
    "LEFT JOIN products USING (product_id)\n"
    "LEFT JOIN sold USING (warehouse_id)\n"
    "WINDOW w AS (PARTITION BY warehouse_id)";

/* Orders of nobody are nobody's habits. */
static const char ORDERS[] =
    "WITH habits AS (\n"
    "  SELECT customer_id, count(*) AS total_orders, sum(total_amount) AS total_spent,\n"
    "    avg(total_amount) AS average_order_value, mode(hour(order_date), true) AS peak_order_hour,\n"
    "    double((unix_timestamp(max(order_date)) - unix_timestamp(min(order_date)))\n"
    "      / (86400.0 * greatest(count(*) - 1, 1))) AS average_days_between_orders\n"
    "  FROM orders WHERE customer_id IS NOT NULL GROUP BY customer_id)\n"
    "SELECT customer_id, customer_name, city, total_orders, total_spent, average_order_value,\n"
    "  peak_order_hour, average_days_between_orders,\n"
    "  CASE WHEN total_orders >= 20 AND total_spent >= 10000 THEN 'VIP'\n"
    "    WHEN total_orders >= 20 THEN 'Loyal'\n"
    "    WHEN total_spent >= 5000 THEN 'Big spender'\n"
    "    WHEN total_orders >= 5 THEN 'Regular'\n"
    "    ELSE 'Occasional' END AS segment\n"
    "FROM habits LEFT JOIN customers USING (customer_id)";

static int run_sql(chert_session *session, const char *sql, chert_error *err)
{
    chert_df_free(chert_sql(session, sql, err));
    return err->code;
}

static int make_views(chert_session *session, const char *url, const char *date, chert_error *err)
{
    char sql[80];
    snprintf(sql, sizeof sql, "DECLARE OR REPLACE VARIABLE run_date DATE DEFAULT DATE'%.10s'",
             date);
    int failed = run_sql(session, sql, err);
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES && !failed; i++) {
        chert_df *table =
            chert_read(session, "jdbc", "", NULL, err, "url", url, "dbtable", TABLES[i], NULL);
        char *columns = chert_df_schema(table, err); /* now: what is wrong is told of the table */
        failed = columns ? chert_df_create_temp_view(table, TABLES[i], err) : err->code;
        chert_free(columns);
        chert_df_free(table);
    }
    return failed;
}

/* A bucket or a key that is wrong is told before the database is read. */
static int look(chert_session *session, const char *folder, chert_error *err)
{
    chert_error none = CHERT_ERROR_INIT;
    chert_df *before = chert_read(session, "text", folder, NULL, &none, NULL);
    chert_free(chert_df_schema(before, &none));
    chert_df_free(before);
    if (none.code && strcmp(none.error_class, "PATH_NOT_FOUND") != 0) {
        *err = none;
        return err->code;
    }
    chert_error_free(&none);
    return 0;
}

/* Replaces both results in the folder together. */
static int write_results(chert_df *const *result, const char *folder, chert_error *err)
{
    chert_writer *writer[N_RESULTS] = {0};
    for (int i = 0; i < N_RESULTS && !err->code; i++) {
        writer[i] = chert_df_writer(result[i], err);
        if (writer[i])
            chert_writer_format(writer[i], "parquet", err);
    }
    if (!err->code)
        chert_writers_save(writer, RESULTS, N_RESULTS, folder, err);
    for (int i = 0; i < N_RESULTS; i++)
        chert_writer_free(writer[i]);
    return err->code;
}

/* How many rows of the result are there now. */
static int64_t count_result(chert_session *session, const char *folder, const char *name,
                            chert_error *err)
{
    char *path = err->code ? NULL : chert_path(folder, name);
    if (!path && !err->code)
        chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
    chert_df *written = path ? chert_read(session, "parquet", path, NULL, err, NULL) : NULL;
    int64_t rows = written ? chert_df_count(written, err) : 0;
    chert_df_free(written);
    free(path);
    return rows;
}

int chert_etl_run(chert_session *session, const chert_etl_place *place, const char *date,
                  chert_etl_report *report, chert_error *err)
{
    *report = (chert_etl_report){0};
    report->folder = chert_print("%s/business_insights/%s", place->output, date);
    if (!report->folder)
        return chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a path");
    if (chert_session_register_function(session, &INVENTORY_SCORE, err) != 0 ||
        look(session, report->folder, err) != 0 || make_views(session, place->url, date, err) != 0)
        return err->code;
    chert_df *stock = chert_sql(session, INVENTORY, err);
    chert_df *customers = chert_sql(session, ORDERS, err);
    /* From here on the database is not needed: one that goes away leaves the former result of both. */
    chert_df *stock_rows = chert_df_checkpoint(stock, true, err);
    chert_df *customer_rows = chert_df_checkpoint(customers, true, err);
    if (!err->code)
        write_results((chert_df *[]){stock_rows, customer_rows}, report->folder, err);
    report->stock = count_result(session, report->folder, RESULTS[0], err);
    report->customers = count_result(session, report->folder, RESULTS[1], err);
    chert_df_free(customer_rows);
    chert_df_free(stock_rows);
    chert_df_free(customers);
    chert_df_free(stock);
    return err->code;
}
