/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date_text.c - dates and text by pattern: to_date, to_timestamp, date_format, unix_timestamp,
 * from_unixtime.
 *
 * A worker keeps the last pattern compiled. Text that does not fit the pattern is an error with
 * ANSI on, else NULL; the try_ functions always give NULL.
 */
#include <stdio.h>

#include "column/textout.h"
#include "function/utf8.h"
#include "type/datetime.h"

typedef struct pattern_state {
    ch_arena arena;
    ch_buf text;
    const ch_pattern *pattern;
} pattern_state;

static ch_status pattern_open(const ch_call *call, void **state, ch_error *err)
{
    pattern_state *s = ch_mem_zalloc(call->mem, sizeof *s, err);
    *state = s;
    if (!s)
        return CH_E_MEMORY;
    ch_arena_init(&s->arena, call->mem);
    ch_buf_init(&s->text, call->mem);
    return CH_OK;
}

static void pattern_close(const ch_call *call, void *state)
{
    pattern_state *s = state;
    if (!s)
        return;
    ch_arena_release(&s->arena);
    ch_buf_release(&s->text);
    ch_mem_free(call->mem, s, sizeof *s);
}

static ch_status use_pattern(pattern_state *s, ch_str text, bool for_parsing, ch_error *err)
{
    if (s->pattern && (int64_t)s->text.len == text.len &&
        memcmp(s->text.data ? s->text.data : "", text.text, (size_t)text.len) == 0)
        return CH_OK;
    s->pattern = NULL;
    ch_arena_reset(&s->arena);
    ch_buf_reset(&s->text);
    CH_TRY(ch_buf_add(&s->text, text.text, (size_t)text.len, err));
    return ch_pattern_compile(text.text, text.len, for_parsing, &s->arena, &s->pattern, err);
}

static ch_status session_zone(const ch_call *call, const ch_zone **out, ch_error *err)
{
    const char *name = call->ctx->time_zone ? call->ctx->time_zone : "UTC";
    *out = ch_zone_find(name, (int64_t)strlen(name), err);
    return *out ? CH_OK : CH_E_INVALID_TIMEZONE;
}

static const ch_str DEFAULT_PATTERN = {"yyyy-MM-dd HH:mm:ss", 19};

/* Row i could not be read. */
static ch_status unreadable(const ch_call *call, ch_column *out, int64_t i, ch_str s, ch_error *err)
{
    if (!ch_is_valid(out, i))
        return CH_OK;
    if (!call->ctx->ansi || strncmp(call->func->name, "try_", 4) == 0)
        return ch_set_null(out, i, err);
    char message[256];
    snprintf(message, sizeof message, "Text '%.*s' could not be parsed",
             (int)(s.len < 128 ? s.len : 128), s.text);
    CH_FAIL(err, CANNOT_PARSE_TIMESTAMP, "message", message, "func",
            call->result->id == CH_DATE ? "`try_to_date`" : "`try_to_timestamp`");
}

/* to_date(s, pattern), to_timestamp(s, pattern), to_unix_timestamp(s, pattern) */
static ch_status eval_parse(const ch_call *call, ch_column **out, ch_error *err)
{
    pattern_state *st = call->state;
    const ch_zone *zone;
    CH_TRY(session_zone(call, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t us = 0;
        int32_t days = 0;
        bool ok = true;
        ch_str s = ch_arg_str(call, 0, i);
        if (ch_is_valid(*out, i)) {
            CH_TRY(use_pattern(st, call->n_args > 1 ? ch_arg_str(call, 1, i) : DEFAULT_PATTERN,
                               true, err));
            ok = call->result->id == CH_DATE
                     ? ch_pattern_parse_date(st->pattern, s.text, s.len, &days)
                 : call->result->id == CH_TIMESTAMP_NTZ
                     ? ch_pattern_parse_ntz(st->pattern, s.text, s.len, &us)
                     : ch_pattern_parse(st->pattern, s.text, s.len, zone, &us);
        }
        if (!ok)
            CH_TRY(unreadable(call, *out, i, s, err));
        if (call->result->id == CH_DATE)
            ((int32_t *)(*out)->data)[i] = days;
        else if (call->result->id == CH_LONG)
            ((int64_t *)(*out)->data)[i] = us / CH_US_PER_SECOND - (us % CH_US_PER_SECOND < 0);
        else
            ((int64_t *)(*out)->data)[i] = us;
    }
    return CH_OK;
}

/* The argument cast to the result, NULL where it cannot be for try_ functions. */
static ch_status eval_cast(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_cast_mode mode = strncmp(call->func->name, "try_", 4) == 0 ? CH_CAST_TRY
                        : call->ctx->ansi                         ? CH_CAST_ANSI
                                                                  : CH_CAST_LEGACY;
    ch_column *c;
    CH_TRY(ch_cast(call->arg[0], call->result, mode, call->ctx, call->mem, &c, err));
    ch_column_unref(*out);
    *out = c;
    return CH_OK;
}

static ch_status eval_unix_seconds(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    if (call->n_args == 0) {
        for (int64_t i = 0; i < call->rows; i++)
            r[i] = call->ctx->now_us / CH_US_PER_SECOND;
        return CH_OK;
    }
    CH_UNUSED(err);
    const ch_column *c = call->arg[0];
    const int64_t *us = c->data;
    int64_t step = c->encoding != CH_CONST;
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t x = us[i * step];
        r[i] = x / CH_US_PER_SECOND - (x % CH_US_PER_SECOND < 0);
    }
    return CH_OK;
}

/* date_format(t, pattern), from_unixtime(seconds [, pattern]) */
static ch_status eval_format(const ch_call *call, ch_column **out, ch_error *err)
{
    pattern_state *st = call->state;
    const ch_zone *zone;
    ch_textout w;
    bool seconds = call->func->name[0] == 'f';
    CH_TRY(session_zone(call, &zone, err));
    const ch_column *c = call->arg[0];
    if (c->type->id == CH_TIMESTAMP_NTZ)
        zone = &ch_zone_utc;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_is_valid(*out, i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        CH_TRY(use_pattern(st, call->n_args > 1 ? ch_arg_str(call, 1, i) : DEFAULT_PATTERN, false,
                           err));
        char *room = ch_textout_room(&w, ch_pattern_max_bytes(st->pattern), err);
        if (!room)
            return CH_E_MEMORY;
        int64_t us = ((const int64_t *)c->data)[c->encoding == CH_CONST ? 0 : i];
        if (seconds && __builtin_mul_overflow(us, CH_US_PER_SECOND, &us))
            us = us < 0 ? INT64_MIN : INT64_MAX;
        ch_textout_commit(&w, i, ch_pattern_format(st->pattern, us, zone, room));
    }
    return CH_OK;
}

/* One argument: a cast; two and the first a string: by pattern. */
static ch_status bind_to(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    const char *name = bind->func->name;
    name += strncmp(name, "try_", 4) == 0 ? 4 : 0;
    bind->result = strcmp(name, "to_date") == 0            ? CH_T_DATE
                   : strcmp(name, "to_timestamp_ntz") == 0 ? ch_type_of(CH_TIMESTAMP_NTZ)
                                                           : CH_T_TIMESTAMP;
    bind->nullable |= name != bind->func->name || !bind->ctx->ansi;
    if (bind->n_args == 2)
        CH_TRY(ch_bind_cast(bind, 1, CH_T_STRING, err));
    bool string = ch_type_is_string(bind->arg_type[0]);
    if (bind->n_args == 1 || !string) {
        if (!ch_can_cast(bind->arg_type[0], bind->result, bind->ctx->ansi))
            return ch_bind_wrong_type(bind, 0, "STRING\" or \"DATE\" or \"TIMESTAMP", err);
        bind->eval = eval_cast;
    }
    return CH_OK;
}

/* unix_timestamp([t | s [, pattern]]) */
static ch_status bind_unix(ch_bind *bind, ch_error *err)
{
    if (bind->n_args > 2)
        return ch_bind_count(bind, "[0, 2]", err);
    bind->result = CH_T_LONG;
    bind->nullable |= !bind->ctx->ansi && bind->n_args > 0;
    if (bind->n_args == 2)
        CH_TRY(ch_bind_cast(bind, 1, CH_T_STRING, err));
    if (bind->n_args > 0 && ch_type_is_string(bind->arg_type[0]))
        return CH_OK;
    if (bind->n_args > 0)
        CH_TRY(ch_bind_cast(bind, 0, CH_T_TIMESTAMP, err));
    bind->eval = eval_unix_seconds;
    return CH_OK;
}

#define FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAY_FAIL
#define PARSE(fn, binder, text, ex, want)                                             \
    {                                                                                 \
        .name = fn, .bind = binder, .eval = eval_parse, .open = pattern_open,         \
        .close = pattern_close, .flags = FLAGS, .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.1"                                                \
    }
#define FORMAT(fn, signature, text, ex, want)                                         \
    {                                                                                 \
        .name = fn, .sig = signature, .eval = eval_format, .open = pattern_open,      \
        .close = pattern_close, .flags = FLAGS, .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.1"                                                \
    }

const ch_func ch_func_date_text[] = {
    PARSE("to_date", bind_to, "A date from text, by a pattern if given.",
          "to_date('2016-12-31', 'yyyy-MM-dd')", "2016-12-31"),
    PARSE("try_to_date", bind_to, "A date from text; NULL if it is none.",
          "try_to_date('foo', 'yyyy-MM-dd')", "NULL"),
    PARSE("to_timestamp", bind_to, "A timestamp from text, by a pattern if given.",
          "to_timestamp('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"),
    PARSE("to_timestamp_ltz", bind_to, "A timestamp from text, by a pattern if given.",
          "to_timestamp_ltz('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"),
    PARSE("to_timestamp_ntz", bind_to, "A wall clock from text, by a pattern if given.",
          "to_timestamp_ntz('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"),
    PARSE("try_to_timestamp", bind_to, "A timestamp from text; NULL if it is none.",
          "try_to_timestamp('foo', 'yyyy-MM-dd')", "NULL"),
    PARSE("unix_timestamp", bind_unix, "Seconds since the epoch.",
          "unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460073600"),
    PARSE("to_unix_timestamp", bind_unix, "Seconds since the epoch.",
          "to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460073600"),
    FORMAT("date_format", "timestamp|timestamp_ntz, string -> string",
           "A timestamp as text, by a pattern.", "date_format('2016-04-08', 'y')", "2016"),
    FORMAT("from_unixtime", "bigint[, string] -> string",
           "Seconds since the epoch as text, by a pattern if given.",
           "from_unixtime(0, 'yyyy-MM-dd HH:mm:ss')", "1970-01-01 00:00:00"),
    CH_FUNC_END,
};
