/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_path.c - parts of JSON text: get_json_object, json_tuple, json_array_length, json_object_keys.
 *
 * Paths are $, .name, ['name'], [3], [*]. What they give follows Spark's evaluator step by step, which
 * follows Hive: the first member that gives something wins, [*] gives an array if it finds more than
 * one thing, and [*][*] flattens.
 */
#include "column/textout.h"
#include "function/json_text.h"
#include "function/picker.h"
#include "function/utf8.h"

#define PATH_FLAGS (CH_JSON_SINGLE_QUOTES | CH_JSON_CONTROL_CHARS)

/* A text as a tape. */
typedef struct tape {
    ch_json json;
    ch_buf repaired;
} tape;

static void tape_init(tape *t, ch_mem *mem)
{
    ch_json_init(&t->json, mem);
    ch_buf_init(&t->repaired, mem);
}

static void tape_release(tape *t)
{
    ch_json_release(&t->json);
    ch_buf_release(&t->repaired);
}

static ch_status parse(tape *t, ch_str text, bool *ok, ch_error *err)
{
    return ch_json_parse_java(&t->json, text.text, text.len, PATH_FLAGS, &t->repaired, ok, err);
}

/* ---- paths ---- */

typedef enum step_kind { NAME, INDEX, ALL, ANY } step_kind; /* ANY: .* gives nothing */

typedef struct step {
    step_kind kind;
    ch_str name;
    int64_t index;
} step;

typedef struct path {
    ch_buf steps; /* of step */
    int32_t n;
} path;

static bool read_subscript(ch_str s, int64_t *at, step *out)
{
    int64_t i = *at + 1, n = 0, digits = 0;
    if (i < s.len && s.text[i] == '\'') {
        int64_t from = ++i;
        while (i < s.len && s.text[i] != '\'' && s.text[i] != '?')
            i++;
        if (i == from || i + 1 >= s.len || s.text[i] != '\'' || s.text[i + 1] != ']')
            return false;
        *out = (step){.kind = NAME, .name = {s.text + from, i - from}};
        if (out->name.len == 1 && *out->name.text == '*')
            out->kind = ANY;
        *at = i + 2;
        return true;
    }
    if (i < s.len && s.text[i] == '*') {
        *out = (step){.kind = ALL};
        i++;
    } else {
        for (; i < s.len && s.text[i] >= '0' && s.text[i] <= '9' && digits < 18; i++, digits++)
            n = n * 10 + (s.text[i] - '0');
        if (!digits)
            return false;
        *out = (step){.kind = INDEX, .index = n};
    }
    if (i >= s.len || s.text[i] != ']')
        return false;
    *at = i + 1;
    return true;
}

/* Of a text that has at most so many steps as it has bytes. */
static bool read_steps(ch_str s, step *first, int32_t *n)
{
    *n = 0;
    if (!s.len || s.text[0] != '$')
        return false;
    for (int64_t i = 1; i < s.len;) {
        step *st = &first[(*n)++];
        if (s.text[i] == '[') {
            if (!read_subscript(s, &i, st))
                return false;
        } else if (s.text[i] == '.') {
            int64_t from = ++i;
            while (i < s.len && s.text[i] != '.' && s.text[i] != '[')
                i++;
            if (i == from)
                return false;
            *st = (step){.kind = NAME, .name = {s.text + from, i - from}};
            if (st->name.len == 1 && *st->name.text == '*')
                st->kind = ANY;
        } else {
            return false;
        }
    }
    return true;
}

/* *good: it is a path. Names are places in the text. */
static ch_status read_path(ch_str s, path *p, bool *good, ch_error *err)
{
    int64_t most = 0;
    for (int64_t i = 0; i < s.len; i++)
        most += s.text[i] == '.' || s.text[i] == '[';
    ch_buf_reset(&p->steps);
    CH_TRY(ch_buf_reserve(&p->steps, sizeof(step) * (size_t)(most + 1), err));
    *good = read_steps(s, (step *)(void *)p->steps.data, &p->n);
    return CH_OK;
}

/* ---- walking ---- */

typedef enum style { RAW, QUOTED, FLATTEN } style;

typedef struct walk {
    const ch_json *json;
    ch_buf *out;
    ch_error *err;
    ch_status status;
} walk;

/* Adds a comma between elements that were written. */
static void comma(walk *w, size_t mark)
{
    if (w->out->len > mark && w->status == CH_OK)
        w->status = ch_buf_addc(w->out, ',', w->err);
}

static bool write_value(walk *w, int32_t i)
{
    w->status = ch_json_copy(w->json, i, w->out, w->err);
    return true;
}

static bool find(walk *w, int32_t i, style how, const step *st, int32_t n);

/* Every element's findings with commas between; how many elements had some. */
static int32_t find_all(walk *w, int32_t i, style how, const step *st, int32_t n)
{
    const ch_json_node *array = ch_json_at(w->json, i);
    size_t begin = w->out->len;
    int32_t found = 0;
    for (int32_t e = i + 1; e < array->next && w->status == CH_OK;
         e = ch_json_at(w->json, e)->next) {
        size_t mark = w->out->len;
        comma(w, begin);
        size_t behind = w->out->len;
        if (find(w, e, how, st, n))
            found++;
        if (w->out->len == behind)
            w->out->len = mark;
    }
    return found;
}

static bool add_char(walk *w, char c)
{
    if (w->status == CH_OK)
        w->status = ch_buf_addc(w->out, c, w->err);
    return w->status == CH_OK;
}

/* The value at `i` by the steps that are left; true if something was written. */
static bool find(walk *w, int32_t i, style how, const step *st, int32_t n)
{
    const ch_json_node *v = ch_json_at(w->json, i);
    if (w->status != CH_OK)
        return false;
    if (n == 0) {
        if (v->kind == CH_JSON_STRING && how == RAW) {
            w->status = ch_json_text(w->json, v, w->out, w->err);
            return v->len > 0;
        }
        if (v->kind == CH_JSON_ARRAY && how == FLATTEN)
            return find_all(w, i, how, st, 0) > 0;
        return write_value(w, i);
    }
    if (v->kind == CH_JSON_OBJECT && st->kind == NAME) {
        for (int32_t k = i + 1; k < v->next;) {
            int32_t value = ch_json_at(w->json, k)->next;
            if (ch_json_is(w->json, ch_json_at(w->json, k), st->name.text, st->name.len) &&
                ch_json_at(w->json, value)->kind != CH_JSON_NULL &&
                find(w, value, how, st + 1, n - 1))
                return true;
            k = ch_json_at(w->json, value)->next;
        }
        return false;
    }
    if (v->kind != CH_JSON_ARRAY)
        return false;
    if (st->kind == ALL && n > 1 && st[1].kind == ALL) {
        add_char(w, '[');
        bool found = find_all(w, i, FLATTEN, st + 2, n - 2) > 0;
        add_char(w, ']');
        return found;
    }
    if (st->kind == ALL && how != QUOTED) {
        size_t mark = w->out->len;
        add_char(w, '[');
        int32_t found = find_all(w, i, how == FLATTEN ? FLATTEN : QUOTED, st + 1, n - 1);
        if (found > 1)
            add_char(w, ']');
        else if (found == 1 && w->status == CH_OK) {
            memmove(w->out->data + mark, w->out->data + mark + 1, w->out->len - mark - 1);
            w->out->len--;
        } else {
            w->out->len = mark;
        }
        return found > 0;
    }
    if (st->kind == ALL) {
        add_char(w, '[');
        bool found = find_all(w, i, QUOTED, st + 1, n - 1) > 0;
        add_char(w, ']');
        return found;
    }
    if (st->kind != INDEX || st->index >= v->len)
        return false;
    int32_t e = i + 1;
    for (int64_t k = 0; k < st->index; k++)
        e = ch_json_at(w->json, e)->next;
    return find(w, e, n > 1 && st[1].kind == ALL ? QUOTED : how, st + 1, n - 1);
}

static ch_status eval_get(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    tape t;
    ch_buf buf;
    path p = {.n = 0};
    ch_str last = {NULL, -1};
    bool good = false, ok;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    tape_init(&t, call->mem);
    ch_buf_init(&buf, call->mem);
    ch_buf_init(&p.steps, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        ch_str text = ch_arg_str(call, 0, i), by = ch_arg_str(call, 1, i);
        if (by.text != last.text || by.len != last.len || call->arg[1]->encoding != CH_CONST) {
            CH_TRY_OUT(read_path(by, &p, &good, err));
            last = by;
        }
        ch_buf_reset(&buf);
        bool found = false;
        if (good) {
            CH_TRY_OUT(parse(&t, text, &ok, err));
            walk walking = {&t.json, &buf, err, CH_OK};
            found = ok && find(&walking, 0, RAW, (const step *)(const void *)p.steps.data, p.n);
            CH_TRY_OUT(walking.status);
        }
        if (found)
            CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
        else
            CH_TRY_OUT(ch_set_null(*out, i, err));
    }
out:
    tape_release(&t);
    ch_buf_release(&buf);
    ch_buf_release(&p.steps);
    return status;
}

/* ---- json_array_length, json_object_keys ---- */

static ch_status eval_length(const ch_call *call, ch_column **out, ch_error *err)
{
    tape t;
    int32_t *r = (*out)->data;
    ch_status status = CH_OK;
    bool ok;
    tape_init(&t, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        ch_str text = ch_column_str(call->arg[0], i);
        CH_TRY_OUT(parse(&t, text, &ok, err));
        if (ok && ch_json_at(&t.json, 0)->kind == CH_JSON_ARRAY)
            r[i] = ch_json_at(&t.json, 0)->len;
        else
            CH_TRY_OUT(ch_set_null(*out, i, err));
    }
out:
    tape_release(&t);
    return status;
}

static ch_status eval_keys(const ch_call *call, ch_column **out, ch_error *err)
{
    tape t;
    ch_textout w;
    ch_buf buf, places;
    ch_status status = CH_OK;
    int32_t n = 0;
    bool ok;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    tape_init(&t, call->mem);
    ch_buf_init(&buf, call->mem);
    ch_buf_init(&places, call->mem); /* where each key ends in buf */
    for (int64_t i = 0; i < call->rows; i++) {
        ok = !ch_column_is_null(call->arg[0], i);
        if (ok) {
            ch_str text = ch_column_str(call->arg[0], i);
            CH_TRY_OUT(parse(&t, text, &ok, err));
            ok = ok && ch_json_at(&t.json, 0)->kind == CH_JSON_OBJECT;
        }
        if (!ok)
            CH_TRY_OUT(ch_set_null(*out, i, err));
        for (int32_t k = 1; ok && k < ch_json_at(&t.json, 0)->next;
             k = ch_json_at(&t.json, ch_json_at(&t.json, k)->next)->next) {
            CH_TRY_OUT(ch_json_text(&t.json, ch_json_at(&t.json, k), &buf, err));
            int64_t end = (int64_t)buf.len;
            CH_TRY_OUT(ch_buf_add(&places, &end, sizeof end, err));
            n++;
        }
        offset[i + 1] = n;
    }
    CH_TRY_OUT(ch_column_new(call->mem, CH_T_STRING, n, &(*out)->child[0], err));
    ch_textout_init(&w, (*out)->child[0]);
    for (int32_t k = 0; k < n; k++) {
        int64_t from = 0, to;
        memcpy(&to, places.data + 8 * (size_t)k, 8);
        if (k)
            memcpy(&from, places.data + 8 * (size_t)(k - 1), 8);
        CH_TRY_OUT(ch_textout_put(&w, k, buf.data ? buf.data + from : "", to - from, err));
    }
out:
    tape_release(&t);
    ch_buf_release(&buf);
    ch_buf_release(&places);
    return status;
}

/* ---- json_tuple(text, name, ...): a generator of one row ---- */

static ch_status bind_tuple(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2)
        return ch_bind_count(bind, "> 1", err);
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)bind->n_args, err);
    if (!field)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < bind->n_args; i++) {
        if (!ch_type_is_string(bind->arg_type[i]) && bind->arg_type[i]->id != CH_NULL)
            return ch_bind_wrong_type(bind, i, "STRING", err);
        bind->arg_type[i] = CH_T_STRING;
        if (!i)
            continue;
        field[i - 1] = (ch_field){.name = ch_arena_printf(bind->arena, err, "c%d", i - 1),
                                  .type = CH_T_STRING,
                                  .nullable = true};
        if (!field[i - 1].name)
            return CH_E_MEMORY;
    }
    const ch_type *row = ch_type_struct(field, bind->n_args - 1);
    bind->result = row ? ch_type_array(row, false) : NULL;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status tuple_field(const ch_call *call, const ch_json *json, bool ok, int64_t i,
                             int32_t a, ch_textout *w, ch_column *out, ch_buf *buf, ch_error *err)
{
    ch_textout_empty(w, i);
    const ch_json_node *root = ok ? ch_json_at(json, 0) : NULL;
    if (!root || root->kind != CH_JSON_OBJECT || ch_column_is_null(call->arg[a], i))
        return ch_set_null(out, i, err);
    ch_str name = ch_arg_str(call, a, i);
    int32_t found = 0; /* the last of several that have a value */
    for (int32_t k = 1; k < root->next;) {
        int32_t value = ch_json_at(json, k)->next;
        if (ch_json_at(json, value)->kind != CH_JSON_NULL &&
            ch_json_is(json, ch_json_at(json, k), name.text, name.len))
            found = value;
        k = ch_json_at(json, value)->next;
    }
    if (!found)
        return ch_set_null(out, i, err);
    const ch_json_node *v = ch_json_at(json, found);
    ch_buf_reset(buf);
    if (v->kind == CH_JSON_STRING)
        CH_TRY(ch_json_text(json, v, buf, err));
    else
        CH_TRY(ch_json_copy(json, found, buf, err));
    return ch_textout_put(w, i, buf->data ? buf->data : "", (int64_t)buf->len, err);
}

static ch_status eval_tuple(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_type *row = call->result->field[0].type;
    tape t;
    ch_buf buf;
    ch_status status = CH_OK;
    size_t bytes = sizeof(ch_textout) * (size_t)call->n_args;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    for (int64_t i = 0; i <= call->rows; i++)
        ((int32_t *)(*out)->data)[i] = (int32_t)i;
    CH_TRY(ch_column_new(call->mem, row, call->rows, &(*out)->child[0], err));
    ch_textout *w = ch_mem_alloc(call->mem, bytes, err);
    if (!w)
        return CH_E_MEMORY;
    tape_init(&t, call->mem);
    ch_buf_init(&buf, call->mem);
    for (int32_t a = 1; a < call->n_args; a++) {
        ch_column **field = &(*out)->child[0]->child[a - 1];
        CH_TRY_OUT(ch_column_new(call->mem, CH_T_STRING, call->rows, field, err));
        ch_textout_init(&w[a], *field);
        for (int64_t i = 0; i < call->rows; i++)
            ch_textout_empty(&w[a], i);
    }
    for (int64_t i = 0; i < call->rows; i++) {
        bool ok = !ch_column_is_null(call->arg[0], i);
        if (ok) {
            ch_str text = ch_arg_str(call, 0, i);
            CH_TRY_OUT(parse(&t, text, &ok, err));
        }
        for (int32_t a = 1; a < call->n_args; a++)
            CH_TRY_OUT(tuple_field(call, &t.json, ok, i, a, &w[a], (*out)->child[0]->child[a - 1],
                                   &buf, err));
    }
out:
    tape_release(&t);
    ch_buf_release(&buf);
    ch_mem_free(call->mem, w, bytes);
    return status;
}

const ch_func ch_func_json_path[] = {
    {.name = "get_json_object",
     .sig = "string, string -> string",
     .eval = eval_get,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL | CH_FUNC_TAKES_CONST,
     .doc = "What a path finds in JSON text.",
     .example = "SELECT get_json_object('{\"a\":\"b\"}', '$.a')",
     .expect = "b",
     .since = "0.1"},
    {.name = "json_array_length",
     .sig = "string -> int",
     .eval = eval_length,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL,
     .doc = "Elements of a JSON array.",
     .example = "SELECT json_array_length('[1,2,3,4]')",
     .expect = "4",
     .since = "0.1"},
    {.name = "json_object_keys",
     .sig = "string -> array<string>",
     .eval = eval_keys,
     .flags = CH_FUNC_MAKES_NULL,
     .doc = "Keys of a JSON object.",
     .example = "SELECT json_object_keys('{\"key\": \"value\"}')",
     .expect = "[key]",
     .since = "0.1"},
    {.name = "json_tuple",
     .bind = bind_tuple,
     .eval = eval_tuple,
     .flags = CH_FUNC_GENERATOR,
     .doc = "Several members of a JSON object.",
     .example = "SELECT json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')",
     .expect = "1",
     .since = "0.1"},
    CH_FUNC_END,
};
