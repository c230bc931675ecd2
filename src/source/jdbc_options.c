/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_options.c - what the options of a JDBC read or write say, by the rules of Spark's JDBCOptions.
 *
 * Options that Spark does not know are properties of the connection, as those behind the URL's '?' are. A property that
 * nothing here obeys is refused by its name: it may well be one that was to make the connection safe.
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "source/jdbc.h"
#include "store/access.h"

#define CH_JDBC_DRIVER(name) extern const ch_jdbc_driver ch_jdbc_driver_##name;
#include "builtin/jdbc_drivers.def"
#undef CH_JDBC_DRIVER

static const ch_jdbc_driver *const DRIVER[] = {
#define CH_JDBC_DRIVER(name) &ch_jdbc_driver_##name,
#include "builtin/jdbc_drivers.def"
#undef CH_JDBC_DRIVER
    NULL,
};

const ch_jdbc_driver *ch_jdbc_driver_find(const char *scheme, size_t len)
{
    for (int i = 0; DRIVER[i]; i++)
        for (const char *const *s = DRIVER[i]->scheme; *s; s++)
            if (strlen(*s) == len && strncasecmp(*s, scheme, len) == 0)
                return DRIVER[i];
    return NULL;
}

/* clang-format off */
#define TEXT(name, values, doc) {name, CH_OPT_STRING, NULL, values, doc, NULL}
#define NUMBER(name, fallback, values, doc) {name, CH_OPT_INT, fallback, values, doc, NULL}
#define SWITCH(name, fallback, doc) {name, CH_OPT_BOOL, fallback, "true or false", doc, NULL}

/* Those of Spark; everything else is the connection's. */
const ch_option ch_jdbc_option_table[] = {
    TEXT("url", "a JDBC URL", "Where the database is: jdbc:sqlite:file."),
    TEXT("dbtable", "a table, or (select ...) name", "What is read or written."),
    TEXT("query", "a query", "What is read, instead of dbtable."),
    TEXT("user", "a name", "Who connects."),
    TEXT("password", "a password", "Never shown."),
    TEXT("driver", "a class", "Accepted; the URL chooses the driver."),
    TEXT("partitionColumn", "a column", "Number, date or timestamp by which reads are split."),
    TEXT("lowerBound", "a value", "Where the strides begin."),
    TEXT("upperBound", "a value", "Where the strides end."),
    NUMBER("numPartitions", NULL, "a number", "How many reads at once."),
    NUMBER("fetchsize", "0", "a number", "Accepted; rows are streamed."),
    NUMBER("queryTimeout", "0", "seconds", "How long a statement may take; 0: any time."),
    TEXT("customSchema", "a INT, b STRING", "Types of columns."),
    SWITCH("pushDownPredicate", "true", "Filters go to the database."),
    SWITCH("pushDownLimit", "true", "LIMIT goes to the database."),
    SWITCH("pushDownAggregate", "true", "Aggregates go to the database."),
    SWITCH("pushDownOffset", "true", "Accepted."),
    SWITCH("pushDownTableSample", "true", "Accepted."),
    SWITCH("pushDownJoin", "true", "Accepted."),
    TEXT("hint", "/*+ ... */", "Behind SELECT."),
    TEXT("prepareQuery", "WITH ...", "Before SELECT."),
    TEXT("sessionInitStatement", "a statement", "Run on each connection first."),
    SWITCH("preferTimestampNTZ", "false", "Timestamps without a zone are TIMESTAMP_NTZ."),
    SWITCH("truncate", "false", "A table that is overwritten is emptied, and keeps its structure."),
    SWITCH("cascadeTruncate", "false", "Tables that refer to it are emptied as well."),
    NUMBER("batchsize", NULL, "a number", "Most rows of a statement that writes."),
    TEXT("isolationLevel", "READ_COMMITTED, ...", "Of the transaction that writes."),
    TEXT("createTableOptions", "SQL", "Behind CREATE TABLE."),
    TEXT("createTableColumnTypes", "a VARCHAR(9), ...", "Types of columns of a table that is made."),
    TEXT("tableComment", "any text", "Comment of a table that is made."),
    SWITCH("refreshKrb5Config", "false", "Accepted."),
    TEXT("connectionProvider", "", "Refused."),
    TEXT("keytab", "", "Refused: there is no Kerberos client."),
    TEXT("principal", "", "Refused, too."),
    {0}};
/* clang-format on */

static bool is_known(const char *name)
{
    for (const ch_option *o = ch_jdbc_option_table; o->name; o++)
        if (strcasecmp(o->name, name) == 0)
            return true;
    return false;
}

/* Of those, what needs a Kerberos client or a class of Java. */
static const char *const REFUSED[] = {"keytab", "principal", "connectionProvider", NULL};

static bool is_listed(const char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (strcasecmp(*list, name) == 0)
            return true;
    return false;
}

static const char *given(const ch_jdbc_source *s, const char *name)
{
    return ch_strmap_get(s->options, name);
}

const char *ch_jdbc_property(const ch_jdbc_source *source, const char *name)
{
    return ch_strmap_get(source->property, name);
}

/* ---- URLs ----------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* text[0..len) without %XX, in arena. */
static char *decoded(ch_arena *arena, const char *text, size_t len, ch_error *err)
{
    char *out = ch_arena_strn(arena, text, len, err);
    size_t n = 0;
    for (size_t i = 0; out && i < len; i++) {
        int hi = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(text[i + 2]) : -1;
        out[n++] = lo >= 0 ? (char)(hi * 16 + lo) : text[i];
        i += lo >= 0 ? 2 : 0;
    }
    if (out)
        out[n] = 0;
    return out;
}

static ch_status set_property(ch_jdbc_source *s, const char *key, const char *value, ch_error *err)
{
    if (strcasecmp(key, "user") == 0)
        s->user = value;
    else if (strcasecmp(key, "password") == 0)
        s->password = value;
    else
        return ch_strmap_put(s->property, key, (void *)(uintptr_t)value, err);
    return CH_OK;
}

ch_status ch_jdbc_parse_properties(ch_jdbc_source *s, ch_arena *arena, const char *text,
                                   ch_error *err)
{
    while (*text) {
        size_t len = strcspn(text, "&"), key_len = strcspn(text, "=&");
        char *key = decoded(arena, text, key_len, err);
        char *value = key_len < len ? decoded(arena, text + key_len + 1, len - key_len - 1, err)
                                    : decoded(arena, "true", 4, err);
        if (!key || !value)
            return CH_E_MEMORY;
        if (*key)
            CH_TRY(set_property(s, key, value, err));
        text += len;
        text += *text == '&';
    }
    return CH_OK;
}

static bool has_any(const char *text, size_t len, const char *chars)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(chars, text[i]))
            return true;
    return false;
}

/*
 * Forms that are not known here, address=(user=a)(password=b) and replication://a:b@host/db, and passwords with a slash are
 * refused without being shown: their parts would be taken for a host or a database, whose names errors tell.
 */
ch_status ch_jdbc_parse_authority(ch_jdbc_source *s, ch_arena *arena, const char *scheme,
                                  const char *rest, ch_error *err)
{
    size_t end = strcspn(rest, "?");
    CH_TRY(ch_jdbc_parse_properties(s, arena, rest + end + (rest[end] == '?'), err));
    const char *host = rest, *slash = NULL;
    size_t host_len = 0;
    if (strncmp(rest, "//", 2) == 0) {
        host = rest + 2;
        host_len = end - 2;
        slash = memchr(host, '/', host_len);
        if (slash)
            host_len = (size_t)(slash - host);
    }
    const char *name = slash ? slash + 1 : host_len || host != rest ? rest + end : rest;
    size_t name_len = (size_t)(rest + end - name);
    for (size_t i = host_len; i-- > 0;)
        if (host[i] == '@') {
            size_t user_len = 0;
            while (user_len < i && host[user_len] != ':')
                user_len++;
            s->user = decoded(arena, host, user_len, err);
            if (user_len < i)
                s->password = decoded(arena, host + user_len + 1, i - user_len - 1, err);
            host += i + 1;
            host_len -= i + 1;
            break;
        }
    bool odd = has_any(host, host_len, "@()=") || has_any(name, name_len, "@()=") ||
               (host == rest && has_any(name, name_len, "/:"));
    s->shown = odd ? ch_arena_printf(arena, err, "jdbc:%s:...", scheme) : "";
    if (odd && s->shown)
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason",
                "the URL is not //[user[:password]@]host[:port][,...][/database], "
                "with other characters as %XX");
    s->host = ch_arena_strn(arena, host, host_len, err);
    s->database = name_len ? decoded(arena, name, name_len, err) : NULL;
    s->shown =
        ch_arena_printf(arena, err, "jdbc:%s:%s%.*s%s%s", scheme,
                        strncmp(rest, "//", 2) == 0 ? "//" : "", (int)host_len, host,
                        host != rest && s->database ? "/" : "", s->database ? s->database : "");
    return s->host && s->shown && (!name_len || s->database) ? CH_OK : CH_E_MEMORY;
}

/* Host i of the URL: name and port in arena; *out NULL: there are fewer. */
static ch_status host_of(const ch_jdbc_source *s, ch_arena *arena, int i, int fallback,
                         const char **out, int *port, ch_error *err)
{
    const char *text = s->host ? s->host : "";
    *out = NULL;
    for (; i > 0 && *text; i--) {
        text += strcspn(text, ",");
        text += *text == ',';
    }
    if (i > 0 || (s->host && *s->host && !*text))
        return CH_OK;
    size_t len = strcspn(text, ","), name_len;
    *port = fallback;
    if (*text == '[') { /* [::1]:3306 */
        const char *close = memchr(text, ']', len);
        name_len = close ? (size_t)(close - text) + 1 : len;
    } else {
        const char *colon = memchr(text, ':', len);
        name_len = colon ? (size_t)(colon - text) : len;
    }
    if (name_len < len) {
        char *end;
        long n = strtol(text + name_len + 1, &end, 10);
        if (text[name_len] != ':' || end != text + len || n < 1 || n > 65535)
            CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason", "the port is not a number");
        *port = (int)n;
    }
    bool v6 = *text == '[' && name_len > 1;
    *out = name_len ? ch_arena_strn(arena, text + v6, name_len - 2 * (size_t)v6, err)
                    : ch_arena_str(arena, "localhost", err);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status ch_jdbc_try_hosts(const ch_jdbc_source *source, int fallback,
                            ch_status (*connect)(ch_jdbc_conn *conn, const char *host, int port,
                                                 ch_error *err),
                            ch_jdbc_conn *conn, ch_error *err)
{
    ch_arena arena;
    ch_status status = CH_E_JDBC_CONNECTION;
    ch_error own = {0};
    ch_arena_init(&arena, source->mem);
    for (int i = 0; status == CH_E_JDBC_CONNECTION; i++) {
        const char *host;
        int port = fallback;
        ch_error next = {0};
        status = host_of(source, &arena, i, fallback, &host, &port, &next);
        if (status == CH_OK && !host && i > 0) { /* none is left: what the last one said */
            status = CH_E_JDBC_CONNECTION;
            break;
        }
        if (status == CH_OK)
            status = connect(conn, host ? host : "localhost", port, &next);
        ch_error_release(&own);
        own = next;
    }
    ch_arena_release(&arena);
    return status == CH_OK ? CH_OK : ch_error_pass(err, &own);
}

static ch_status read_url(ch_jdbc_source *s, ch_arena *arena, ch_error *err)
{
    const char *url = given(s, "url");
    if (!url)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", "requirement failed: Option 'url' is required.");
    while (isspace((unsigned char)*url))
        url++;
    const char *scheme = strncasecmp(url, "jdbc:", 5) == 0 ? url + 5 : "";
    size_t len = strcspn(scheme, ":");
    s->driver = scheme[len] == ':' ? ch_jdbc_driver_find(scheme, len) : NULL;
    if (!s->driver) {
        char *shown = ch_arena_strn(arena, scheme, len, err);
        char known[256];
        size_t n = 0;
        known[0] = 0;
        for (int i = 0; DRIVER[i]; i++)
            for (const char *const *k = DRIVER[i]->scheme; *k && n < sizeof known - 32; k++)
                n += (size_t)snprintf(known + n, sizeof known - n, "%sjdbc:%s", n ? ", " : "", *k);
        CH_FAIL(err, JDBC_NO_DRIVER, "scheme", shown ? shown : "", "known", known);
    }
    char *name = ch_arena_strn(arena, scheme, len, err);
    if (!name)
        return CH_E_MEMORY;
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return s->driver->parse(s, arena, name, scheme + len + 1, err);
}

/* ---- options -------------------------------------------------------------------------------------------- */

static ch_status read_bool(const ch_jdbc_source *s, const char *name, bool fallback, bool *out,
                           ch_error *err)
{
    const char *v = given(s, name);
    *out = v ? strcasecmp(v, "true") == 0 : fallback;
    if (v && !*out && strcasecmp(v, "false") != 0)
        CH_FAIL(err, INVALID_OPTION, "name", name, "value", v, "expected", "true or false");
    return CH_OK;
}

static ch_status read_number(const ch_jdbc_source *s, const char *name, int64_t fallback,
                             int64_t least, int64_t *out, ch_error *err)
{
    const char *v = given(s, name);
    char *end;
    *out = fallback;
    if (!v)
        return CH_OK;
    *out = strtoll(v, &end, 10);
    if (!*v || *end || *out < least || *out > INT32_MAX)
        CH_FAIL(err, INVALID_OPTION, "name", name, "value", v, "expected",
                least ? "a number above 0" : "a number, 0 or more");
    return CH_OK;
}

static ch_status read_table(ch_jdbc_source *s, bool writes, ch_arena *arena, ch_error *err)
{
    const char *table = given(s, "dbtable"), *query = given(s, "query");
    if (table && query)
        CH_FAIL(err, JDBC_TABLE_AND_QUERY);
    if (!table && writes)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: Option 'dbtable' is required. Option 'query' is not "
                "applicable while writing.");
    if (!table && !query)
        CH_FAIL(err, JDBC_NO_TABLE);
    const char *text = table ? table : query;
    while (isspace((unsigned char)*text))
        text++;
    if (!*text)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                table ? "Option `dbtable` can not be empty." : "Option `query` can not be empty.");
    s->name = text;
    s->is_query = query != NULL;
    s->table = table ? table : ch_arena_printf(arena, err, "(%s) SPARK_GEN_SUBQ_0", query);
    return s->table ? CH_OK : CH_E_MEMORY;
}

static ch_status read_partitions(ch_jdbc_source *s, ch_error *err)
{
    s->partition_column = given(s, "partitionColumn");
    s->lower = given(s, "lowerBound");
    s->upper = given(s, "upperBound");
    CH_TRY(read_number(s, "numPartitions", 0, 0, &s->n_partitions, err));
    if (!s->partition_column && (s->lower || s->upper))
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: When reading JDBC data sources, users need to specify all or "
                "none for the following options: 'partitionColumn', 'lowerBound', 'upperBound', "
                "and 'numPartitions'");
    if (s->partition_column && (!s->lower || !s->upper || !given(s, "numPartitions")))
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: When reading JDBC data sources, users need to specify all or "
                "none for the following options: 'partitionColumn', 'lowerBound', 'upperBound', "
                "and 'numPartitions'");
    if (s->partition_column && s->is_query)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: Options 'query' and 'partitionColumn' can not be specified "
                "together. Please define the query using `dbtable` option instead and make sure to "
                "qualify the partition columns using the supplied subquery alias to resolve any "
                "ambiguity.");
    return CH_OK;
}

static ch_status read_properties(ch_jdbc_source *s, ch_error *err)
{
    const ch_jdbc_driver *d = s->driver;
    for (const char *const *name = REFUSED; *name; name++)
        if (given(s, *name))
            CH_FAIL(err, JDBC_PROPERTY, "name", *name, "url", s->shown);
    for (int32_t i = 0; i < s->options->n; i++) {
        const ch_strmap_entry *e = &s->options->entry[i];
        if (strcasecmp(e->key, "user") == 0 || strcasecmp(e->key, "password") == 0 ||
            !is_known(e->key))
            CH_TRY(set_property(s, e->key, e->value, err));
    }
    for (int32_t i = 0; i < s->property->n; i++) {
        const char *name = s->property->entry[i].key;
        if (!is_listed(d->property, name) && !is_listed(d->ignored, name))
            CH_FAIL(err, JDBC_PROPERTY, "name", name, "url", s->shown);
    }
    return CH_OK;
}

/* text and a blank, or "". */
static const char *with_blank(ch_arena *arena, const char *text, ch_error *err)
{
    return text ? ch_arena_printf(arena, err, "%s ", text) : "";
}

/* What goes around SELECT. A hint is one comment, and no way to say something else. */
static ch_status read_texts(ch_jdbc_source *s, ch_arena *arena, ch_error *err)
{
    const char *hint = given(s, "hint");
    size_t len = hint ? strlen(hint) : 0;
    if (hint && (len < 8 || strncmp(hint, "/*+ ", 4) != 0 || strcmp(hint + len - 3, " */") != 0 ||
                 strstr(hint + 4, "*/") != hint + len - 2)) {
        char *text = ch_arena_printf(
            arena, err,
            "requirement failed: Invalid value `%s` for option `hint`. It should start with `/*+ ` "
            "and end with ` */`.",
            hint);
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", text ? text : "hint");
    }
    if (hint && !s->driver->has_hints)
        CH_FAIL(err, JDBC_HINT, "jdbcDialect", s->driver->scheme[0]);
    s->hint = with_blank(arena, hint, err);
    s->prepare = with_blank(arena, given(s, "prepareQuery"), err);
    return s->hint && s->prepare ? CH_OK : CH_E_MEMORY;
}

/* What SQL calls a level of Spark's; *out NULL for NONE. */
static bool isolation_of(const char *level, const char **out)
{
    static const char *const LEVEL[][2] = {{"READ_UNCOMMITTED", "READ UNCOMMITTED"},
                                           {"READ_COMMITTED", "READ COMMITTED"},
                                           {"REPEATABLE_READ", "REPEATABLE READ"},
                                           {"SERIALIZABLE", "SERIALIZABLE"},
                                           {"NONE", NULL}};
    for (size_t i = 0; i < sizeof LEVEL / sizeof *LEVEL; i++)
        if (strcmp(level, LEVEL[i][0]) == 0) {
            *out = LEVEL[i][1];
            return true;
        }
    return false;
}

/* Those of writes. One connection writes all rows, so that any number of partitions from 1 on is obeyed. */
static ch_status read_writing(ch_jdbc_source *s, ch_error *err)
{
    const char *text = given(s, "numPartitions");
    int64_t n;
    const char *batch = given(s, "batchsize"), *level = given(s, "isolationLevel");
    if (batch && strtoll(batch, NULL, 10) < 1 && batch[strspn(batch, "-0123456789")] == 0) {
        char message[128];
        snprintf(message, sizeof message,
                 "requirement failed: Invalid value `%.20s` for parameter `batchsize`. The minimum "
                 "value is 1.",
                 batch);
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message", message);
    }
    CH_TRY(read_number(s, "batchsize", 0, 1, &s->batch_rows, err));
    if (level && !isolation_of(level, &s->isolation))
        CH_FAIL(err, JDBC_ISOLATION, "value", level);
    CH_TRY(read_number(s, "numPartitions", 1, 0, &n, err));
    if (s->writes && n < 1)
        CH_FAIL(err, JDBC_NUM_PARTITIONS, "n", text, "jdbcNumPartitions", "numPartitions");
    return CH_OK;
}

ch_status ch_jdbc_source_of(const ch_format_context *ctx, const ch_strmap *options, bool writes,
                            ch_arena *arena, ch_jdbc_source **out, ch_error *err)
{
    ch_jdbc_source *s;
    int64_t number;
    bool on;
    CH_ARENA_NEW(s, arena, err);
    CH_ARENA_NEW(s->property, arena, err);
    ch_strmap_init(s->property, arena, true);
    s->options = (ch_strmap *)(uintptr_t)options;
    s->mem = ctx->mem;
    s->writes = writes;
    s->cancel = ctx->cancel;
    s->zone = ch_zone_find(ctx->time_zone, (int64_t)strlen(ctx->time_zone), err);
    if (!s->zone)
        return CH_E_INVALID_TIMEZONE;
    CH_TRY(read_url(s, arena, err));
    CH_TRY(read_table(s, writes, arena, err));
    if (!writes)
        CH_TRY(read_partitions(s, err));
    CH_TRY(read_properties(s, err));
    CH_TRY(read_number(s, "queryTimeout", 0, 0, &s->timeout_s, err));
    CH_TRY(read_number(s, "fetchsize", 0, 0, &number, err));
    CH_TRY(read_writing(s, err));
    CH_TRY(read_texts(s, arena, err));
    CH_TRY(read_bool(s, "preferTimestampNTZ", ctx->timestamp_ntz, &s->timestamp_ntz, err));
    CH_TRY(read_bool(s, "pushDownPredicate", true, &s->push_predicate, err));
    CH_TRY(read_bool(s, "pushDownLimit", true, &s->push_limit, err));
    CH_TRY(read_bool(s, "pushDownAggregate", true, &s->push_aggregate, err));
    CH_TRY(read_bool(s, "pushDownOffset", true, &on, err));
    CH_TRY(read_bool(s, "pushDownTableSample", true, &on, err));
    s->init_statement = given(s, "sessionInitStatement");
    const char *custom = given(s, "customSchema");
    if (custom && !writes)
        CH_TRY(ch_type_parse_ddl(custom, &s->custom, err));
    if (s->driver->check)
        CH_TRY(s->driver->check(s, err));
    if (s->host) /* "mysql://host:3306/db" is a place like others */
        CH_TRY(ch_access_check(s->shown + strlen("jdbc:"), writes, err));
    *out = s;
    return CH_OK;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static bool is_blank(const char *text)
{
    return !text || !text[strspn(text, " \t\r\n")];
}

static void begin_statement(ch_jdbc_conn *conn)
{
    int64_t s = conn->source->timeout_s;
    conn->deadline_ns = s ? ch_tick_ns() + s * 1000000000 : 0;
}

ch_status ch_jdbc_connect(const ch_jdbc_source *source, ch_jdbc_conn **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(source->driver->connect(source, out, err));
    begin_statement(*out);
    ch_status status = is_blank(source->init_statement)
                           ? CH_OK
                           : source->driver->execute(*out, source->init_statement, NULL, err);
    if (status != CH_OK) {
        ch_jdbc_close(*out);
        *out = NULL;
    }
    return status;
}

void ch_jdbc_close(ch_jdbc_conn *conn)
{
    if (conn)
        conn->source->driver->close(conn);
}

ch_status ch_jdbc_heed(const ch_jdbc_conn *conn, ch_error *err)
{
    const _Atomic bool *cancel = conn->source->cancel;
    if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
        CH_FAIL(err, CANCELLED);
    if (conn->deadline_ns && ch_tick_ns() > conn->deadline_ns)
        return ch_jdbc_failed(conn->source, "Run a statement",
                              "it took longer than the option queryTimeout allows", err);
    return CH_OK;
}

ch_status ch_jdbc_wait(const ch_jdbc_conn *conn, int fd, bool read, bool write, ch_error *err)
{
    struct pollfd one = {.fd = fd, .events = (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0))};
    for (;;) {
        CH_TRY(ch_jdbc_heed(conn, err));
        if (poll(&one, 1, 40) > 0)
            return CH_OK;
    }
}

ch_status ch_jdbc_failed(const ch_jdbc_source *source, const char *operation, const char *reason,
                         ch_error *err)
{
    char text[2048];
    snprintf(text, sizeof text, "%s", reason && *reason ? reason : "no reason was told");
    for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]);)
        text[--n] = 0;
    CH_FAIL(err, JDBC_QUERY, "url", source->shown, "operation", operation, "reason", text);
}
