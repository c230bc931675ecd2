/* SPDX-License-Identifier: Apache-2.0 */
/* type_tree.c - a schema as printSchema() shows it. */
#include "type/type_tree.h"

#include <string.h>

#define PREFIX_BYTES 1024

/* As StructType.treeString: one line a field, " |-- name: type (nullable = true)". */
static ch_status add_tree(const ch_type *type, const char *prefix, int depth, int most, ch_buf *out,
                          ch_error *err);

static ch_status add_tree_field(const char *name, const ch_type *type, bool nullable,
                                const char *null_word, const char *prefix, int depth, int most,
                                ch_buf *out, ch_error *err)
{
    static const char *const NESTED[] = {"array", "map", "struct"};
    CH_TRY(ch_buf_printf(out, err, "%s-- %s: ", prefix, name));
    if (type->id == CH_ARRAY || type->id == CH_MAP || type->id == CH_STRUCT)
        CH_TRY(ch_buf_adds(out, NESTED[type->id - CH_ARRAY], err));
    else if (type->id == CH_LONG || type->id == CH_INT || type->id == CH_SHORT ||
             type->id == CH_BYTE)
        CH_TRY(ch_buf_adds(out,
                           type->id == CH_LONG    ? "long"
                           : type->id == CH_INT   ? "integer"
                           : type->id == CH_SHORT ? "short"
                                                  : "byte",
                           err));
    else
        CH_TRY(ch_type_print(type, out, err));
    if (null_word) /* a key has none */
        CH_TRY(ch_buf_printf(out, err, " (%s = %s)", null_word, nullable ? "true" : "false"));
    CH_TRY(ch_buf_addc(out, '\n', err));
    size_t len = strlen(prefix);
    if (len + 6 > PREFIX_BYTES) /* nested deeper than anybody reads */
        return CH_OK;
    char deeper[PREFIX_BYTES];
    memcpy(deeper, prefix, len);
    memcpy(deeper + len, "    |", 6);
    return add_tree(type, deeper, depth + 1, most, out, err);
}

static ch_status add_tree(const ch_type *type, const char *prefix, int depth, int most, ch_buf *out,
                          ch_error *err)
{
    if (most > 0 && depth > most)
        return CH_OK;
    if (type->id == CH_ARRAY)
        return add_tree_field("element", type->field[0].type, type->field[0].nullable,
                              "containsNull", prefix, depth, most, out, err);
    if (type->id == CH_MAP) {
        CH_TRY(
            add_tree_field("key", type->field[0].type, false, NULL, prefix, depth, most, out, err));
        return add_tree_field("value", type->field[1].type, type->field[1].nullable,
                              "valueContainsNull", prefix, depth, most, out, err);
    }
    for (int32_t i = 0; type->id == CH_STRUCT && i < type->n_fields; i++)
        CH_TRY(add_tree_field(type->field[i].name, type->field[i].type, type->field[i].nullable,
                              "nullable", prefix, depth, most, out, err));
    return CH_OK;
}

ch_status ch_type_print_tree(const ch_type *type, int most, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "root\n", err));
    return add_tree(type, " |", 1, most, out, err);
}
