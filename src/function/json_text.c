/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.c - JSON values copied as Jackson's generator writes them: no blanks, 2.50 as 2.5, 1e3 as 1000.0. */
#include "function/json_text.h"

#include "base/unicode.h"
#include "type/number.h"

static ch_status copy_number(const ch_json *json, const ch_json_node *v, ch_buf *out, ch_error *err)
{
    const char *text = json->text + v->start;
    int64_t len = v->len;
    double value;
    char shown[CH_NUMBER_TEXT];
    if (v->kind == CH_JSON_INT) {
        bool minus = *text == '-';
        int64_t zeros = minus;
        while (zeros < len - 1 && text[zeros] == '0')
            zeros++;
        if (minus && text[zeros] != '0')
            CH_TRY(ch_buf_addc(out, '-', err));
        return ch_buf_add(out, text + zeros, (size_t)(len - zeros), err);
    }
    if (!ch_parse_f64(text, len, &value))
        return ch_buf_add(out, text, (size_t)len, err);
    int n = ch_print_f64(shown, value);
    bool word = shown[n - 1] > '9';
    if (word)
        CH_TRY(ch_buf_addc(out, '"', err));
    CH_TRY(ch_buf_add(out, shown, (size_t)n, err));
    return word ? ch_buf_addc(out, '"', err) : CH_OK;
}

static ch_status copy_string(const ch_json *json, const ch_json_node *v, ch_buf *out, ch_error *err)
{
    if (!v->escaped)
        return ch_json_quote(json->text + v->start, v->len, out, err);
    ch_buf plain;
    ch_buf_init(&plain, out->mem);
    ch_status status = ch_json_text(json, v, &plain, err);
    if (status == CH_OK)
        status = ch_json_quote(plain.data ? plain.data : "", (int64_t)plain.len, out, err);
    ch_buf_release(&plain);
    return status;
}

ch_status ch_json_copy(const ch_json *json, int32_t i, ch_buf *out, ch_error *err)
{
    const ch_json_node *v = ch_json_at(json, i);
    switch (v->kind) {
    case CH_JSON_NULL:
        return ch_buf_adds(out, "null", err);
    case CH_JSON_TRUE:
        return ch_buf_adds(out, "true", err);
    case CH_JSON_FALSE:
        return ch_buf_adds(out, "false", err);
    case CH_JSON_INT:
    case CH_JSON_FLOAT:
        return copy_number(json, v, out, err);
    case CH_JSON_STRING:
        return copy_string(json, v, out, err);
    default:
        break;
    }
    bool object = v->kind == CH_JSON_OBJECT;
    CH_TRY(ch_buf_addc(out, object ? '{' : '[', err));
    for (int32_t k = i + 1; k < v->next; k = ch_json_at(json, k)->next) {
        if (k > i + 1)
            CH_TRY(ch_buf_addc(out, ',', err));
        if (object) {
            CH_TRY(copy_string(json, ch_json_at(json, k), out, err));
            CH_TRY(ch_buf_addc(out, ':', err));
            k = ch_json_at(json, k)->next;
        }
        CH_TRY(ch_json_copy(json, k, out, err));
    }
    return ch_buf_addc(out, object ? '}' : ']', err);
}

ch_status ch_json_malformed(const char *text, int64_t len, const char *path, ch_error *err)
{
    char shown[256];
    int64_t n = 0;
    for (bool ok = true; n < len;) { /* up to a character that is none, or has no room */
        int step = ch_utf8_step(text + n, len - n, &ok);
        if (!ok || !text[n] || n + step >= (int64_t)sizeof shown)
            break;
        memcpy(shown + n, text + n, (size_t)step);
        n += step;
    }
    shown[n] = 0;
    if (path)
        CH_FAIL(err, MALFORMED_JSON_FILE, "path", path, "badRecord", shown);
    CH_FAIL(err, MALFORMED_JSON, "badRecord", shown, "failFastMode", "FAILFAST");
}
