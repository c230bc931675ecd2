/* SPDX-License-Identifier: Apache-2.0 */
/* partition_given.c - partitions that a catalog names, by the folders' names: nothing is discovered. */
#include <string.h>

#include "column/column.h"
#include "column/textout.h"
#include "table/partition.h"

/* The k-th level's value: behind its '='. */
static const char *level(const char *path, int32_t k, size_t *len)
{
    for (; k > 0; k--) {
        const char *slash = strchr(path, '/');
        path = slash ? slash + 1 : path + strlen(path);
    }
    *len = strcspn(path, "/");
    const char *equals = memchr(path, '=', *len);
    if (!equals)
        return NULL;
    *len -= (size_t)(equals + 1 - path);
    return equals + 1;
}

static ch_status text_column(const char *const *path, int32_t k, ch_column *out, ch_mem *mem,
                             ch_error *err)
{
    ch_buf plain;
    ch_textout w;
    ch_status status = CH_OK;
    ch_buf_init(&plain, mem);
    ch_textout_init(&w, out);
    for (int64_t i = 0; i < out->rows; i++) {
        size_t len;
        const char *value = level(path[i], k, &len);
        plain.len = 0;
        if (!value ||
            (len == strlen(CH_PARTITION_NULL) && memcmp(value, CH_PARTITION_NULL, len) == 0)) {
            CH_TRY_OUT(ch_column_need_valid(out, err));
            ch_bit_clear(out->valid, i);
        } else {
            CH_TRY_OUT(ch_partition_unescape(&plain, value, len, err));
        }
        CH_TRY_OUT(ch_textout_put(&w, i, plain.data ? plain.data : "", (int64_t)plain.len, err));
    }
out:
    ch_buf_release(&plain);
    return status;
}

static ch_status values_of_key(const char *const *path, int32_t k, const ch_func_context *func,
                               ch_arena *arena, ch_mem *mem, ch_partitions *p, ch_error *err)
{
    ch_column *text = NULL, *value = NULL;
    ch_status status;
    CH_TRY_OUT(ch_column_new(mem, CH_T_STRING, p->n, &text, err));
    CH_TRY_OUT(text_column(path, k, text, mem, err));
    CH_TRY_OUT(ch_cast(text, p->key[k].type, CH_CAST_TRY, func, mem, &value, err));
    for (int32_t i = 0; i < p->n; i++) {
        ch_scalar *to = &p->value[i * p->n_keys + k];
        CH_TRY_OUT(ch_column_scalar(value, i, arena, to, err));
        if (!to->is_null && ch_type_is_view(p->key[k].type)) {
            to->v.str.text = ch_arena_strn(arena, to->v.str.text, (size_t)to->v.str.len, err);
            if (!to->v.str.text)
                CH_TRY_OUT(CH_E_MEMORY);
        }
    }
out:
    ch_column_unref(text);
    ch_column_unref(value);
    return status;
}

ch_status ch_partitions_given(const ch_field *key, int32_t n_keys, const char *const *path,
                              int32_t n, const ch_func_context *func, ch_arena *arena, ch_mem *mem,
                              ch_partitions *out, ch_error *err)
{
    *out = (ch_partitions){.key = key, .n_keys = n_keys, .n = n};
    CH_ARENA_ARRAY(out->value, arena, n * n_keys + 1, err);
    for (int32_t k = 0; k < n_keys && n; k++)
        CH_TRY(values_of_key(path, k, func, arena, mem, out, err));
    return CH_OK;
}
