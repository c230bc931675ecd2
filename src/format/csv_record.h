/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_record.h - one record at a time, exactly as Spark's tokenizer (univocity-parsers 2.9) splits it.
 *
 * This is the path for whatever csv_scan.h finds irregular, and for options it does not know.
 * Its rules are those of univocity's CsvParser, quirks included: stray quotes, blanks around quotes,
 * escapes of escapes, values that end with the input. Special characters are single bytes here; a
 * special character beyond ASCII is first replaced by a byte that UTF-8 never uses (ch_csv_rules).
 *
 * Legal calls: ch_csv_record_init, then per text ch_csv_record_begin and ch_csv_record_next until it is
 * not CH_CSV_ROW; ch_csv_record_release.
 */
#ifndef CH_FORMAT_CSV_RECORD_H
#define CH_FORMAT_CSV_RECORD_H

#include "format/csv_options.h"

/* Special characters beyond ASCII, at most: quote, escape, escape's escape, comment, 2 of lineSep, sep. */
#define CH_CSV_MOST_ALIASES 12
/* First byte that stands for one; 0xF8 .. 0xFF and 0xC0, 0xC1, 0xF5 .. never occur in UTF-8. */
#define CH_CSV_FIRST_ALIAS 0xF5
/* As a line separator: ends texts that may hold any character, since UTF-8 does not have it. */
#define CH_CSV_NO_UTF8 0xFF

typedef struct ch_csv_rules {
    uint8_t sep[64]; /* n_sep bytes */
    int n_sep;
    uint8_t quote, escape, escape_escape, comment;
    bool has_comment;
    uint8_t newline;          /* what a line end is turned into */
    uint8_t line_sep[2];      /* [1] is 0 when there is one byte only */
    bool normalize_in_quotes; /* line ends inside quotes become `newline` too */
    bool trim_left, trim_right;
    ch_csv_unescaped unescaped;
    int64_t max_columns, max_chars;
    int n_alias;
    struct {
        uint8_t text[5];
        uint8_t len;
    } alias[CH_CSV_MOST_ALIASES]; /* of byte CH_CSV_FIRST_ALIAS + i */
} ch_csv_rules;

/* Errors CH_E_UNSUPPORTED: more special characters beyond ASCII than there are bytes for. */
CH_NODISCARD ch_status ch_csv_rules_make(const ch_csv_options *options, ch_csv_rules *out,
                                         ch_error *err);

typedef enum ch_csv_field_kind {
    CH_CSV_VALUE, /* text[at, at + len) of the input */
    CH_CSV_MADE,  /* the same of made.data */
    CH_CSV_NULL,  /* nothing stood there: the option nullValue */
    CH_CSV_EMPTY, /* quotes with nothing in between: the option emptyValue */
} ch_csv_field_kind;

typedef struct ch_csv_field {
    ch_csv_field_kind kind;
    int64_t at, len;
} ch_csv_field;

typedef enum ch_csv_result {
    CH_CSV_ROW,     /* ready[0 .. n_fields) is a record */
    CH_CSV_END,     /* no record is left */
    CH_CSV_MORE,    /* the text ends inside a record, and is not the last of the input */
    CH_CSV_COMMENT, /* a line alone, and it is a comment */
    CH_CSV_FAILED   /* see `failure` */
} ch_csv_result;

typedef enum ch_csv_failure {
    CH_CSV_NO_FAILURE,
    CH_CSV_NO_MEMORY,
    CH_CSV_MANY_COLUMNS,
    CH_CSV_LONG_FIELD,
    CH_CSV_STRAY_QUOTE
} ch_csv_failure;

typedef struct ch_csv_record {
    const ch_csv_rules *rules;
    const bool *wanted; /* wanted[column], n_wanted of them; others are skipped. NULL: all */
    int32_t n_wanted;
    /* Result */
    const ch_csv_field *ready; /* n_fields of them */
    int64_t n_fields;
    int64_t start, next; /* the record is text[start, next) */
    ch_csv_failure failure;
    ch_buf made; /* values that are not in the input as they are */

    /* Private: input */
    const uint8_t *text;
    int64_t i, len;
    bool complete, one_line, normalize, short_of_text;
    /* The value under construction: made.data[from .. made.len - blanks) */
    size_t from, blanks;
    uint8_t ch, prev;
    bool stray, trim;    /* univocity's `unescaped`, output.trim */
    bool dropped;        /* the value under construction is NULL, whatever comes (SKIP_VALUE) */
    int match;           /* bytes of sep that matched so far */
    ch_csv_field *field; /* of the record under way, `column` of them */
    int64_t column;
    ch_csv_field *queue; /* finished records that wait: fields, each record closed by len -1 */
    int64_t n_queue, queue_at;
    ch_mem *mem;
    int64_t cap_field, cap_queue;
    ch_error *err;
} ch_csv_record;

void ch_csv_record_init(ch_csv_record *r, ch_mem *mem, const ch_csv_rules *rules);
void ch_csv_record_release(ch_csv_record *r);

/*
 * text (borrowed until the last field was used) from the start of a record.
 *   complete  nothing follows text
 *   one_line  text is one line without its end, as Spark hands it over without multiLine
 */
void ch_csv_record_begin(ch_csv_record *r, const char *text, int64_t len, bool complete,
                         bool one_line);
/*
 * The next record. After CH_CSV_MORE begin again with more text from r->start.
 * Fields live until the next call. Errors (CH_CSV_NO_MEMORY) are in err.
 * Cost about 3 ns a byte.
 */
ch_csv_result ch_csv_record_next(ch_csv_record *r, ch_error *err);

/*
 * Makes text fit for the above: invalid UTF-8 becomes U+FFFD as Java's decoder does, and special
 * characters beyond ASCII become their bytes. Adds to out.
 */
CH_NODISCARD ch_status ch_csv_prepare(const ch_csv_rules *rules, const char *text, int64_t len,
                                      ch_buf *out, ch_error *err);
/* The way back for one value: bytes become their characters. */
CH_NODISCARD ch_status ch_csv_restore(const ch_csv_rules *rules, const char *text, int64_t len,
                                      ch_buf *out, ch_error *err);

/* Bytes of text that are valid UTF-8 from its start: len if all is. */
int64_t ch_utf8_valid_prefix(const char *text, int64_t len);
/* UTF-16 units of valid UTF-8, which is what Java counts. */
int64_t ch_utf16_length(const char *text, int64_t len);

#endif
