/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_read.c - what a worker pickled, as objects in an arena; pickle_result.c makes columns of them.
 *
 * A pickle is a program for a stack machine. Known are the opcodes of protocols 2 to 5 that plain objects,
 * containers and calls need; a call stays what it is, a name and its arguments, and nothing is run.
 */
#include <string.h>

#include "python/pickle_object.h"

enum { MOST_LONG_BYTES = 1 << 16 };

typedef struct reader {
    const uint8_t *at, *end;
    ch_arena *arena;
    ch_error *err;
    ch_object **stack; /* in the arena; NULL is a mark */
    size_t n, cap;
    ch_object **memo;
    size_t n_memo, cap_memo, most_memo;
} reader;

static ch_status damaged(reader *r, const char *what)
{
    CH_FAIL(r->err, PYTHON_RESULT, "reason", what);
}

/* ---- the stack --------------------------------------------------------------------------- */

static ch_status grow(reader *r, ch_object ***array, size_t n, size_t *cap)
{
    if (n < *cap)
        return CH_OK;
    size_t more = *cap ? *cap * 2 : 64;
    ch_object **out = ch_arena_alloc(r->arena, more * sizeof *out, r->err);
    if (!out)
        return CH_E_MEMORY;
    if (n)
        memcpy(out, *array, n * sizeof *out);
    *array = out;
    *cap = more;
    return CH_OK;
}

static ch_status push(reader *r, ch_object *o)
{
    CH_TRY(grow(r, &r->stack, r->n, &r->cap));
    r->stack[r->n++] = o;
    return CH_OK;
}

static ch_status pop(reader *r, ch_object **out)
{
    if (r->n == 0 || !r->stack[r->n - 1])
        return damaged(r, "its stack is empty");
    *out = r->stack[--r->n];
    return CH_OK;
}

static ch_status new_object(reader *r, ch_object_kind kind, ch_object **out)
{
    *out = ch_arena_alloc(r->arena, sizeof **out, r->err);
    if (!*out)
        return CH_E_MEMORY;
    (*out)->kind = kind;
    return CH_OK;
}

static ch_status push_new(reader *r, ch_object_kind kind, ch_object **out)
{
    CH_TRY(new_object(r, kind, out));
    return push(r, *out);
}

/* What lies above the last mark, which goes: *first is its place in the stack. */
static ch_status to_mark(reader *r, size_t *first)
{
    size_t i = r->n;
    while (i > 0 && r->stack[i - 1])
        i--;
    if (i == 0)
        return damaged(r, "a mark is missing");
    *first = i;
    return CH_OK;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static ch_status need(reader *r, uint64_t n)
{
    return (uint64_t)(r->end - r->at) >= n ? CH_OK : damaged(r, "it ends too early");
}

static ch_status number(reader *r, size_t width, uint64_t *out)
{
    *out = 0;
    CH_TRY(need(r, width));
    memcpy(out, r->at, width);
    r->at += width;
    return CH_OK;
}

/* Half a surrogate pair, which Python keeps in texts, is U+FFFD in Java. */
static ch_status repair(reader *r, ch_str *text)
{
    char *copy = NULL;
    const uint8_t *in = (const uint8_t *)text->text;
    for (int64_t i = 0; i + 2 < text->len; i++) {
        if (in[i] != 0xED || in[i + 1] < 0xA0)
            continue;
        if (!copy && !(copy = ch_arena_strn(r->arena, text->text, (size_t)text->len, r->err)))
            return CH_E_MEMORY;
        memcpy(copy + i, "\xEF\xBF\xBD", 3);
        i += 2;
    }
    text->text = copy ? copy : text->text;
    return CH_OK;
}

static ch_status push_text(reader *r, ch_object_kind kind, size_t width)
{
    uint64_t len;
    ch_object *o;
    CH_TRY(number(r, width, &len));
    CH_TRY(need(r, len));
    CH_TRY(push_new(r, kind, &o));
    o->text = (ch_str){(const char *)r->at, (int64_t)len};
    r->at += len;
    return kind == CH_OBJECT_TEXT && memchr(o->text.text, 0xED, len) ? repair(r, &o->text) : CH_OK;
}

static ch_status push_int(reader *r, int64_t value)
{
    ch_object *o;
    CH_TRY(push_new(r, CH_OBJECT_INT, &o));
    o->i64 = value;
    return CH_OK;
}

/* Two's complement, little-endian. More than 64 bits are kept as bytes. */
static ch_status push_long(reader *r, size_t width)
{
    uint64_t len;
    CH_TRY(number(r, width, &len));
    CH_TRY(need(r, len));
    if (len > MOST_LONG_BYTES)
        return damaged(r, "a number is too long");
    if (len <= 8) {
        uint64_t v = len && r->at[len - 1] & 0x80 ? UINT64_MAX : 0;
        if (len)
            memcpy(&v, r->at, len);
        r->at += len;
        return push_int(r, (int64_t)v);
    }
    ch_object *o;
    CH_TRY(push_new(r, CH_OBJECT_BIG, &o));
    o->text = (ch_str){(const char *)r->at, (int64_t)len};
    r->at += len;
    return CH_OK;
}

static ch_status push_float(reader *r)
{
    uint64_t bits;
    ch_object *o;
    CH_TRY(number(r, 8, &bits));
    bits = __builtin_bswap64(bits);
    CH_TRY(push_new(r, CH_OBJECT_FLOAT, &o));
    memcpy(&o->f64, &bits, sizeof bits);
    return CH_OK;
}

static ch_status line(reader *r, ch_str *out)
{
    const uint8_t *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!stop)
        return damaged(r, "it ends too early");
    *out = (ch_str){(const char *)r->at, stop - r->at};
    r->at = stop + 1;
    return CH_OK;
}

/* ---- containers -------------------------------------------------------------------------- */

static ch_status append(reader *r, ch_object *list, ch_object *const *item, size_t n)
{
    if (list->kind != CH_OBJECT_LIST && list->kind != CH_OBJECT_DICT)
        return damaged(r, "something is added to what is no container");
    if (list->n + n > list->cap) {
        size_t cap = list->cap * 2 > list->n + n ? list->cap * 2 : list->n + n;
        ch_object **more = ch_arena_alloc(r->arena, cap * sizeof *more, r->err);
        if (!more)
            return CH_E_MEMORY;
        if (list->n)
            memcpy(more, list->item, list->n * sizeof *more);
        list->item = more;
        list->cap = cap;
    }
    if (n)
        memcpy(list->item + list->n, item, n * sizeof *item);
    list->n += n;
    return CH_OK;
}

/* The items above the mark go into the container below it. */
static ch_status append_marked(reader *r)
{
    size_t first = 0;
    CH_TRY(to_mark(r, &first));
    if (first < 2 || !r->stack[first - 2])
        return damaged(r, "a container is missing");
    ch_object *list = r->stack[first - 2];
    if (list->kind == CH_OBJECT_DICT && (r->n - first) % 2)
        return damaged(r, "a key has no value");
    CH_TRY(append(r, list, r->stack + first, r->n - first));
    r->n = first - 1;
    return CH_OK;
}

/* The last n objects of the stack as one. */
static ch_status collect(reader *r, ch_object_kind kind, size_t n)
{
    ch_object *o;
    if (r->n < n)
        return damaged(r, "its stack is empty");
    for (size_t i = 0; i < n; i++)
        if (!r->stack[r->n - 1 - i])
            return damaged(r, "a tuple is cut by a mark");
    CH_TRY(new_object(r, kind, &o));
    o->item = ch_arena_alloc(r->arena, (n + 1) * sizeof(ch_object *), r->err);
    if (!o->item)
        return CH_E_MEMORY;
    if (n)
        memcpy(o->item, r->stack + r->n - n, n * sizeof(ch_object *));
    o->n = o->cap = n;
    r->n -= n;
    return push(r, o);
}

static ch_status collect_marked(reader *r, ch_object_kind kind)
{
    size_t first = 0;
    CH_TRY(to_mark(r, &first));
    size_t n = r->n - first;
    CH_TRY(collect(r, kind, n));
    r->stack[r->n - 2] = r->stack[r->n - 1]; /* in the mark's place */
    r->n--;
    return CH_OK;
}

static ch_status set_item(reader *r)
{
    ch_object *pair[2], *dict;
    CH_TRY(pop(r, &pair[1]));
    CH_TRY(pop(r, &pair[0]));
    CH_TRY(pop(r, &dict));
    CH_TRY(append(r, dict, pair, 2));
    return push(r, dict);
}

static ch_status append_one(reader *r)
{
    ch_object *item, *list;
    CH_TRY(pop(r, &item));
    CH_TRY(pop(r, &list));
    CH_TRY(append(r, list, &item, 1));
    return push(r, list);
}

/* ---- calls ------------------------------------------------------------------------------- */

static ch_status push_global(reader *r, ch_str module, ch_str name)
{
    ch_object *o;
    CH_TRY(push_new(r, CH_OBJECT_GLOBAL, &o));
    char *text = ch_arena_printf(r->arena, r->err, "%.*s.%.*s", (int)module.len, module.text,
                                 (int)name.len, name.text);
    if (!text)
        return CH_E_MEMORY;
    o->text = (ch_str){text, (int64_t)strlen(text)};
    return CH_OK;
}

static ch_status stack_global(reader *r)
{
    ch_object *module, *name;
    CH_TRY(pop(r, &name));
    CH_TRY(pop(r, &module));
    if (module->kind != CH_OBJECT_TEXT || name->kind != CH_OBJECT_TEXT)
        return damaged(r, "a name is no text");
    return push_global(r, module->text, name->text);
}

/* callable(*arguments); more: what is left on the stack above them is dropped. */
static ch_status call(reader *r, int dropped)
{
    ch_object *arguments, *callable, *o;
    while (dropped-- > 0)
        CH_TRY(pop(r, &o));
    CH_TRY(pop(r, &arguments));
    CH_TRY(pop(r, &callable));
    CH_TRY(push_new(r, CH_OBJECT_CALL, &o));
    if (callable->kind == CH_OBJECT_GLOBAL)
        o->text = callable->text;
    if (arguments->kind == CH_OBJECT_TUPLE) {
        o->item = arguments->item;
        o->n = arguments->n;
    }
    return CH_OK;
}

/* The state of an object tells nothing that is asked here. */
static ch_status build(reader *r)
{
    ch_object *state;
    return pop(r, &state);
}

/* ---- memo -------------------------------------------------------------------------------- */

static ch_status put(reader *r, uint64_t place)
{
    if (r->n == 0 || !r->stack[r->n - 1] || place > r->most_memo)
        return damaged(r, "nothing is there to be remembered");
    while (r->n_memo <= place) {
        CH_TRY(grow(r, &r->memo, r->n_memo, &r->cap_memo));
        r->memo[r->n_memo++] = NULL;
    }
    r->memo[place] = r->stack[r->n - 1];
    return CH_OK;
}

static ch_status get(reader *r, uint64_t place)
{
    if (place >= r->n_memo || !r->memo[place])
        return damaged(r, "it asks for what was not remembered");
    return push(r, r->memo[place]);
}

static ch_status with_number(reader *r, size_t width, ch_status (*fn)(reader *, uint64_t))
{
    uint64_t n;
    CH_TRY(number(r, width, &n));
    return fn(r, n);
}

static ch_status skip(reader *r, size_t bytes)
{
    CH_TRY(need(r, bytes));
    r->at += bytes;
    return CH_OK;
}

/* ---- the machine ------------------------------------------------------------------------- */

static ch_status step_text(reader *r, uint8_t code)
{
    switch (code) {
    case 0x8c: /* SHORT_BINUNICODE */
        return push_text(r, CH_OBJECT_TEXT, 1);
    case 'X': /* BINUNICODE */
        return push_text(r, CH_OBJECT_TEXT, 4);
    case 0x8d: /* BINUNICODE8 */
        return push_text(r, CH_OBJECT_TEXT, 8);
    case 'C': /* SHORT_BINBYTES */
        return push_text(r, CH_OBJECT_BYTES, 1);
    case 'B': /* BINBYTES */
        return push_text(r, CH_OBJECT_BYTES, 4);
    case 0x8e: /* BINBYTES8 */
    case 0x96: /* BYTEARRAY8 */
        return push_text(r, CH_OBJECT_BYTES, 8);
    default:
        return damaged(r, "it holds an object that is not plain");
    }
}

static ch_status step_container(reader *r, uint8_t code)
{
    ch_object *o;
    ch_str module, name;
    switch (code) {
    case ']': /* EMPTY_LIST */
        return push_new(r, CH_OBJECT_LIST, &o);
    case '}': /* EMPTY_DICT */
        return push_new(r, CH_OBJECT_DICT, &o);
    case 0x8f: /* EMPTY_SET */
        CH_TRY(push_new(r, CH_OBJECT_LIST, &o));
        o->is_set = true;
        return CH_OK;
    case 'a': /* APPEND */
        return append_one(r);
    case 'e':  /* APPENDS */
    case 'u':  /* SETITEMS */
    case 0x90: /* ADDITEMS */
        return append_marked(r);
    case 's': /* SETITEM */
        return set_item(r);
    case ')': /* EMPTY_TUPLE */
        return collect(r, CH_OBJECT_TUPLE, 0);
    case 0x85: /* TUPLE1 .. TUPLE3 */
    case 0x86:
    case 0x87:
        return collect(r, CH_OBJECT_TUPLE, (size_t)code - 0x84);
    case 't': /* TUPLE */
        return collect_marked(r, CH_OBJECT_TUPLE);
    case 'l':  /* LIST */
    case 0x91: /* FROZENSET */
        return collect_marked(r, CH_OBJECT_LIST);
    case 'c': /* GLOBAL */
        CH_TRY(line(r, &module));
        CH_TRY(line(r, &name));
        return push_global(r, module, name);
    case 0x93: /* STACK_GLOBAL */
        return stack_global(r);
    case 'R':  /* REDUCE */
    case 0x81: /* NEWOBJ */
        return call(r, 0);
    case 0x92: /* NEWOBJ_EX */
        return call(r, 1);
    case 'b': /* BUILD */
        return build(r);
    default:
        return step_text(r, code);
    }
}

static ch_status step(reader *r, uint8_t code)
{
    uint64_t n;
    ch_object *o;
    switch (code) {
    case 0x80: /* PROTO */
        return skip(r, 1);
    case 0x95: /* FRAME */
        return skip(r, 8);
    case '(': /* MARK */
        return push(r, NULL);
    case 'N': /* NONE */
        return push_new(r, CH_OBJECT_NONE, &o);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        CH_TRY(push_new(r, CH_OBJECT_BOOL, &o));
        o->i64 = code == 0x88;
        return CH_OK;
    case 'K': /* BININT1 */
        CH_TRY(number(r, 1, &n));
        return push_int(r, (int64_t)n);
    case 'M': /* BININT2 */
        CH_TRY(number(r, 2, &n));
        return push_int(r, (int64_t)n);
    case 'J': /* BININT */
        CH_TRY(number(r, 4, &n));
        return push_int(r, (int32_t)(uint32_t)n);
    case 0x8a: /* LONG1 */
        return push_long(r, 1);
    case 0x8b: /* LONG4 */
        return push_long(r, 4);
    case 'G': /* BINFLOAT */
        return push_float(r);
    case 'q': /* BINPUT */
        return with_number(r, 1, put);
    case 'r': /* LONG_BINPUT */
        return with_number(r, 4, put);
    case 0x94: /* MEMOIZE */
        return put(r, r->n_memo);
    case 'h': /* BINGET */
        return with_number(r, 1, get);
    case 'j': /* LONG_BINGET */
        return with_number(r, 4, get);
    case '0': /* POP */
        return pop(r, &o);
    case '1': /* POP_MARK */
    {
        size_t first = 0;
        CH_TRY(to_mark(r, &first));
        r->n = first - 1;
        return CH_OK;
    }
    default:
        return step_container(r, code);
    }
}

ch_status ch_unpickle(const char *bytes, size_t len, ch_arena *arena, ch_object **out,
                      ch_error *err)
{
    reader r = {.at = (const uint8_t *)bytes,
                .end = (const uint8_t *)bytes + len,
                .arena = arena,
                .most_memo = len, /* each takes a byte at least */
                .err = err};
    *out = NULL;
    while (r.at < r.end) {
        uint8_t code = *r.at++;
        if (code == '.') /* STOP */
            return pop(&r, out);
        CH_TRY(step(&r, code));
    }
    return damaged(&r, "it ends too early");
}
