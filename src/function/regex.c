/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c - matchers on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "function/regex.h"
#include "function/utf8.h"

struct ch_regex {
    ch_mem *mem;
    ch_buf pattern; /* of code */
    ch_buf translated;
    bool compiled;
    bool literal; /* no metacharacter: memmem does it */
    int64_t start, end;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_compile_context *context;
    int count; /* of the last match */
};

ch_status ch_regex_open(const ch_call *call, void **state, ch_error *err)
{
    ch_regex *re = ch_mem_zalloc(call->mem, sizeof *re, err);
    *state = re;
    if (!re)
        return CH_E_MEMORY;
    re->mem = call->mem;
    ch_buf_init(&re->pattern, call->mem);
    ch_buf_init(&re->translated, call->mem);
    re->context = pcre2_compile_context_create(NULL);
    if (re->context)
        pcre2_set_newline(re->context, PCRE2_NEWLINE_ANY);
    return CH_OK;
}

void ch_regex_close(const ch_call *call, void *state)
{
    ch_regex *re = state;
    CH_UNUSED(call);
    if (!re)
        return;
    pcre2_match_data_free(re->match);
    pcre2_code_free(re->code);
    pcre2_compile_context_free(re->context);
    ch_buf_release(&re->pattern);
    ch_buf_release(&re->translated);
    ch_mem_free(re->mem, re, sizeof *re);
}

/* Java's \p{Name} classes as POSIX classes; inside of [ ] without their own brackets. */
static ch_status translate(ch_regex *re, ch_str s, ch_error *err)
{
    static const char *const names[][2] = {
        {"Alpha}", "alpha"}, {"Digit}", "digit"}, {"Alnum}", "alnum"},   {"Upper}", "upper"},
        {"Lower}", "lower"}, {"Punct}", "punct"}, {"Graph}", "graph"},   {"Print}", "print"},
        {"Blank}", "blank"}, {"Cntrl}", "cntrl"}, {"XDigit}", "xdigit"}, {"Space}", "space"},
        {"ASCII}", "ascii"}};
    static const char *const java[][2] = {{"IsAlphabetic}", "L}"},   {"javaLowerCase}", "Ll}"},
                                          {"javaUpperCase}", "Lu}"}, {"IsDigit}", "Nd}"},
                                          {"IsLetter}", "L}"},       {"IsPunctuation}", "P}"},
                                          {"IsLowercase}", "Ll}"},   {"IsUppercase}", "Lu}"}};
    ch_buf *b = &re->translated;
    bool in_class = false;
    ch_buf_reset(b);
    for (int64_t i = 0; i < s.len; i++) {
        char c = s.text[i];
        if (c == '\\' && i + 1 < s.len) {
            char kind = s.text[i + 1];
            bool done = false;
            if ((kind == 'p' || kind == 'P') && i + 2 < s.len && s.text[i + 2] == '{') {
                ch_str rest = {s.text + i + 3, s.len - i - 3};
                for (size_t k = 0; k < sizeof names / sizeof *names && !done; k++) {
                    size_t n = strlen(names[k][0]);
                    if ((size_t)rest.len < n || memcmp(rest.text, names[k][0], n) != 0)
                        continue;
                    CH_TRY(ch_buf_printf(b, err, in_class ? "[:%s%s:]" : "[[:%s%s:]]",
                                         kind == 'P' ? "^" : "", names[k][1]));
                    i += 2 + (int64_t)n;
                    done = true;
                }
                for (size_t k = 0; k < sizeof java / sizeof *java && !done; k++) {
                    size_t n = strlen(java[k][0]);
                    if ((size_t)rest.len < n || memcmp(rest.text, java[k][0], n) != 0)
                        continue;
                    CH_TRY(ch_buf_printf(b, err, "\\%c{%s", kind, java[k][1]));
                    i += 2 + (int64_t)n;
                    done = true;
                }
            } else if (kind == 'u' && i + 5 < s.len) {
                CH_TRY(ch_buf_printf(b, err, "\\x{%.4s}", s.text + i + 2));
                i += 5;
                done = true;
            }
            if (!done) {
                CH_TRY(ch_buf_add(b, s.text + i, 2, err));
                i++;
            }
            continue;
        }
        if (c == '[') {
            if (in_class) { /* Java's union of classes: the inner brackets mean nothing here */
                CH_TRY(ch_buf_add(b, "\\[", 2, err));
                continue;
            }
            in_class = true;
            CH_TRY(ch_buf_addc(b, c, err));
            if (i + 1 < s.len && s.text[i + 1] == '^')
                CH_TRY(ch_buf_addc(b, s.text[++i], err));
            continue;
        }
        if (c == ']')
            in_class = false;
        CH_TRY(ch_buf_addc(b, c, err));
    }
    return CH_OK;
}

ch_status ch_regex_use(ch_regex *re, ch_str pattern, const char *function, ch_error *err)
{
    if (re->compiled && (int64_t)re->pattern.len == pattern.len &&
        memcmp(re->pattern.data ? re->pattern.data : "", pattern.text, (size_t)pattern.len) == 0)
        return CH_OK;
    re->compiled = false;
    ch_buf_reset(&re->pattern);
    CH_TRY(ch_buf_add(&re->pattern, pattern.text, (size_t)pattern.len, err));
    re->literal = pattern.len > 0;
    for (int64_t i = 0; i < pattern.len; i++)
        if (pattern.text[i] == 0 || strchr("\\^$.|?*+()[]{}", pattern.text[i]))
            re->literal = false;
    if (re->literal) {
        re->compiled = true;
        return CH_OK;
    }
    CH_TRY(translate(re, pattern, err));
    pcre2_match_data_free(re->match);
    pcre2_code_free(re->code);
    re->match = NULL;
    int code;
    PCRE2_SIZE at;
    re->code = pcre2_compile(
        (PCRE2_SPTR)(re->translated.data ? re->translated.data : ""), re->translated.len,
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ALT_BSUX, &code, &at, re->context);
    if (!re->code) {
        char name[80];
        snprintf(name, sizeof name, "`%s`", function);
        CH_FAIL(err, INVALID_REGEX, "parameter", "`regexp`", "functionName", name, "value",
                re->pattern.data ? re->pattern.data : "");
    }
    (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    re->match = pcre2_match_data_create_from_pattern(re->code, NULL);
    if (!re->match)
        return ch_error_memory(err, "regular expression", 0, 0);
    re->compiled = true;
    return CH_OK;
}

bool ch_regex_find(ch_regex *re, ch_str text, int64_t from)
{
    if (re->literal) {
        re->start = ch_str_find(text, (ch_str){re->pattern.data, (int64_t)re->pattern.len}, from);
        re->end = re->start + (int64_t)re->pattern.len;
        return re->start >= 0;
    }
    re->count = pcre2_match(re->code, (PCRE2_SPTR)text.text, (PCRE2_SIZE)text.len, (PCRE2_SIZE)from,
                            0, re->match, NULL);
    return re->count > 0;
}

bool ch_regex_group(const ch_regex *re, int group, int64_t *start, int64_t *end)
{
    if (re->literal) {
        *start = re->start;
        *end = re->end;
        return group == 0;
    }
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(re->match);
    if (group >= re->count || v[2 * group] == PCRE2_UNSET)
        return false;
    *start = (int64_t)v[2 * group];
    *end = (int64_t)v[2 * group + 1];
    return true;
}

int ch_regex_groups(const ch_regex *re)
{
    uint32_t n = 0;
    if (!re->literal)
        (void)pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &n);
    return (int)n;
}

int ch_regex_named(const ch_regex *re, const char *name)
{
    return re->literal ? -1 : pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)name);
}

ch_status ch_regex_is_whole(ch_mem *mem, const char *pattern, const char *text, bool case_sensitive,
                            bool *out, ch_error *err)
{
    ch_call call = {.mem = mem};
    void *state = NULL;
    ch_buf whole;
    *out = false;
    ch_buf_init(&whole, mem);
    ch_status status =
        ch_buf_printf(&whole, err, "%s\\A(?:%s)\\z", case_sensitive ? "" : "(?i)", pattern);
    if (status == CH_OK)
        status = ch_regex_open(&call, &state, err);
    if (status == CH_OK)
        status = ch_regex_use(state, (ch_str){whole.data, (int64_t)whole.len}, "colRegex", err);
    if (status == CH_OK)
        *out = ch_regex_find(state, (ch_str){text, (int64_t)strlen(text)}, 0);
    ch_regex_close(&call, state);
    ch_buf_release(&whole);
    return status;
}
