/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udf.c - a program with a SQL function of its own: kilometres between two places.
 *
 *   cc udf.c $(pkg-config --cflags --libs chert) -lm -o udf
 *   ./udf
 *
 * The function is called with columns of some thousand rows, by several threads at once. A shared object with a
 * function is examples/functions/mask.c.
 */
#include <math.h>
#include <stdio.h>

#include <chert/chert.h>

static const double RADIANS = 3.14159265358979323846 / 180, EARTH_KM = 6371;

static double squared_sine(double x)
{
    return sin(x) * sin(x);
}

static int kilometres(chert_function_call *call)
{
    const double *degrees[4];
    for (int i = 0; i < 4; i++)
        degrees[i] = (const double *)call->arg[i]->buffers[1];
    double *out = (double *)chert_function_result(call, sizeof *out, 0);
    for (int64_t i = 0; out && i < call->rows; i++) {
        double a = degrees[0][i] * RADIANS, b = degrees[2][i] * RADIANS;
        double east = (degrees[3][i] - degrees[1][i]) * RADIANS;
        double half = squared_sine((b - a) / 2) + cos(a) * cos(b) * squared_sine(east / 2);
        out[i] = 2 * EARTH_KM * asin(sqrt(half));
    }
    return out ? 0 : 1;
}

static const chert_function KILOMETRES = {
    .struct_bytes = sizeof KILOMETRES,
    .flags = CHERT_FUNCTION_NULL_PROPAGATES | CHERT_FUNCTION_NEVER_NULL,
    .name = "kilometres",
    .arguments = "DOUBLE, DOUBLE, DOUBLE, DOUBLE",
    .returns = "DOUBLE",
    .comment = "kilometres(latitude, longitude, latitude, longitude) - the way over the ground.",
    .evaluate = kilometres,
};

static const char *const CITIES =
    "SELECT * FROM VALUES ('Kyiv', 50.45D, 30.52D), ('Lviv', 49.84D, 24.03D),"
    " ('Odesa', 46.48D, 30.73D), ('Atlantis', NULL, NULL) AS c(name, lat, lon)";

int main(void)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_session *session = chert_session_new(NULL, &err);
    (void)chert_session_register_function(session, &KILOMETRES, &err);

    /* From SQL ... */
    chert_df *cities = chert_sql(session, CITIES, &err);
    (void)chert_df_create_temp_view(cities, "cities", &err);
    chert_df *pairs = chert_sql(
        session,
        "SELECT a.name AS a, b.name AS b, round(kilometres(a.lat, a.lon, b.lat, b.lon)) AS km "
        "FROM cities a JOIN cities b ON a.name < b.name ORDER BY km DESC NULLS LAST, a",
        &err);
    (void)chert_df_show(pairs, 20, 20, false, stdout, &err);

    /* ... and from a DataFrame. */
    chert_col *km = chert_call("kilometres", chert_col_new("lat"), chert_col_new("lon"),
                               chert_lit_double(50.45), chert_lit_double(30.52), NULL);
    chert_df *near = chert_df_filter(cities, chert_col_lt(km, chert_lit_double(450)), &err);
    (void)chert_df_show(near, 20, 20, false, stdout, &err);

    int failed = err.code != 0;
    if (failed)
        fprintf(stderr, "error: %s\n", err.text);
    chert_df_free(near);
    chert_df_free(pairs);
    chert_df_free(cities);
    chert_session_free(session);
    chert_error_free(&err);
    return failed;
}
