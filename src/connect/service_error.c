/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_error.c - an error as Spark's clients expect it: gRPC status INTERNAL, the Java class that decides
 * which Python exception is raised, error class, SQLSTATE, parameters, and the place in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column/format_value.h"
#include "connect/service.h"
#include "wire/json.h"
#include <google/rpc/status.pb-c.h>

#define MOST_TEXT \
    2000 /* of a message in a trailer: it goes twice, and trailers above 8 KiB are refused */
#define MOST_CLASSES 4

/* Java's classes by error class or SQLSTATE, whichever comes first; a prefix of either. Parents after the first. */
typedef struct java_class {
    const char *prefix;
    const char *name[MOST_CLASSES];
} java_class;

#define SPARK "org.apache.spark."
static const java_class BY_CLASS[] = {
    {"_LEGACY_ERROR_TEMP_1", {SPARK "sql.AnalysisException"}}, /* 1000 to 1999: of the analysis */
    {"UNSUPPORTED_FEATURE.TABLE_OPERATION", {SPARK "sql.AnalysisException"}},
    {"UNSUPPORTED_FEATURE.ANALYZE_VIEW", {SPARK "sql.AnalysisException"}},
    {"UNSUPPORTED_FEATURE.DROP_DATABASE", {SPARK "sql.AnalysisException"}},
    {"INCOMPATIBLE_DATA_FOR_TABLE", {SPARK "sql.AnalysisException"}},
    {"ALL_PARTITION_COLUMNS_NOT_ALLOWED", {SPARK "sql.AnalysisException"}},
    {"CODEC_NOT_AVAILABLE",
     {SPARK "SparkIllegalArgumentException", "java.lang.IllegalArgumentException"}},
    {"DUPLICATED_MAP_KEY", {SPARK "SparkRuntimeException", "java.lang.RuntimeException"}},
    {"CANNOT_MODIFY_", {SPARK "sql.AnalysisException"}},
    {"CANNOT_PARSE_INTERVAL", {SPARK "sql.AnalysisException"}},
    {"INSERT_", {SPARK "sql.AnalysisException"}},
    {"CREATE_VIEW_COLUMN_ARITY", {SPARK "sql.AnalysisException"}},
    {"SCHEMA_NOT_EMPTY", {SPARK "sql.AnalysisException"}},
    {"RENAME_TABLE_SOURCE", {SPARK "sql.AnalysisException"}},
    {"PARTITION_BY_NOT_ALLOWED", {SPARK "sql.AnalysisException"}},
    {"PARSE_", {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"INVALID_SQL_SYNTAX",
     {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"INVALID_TYPED_LITERAL",
     {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"INVALID_NUMERIC_LITERAL_RANGE",
     {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"UNSUPPORTED_DATATYPE",
     {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"UNCLOSED_BRACKETED_COMMENT",
     {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"CAST_INVALID_INPUT",
     {SPARK "SparkNumberFormatException", "java.lang.NumberFormatException",
      "java.lang.IllegalArgumentException"}},
    {"CAST_OVERFLOW", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"DIVIDE_BY_ZERO", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"INTERVAL_DIVIDED_BY_ZERO",
     {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"REMAINDER_BY_ZERO", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"DATETIME_OVERFLOW", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"INVALID_ARRAY_INDEX",
     {SPARK "SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException"}},
    {"MAP_KEY_DOES_NOT_EXIST",
     {SPARK "SparkNoSuchElementException", "java.util.NoSuchElementException"}},
    {"SQL_CONF_NOT_FOUND",
     {SPARK "SparkNoSuchElementException", "java.util.NoSuchElementException"}},
    {"PYTHON_EXCEPTION", {SPARK "api.python.PythonException", "java.lang.RuntimeException"}},
    {"OPERATION_CANCELED", {SPARK "SparkSQLException", "java.sql.SQLException"}},
    {"INVALID_HANDLE", {SPARK "SparkSQLException", "java.sql.SQLException"}},
    {"INVALID_CURSOR", {SPARK "SparkSQLException", "java.sql.SQLException"}},
    {"CONNECT_INVALID_PLAN", {SPARK "sql.connect.common.InvalidPlanInput", SPARK "SparkException"}},
    {"OUT_OF_MEMORY", {SPARK "SparkException"}},
    {"FAILED_READ_FILE", {SPARK "SparkException"}},
    {"UNSUPPORTED_FEATURE",
     {SPARK "SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException"}},
    {"USER_RAISED_EXCEPTION", {SPARK "SparkRuntimeException", "java.lang.RuntimeException"}},
};
static const java_class BY_STATE[] = {
    {"22007", {SPARK "SparkDateTimeException", "java.time.DateTimeException"}},
    {"22008", {SPARK "SparkDateTimeException", "java.time.DateTimeException"}},
    {"22012", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"22015", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"22003", {SPARK "SparkArithmeticException", "java.lang.ArithmeticException"}},
    {"22018", {SPARK "SparkDateTimeException", "java.time.DateTimeException"}},
    {"22023", {SPARK "SparkIllegalArgumentException", "java.lang.IllegalArgumentException"}},
    {"42601", {SPARK "sql.catalyst.parser.ParseException", SPARK "sql.AnalysisException"}},
    {"42", {SPARK "sql.AnalysisException"}},
    {"0A000", {SPARK "sql.AnalysisException"}},
    {"21000", {SPARK "SparkRuntimeException", "java.lang.RuntimeException"}},
    {"22", {SPARK "SparkRuntimeException", "java.lang.RuntimeException"}},
    {"38", {SPARK "SparkRuntimeException", "java.lang.RuntimeException"}},
    {"", {SPARK "SparkException"}},
};

static const java_class *find_class(const java_class *table, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(text, table[i].prefix, strlen(table[i].prefix)) == 0)
            return &table[i];
    return NULL;
}

/* What Spark checks by require() has an exception but no error class. */
static const char *class_told(const ch_error *e)
{
    return e->code == CH_E_ILLEGAL_ARGUMENT ? "" : ch_status_class(e->code);
}

static const java_class *class_of(const ch_error *err)
{
    const char *cls = ch_status_class(err->code), *to = ch_error_param(err, "targetType");
    const java_class *c = find_class(BY_CLASS, sizeof BY_CLASS / sizeof *BY_CLASS, cls);
    /* A bad text for a date is another exception than one for a number. */
    if (c && strcmp(c->prefix, "CAST_INVALID_INPUT") == 0 && to &&
        (strstr(to, "DATE") || strstr(to, "TIME") || strstr(to, "INTERVAL")))
        c = NULL;
    return c ? c
             : find_class(BY_STATE, sizeof BY_STATE / sizeof *BY_STATE,
                          ch_status_sqlstate(err->code));
}

/* ---- JSON -------------------------------------------------------------------------------- */

static ch_status add_json(ch_buf *out, const char *text, ch_error *err)
{
    return ch_json_quote(text, (int64_t)strlen(text), out, err);
}

static ch_status add_classes(ch_buf *out, const java_class *c, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '[', err));
    for (int i = 0; i < MOST_CLASSES && c->name[i]; i++) {
        CH_TRY(add_json(out, c->name[i], err));
        CH_TRY(ch_buf_addc(out, ',', err));
    }
    return ch_buf_adds(out, "\"java.lang.Exception\"]", err);
}

static ch_status add_params(ch_buf *out, const ch_error *e, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '{', err));
    for (int i = 0; i < e->n_params; i++) {
        if (i)
            CH_TRY(ch_buf_addc(out, ',', err));
        CH_TRY(add_json(out, e->param[i].name, err));
        CH_TRY(ch_buf_addc(out, ':', err));
        CH_TRY(add_json(out, e->param[i].value, err));
    }
    return ch_buf_addc(out, '}', err);
}

/* ---- the short form: google.rpc.Status --------------------------------------------------- */

static ch_status pack_status(ch_arena *arena, ch_mem *mem, const ch_error *e, const char *text,
                             const char *error_id, ch_buffer **out, ch_error *err)
{
    typedef Google__Rpc__ErrorInfo__MetadataEntry entry;
    enum { N = 5 };
    entry pair[N], *pairs[N];
    ch_buf classes, params;
    const java_class *c = class_of(e);
    ch_buf_init(&classes, arena->mem);
    ch_buf_init(&params, arena->mem);
    ch_status status = CH_OK;
    CH_TRY_OUT(add_classes(&classes, c, err));
    CH_TRY_OUT(add_params(&params, e, err));
    const char *value[N][2] = {
        {"classes", classes.data},
        {"errorClass", class_told(e)},
        {"sqlState", ch_status_sqlstate(e->code)},
        {"errorId", error_id},
        {"messageParameters", params.data},
    };
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = (char *)(uintptr_t)c->name[0];
    info.domain = (char *)(uintptr_t) "org.apache.spark";
    info.metadata = pairs;
    info.n_metadata = params.len > MOST_TEXT ? N - 1 : N; /* FetchErrorDetails has them whole */
    for (int i = 0; i < N; i++) {
        google__rpc__error_info__metadata_entry__init(&pair[i]);
        pair[i].key = (char *)(uintptr_t)value[i][0];
        pair[i].value = (char *)(uintptr_t)value[i][1];
        pairs[i] = &pair[i];
    }
    size_t len = google__rpc__error_info__get_packed_size(&info);
    uint8_t *packed = ch_arena_alloc(arena, len, err);
    status = packed ? CH_OK : CH_E_MEMORY;
    if (status != CH_OK)
        goto out;
    google__rpc__error_info__pack(&info, packed);
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT, *details[1] = {&any};
    any.type_url = (char *)(uintptr_t) "type.googleapis.com/google.rpc.ErrorInfo";
    any.has_value = 1;
    any.value = (ProtobufCBinaryData){len, packed};
    Google__Rpc__Status message = GOOGLE__RPC__STATUS__INIT;
    message.has_code = 1;
    message.code = CH_GRPC_INTERNAL;
    message.message = (char *)(uintptr_t)text;
    message.details = details;
    message.n_details = 1;
    status = cn_pack(&message, mem, out, err);
out:
    ch_buf_release(&classes);
    ch_buf_release(&params);
    return status;
}

/* ---- the long form: FetchErrorDetailsResponse -------------------------------------------- */

static ch_status pack_details(ch_arena *arena, ch_mem *mem, const ch_error *e, const char *text,
                              ch_buffer **out, ch_error *err)
{
    typedef PB(FetchErrorDetailsResponse__SparkThrowable__MessageParametersEntry) entry;
    const java_class *c = class_of(e);
    char *classes[MOST_CLASSES + 1];
    size_t n_classes = 0;
    while (n_classes < MOST_CLASSES && c->name[n_classes]) {
        classes[n_classes] = (char *)(uintptr_t)c->name[n_classes];
        n_classes++;
    }
    classes[n_classes++] = (char *)(uintptr_t) "java.lang.Exception";
    entry *pair, **pairs;
    CH_ARENA_ARRAY(pair, arena, CH_ERROR_MAX_PARAMS, err);
    CH_ARENA_ARRAY(pairs, arena, CH_ERROR_MAX_PARAMS, err);
    for (int i = 0; i < e->n_params; i++) {
        spark__connect__fetch_error_details_response__spark_throwable__message_parameters_entry__init(
            &pair[i]);
        pair[i].key = e->param[i].name;
        pair[i].value = e->param[i].value;
        pairs[i] = &pair[i];
    }
    PB(FetchErrorDetailsResponse__QueryContext)
    context = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__QUERY_CONTEXT__INIT;
    PB(FetchErrorDetailsResponse__QueryContext) * contexts[1] = {&context};
    PB(FetchErrorDetailsResponse__SparkThrowable)
    throwable = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__SPARK_THROWABLE__INIT;
    throwable.error_class = (char *)(uintptr_t)class_told(e);
    throwable.sql_state = (char *)(uintptr_t)ch_status_sqlstate(e->code);
    throwable.message_parameters = pairs;
    throwable.n_message_parameters = (size_t)e->n_params;
    if (e->sql && e->line > 0 && e->stop > e->start) {
        context.has_context_type = 1;
        context.context_type =
            SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__QUERY_CONTEXT__CONTEXT_TYPE__SQL;
        context.has_start_index = context.has_stop_index = 1;
        context.start_index = e->start;
        context.stop_index = e->stop - 1;
        context.object_type = context.object_name = (char *)(uintptr_t) "";
        context.fragment =
            ch_arena_strn(arena, e->sql + e->start, (size_t)(e->stop - e->start), err);
        context.summary = ch_arena_printf(arena, err, "== SQL (line %d, position %d) ==\n%s\n",
                                          e->line, e->column, e->sql);
        if (!context.fragment || !context.summary)
            return CH_E_MEMORY;
        throwable.query_contexts = contexts;
        throwable.n_query_contexts = 1;
    }
    PB(FetchErrorDetailsResponse__Error)
    error = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__ERROR__INIT;
    PB(FetchErrorDetailsResponse__Error) * errors[1] = {&error};
    error.error_type_hierarchy = classes;
    error.n_error_type_hierarchy = n_classes;
    error.message = (char *)(uintptr_t)text;
    error.spark_throwable = &throwable;
    PB(FetchErrorDetailsResponse) response = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__INIT;
    response.has_root_error_idx = 1;
    response.errors = errors;
    response.n_errors = 1;
    return cn_pack(&response, mem, out, err);
}

static void keep_details(cn_session *session, const char *id, ch_buffer *bytes)
{
    pthread_mutex_lock(&session->lock);
    cn_kept_error *e = &session->error[session->next_error++ % CN_KEPT_ERRORS];
    ch_buffer *old = e->bytes;
    strcpy(e->id, id);
    e->bytes = bytes;
    pthread_mutex_unlock(&session->lock);
    ch_buffer_unref(old);
}

/* ---- both -------------------------------------------------------------------------------- */

/* Cut to what a trailer holds, at a character's end. */
static char *shorten(const char *text)
{
    size_t n = strlen(text);
    if (n > MOST_TEXT) {
        n = MOST_TEXT;
        while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
            n--;
    }
    return strndup(text, n);
}

cn_failure cn_failure_of(cn_session *session, ch_mem *mem, ch_error *err)
{
    ch_error second = {0};
    char *message = NULL;
    ch_buffer *status = NULL;
    ch_arena arena;
    char id[CN_ID] = "";
    ch_arena_init(&arena, mem);
    char *text = ch_error_text(err);
    if (text) {
        ch_buffer *details;
        message = shorten(text);
        if (session && ch_uuid(id, &second) == CH_OK) {
            if (pack_details(&arena, mem, err, text, &details, &second) == CH_OK)
                keep_details(session, id, details);
            else
                id[0] = 0;
        }
        if (message)
            (void)!pack_status(&arena, mem, err, message, id, &status, &second);
    }
    free(text);
    ch_arena_release(&arena);
    ch_error_release(&second);
    ch_error_release(err);
    return (cn_failure){.code = CH_GRPC_INTERNAL, .message = message, .details = status};
}

void cn_failure_release(cn_failure *f)
{
    free(f->message);
    ch_buffer_unref(f->details);
    *f = (cn_failure){0};
}

void cn_finish_failed(ch_grpc_call *call, cn_session *session, ch_mem *mem, ch_error *err)
{
    cn_failure f = cn_failure_of(session, mem, err);
    ch_grpc_finish(call, f.code, f.message, f.details ? f.details->data : NULL,
                   f.details ? (size_t)f.details->bytes : 0);
    cn_failure_release(&f);
}
