/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_map.c - str_to_map(text, pair delimiter, key delimiter): both are regular expressions.
 *
 * Parts are slices of the argument's text, collected for all rows and then copied once into the
 * columns of keys and values. A part without the second delimiter is a key whose value is NULL.
 */
#include "column/textout.h"
#include "function/nested.h"
#include "function/regex.h"
#include "function/utf8.h"

typedef struct two_regexes {
    void *pair, *key;
} two_regexes;

static void map_close(const ch_call *call, void *state)
{
    two_regexes *s = state;
    if (!s)
        return;
    ch_regex_close(call, s->pair);
    ch_regex_close(call, s->key);
    ch_mem_free(call->mem, s, sizeof *s);
}

static ch_status map_open(const ch_call *call, void **state, ch_error *err)
{
    two_regexes *s = ch_mem_zalloc(call->mem, sizeof *s, err);
    *state = NULL;
    if (!s)
        return CH_E_MEMORY;
    ch_status status = ch_regex_open(call, &s->pair, err);
    if (status == CH_OK)
        status = ch_regex_open(call, &s->key, err);
    if (status != CH_OK) {
        map_close(call, s);
        return status;
    }
    *state = s;
    return CH_OK;
}

/* A key and its value in the argument's text; value.text is NULL for none. */
typedef struct entry {
    ch_str key, value;
} entry;

/*
 * The next match of a delimiter at or after *at that String.split would split at: an empty one at the start
 * or the end splits nothing. False: there is none.
 */
static bool next_split(ch_regex *re, ch_str s, int64_t *at, int64_t *from, int64_t *to)
{
    while (*at <= s.len && ch_regex_find(re, s, *at)) {
        (void)ch_regex_group(re, 0, from, to);
        *at = *to > *from ? *to : *to < s.len ? *to + ch_utf8_bytes(s.text[*to]) : s.len + 1;
        if (*to != 0 && !(*from == *to && *from >= s.len))
            return true;
    }
    return false;
}

static ch_status add_entry(ch_regex *re, ch_str part, ch_buf *entries, ch_error *err)
{
    int64_t at = 0, from, to;
    entry e = {part, {0}};
    if (next_split(re, part, &at, &from, &to))
        e = (entry){{part.text, from}, {part.text + to, part.len - to}};
    return ch_buf_add(entries, &e, sizeof e, err);
}

static ch_status add_row(const ch_call *call, int64_t i, ch_buf *entries, ch_error *err)
{
    static const ch_str comma = {",", 1}, colon = {":", 1};
    const two_regexes *re = call->state;
    ch_str s = ch_arg_str(call, 0, i);
    CH_TRY(ch_regex_use(re->pair, call->n_args > 1 ? ch_arg_str(call, 1, i) : comma, "str_to_map",
                        err));
    CH_TRY(ch_regex_use(re->key, call->n_args > 2 ? ch_arg_str(call, 2, i) : colon, "str_to_map",
                        err));
    int64_t at = 0, done = 0, from, to;
    while (next_split(re->pair, s, &at, &from, &to)) {
        CH_TRY(add_entry(re->key, (ch_str){s.text + done, from - done}, entries, err));
        done = to;
    }
    return add_entry(re->key, (ch_str){s.text + done, s.len - done}, entries, err);
}

static ch_status copy_entries(const ch_call *call, const ch_buf *entries, ch_column *part[2],
                              ch_error *err)
{
    int64_t n = (int64_t)(entries->len / sizeof(entry));
    const entry *e = (const entry *)(const void *)entries->data;
    for (int k = 0; k < 2; k++) {
        ch_textout w;
        CH_TRY(ch_column_new(call->mem, CH_T_STRING, n, &part[k], err));
        ch_textout_init(&w, part[k]);
        for (int64_t i = 0; i < n; i++) {
            ch_str s = k ? e[i].value : e[i].key;
            if (!s.text)
                CH_TRY(ch_set_null(part[k], i, err));
            CH_TRY(ch_textout_put(&w, i, s.text ? s.text : "", s.len, err));
        }
    }
    return CH_OK;
}

static ch_status eval_map(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *part[2] = {NULL, NULL};
    ch_buf entries;
    ch_status status = CH_OK;
    ch_buf_init(&entries, call->mem);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        bool null = false;
        for (int32_t a = 0; a < call->n_args; a++)
            null |= ch_column_is_null(call->arg[a], i);
        if (!null)
            CH_TRY_OUT(add_row(call, i, &entries, err));
        offset[i + 1] = (int32_t)(entries.len / sizeof(entry));
    }
    CH_TRY_OUT(copy_entries(call, &entries, part, err));
    ch_buf_release(&entries);
    return ch_map_finish(call, *out, part[0], part[1], err);
out:
    ch_buf_release(&entries);
    ch_column_unref(part[0]);
    ch_column_unref(part[1]);
    return status;
}

static ch_status bind_map(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 3)
        return ch_bind_count(bind, "[1, 3]", err);
    for (int32_t i = 0; i < bind->n_args; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    bind->result = ch_type_map(CH_T_STRING, CH_T_STRING, true);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

const ch_func ch_func_text_map[] = {
    {.name = "str_to_map",
     .bind = bind_map,
     .eval = eval_map,
     .open = map_open,
     .close = map_close,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAY_FAIL,
     .doc = "A map of text: pairs between one delimiter, keys and values between another.",
     .example = "SELECT str_to_map('a:1,b:2,c:3', ',', ':')",
     .expect = "{a -> 1, b -> 2, c -> 3}",
     .since = "0.2"},
    CH_FUNC_END,
};
