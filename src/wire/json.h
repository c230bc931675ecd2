/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON text as a tape: one value is read into nodes in the order of the text, each of which
 * knows where the value behind it begins.
 *
 *   {"a": [1, 2], "b": "x"}      node  kind    next  start, len
 *                                0     OBJECT  7     2 members
 *                                1     STRING  2     a           a member is its key, then its value
 *                                2     ARRAY   5     2 elements
 *                                3     INT     4     1
 *                                4     INT     5     2
 *                                5     STRING  6     b
 *                                6     STRING  7     x
 *
 * Strings and numbers are places in the text; escapes are left as they are until somebody asks.
 * The scan over strings looks at eight bytes at a time, after Langdale and Lemire, Parsing gigabytes of
 * JSON per second (2019).
 *
 * A tape is used again for the next text: ch_json_init, ch_json_parse any number of times, ch_json_release.
 */
#ifndef CH_WIRE_JSON_H
#define CH_WIRE_JSON_H

#include "base/buf.h"

typedef enum ch_json_kind {
    CH_JSON_NULL,
    CH_JSON_FALSE,
    CH_JSON_TRUE,
    CH_JSON_INT,
    CH_JSON_FLOAT, /* with a point or an exponent; NaN and Infinity too */
    CH_JSON_STRING,
    CH_JSON_ARRAY,
    CH_JSON_OBJECT
} ch_json_kind;

typedef struct ch_json_node {
    uint8_t kind;
    bool escaped;  /* STRING: has a backslash in it */
    int32_t next;  /* node behind this value */
    int32_t start; /* byte of the text: scalars, strings without their quotes */
    int32_t len;   /* bytes; ARRAY, OBJECT: elements, members */
    int32_t end;   /* byte behind the value */
} ch_json_node;

/* What is taken besides RFC 8259, named as Spark's options. */
enum {
    CH_JSON_COMMENTS = 1 << 0,
    CH_JSON_UNQUOTED_NAMES = 1 << 1,
    CH_JSON_SINGLE_QUOTES = 1 << 2,
    CH_JSON_LEADING_ZEROS = 1 << 3,
    CH_JSON_NON_NUMERIC = 1 << 4, /* NaN, Infinity, -INF */
    CH_JSON_ANY_ESCAPE = 1 << 5,
    CH_JSON_CONTROL_CHARS = 1 << 6, /* unescaped in strings */
    CH_JSON_RECOVER =
        1 << 7 /* not Spark's: one word that is no value is passed over, see ch_json.bad */
};

/* Values nested deeper are malformed. */
#define CH_JSON_MOST_DEPTH 1000

typedef struct ch_json {
    ch_buf nodes;
    const char *text; /* borrowed by the last parse */
    int64_t len;
    int64_t stop; /* bytes read: behind the value */
    int32_t n;
    bool high; /* there may be bytes that are no ASCII, and so perhaps no UTF-8 */
    /*
     * CH_JSON_RECOVER: the value of an object's member in which such a word is, as an element of an array, or of arrays in it.
     * Or, bad_ends: it is a member's value, in an object in this value of the outermost object, and the text ends there as
     * far as the tape knows. -1: there is none.
     */
    int32_t bad;
    int32_t bad_at; /* nodes from here on come behind it */
    bool bad_ends;
} ch_json;

void ch_json_init(ch_json *json, ch_mem *mem);
void ch_json_release(ch_json *json);

static inline const ch_json_node *ch_json_at(const ch_json *json, int32_t i)
{
    return (const ch_json_node *)(const void *)json->nodes.data + i;
}

/*
 * Reads the first value of the text; what follows it is not looked at.
 *   text  borrows  up to 2 GiB; must live as long as the nodes are used
 *   ok    false: there is none, or it is malformed; the tape is then empty
 * Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_json_parse(ch_json *json, const char *text, int64_t len, uint32_t flags,
                                     bool *ok, ch_error *err);

/*
 * The same as a Java string has the text: what is no UTF-8 is U+FFFD. The nodes may be places in *repaired then, which
 * must live as long.
 */
CH_NODISCARD ch_status ch_json_parse_java(ch_json *json, const char *text, int64_t len,
                                          uint32_t flags, ch_buf *repaired, bool *ok,
                                          ch_error *err);

/* The string's characters, escapes resolved, added to out. */
CH_NODISCARD ch_status ch_json_text(const ch_json *json, const ch_json_node *string, ch_buf *out,
                                    ch_error *err);
/* Is the string this text? */
bool ch_json_is(const ch_json *json, const ch_json_node *string, const char *text, int64_t len);
/* Text as a JSON string with its quotes, added to out; what is no UTF-8 becomes U+FFFD. */
CH_NODISCARD ch_status ch_json_quote(const char *text, int64_t len, ch_buf *out, ch_error *err);

#endif
