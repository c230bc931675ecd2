/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.c - one pass over the text; each token is the longest that fits, numbers before words.
 *
 * A number with a point is one only if no letter, digit or _ follows (isValidDecimal of Spark's
 * grammar): "1.5a" is 1, ., 5a.
 */
#include "sql/lexer.h"

#include <ctype.h>

#include "sql/sql.h"

static const struct {
    const char *text;
    bool strict;
} KEYWORD[CH_N_KEYWORDS] = {
    {"", false},
#define CH_KEYWORD(word, strict) {#word, strict},
#include "sql/keywords.def"
#undef CH_KEYWORD
};

bool ch_keyword_is_strict(ch_keyword keyword)
{
    return KEYWORD[keyword].strict;
}

const char *ch_keyword_text(ch_keyword keyword)
{
    return KEYWORD[keyword].text;
}

/* <0, 0, >0 as text is before, is, or is behind the keyword (which has only capitals and _). */
static int keyword_order(const char *text, size_t len, const char *keyword)
{
    for (size_t i = 0; i < len; i++) {
        int order = toupper((unsigned char)text[i]) - keyword[i];
        if (order)
            return order;
    }
    return keyword[len] ? -1 : 0;
}

static ch_keyword keyword_of(const char *text, size_t len)
{
    int low = 1, high = CH_N_KEYWORDS - 1;
    while (low <= high) {
        int mid = (low + high) / 2, order = keyword_order(text, len, KEYWORD[mid].text);
        if (order == 0)
            return (ch_keyword)mid;
        if (order < 0)
            high = mid - 1;
        else
            low = mid + 1;
    }
    return CH_KW_NONE;
}

/* ---- characters ---------------------------------------------------------------------------- */

typedef struct lexer {
    const char *text;
    int32_t len;
} lexer;

static unsigned char at(const lexer *l, int32_t i)
{
    return i < l->len ? (unsigned char)l->text[i] : 0;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of the blank at i: ASCII and Unicode's spaces; 0 if there is none. */
static int32_t blank_at(const lexer *l, int32_t i)
{
    unsigned char c = at(l, i);
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c == 0xC2 && at(l, i + 1) == 0xA0)
        return 2;
    if (c == 0xE1 && at(l, i + 1) == 0x9A && at(l, i + 2) == 0x80)
        return 3;
    if (c == 0xE2 && at(l, i + 1) == 0x80) {
        unsigned char last = at(l, i + 2);
        return last >= 0x80 && last <= 0x8A ? 3 : last == 0xA8 || last == 0xAF ? 3 : 0;
    }
    if ((c == 0xE2 && at(l, i + 1) == 0x81 && at(l, i + 2) == 0x9F) ||
        (c == 0xE3 && at(l, i + 1) == 0x80 && at(l, i + 2) == 0x80))
        return 3;
    return 0;
}

/* Every byte beyond ASCII counts as a letter: names with it are refused by the parser. */
static bool is_word_at(const lexer *l, int32_t i)
{
    unsigned char c = at(l, i);
    return isalnum(c) || c == '_' || (c >= 0x80 && !blank_at(l, i));
}

static int32_t skip_digits(const lexer *l, int32_t i)
{
    while (is_digit(at(l, i)))
        i++;
    return i;
}

static int32_t skip_word(const lexer *l, int32_t i)
{
    while (i < l->len && is_word_at(l, i))
        i++;
    return i;
}

static bool is_letter(const lexer *l, int32_t i, char upper)
{
    return toupper(at(l, i)) == upper;
}

/* ---- comments ------------------------------------------------------------------------------ */

/* Past the line that the comment at i ends; \ before the line end goes on. */
static int32_t skip_line_comment(const lexer *l, int32_t i)
{
    while (i < l->len && at(l, i) != '\n' && at(l, i) != '\r')
        i += at(l, i) == '\\' && at(l, i + 1) == '\n' ? 2 : 1;
    return i;
}

/* Past the nested comment at i; len + 1 if it is not closed. */
static int32_t skip_block_comment(const lexer *l, int32_t i)
{
    int depth = 0;
    while (i < l->len) {
        if (at(l, i) == '/' && at(l, i + 1) == '*') {
            depth++;
            i += 2;
        } else if (at(l, i) == '*' && at(l, i + 1) == '/') {
            i += 2;
            if (--depth == 0)
                return i;
        } else {
            i++;
        }
    }
    return l->len + 1;
}

static bool is_line_comment(const lexer *l, int32_t i)
{
    return at(l, i) == '-' && at(l, i + 1) == '-';
}

static bool is_block_comment(const lexer *l, int32_t i)
{
    return at(l, i) == '/' && at(l, i + 1) == '*' && at(l, i + 2) != '+';
}

/* ---- tokens -------------------------------------------------------------------------------- */

/* Past the closing quote; -1 if there is none. A doubled quote stands for one; \ escapes unless raw. */
static int32_t skip_quoted(const lexer *l, int32_t i, char quote, bool escapes)
{
    for (i++; i < l->len; i++) {
        if (escapes && at(l, i) == '\\') {
            i++;
        } else if (at(l, i) == (unsigned char)quote) {
            if (at(l, i + 1) != (unsigned char)quote || (quote != '`' && !escapes))
                return i + 1;
            i++;
        }
    }
    return -1;
}

static int32_t skip_exponent(const lexer *l, int32_t i)
{
    if (!is_letter(l, i, 'E'))
        return i;
    int32_t j = i + 1;
    if (at(l, j) == '+' || at(l, j) == '-')
        j++;
    return is_digit(at(l, j)) ? skip_digits(l, j) : i;
}

/* F, D or BD at i: past it, and its kind. */
static int32_t skip_suffix(const lexer *l, int32_t i, int16_t *kind)
{
    if (is_letter(l, i, 'F')) {
        *kind = CH_TOK_FLOAT;
        return i + 1;
    }
    if (is_letter(l, i, 'D')) {
        *kind = CH_TOK_DOUBLE;
        return i + 1;
    }
    if (is_letter(l, i, 'B') && is_letter(l, i + 1, 'D')) {
        *kind = CH_TOK_BIGDECIMAL;
        return i + 2;
    }
    return i;
}

/* A number with a point, its digits ending at `digits`: the longest form with no word behind it. */
static int32_t lex_point_number(const lexer *l, int32_t digits, int16_t *kind)
{
    int32_t exponent = skip_exponent(l, digits);
    int32_t suffix = skip_suffix(l, exponent, kind);
    if (suffix > exponent && !is_word_at(l, suffix))
        return suffix;
    *kind = CH_TOK_EXPONENT;
    if (exponent > digits && !is_word_at(l, exponent))
        return exponent;
    *kind = CH_TOK_DECIMAL;
    return is_word_at(l, digits) ? -1 : digits;
}

/* At a digit: past the number, or -1 if a word is longer. */
static int32_t lex_number(const lexer *l, int32_t i, int16_t *kind)
{
    int32_t digits = skip_digits(l, i);
    if (at(l, digits) == '.') {
        int32_t end = lex_point_number(l, skip_digits(l, digits + 1), kind);
        if (end >= 0)
            return end;
    }
    int32_t word = skip_word(l, i);
    int32_t exponent = skip_exponent(l, digits);
    int32_t end = skip_suffix(l, exponent, kind);
    if (end == exponent) {
        *kind = exponent > digits ? CH_TOK_EXPONENT : CH_TOK_INTEGER;
        if (exponent == digits) {
            int16_t whole = is_letter(l, digits, 'L')   ? CH_TOK_BIGINT
                            : is_letter(l, digits, 'S') ? CH_TOK_SMALLINT
                            : is_letter(l, digits, 'Y') ? CH_TOK_TINYINT
                                                        : 0;
            if (whole) {
                *kind = whole;
                end++;
            }
        }
    }
    return word > end ? -1 : end;
}

static const struct {
    const char text[4];
    int16_t kind;
} OPERATOR[] = {
    /* longest first */
    {"<=>", CH_TOK_NULL_SAFE_EQ},
    {">>>", CH_TOK_USHR},
    {"/*+", CH_TOK_HINT_START},
    {"<>", CH_TOK_NE},
    {"!=", CH_TOK_NE},
    {"<=", CH_TOK_LE},
    {"!>", CH_TOK_LE},
    {">=", CH_TOK_GE},
    {"!<", CH_TOK_GE},
    {"<<", CH_TOK_SHL},
    {">>", CH_TOK_SHR},
    {"||", CH_TOK_CONCAT},
    {"::", CH_TOK_CAST},
    {"->", CH_TOK_ARROW},
    {"=>", CH_TOK_FAT_ARROW},
    {"|>", CH_TOK_PIPE},
    {"==", '='},
    {"*/", CH_TOK_HINT_END},
};

static int32_t lex_operator(const lexer *l, int32_t i, int16_t *kind)
{
    for (size_t k = 0; k < sizeof OPERATOR / sizeof *OPERATOR; k++) {
        size_t len = strlen(OPERATOR[k].text);
        if ((size_t)(l->len - i) >= len && memcmp(l->text + i, OPERATOR[k].text, len) == 0) {
            *kind = OPERATOR[k].kind;
            return i + (int32_t)len;
        }
    }
    *kind = at(l, i) && strchr("()[],.;+-*/%~&|^:?!<>=", at(l, i)) ? (int16_t)at(l, i)
                                                                   : (int16_t)CH_TOK_UNRECOGNIZED;
    return i + 1;
}

/* Past a quoted token, or -1: it is not closed, and its quote stands alone. */
static int32_t lex_quoted(const lexer *l, int32_t i, int16_t *kind)
{
    bool raw = is_letter(l, i, 'R');
    char quote = (char)at(l, i + raw);
    *kind = quote == '`'    ? CH_TOK_BACKQUOTED
            : quote == '\'' ? CH_TOK_STRING
            : raw           ? CH_TOK_STRING
                            : CH_TOK_DOUBLE_QUOTED;
    return skip_quoted(l, i + raw, quote, !raw && quote != '`');
}

static bool is_quote_at(const lexer *l, int32_t i)
{
    unsigned char c = at(l, i), next = at(l, i + 1);
    return c == '\'' || c == '"' || c == '`' ||
           (toupper(c) == 'R' && (next == '\'' || next == '"'));
}

static int32_t lex_one(const lexer *l, int32_t i, ch_token *out)
{
    int32_t end = -1;
    if (is_quote_at(l, i))
        end = lex_quoted(l, i, &out->kind);
    if (end < 0 && is_digit(at(l, i)))
        end = lex_number(l, i, &out->kind);
    if (end < 0 && at(l, i) == '.' && is_digit(at(l, i + 1)))
        end = lex_point_number(l, skip_digits(l, i + 1), &out->kind);
    if (end < 0 && is_word_at(l, i)) {
        end = skip_word(l, i);
        out->kind = CH_TOK_WORD;
        out->keyword = (int16_t)keyword_of(l->text + i, (size_t)(end - i));
    }
    return end < 0 ? lex_operator(l, i, &out->kind) : end;
}

static ch_status push(ch_tokens *tokens, int32_t *cap, ch_arena *arena, ch_token token,
                      ch_error *err)
{
    if (tokens->n == *cap) {
        ch_token *more = NULL;
        *cap = *cap ? *cap * 2 : 64;
        CH_ARENA_ARRAY(more, arena, *cap, err);
        if (tokens->n)
            memcpy(more, tokens->item, sizeof *more * (size_t)tokens->n);
        tokens->item = more;
    }
    tokens->item[tokens->n++] = token;
    return CH_OK;
}

/* Finds the ')' of each '('. While open, a '(' keeps the one around it in `match`. */
static void match_parens(ch_tokens *tokens)
{
    int32_t open = -1;
    for (int32_t i = 0; i < tokens->n; i++) {
        ch_token *t = &tokens->item[i];
        if (t->kind == '(') {
            t->match = open;
            open = i;
        } else if (t->kind == ')' && open >= 0) {
            int32_t around = tokens->item[open].match;
            tokens->item[open].match = i;
            open = around;
        }
    }
    while (open >= 0) {
        int32_t around = tokens->item[open].match;
        tokens->item[open].match = -1;
        open = around;
    }
}

ch_status ch_sql_lex(const char *text, size_t len, ch_arena *arena, ch_tokens *out, ch_error *err)
{
    *out = (ch_tokens){.unclosed_comment = -1};
    if (len > INT32_MAX / 2)
        CH_FAIL(err, UNSUPPORTED, "feature", "An SQL text of more than 1 GiB");
    lexer l = {text, (int32_t)len};
    int32_t cap = 0;
    for (int32_t i = 0; i < l.len;) {
        int32_t blank = blank_at(&l, i);
        if (blank) {
            i += blank;
        } else if (is_line_comment(&l, i)) {
            i = skip_line_comment(&l, i);
        } else if (is_block_comment(&l, i)) {
            int32_t end = skip_block_comment(&l, i);
            if (end > l.len)
                out->unclosed_comment = i;
            i = end;
        } else {
            ch_token t = {.start = i, .match = -1};
            i = t.stop = lex_one(&l, i, &t);
            CH_TRY(push(out, &cap, arena, t, err));
        }
    }
    CH_TRY(push(out, &cap, arena,
                (ch_token){.kind = CH_TOK_EOF, .start = l.len, .stop = l.len, .match = -1}, err));
    match_parens(out);
    return CH_OK;
}

/* ---- splitting ----------------------------------------------------------------------------- */

size_t ch_sql_split(const char *text, bool *complete)
{
    size_t bytes = strlen(text);
    lexer l = {text, bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int32_t)bytes};
    *complete = false;
    for (int32_t i = 0; i < l.len;) {
        if (is_line_comment(&l, i)) {
            i = skip_line_comment(&l, i);
        } else if (is_block_comment(&l, i)) {
            i = skip_block_comment(&l, i);
        } else if (at(&l, i) == ';') {
            *complete = true;
            return (size_t)i + 1;
        } else if (is_quote_at(&l, i) && (i == 0 || at(&l, i) == '\'' || at(&l, i) == '"' ||
                                          at(&l, i) == '`' || !is_word_at(&l, i - 1))) {
            int16_t kind;
            int32_t end = lex_quoted(&l, i, &kind);
            if (end < 0)
                return bytes;
            i = end;
        } else {
            i++;
        }
    }
    return bytes;
}
