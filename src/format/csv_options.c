/* SPDX-License-Identifier: Apache-2.0 */
/* csv_options.c - the options' table, and their values checked as Spark's CSVOptions does. */
#include "format/csv_options.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

const ch_option ch_csv_option_table[] = {
    {"sep", CH_OPT_STRING, ",", "one or more characters", "Separates fields."},
    {"delimiter", CH_OPT_STRING, NULL, "one or more characters", "Another name of sep."},
    {"encoding", CH_OPT_STRING, "UTF-8", "a charset", "Encoding of the files."},
    {"charset", CH_OPT_STRING, NULL, "a charset", "Another name of encoding."},
    {"quote", CH_OPT_CHAR, "\"", "one character or none",
     "Quotes values; empty turns quoting off."},
    {"escape", CH_OPT_CHAR, "\\", "one character or none", "Escapes quotes inside quoted values."},
    {"charToEscapeQuoteEscaping", CH_OPT_CHAR, NULL, "one character or none",
     "Escapes the escape character; default: escape, if it differs from quote."},
    {"comment", CH_OPT_CHAR, NULL, "one character or none",
     "Lines that begin with it are skipped."},
    {"header", CH_OPT_BOOL, "false", "true or false", "The first line names the columns."},
    {"inferSchema", CH_OPT_BOOL, "false", "true or false",
     "Finds types by reading the input once."},
    {"preferDate", CH_OPT_BOOL, "true", "true or false", "Infers DATE where every value is one."},
    {"enforceSchema", CH_OPT_BOOL, "true", "true or false",
     "false: headers must agree with the schema."},
    {"ignoreLeadingWhiteSpace", CH_OPT_BOOL, NULL, "true or false",
     "Drops blanks before values; default false for reading, true for writing."},
    {"ignoreTrailingWhiteSpace", CH_OPT_BOOL, NULL, "true or false",
     "Drops blanks behind values; default false for reading, true for writing."},
    {"nullValue", CH_OPT_STRING, "", "any text", "Stands for NULL."},
    {"emptyValue", CH_OPT_STRING, NULL, "any text",
     "Stands for an empty string; default \"\" for writing, nothing for reading."},
    {"nanValue", CH_OPT_STRING, "NaN", "any text", "Stands for not-a-number."},
    {"positiveInf", CH_OPT_STRING, "Inf", "any text", "Stands for infinity."},
    {"negativeInf", CH_OPT_STRING, "-Inf", "any text", "Stands for negative infinity."},
    {"dateFormat", CH_OPT_STRING, NULL, "a date-time pattern", "Format of dates; yyyy-MM-dd."},
    {"timestampFormat", CH_OPT_STRING, NULL, "a date-time pattern",
     "Format of timestamps; yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]."},
    {"timestampNTZFormat", CH_OPT_STRING, NULL, "a date-time pattern",
     "Format of timestamps without zone; yyyy-MM-dd'T'HH:mm:ss[.SSS]."},
    {"enableDateTimeParsingFallback", CH_OPT_BOOL, NULL, "true or false",
     "Values that do not fit the format are read as casts read them."},
    {"timeZone", CH_OPT_STRING, NULL, "a time zone", "Zone of timestamps; default: the session's."},
    {"locale", CH_OPT_STRING, "en-US", "a language tag", "Language of dates and decimals."},
    {"maxColumns", CH_OPT_INT, "20480", "a number", "Most columns a record may have."},
    {"maxCharsPerColumn", CH_OPT_INT, "-1", "a number, or -1",
     "Most characters of a value; -1: any."},
    {"mode", CH_OPT_ENUM, "PERMISSIVE", "PERMISSIVE|DROPMALFORMED|FAILFAST",
     "What to do with malformed records."},
    {"columnNameOfCorruptRecord", CH_OPT_STRING, NULL, "a name",
     "Column that takes malformed records' text."},
    {"multiLine", CH_OPT_BOOL, "false", "true or false", "Quoted values may hold newlines."},
    {"lineSep", CH_OPT_STRING, NULL, "one or two characters",
     "Ends lines; default LF, CR LF and CR."},
    {"samplingRatio", CH_OPT_DOUBLE, "1.0", "a number in (0, 1]",
     "Part of the rows used to infer."},
    {"unescapedQuoteHandling", CH_OPT_ENUM, "STOP_AT_DELIMITER",
     "STOP_AT_CLOSING_QUOTE|BACK_TO_DELIMITER|STOP_AT_DELIMITER|SKIP_VALUE|RAISE_ERROR",
     "What a quote inside a value means."},
    {"columnPruning", CH_OPT_BOOL, NULL, "true or false",
     "Only wanted columns are parsed; default true without multiLine."},
    {"quoteAll", CH_OPT_BOOL, "false", "true or false", "Writing: quotes every value but NULL."},
    {"escapeQuotes", CH_OPT_BOOL, "true", "true or false",
     "Writing: quotes values that hold quotes."},
    {"compression", CH_OPT_ENUM, "none", "none|uncompressed|gzip|deflate|bzip2|zstd|lz4|snappy",
     "Codec of written files; read files are known by their names."},
    {"codec", CH_OPT_STRING, NULL, "a codec", "Another name of compression."},
    {"inputBufferSize", CH_OPT_INT, NULL, "a number", "Accepted, without effect."},
    {NULL},
};

/* ---- single values ------------------------------------------------------------------------ */

static const char *text_of(const ch_strmap *options, const char *name, const char *other)
{
    const char *v = ch_strmap_get(options, name);
    return v || !other ? v : ch_strmap_get(options, other);
}

/* One code point of valid UTF-8; moves *p past it. */
static uint32_t next_char(const char **p)
{
    const uint8_t *s = (const uint8_t *)*p;
    uint32_t c = s[0];
    int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    if (more)
        c &= 0x3Fu >> more;
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            more = i - 1;
            break;
        }
        c = c << 6 | (s[i] & 0x3F);
    }
    *p += more + 1;
    return c;
}

static ch_status read_char(const ch_strmap *options, const char *name, uint32_t fallback,
                           bool *given, uint32_t *out, ch_error *err)
{
    const char *v = text_of(options, name, NULL), *p = v;
    *out = fallback;
    if (given)
        *given = false;
    if (!v)
        return CH_OK;
    *out = *p ? next_char(&p) : 0;
    if (*p)
        CH_FAIL(err, OPTION_ONE_CHARACTER, "optionName", name, "optionValue", v);
    if (given)
        *given = p > v;
    return CH_OK;
}

static ch_status read_flag(const ch_strmap *options, const char *name, bool fallback, bool *out,
                           ch_error *err)
{
    const char *v = text_of(options, name, NULL);
    *out = fallback;
    if (!v)
        return CH_OK;
    *out = strcasecmp(v, "true") == 0;
    if (!*out && strcasecmp(v, "false") != 0)
        CH_FAIL(err, CSV_BAD_FLAG, "paramName", name, "value", v);
    return CH_OK;
}

static ch_status read_int(const ch_strmap *options, const char *name, int64_t fallback,
                          int64_t *out, ch_error *err)
{
    const char *v = text_of(options, name, NULL);
    char *end;
    *out = fallback;
    if (!v)
        return CH_OK;
    errno = 0;
    *out = strtoll(v, &end, 10);
    if (errno || end == v || *end || *out > INT32_MAX || *out < INT32_MIN || *v == ' ')
        CH_FAIL(err, CSV_BAD_INTEGER, "paramName", name, "value", v);
    return CH_OK;
}

static ch_str read_str(const ch_strmap *options, const char *name, const char *fallback)
{
    const char *v = text_of(options, name, NULL);
    if (!v)
        v = fallback;
    return (ch_str){v, v ? (int64_t)strlen(v) : 0};
}

/* sep, with \t and its like replaced. */
static ch_status read_sep(const ch_strmap *options, ch_arena *arena, const char **out,
                          ch_error *err)
{
    const char *v = text_of(options, "sep", "delimiter");
    *out = ",";
    if (!v)
        return CH_OK;
    char *to = ch_arena_str(arena, v, err);
    if (!to)
        return CH_E_MEMORY;
    *out = to;
    if (!*v)
        CH_FAIL(err, CSV_DELIMITER_EMPTY);
    while (*v) {
        char c = *v++;
        if (c == '\\') {
            static const char FROM[] = "trbf\"'\\", TO[] = "\t\r\b\f\"'\\";
            const char *at = *v ? strchr(FROM, *v) : NULL;
            if (!*v)
                CH_FAIL(err, CSV_DELIMITER_BACKSLASH);
            if (!at) {
                char text[3] = {'\\', *v, 0};
                CH_FAIL(err, CSV_DELIMITER_ESCAPE, "str", text);
            }
            c = TO[at - FROM];
            v++;
        }
        *to++ = c;
    }
    *to = 0;
    return CH_OK;
}

/* ---- all ---------------------------------------------------------------------------------- */

/* The charsets that Spark 4 accepts. */
static ch_status read_encoding(const ch_strmap *options, const char **out, ch_error *err)
{
    static const char *const KNOWN[] = {"US-ASCII", "ISO-8859-1", "UTF-8",
                                        "UTF-16BE", "UTF-16LE",   "UTF-16",
                                        "UTF-32BE", "UTF-32LE",   "UTF-32"};
    const char *v = text_of(options, "encoding", "charset");
    *out = NULL;
    if (!v || strcasecmp(v, "UTF-8") == 0)
        return CH_OK;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (strcasecmp(v, KNOWN[i]) == 0) {
            *out = KNOWN[i];
            return CH_OK;
        }
    }
    CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "parameter", "charset", "charset",
            v, "charsets", "ISO-8859-1, US-ASCII, UTF-16, UTF-16BE, UTF-16LE, UTF-32, UTF-8");
}

static ch_status read_line_sep(const ch_strmap *options, const char **out, ch_error *err)
{
    const char *v = text_of(options, "lineSep", NULL), *p = v;
    *out = v;
    if (!v)
        return CH_OK;
    if (!*v)
        CH_FAIL(err, LINE_SEP_EMPTY);
    for (int n = 0; *p; n++) {
        if (n == 2)
            CH_FAIL(err, LINE_SEP_LONG, "value", v);
        next_char(&p);
    }
    return CH_OK;
}

static ch_csv_mode mode_of(const char *v)
{
    if (v && strcasecmp(v, "DROPMALFORMED") == 0)
        return CH_CSV_DROPMALFORMED;
    return v && strcasecmp(v, "FAILFAST") == 0 ? CH_CSV_FAILFAST : CH_CSV_PERMISSIVE;
}

static ch_status read_unescaped(const ch_strmap *options, ch_csv_unescaped *out, ch_error *err)
{
    static const char *const NAME[] = {"STOP_AT_DELIMITER", "STOP_AT_CLOSING_QUOTE",
                                       "BACK_TO_DELIMITER", "SKIP_VALUE", "RAISE_ERROR"};
    const char *v = text_of(options, "unescapedQuoteHandling", NULL);
    *out = CH_CSV_STOP_AT_DELIMITER;
    for (int i = 0; v && i < 5; i++) {
        if (strcasecmp(v, NAME[i]) == 0) {
            *out = (ch_csv_unescaped)i;
            return CH_OK;
        }
    }
    if (!v)
        return CH_OK;
    CH_FAIL(
        err, INVALID_OPTION, "name", "unescapedQuoteHandling", "value", v, "expected",
        "STOP_AT_CLOSING_QUOTE, BACK_TO_DELIMITER, STOP_AT_DELIMITER, SKIP_VALUE or RAISE_ERROR");
}

ch_status ch_csv_options_read(const ch_format_context *ctx, const ch_strmap *options,
                              ch_arena *arena, ch_csv_options *o, ch_error *err)
{
    const char *v;
    bool given;
    int64_t number;
    *o = (ch_csv_options){0};
    CH_TRY(read_sep(options, arena, &o->sep, err));
    CH_TRY(read_line_sep(options, &o->line_sep, err));
    CH_TRY(read_encoding(options, &o->encoding, err));
    CH_TRY(read_char(options, "quote", '"', NULL, &o->quote, err));
    CH_TRY(read_char(options, "escape", '\\', NULL, &o->escape, err));
    CH_TRY(read_char(options, "charToEscapeQuoteEscaping", 0, &given, &o->escape_escape, err));
    if (!given)
        o->escape_escape = o->quote == o->escape ? 0 : o->escape;
    CH_TRY(read_char(options, "comment", 0, &o->has_comment, &o->comment, err));
    CH_TRY(read_flag(options, "header", false, &o->header, err));
    CH_TRY(read_flag(options, "inferSchema", false, &o->infer, err));
    CH_TRY(read_flag(options, "preferDate", true, &o->prefer_date, err));
    CH_TRY(read_flag(options, "enforceSchema", true, &o->enforce_schema, err));
    CH_TRY(read_flag(options, "multiLine", false, &o->multi_line, err));
    CH_TRY(read_flag(options, "ignoreLeadingWhiteSpace", false, &o->trim_left, err));
    CH_TRY(read_flag(options, "ignoreTrailingWhiteSpace", false, &o->trim_right, err));
    CH_TRY(read_flag(options, "ignoreLeadingWhiteSpace", true, &o->write_trim_left, err));
    CH_TRY(read_flag(options, "ignoreTrailingWhiteSpace", true, &o->write_trim_right, err));
    CH_TRY(read_flag(options, "quoteAll", false, &o->quote_all, err));
    CH_TRY(read_flag(options, "escapeQuotes", true, &o->escape_quotes, err));
    CH_TRY(read_flag(options, "columnPruning", !o->multi_line, &given, err));
    o->column_pruning = given;
    o->datetime_fallback = -1;
    if (text_of(options, "enableDateTimeParsingFallback", NULL)) {
        CH_TRY(read_flag(options, "enableDateTimeParsingFallback", false, &given, err));
        o->datetime_fallback = given;
    }
    CH_TRY(read_int(options, "maxColumns", 20480, &o->max_columns, err));
    CH_TRY(read_int(options, "maxCharsPerColumn", -1, &o->max_chars, err));
    CH_TRY(read_int(options, "inputBufferSize", 0, &number, err));
    CH_TRY(read_unescaped(options, &o->unescaped, err));
    o->mode = mode_of(text_of(options, "mode", NULL));

    o->sampling = 1;
    v = text_of(options, "samplingRatio", NULL);
    if (v) {
        char *end;
        o->sampling = strtod(v, &end);
        if (end == v || *end || !(o->sampling > 0))
            CH_FAIL(err, INVALID_OPTION, "name", "samplingRatio", "value", v, "expected",
                    "a number above 0");
    }
    v = text_of(options, "compression", "codec");
    o->codec = CH_CODEC_NONE;
    if (v) {
        int codec = ch_codec_of_name(v);
        if (codec < 0)
            CH_FAIL(err, CODEC_NOT_AVAILABLE, "codecName", v, "availableCodecs",
                    "none, uncompressed, gzip, deflate, bzip2, zstd, lz4, snappy");
        o->codec = (ch_codec)codec;
    }
    v = text_of(options, "columnNameOfCorruptRecord", NULL);
    o->corrupt_column = v ? v : ctx->corrupt_column ? ctx->corrupt_column : "_corrupt_record";

    o->null_value = read_str(options, "nullValue", "");
    o->empty_value = read_str(options, "emptyValue", "");
    o->write_empty_value = read_str(options, "emptyValue", "\"\"");
    o->nan = read_str(options, "nanValue", "NaN");
    o->positive_inf = read_str(options, "positiveInf", "Inf");
    o->negative_inf = read_str(options, "negativeInf", "-Inf");
    o->date_format = text_of(options, "dateFormat", NULL);
    o->timestamp_format = text_of(options, "timestampFormat", NULL);
    o->timestamp_ntz_format = text_of(options, "timestampNTZFormat", NULL);
    o->time_zone = text_of(options, "timeZone", NULL);
    if (!o->time_zone)
        o->time_zone = ctx->time_zone ? ctx->time_zone : "UTC";
    v = text_of(options, "locale", NULL);
    o->locale = v && strcasecmp(v, "en-US") != 0 ? v : NULL;
    return CH_OK;
}
