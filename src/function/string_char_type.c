/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_char_type.c - what INSERT does with text for CHAR(n) and VARCHAR(n) columns (Spark's
 * CharVarcharCodegenUtils): blanks beyond n characters fall away, other characters there are an error, and a
 * CHAR is filled up with blanks.
 */
#include "column/textout.h"
#include "function/utf8.h"

static ch_status limited(const ch_call *call, ch_column *out, bool pads, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, out);
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(call->arg[0], i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        ch_str s = ch_column_str(call->arg[0], i);
        int32_t most = ((const int32_t *)call->arg[1]->data)[i];
        int64_t n = ch_utf8_count(s);
        for (; n > most && s.text[s.len - 1] == ' '; n--)
            s.len--;
        if (n > most)
            CH_FAIL(err, EXCEED_LIMIT_LENGTH, "limit", CH_I64(most));
        int64_t blanks = pads ? most - n : 0;
        char *to = ch_textout_room(&w, s.len + blanks, err);
        if (!to)
            return CH_E_MEMORY;
        if (s.len)
            memcpy(to, s.text, (size_t)s.len);
        memset(to + s.len, ' ', (size_t)blanks);
        ch_textout_commit(&w, i, s.len + blanks);
    }
    return CH_OK;
}

static ch_status eval_char(const ch_call *call, ch_column **out, ch_error *err)
{
    return limited(call, *out, true, err);
}

static ch_status eval_varchar(const ch_call *call, ch_column **out, ch_error *err)
{
    return limited(call, *out, false, err);
}

const ch_func ch_func_string_char_type[] = {
    {.name = "char_type_write_side_check",
     .sig = "string, int -> string",
     .eval = eval_char,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL | CH_FUNC_INTERNAL,
     .doc = "Text as a CHAR column of that length has it."},
    {.name = "varchar_type_write_side_check",
     .sig = "string, int -> string",
     .eval = eval_varchar,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL | CH_FUNC_INTERNAL,
     .doc = "Text as a VARCHAR column of that length has it."},
    CH_FUNC_END,
};
