/* SPDX-License-Identifier: Apache-2.0 */
/* neo_sample.c - see neo_sample.h. */
#include "pipelines/neo_sample.h"

#include <math.h>
#include <time.h>

#include "pipelines/program.h"

#define KM_PER_AU 149597870.7
#define DAY 86400

/* Days from 1900-01-01 on. */
#define FIRST_DAY (-25567)
#define LAST_DAY 84371 /* 2200-12-31 */

static double between(uint64_t *state, double low, double high)
{
    return low + (high - low) * chert_random_unit(state);
}

static struct tm date_of(int64_t seconds)
{
    struct tm day;
    time_t t = (time_t)seconds;
    gmtime_r(&t, &day);
    return day;
}

static void print_date(FILE *out, int64_t seconds)
{
    struct tm day = date_of(seconds);
    fprintf(out, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

static void print_diameter(FILE *out, const char *unit, double min, double max, const char *end)
{
    fprintf(out, "\"%s\":{\"estimated_diameter_min\":%.10f,\"estimated_diameter_max\":%.10f}%s",
            unit, min, max, end);
}

static void print_approach(FILE *out, int64_t seconds, double km_per_second, double au)
{
    static const char *const MONTH[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm day = date_of(seconds);
    fputs("{\"close_approach_date\":\"", out);
    print_date(out, seconds);
    fprintf(out, "\",\"close_approach_date_full\":\"%04d-%s-%02d %02d:%02d\"", day.tm_year + 1900,
            MONTH[day.tm_mon], day.tm_mday, day.tm_hour, day.tm_min);
    fprintf(out, ",\"epoch_date_close_approach\":%lld", (long long)seconds * 1000);
    fprintf(
        out,
        ",\"relative_velocity\":{\"kilometers_per_second\":\"%.10f\",\"kilometers_per_hour\":\"%.10f\","
        "\"miles_per_hour\":\"%.10f\"}",
        km_per_second, km_per_second * 3600, km_per_second * 3600 / 1.609344);
    fprintf(
        out,
        ",\"miss_distance\":{\"astronomical\":\"%.10f\",\"lunar\":\"%.10f\",\"kilometers\":\"%.9f\","
        "\"miles\":\"%.10f\"},\"orbiting_body\":\"Earth\"}",
        au, au * 389, au * KM_PER_AU, au * KM_PER_AU / 1.609344);
}

/* Every year and a half or so, none for one object in sixteen. */
static void print_approaches(FILE *out, uint64_t *state, double speed)
{
    int64_t n = chert_random(state) % 16 == 0 ? 0 : 1 + (int64_t)(chert_random(state) % 48);
    int64_t step = (int64_t)(LAST_DAY - FIRST_DAY) * DAY / (n + 1), at = (int64_t)FIRST_DAY * DAY;
    fputs("\"close_approach_data\":[", out);
    for (int64_t i = 0; i < n; i++) {
        at += (int64_t)((double)step * between(state, 0.6, 1.4));
        at -= at % 60;
        if (at >= (int64_t)LAST_DAY * DAY)
            at = (int64_t)LAST_DAY * DAY - 60;
        double au = 0.0004 + 0.5 * pow(chert_random_unit(state), 1.4);
        fputs(i ? "," : "", out);
        print_approach(out, at, speed * between(state, 0.7, 1.3), au);
    }
    fputs("]", out);
}

typedef struct orbit_class {
    const char *type, *description, *range;
} orbit_class;

static void print_orbit(FILE *out, uint64_t *state, double axis)
{
    static const orbit_class CLASS[] = {
        {"AMO", "Near-Earth asteroid orbits similar to that of 1221 Amor",
         "1.017 AU < q (perihelion) < 1.3 AU"},
        {"APO",
         "Near-Earth asteroid orbits which cross the Earth’s orbit similar to that of 1862 Apollo",
         "a (semi-major axis) > 1.0 AU; q (perihelion) < 1.017 AU"},
        {"ATE", "Near-Earth asteroid orbits similar to that of 2062 Aten",
         "a (semi-major axis) < 1.0 AU; q (perihelion) > 0.983 AU"},
    };
    double e = between(state, 0.05, 0.7), period = 365.25 * pow(axis, 1.5);
    int64_t first = (int64_t)between(state, -25000, 17000),
            last = (int64_t)between(state, 17500, 20500);
    const orbit_class *c = &CLASS[axis < 1 ? 2 : axis * (1 - e) < 1.017 ? 1 : 0];
    fprintf(out, "\"orbital_data\":{\"orbit_id\":\"%d\"", 1 + (int)(chert_random(state) % 700));
    fputs(",\"orbit_determination_date\":\"", out);
    print_date(out, (last + 30) * DAY);
    fputs(" 17:55:05\",\"first_observation_date\":\"", out);
    print_date(out, first * DAY);
    fputs("\",\"last_observation_date\":\"", out);
    print_date(out, last * DAY);
    fprintf(out,
            "\",\"data_arc_in_days\":%lld,\"observations_used\":%d,\"orbit_uncertainty\":\"%d\"",
            (long long)(last - first), 20 + (int)(chert_random(state) % 9000),
            (int)(chert_random(state) % 10));
    fprintf(out,
            ",\"minimum_orbit_intersection\":\"%.6f\",\"jupiter_tisserand_invariant\":\"%.3f\"",
            between(state, 0.0001, 0.4), between(state, 3, 7));
    fprintf(
        out,
        ",\"epoch_osculation\":\"2461000.5\",\"eccentricity\":\"%.16f\",\"semi_major_axis\":\"%.15f\"",
        e, axis);
    fprintf(
        out,
        ",\"inclination\":\"%.14f\",\"ascending_node_longitude\":\"%.13f\",\"orbital_period\":\"%.13f\"",
        between(state, 0.2, 40), between(state, 0, 360), period);
    fprintf(
        out,
        ",\"perihelion_distance\":\"%.15f\",\"perihelion_argument\":\"%.13f\",\"aphelion_distance\":\"%.15f\"",
        axis * (1 - e), between(state, 0, 360), axis * (1 + e));
    fprintf(out,
            ",\"perihelion_time\":\"%.10f\",\"mean_anomaly\":\"%.13f\",\"mean_motion\":\"%.16f\"",
            between(state, 2459000, 2462000), between(state, 0, 360), 360 / period);
    fprintf(
        out,
        ",\"equinox\":\"J2000\",\"orbit_class\":{\"orbit_class_type\":\"%s\",\"orbit_class_description\":\"%s\","
        "\"orbit_class_range\":\"%s\"}}",
        c->type, c->description, c->range);
}

/* "1036 Ganymed (A924 UB)", or "(2019 AQ3)" for those that have no number and name. */
static void print_name(FILE *out, uint64_t *state, int64_t number)
{
    static const char *const SYLLABLE[] = {"a",    "bel", "cor", "da", "e",  "fi", "gan",
                                           "hel",  "i",   "ka",  "lu", "mi", "na", "or",
                                           "phae", "ra",  "se",  "ta", "u",  "ve"};
    char name[40], provisional[24];
    int n = 0, parts = 2 + (int)(chert_random(state) % 3);
    for (int i = 0; i < parts; i++)
        n += snprintf(name + n, sizeof name - (size_t)n, "%s", SYLLABLE[chert_random(state) % 20]);
    name[0] = (char)(name[0] - 'a' + 'A');
    snprintf(provisional, sizeof provisional, "%d %c%c%d", 1970 + (int)(chert_random(state) % 56),
             (int)('A' + chert_random(state) % 24), (int)('A' + chert_random(state) % 25),
             (int)(chert_random(state) % 300));
    if (chert_random(state) % 3 == 0)
        fprintf(out, "\"name\":\"%lld %s (%s)\",\"name_limited\":\"%s\",\"designation\":\"%lld\"",
                (long long)number + 432, name, provisional, name, (long long)number + 432);
    else
        fprintf(out, "\"name\":\"(%s)\",\"designation\":\"%s\"", provisional, provisional);
}

void chert_neo_print_object(FILE *out, uint64_t seed, int64_t number, const char *site)
{
    uint64_t state =
        seed * UINT64_C(0xD1342543DE82EF95) + (uint64_t)number * UINT64_C(0x2545F4914F6CDD1D);
    chert_random(&state);
    long long id = 2000432 + (long long)number;
    double magnitude = between(&state, 14, 28);
    /* Diameter in km of a body of this brightness, for albedos from 0.25 down to 0.05. */
    double min = 1329 / sqrt(0.25) * pow(10, -0.2 * magnitude), max = min * sqrt(5);
    bool hazardous = magnitude < 22 && chert_random(&state) % 3 == 0;
    fprintf(out, "{\"links\":{\"self\":\"%s/neo/rest/v1/neo/%lld\"},", site, id);
    fprintf(out, "\"id\":\"%lld\",\"neo_reference_id\":\"%lld\",", id, id);
    print_name(out, &state, number);
    fprintf(out,
            ",\"nasa_jpl_url\":\"https://ssd.jpl.nasa.gov/tools/sbdb_lookup.html#/?sstr=%lld\"",
            id);
    fprintf(out, ",\"absolute_magnitude_h\":%.2f,\"estimated_diameter\":{", magnitude);
    print_diameter(out, "kilometers", min, max, ",");
    print_diameter(out, "meters", min * 1000, max * 1000, ",");
    print_diameter(out, "miles", min / 1.609344, max / 1.609344, ",");
    print_diameter(out, "feet", min * 3280.839895, max * 3280.839895, "},");
    fprintf(out, "\"is_potentially_hazardous_asteroid\":%s,", hazardous ? "true" : "false");
    print_approaches(out, &state, between(&state, 5, 30));
    fputs(",", out);
    print_orbit(out, &state, between(&state, 0.7, 3.2));
    fputs(",\"is_sentry_object\":false}", out);
}

void chert_neo_print_page(FILE *out, uint64_t seed, int64_t total, int64_t page, int64_t size,
                          const char *site)
{
    int64_t pages = (total + size - 1) / size;
    fputs("{\"links\":{", out);
    if (page + 1 < pages)
        fprintf(out, "\"next\":\"%s/neo/rest/v1/neo/browse?page=%lld&size=%lld\",", site,
                (long long)page + 1, (long long)size);
    if (page > 0)
        fprintf(out, "\"prev\":\"%s/neo/rest/v1/neo/browse?page=%lld&size=%lld\",", site,
                (long long)page - 1, (long long)size);
    fprintf(out, "\"self\":\"%s/neo/rest/v1/neo/browse?page=%lld&size=%lld\"},", site,
            (long long)page, (long long)size);
    fprintf(out,
            "\"page\":{\"size\":%lld,\"total_elements\":%lld,\"total_pages\":%lld,\"number\":%lld},"
            "\"near_earth_objects\":[",
            (long long)size, (long long)total, (long long)pages, (long long)page);
    for (int64_t i = page * size; i < (page + 1) * size && i < total; i++) {
        if (i > page * size)
            fputs(",", out);
        chert_neo_print_object(out, seed, i + 1, site);
    }
    fputs("]}", out);
}
