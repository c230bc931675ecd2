/* SPDX-License-Identifier: Apache-2.0 */
/* etl_place.c - where the shop's tables are and where the results go, of the command line and the settings. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pipelines/etl.h"

static int no_memory(chert_error *err)
{
    return chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for settings");
}

/* ---- the database ------------------------------------------------------------------------ */

/* As a URL has it: %XX for all that could mean something there. */
static void print_encoded(FILE *out, const char *text)
{
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || strchr("-_.~", *text))
            fputc(*text, out);
        else
            fprintf(out, "%%%02X", (unsigned char)*text);
}

static bool is_mysql(const char *url)
{
    return strncasecmp(url, "jdbc:mysql:", 11) == 0 || strncasecmp(url, "jdbc:mariadb:", 13) == 0;
}

/* Does the URL have the property, such as user=? */
static bool has_property(const char *url, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strchr(url, '?'); p; p = strchr(p + 1, '&'))
        if (strncasecmp(p + 1, name, n) == 0 && p[1 + n] == '=')
            return true;
    return false;
}

static void print_property(FILE *out, char *mark, const char *name, const char *value)
{
    fprintf(out, "%c%s=", *mark, name);
    print_encoded(out, value);
    *mark = '&';
}

/* base and what the settings say; a date that is all zeros, which MySQL may keep, is no date. */
static char *mysql_url(const char *base, const chert_settings *settings, chert_error *err)
{
    const char *user = chert_setting(settings, "MYSQL_USER");
    const char *password = chert_setting(settings, "MYSQL_PASSWORD");
    char *url = NULL, mark = strchr(base, '?') ? '&' : '?';
    size_t bytes;
    FILE *out = open_memstream(&url, &bytes);
    if (!out) {
        no_memory(err);
        return NULL;
    }
    fputs(base, out);
    if (user && !has_property(base, "user") && !strchr(base, '@')) {
        print_property(out, &mark, "user", user);
        if (password && !has_property(base, "password"))
            print_property(out, &mark, "password", password);
    }
    if (!has_property(base, "zeroDateTimeBehavior"))
        print_property(out, &mark, "zeroDateTimeBehavior", "CONVERT_TO_NULL");
    if (fclose(out) != 0) {
        free(url);
        no_memory(err);
        return NULL;
    }
    return url;
}

/* jdbc:mysql://MYSQL_HOST:MYSQL_PORT/MYSQL_DATABASE */
static char *url_of_settings(const chert_settings *settings, chert_error *err)
{
    static const char *const NEEDED[] = {"MYSQL_HOST", "MYSQL_DATABASE", "MYSQL_USER"};
    char missing[80] = "";
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++)
        if (!chert_setting(settings, NEEDED[i])) {
            strcat(missing, *missing ? " and " : "");
            strcat(missing, NEEDED[i]);
        }
    if (*missing) {
        chert_fail(err, "INVALID_CONFIG", "42616",
                   "The settings name a MySQL database, but not %s: set it in the environment or "
                   "in .env, or say --jdbc URL",
                   missing);
        return NULL;
    }
    const char *host = chert_setting(settings, "MYSQL_HOST");
    const char *port = chert_setting(settings, "MYSQL_PORT");
    char *end = NULL, *base = NULL, *url = NULL;
    long number = port ? strtol(port, &end, 10) : 3306;
    if (number < 1 || number > 65535 || (end && *end)) {
        chert_fail(err, "INVALID_CONFIG", "42616",
                   "MYSQL_PORT takes a number from 1 to 65535, not '%s'", port);
        return NULL;
    }
    if (host[strcspn(host, "/?#@&, ")]) {
        chert_fail(err, "INVALID_CONFIG", "42616",
                   "MYSQL_HOST takes the name or address of a host, not '%s'", host);
        return NULL;
    }
    size_t bytes;
    FILE *out = open_memstream(&base, &bytes);
    if (!out) {
        no_memory(err);
        return NULL;
    }
    fprintf(out, "jdbc:mysql://%s:%ld/", host, number);
    print_encoded(out, chert_setting(settings, "MYSQL_DATABASE"));
    if (fclose(out) == 0)
        url = mysql_url(base, settings, err);
    else
        no_memory(err);
    free(base);
    return url;
}

static char *url_of_file(const char *folder, chert_error *err)
{
    char *path = chert_path(folder, CHERT_ETL_FILE), *url = NULL;
    if (!path)
        no_memory(err);
    else if (access(path, R_OK) != 0)
        chert_fail(
            err, "PATH_NOT_FOUND", "42K03",
            "There is no '%s': 'chert generate etl' makes one, and --jdbc URL or the setting "
            "MYSQL_HOST names another database",
            path);
    else if (!(url = chert_print("jdbc:sqlite:%s", path)))
        no_memory(err);
    free(path);
    return url;
}

static char *find_url(const chert_settings *settings, const char *jdbc, const char *folder,
                      chert_error *err)
{
    if (jdbc) {
        char *url = is_mysql(jdbc) ? mysql_url(jdbc, settings, err) : strdup(jdbc);
        if (!url)
            no_memory(err);
        return url;
    }
    if (!folder &&
        (chert_setting(settings, "MYSQL_HOST") || chert_setting(settings, "MYSQL_DATABASE")))
        return url_of_settings(settings, err);
    return url_of_file(folder ? folder : CHERT_ETL_FOLDER, err);
}

/* ---- the output -------------------------------------------------------------------------- */

static bool is_s3(const char *path)
{
    return strncmp(path, "s3a://", 6) == 0 || strncmp(path, "s3://", 5) == 0;
}

static char *find_output(const chert_settings *settings, const char *told, const char *folder,
                         chert_error *err)
{
    const char *bucket = told || folder ? NULL : chert_setting(settings, "S3_BUCKET");
    char *output = chert_print("%s%s", bucket && !is_s3(bucket) ? "s3a://" : "",
                               told     ? told
                               : bucket ? bucket
                               : folder ? folder
                                        : CHERT_ETL_FOLDER);
    if (!output)
        no_memory(err);
    for (size_t n = output ? strlen(output) : 0; n > 1 && output[n - 1] == '/';)
        output[--n] = 0;
    return output;
}

int chert_etl_place_find(chert_etl_place *place, const chert_settings *settings, const char *jdbc,
                         const char *output, const char *folder, chert_error *err)
{
    *place = (chert_etl_place){0};
    place->url = find_url(settings, jdbc, folder, err);
    place->output = place->url ? find_output(settings, output, folder, err) : NULL;
    return err->code;
}

void chert_etl_place_free(chert_etl_place *place)
{
    free(place->url);
    free(place->output);
    *place = (chert_etl_place){0};
}

/* ---- S3 ---------------------------------------------------------------------------------- */

static int set_once(chert_session *session, const char *key, const char *value, chert_error *err)
{
    char *have = value ? chert_session_get(session, key, err) : NULL;
    if (value && !have && !err->code)
        chert_session_set(session, key, value, err);
    chert_free(have);
    return err->code;
}

int chert_etl_use_s3(chert_session *session, const chert_etl_place *place,
                     const chert_settings *settings, chert_error *err)
{
    static const char *const SETTING[][2] = {
        {"AWS_ACCESS_KEY_ID", "fs.s3a.access.key"},
        {"AWS_SECRET_ACCESS_KEY", "fs.s3a.secret.key"},
        {"AWS_SESSION_TOKEN", "fs.s3a.session.token"},
        {"AWS_REGION", "fs.s3a.endpoint.region"},
        {"S3_ENDPOINT", "fs.s3a.endpoint"},
    };
    const char *key = chert_setting(settings, "AWS_ACCESS_KEY_ID");
    const char *secret = chert_setting(settings, "AWS_SECRET_ACCESS_KEY");
    const char *endpoint = chert_setting(settings, "S3_ENDPOINT");
    if (!is_s3(place->output))
        return 0;
    if (!key != !secret)
        return chert_fail(err, "INVALID_CONFIG", "42616", "%s is set, but %s is not",
                          key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                          key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    for (size_t i = 0; i < sizeof SETTING / sizeof *SETTING && !err->code; i++)
        set_once(session, SETTING[i][1], chert_setting(settings, SETTING[i][0]), err);
    /* Servers other than Amazon's seldom have a name for each bucket. */
    if (endpoint && !strstr(endpoint, "amazonaws.com") && !err->code)
        set_once(session, "fs.s3a.path.style.access", "true", err);
    return err->code;
}

/* ---- the date ---------------------------------------------------------------------------- */

bool chert_etl_is_date(const char *text)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char SHAPE[] = "0000-00-00";
    for (size_t i = 0; i < sizeof SHAPE; i++)
        if (SHAPE[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != SHAPE[i])
            return false;
    int year = atoi(text), month = atoi(text + 5), day = atoi(text + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= DAYS[month - 1] + (month == 2 && leap);
}
