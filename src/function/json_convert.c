/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_convert.c - from_json, to_json, schema_of_json.
 */
#include "column/take.h"
#include "column/textout.h"
#include "function/json_read.h"
#include "function/json_text.h"
#include "function/json_write.h"
#include "function/utf8.h"
#include "type/type_json.h"

/* ---- options: a constant map of texts ---- */

static ch_status read_options(ch_bind *bind, int32_t i, ch_json_options *o, ch_error *err)
{
    *o = ch_json_options_default(bind->ctx);
    if (i >= bind->n_args)
        return CH_OK;
    const ch_type *t = bind->arg_type[i];
    const ch_scalar *v = ch_bind_constant(bind, i);
    if (t->id != CH_MAP || !ch_type_is_string(t->field[0].type) ||
        !ch_type_is_string(t->field[1].type))
        return ch_bind_wrong_type(bind, i, "MAP<STRING, STRING>", err);
    if (!v || v->is_null)
        CH_FAIL(err, DATATYPE_NON_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName", "`options`",
                "inputType", "\"MAP<STRING, STRING>\"", "inputExpr", ch_bind_arg_sql(bind, i));
    for (int64_t k = 0; k + 1 < v->v.list.n; k += 2) {
        const ch_scalar *key = &v->v.list.item[k], *value = &v->v.list.item[k + 1];
        if (value->is_null)
            continue;
        char *name = ch_arena_strn(bind->arena, key->v.str.text, (size_t)key->v.str.len, err);
        char *text = ch_arena_strn(bind->arena, value->v.str.text, (size_t)value->v.str.len, err);
        if (!name || !text)
            return CH_E_MEMORY;
        ch_json_options_set(o, name, text);
    }
    return CH_OK;
}

/* ---- from_json ---- */

static ch_status parse_schema(ch_bind *bind, int32_t i, const ch_type **out, ch_error *err)
{
    const ch_scalar *v = ch_bind_constant(bind, i);
    if (!ch_type_is_string(bind->arg_type[i]) || !v || v->is_null) {
        bind->final = true;
        CH_FAIL(err, SCHEMA_NOT_LITERAL, "inputSchema", ch_bind_arg_sql(bind, i));
    }
    char *text = ch_arena_strn(bind->arena, v->v.str.text, (size_t)v->v.str.len, err);
    if (!text)
        return CH_E_MEMORY;
    CH_TRY(ch_type_parse_json(text, strlen(text), out, err));
    if (*out)
        return CH_OK;
    ch_error as_type = {0};
    ch_status read = ch_type_parse(text, out, &as_type);
    if (read == CH_OK || read == CH_E_MEMORY) {
        if (read != CH_OK && err && err->code == CH_OK)
            *err = as_type;
        else
            ch_error_release(&as_type);
        return read;
    }
    bind->final = true;
    ch_error as_table = {0};
    ch_status status = ch_type_parse_ddl(text, out, &as_table);
    bool first = status != CH_OK && as_type.code == CH_E_PARSE_SYNTAX_ERROR;
    ch_error_release(first ? &as_table : &as_type);
    if (status != CH_OK && err && err->code == CH_OK)
        *err = first ? as_type : as_table;
    else
        ch_error_release(first ? &as_type : &as_table);
    return status == CH_OK ? CH_OK : first ? CH_E_PARSE_SYNTAX_ERROR : status;
}

/* Everything in it may be NULL. */
static const ch_type *all_nullable(ch_arena *arena, const ch_type *t, ch_error *err)
{
    if (!ch_type_is_nested(t) || t->n_fields == 0)
        return t;
    ch_field *field = ch_arena_alloc(arena, sizeof *field * (size_t)t->n_fields, err);
    if (!field)
        return NULL;
    for (int32_t i = 0; i < t->n_fields; i++) {
        field[i] = t->field[i];
        field[i].type = all_nullable(arena, t->field[i].type, err);
        field[i].nullable = true;
        if (!field[i].type)
            return NULL;
    }
    return t->id == CH_ARRAY ? ch_type_array(field[0].type, true)
           : t->id == CH_MAP ? ch_type_map(field[0].type, field[1].type, true)
                             : ch_type_struct(field, t->n_fields);
}

static bool has_other_keys(const ch_type *t)
{
    bool found = t->id == CH_MAP && !ch_type_is_string(t->field[0].type);
    for (int32_t i = 0; i < t->n_fields; i++)
        found |= has_other_keys(t->field[i].type);
    return found;
}

static ch_status bind_from(ch_bind *bind, ch_error *err)
{
    const ch_type *schema;
    if (bind->n_args < 2 || bind->n_args > 3)
        return ch_bind_count(bind, "[2, 3]", err);
    if (bind->arg_type[0]->id == CH_NULL)
        bind->arg_type[0] = CH_T_STRING;
    if (!ch_type_is_string(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "STRING", err);
    CH_TRY(parse_schema(bind, 1, &schema, err));
    if (!ch_type_is_nested(schema)) {
        ch_quoted_type t = ch_quote_type(schema);
        CH_FAIL(err, INVALID_JSON_SCHEMA, "sqlExpr", ch_bind_sql(bind), "schema", t.text);
    }
    if (has_other_keys(schema)) {
        ch_quoted_type t = ch_quote_type(schema);
        CH_FAIL(err, INVALID_JSON_MAP_KEY_TYPE, "sqlExpr", ch_bind_sql(bind), "schema", t.text);
    }
    ch_json_options *o = ch_arena_alloc(bind->arena, sizeof *o, err);
    if (!o)
        return CH_E_MEMORY;
    CH_TRY(read_options(bind, 2, o, err));
    bind->data = o;
    bind->result = all_nullable(bind->arena, schema, err);
    bind->nullable = true;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static bool is_blank(ch_str s)
{
    for (int64_t i = 0; i < s.len; i++)
        if ((uint8_t)s.text[i] > ' ')
            return false;
    return true;
}

static ch_status eval_from(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_json_options *o = call->data;
    const ch_column *in = call->arg[0];
    ch_json_rows *rows;
    CH_TRY(ch_json_rows_new(call->mem, call->result, o, call->ctx, &rows, err));
    ch_status status = CH_OK;
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str text = {NULL, 0};
        if (!ch_column_is_null(in, i))
            text = ch_column_str(in, i);
        if (!text.text || is_blank(text)) {
            CH_TRY_OUT(ch_json_rows_null(rows, err));
            continue;
        }
        bool good;
        CH_TRY_OUT(ch_json_rows_add_of(rows, in, i, &good, err));
        if (!good && o->mode == CH_JSON_FAIL) {
            status = ch_json_malformed(text.text, text.len, NULL, err);
            goto out;
        }
    }
    status = ch_json_rows_finish(rows, out, err);
out:
    ch_json_rows_free(rows);
    return status;
}

/* ---- to_json ---- */

static ch_status bind_to(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    if (!ch_type_is_nested(bind->arg_type[0])) {
        ch_quoted_type t = ch_quote_type(bind->arg_type[0]);
        CH_FAIL(err, INVALID_JSON_SCHEMA, "sqlExpr", ch_bind_sql(bind), "schema", t.text);
    }
    ch_json_options *o = ch_arena_alloc(bind->arena, sizeof *o, err);
    if (!o)
        return CH_E_MEMORY;
    CH_TRY(read_options(bind, 1, o, err));
    bind->data = o;
    bind->result = CH_T_STRING;
    bind->nullable = bind->arg_nullable[0];
    return CH_OK;
}

static ch_status eval_to(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_json_writer *writer;
    ch_textout w;
    ch_buf buf;
    ch_textout_init(&w, *out);
    CH_TRY(ch_json_writer_new(call->mem, call->data, &writer, err));
    ch_buf_init(&buf, call->mem);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (ch_column_is_null(call->arg[0], i)) {
            CH_TRY_OUT(ch_set_null(*out, i, err));
            continue;
        }
        ch_buf_reset(&buf);
        CH_TRY_OUT(ch_json_write(writer, call->arg[0], i, &buf, err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    ch_json_writer_free(writer);
    return status;
}

/* ---- schema_of_json ---- */

static ch_status bind_schema(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    const ch_scalar *v = ch_bind_constant(bind, 0);
    if (!ch_type_is_string(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "STRING", err);
    if (!v)
        CH_FAIL(err, DATATYPE_NON_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName", "`json`",
                "inputType", "\"STRING\"", "inputExpr", ch_bind_arg_sql(bind, 0));
    ch_json_options *o = ch_arena_alloc(bind->arena, sizeof *o, err);
    if (!o)
        return CH_E_MEMORY;
    CH_TRY(read_options(bind, 1, o, err));
    bind->data = o;
    bind->result = CH_T_STRING;
    bind->nullable = false;
    return CH_OK;
}

/* As SchemaOfJson has it, where nothing is left. */
static ch_status final_type(const ch_type *t, const ch_json_options *o, ch_arena *arena,
                            const ch_type **out, ch_error *err)
{
    bool structs = t->id == CH_ARRAY && t->field[0].type->id == CH_STRUCT;
    bool rows = structs || t->id == CH_STRUCT;
    CH_TRY(ch_json_inferred(t, o, arena, out, err));
    if (*out)
        return CH_OK;
    *out = rows ? ch_type_struct(NULL, 0) : CH_T_STRING;
    if (*out && structs)
        *out = ch_type_array(*out, true);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static ch_status eval_schema(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_json_options *o = call->data;
    ch_textout w;
    ch_json json;
    ch_buf buf, repaired;
    ch_arena arena;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_json_init(&json, call->mem);
    ch_buf_init(&buf, call->mem);
    ch_buf_init(&repaired, call->mem);
    ch_arena_init(&arena, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str text = ch_column_is_null(call->arg[0], i) ? (ch_str){"null", 4}
                                                         : ch_column_str(call->arg[0], i);
        const ch_type *type;
        bool ok;
        ch_buf_reset(&buf);
        CH_TRY_OUT(ch_json_parse_java(&json, text.text, text.len, o->flags, &repaired, &ok, err));
        if (!ok) {
            status = ch_json_malformed(text.text, text.len, NULL, err);
            goto out;
        }
        CH_TRY_OUT(ch_json_infer(&json, 0, o, &arena, &type, err));
        CH_TRY_OUT(final_type(type, o, &arena, &type, err));
        CH_TRY_OUT(ch_type_print_sql(type, &buf, err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data, (int64_t)buf.len, err));
    }
out:
    ch_arena_release(&arena);
    ch_json_release(&json);
    ch_buf_release(&buf);
    ch_buf_release(&repaired);
    return status;
}

const ch_func ch_func_json_convert[] = {
    {.name = "from_json",
     .bind = bind_from,
     .eval = eval_from,
     .flags = CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL,
     .doc = "A struct, array or map of JSON text, by a schema.",
     .example = "SELECT from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')",
     .expect = "{1, 0.8}",
     .since = "0.1"},
    {.name = "to_json",
     .bind = bind_to,
     .eval = eval_to,
     .flags = CH_FUNC_MAKES_NULL,
     .doc = "A struct, array or map as JSON text.",
     .example = "SELECT to_json(named_struct('a', 1, 'b', 2))",
     .expect = "{\"a\":1,\"b\":2}",
     .since = "0.1"},
    {.name = "schema_of_json",
     .bind = bind_schema,
     .eval = eval_schema,
     .flags = CH_FUNC_NEVER_NULL | CH_FUNC_MAY_FAIL,
     .doc = "The schema that fits a JSON text.",
     .example = "SELECT schema_of_json('[{\"col\":0}]')",
     .expect = "ARRAY<STRUCT<col: BIGINT>>",
     .since = "0.1"},
    CH_FUNC_END,
};
