/* SPDX-License-Identifier: Apache-2.0 */
/* arrow_type.c - types as Arrow's format strings and trees of ArrowSchema, both ways. */
#include "column/arrow.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- out --------------------------------------------------------------------------------- */

/*
 * One allocation per schema node:
 *
 *   node { account, its size } | format | name | child pointers | children
 */
typedef struct node {
    ch_mem *mem;
    size_t bytes;
    char format[96];
} node;

static void release_schema(struct ArrowSchema *schema)
{
    node *n = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    schema->release = NULL;
    ch_mem_free(n->mem, n, n->bytes);
}

static const char *plain_format(const ch_type *type, const ch_arrow_options *options)
{
    switch (type->id) {
    case CH_NULL:
        return "n";
    case CH_BOOLEAN:
        return "b";
    case CH_BYTE:
        return "c";
    case CH_SHORT:
        return "s";
    case CH_INT:
        return "i";
    case CH_LONG:
        return "l";
    case CH_FLOAT:
        return "f";
    case CH_DOUBLE:
        return "g";
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return options->classic ? "u" : "vu";
    case CH_BINARY:
        return options->classic ? "z" : "vz";
    case CH_DATE:
        return "tdD";
    case CH_TIME:
        return "ttn";
    case CH_TIMESTAMP_NTZ:
        return "tsu:";
    case CH_DAY_TIME_INTERVAL:
        return "tDu";
    case CH_YEAR_MONTH_INTERVAL:
        return "tiM";
    case CH_CALENDAR_INTERVAL:
        return "tin";
    case CH_ARRAY:
        return "+l";
    case CH_MAP:
        return "+m";
    default:
        return "+s";
    }
}

static void print_format(const ch_type *type, const ch_arrow_options *options, char *out,
                         size_t size)
{
    if (type->id == CH_TIMESTAMP)
        snprintf(out, size, "tsu:%s", options->time_zone ? options->time_zone : "UTC");
    else if (type->id == CH_DECIMAL && (ch_type_is_wide_decimal(type) || options->classic))
        snprintf(out, size, "d:%d,%d", type->precision, type->scale);
    else if (type->id == CH_DECIMAL)
        snprintf(out, size, "d:%d,%d,64", type->precision, type->scale);
    else
        snprintf(out, size, "%s", plain_format(type, options));
}

/* How the children of a type look from outside. */
static ch_field child_field(const ch_type *type, int64_t i)
{
    static const char *const variant[] = {"value", "metadata"};
    if (type->id == CH_MAP)
        return (ch_field){"entries", ch_type_struct(type->field, 2), false, NULL};
    if (type->id == CH_VARIANT)
        return (ch_field){variant[i], ch_type_of(CH_BINARY), false, NULL};
    return type->field[i];
}

/* Key-value metadata {"variant": "true"}, as Spark marks a variant's second child. */
static const struct {
    int32_t n, key_len;
    char key[7];
    char value_len[4], value[4];
} __attribute__((packed)) VARIANT_MARK = {1, 7, "variant", {4, 0, 0, 0}, {'t', 'r', 'u', 'e'}};

ch_status ch_arrow_export_type(ch_mem *mem, const ch_type *type, const char *name, bool nullable,
                               const ch_arrow_options *options, struct ArrowSchema *out,
                               ch_error *err)
{
    static const ch_arrow_options defaults = {0};
    options = options ? options : &defaults;
    *out = (struct ArrowSchema){0};
    int64_t n = type->id == CH_MAP ? 1 : type->id == CH_VARIANT ? 2 : type->n_fields;
    size_t name_bytes = (strlen(name) + 8) & ~(size_t)7;
    size_t each = sizeof(struct ArrowSchema *) + sizeof(struct ArrowSchema);
    size_t bytes = sizeof(node) + name_bytes + each * (size_t)n;
    node *self = ch_mem_zalloc(mem, bytes, err);
    if (!self)
        return CH_E_MEMORY;
    self->mem = mem;
    self->bytes = bytes;
    print_format(type, options, self->format, sizeof self->format);
    char *name_copy = strcpy((char *)(self + 1), name);
    struct ArrowSchema **child = (struct ArrowSchema **)(void *)(name_copy + name_bytes);
    struct ArrowSchema *children = (struct ArrowSchema *)(child + n);
    *out = (struct ArrowSchema){.format = self->format,
                                .name = name_copy,
                                .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
                                .children = n ? child : NULL,
                                .release = release_schema,
                                .private_data = self};
    for (int64_t i = 0; i < n; i++) {
        ch_field f = child_field(type, i);
        child[i] = &children[i];
        ch_status status =
            f.type ? ch_arrow_export_type(mem, f.type, f.name, f.nullable, options, child[i], err)
                   : ch_error_memory(err, ch_mem_name(mem), 0, ch_mem_limit(mem));
        if (status != CH_OK) {
            release_schema(out);
            return status;
        }
        out->n_children++;
        if (type->id == CH_VARIANT && i == 1)
            child[i]->metadata = (const char *)&VARIANT_MARK;
    }
    return CH_OK;
}

/* ---- in ---------------------------------------------------------------------------------- */

static ch_status unsupported(const struct ArrowSchema *schema, ch_error *err)
{
    char text[160];
    snprintf(text, sizeof text, "Arrow format \"%.60s\" (field \"%.60s\")", schema->format,
             schema->name ? schema->name : "");
    CH_FAIL(err, UNSUPPORTED, "feature", text);
}

/* The length of metadata is in itself: no part is looked at before those that say it is there. */
static bool has_variant_mark(const char *metadata)
{
    const char *mark = (const char *)&VARIANT_MARK;
    size_t value = offsetof(__typeof__(VARIANT_MARK), value_len);
    return metadata && memcmp(metadata, mark, 4) == 0 && memcmp(metadata + 4, mark + 4, 4) == 0 &&
           memcmp(metadata + 8, mark + 8, value - 8) == 0 &&
           memcmp(metadata + value, mark + value, 4) == 0 &&
           memcmp(metadata + value + 4, mark + value + 4, 4) == 0;
}

static bool is_binary(const struct ArrowSchema *schema)
{
    const char *f = schema->format[0] == 'v' ? schema->format + 1 : schema->format;
    return (f[0] == 'z' || f[0] == 'Z') && !schema->dictionary;
}

static bool is_variant(const struct ArrowSchema *schema)
{
    if (schema->n_children != 2)
        return false;
    const struct ArrowSchema *value = schema->children[0], *metadata = schema->children[1];
    return value->name && strcmp(value->name, "value") == 0 && metadata->name &&
           strcmp(metadata->name, "metadata") == 0 && is_binary(value) && is_binary(metadata) &&
           has_variant_mark(metadata->metadata);
}

static ch_status import_struct(const struct ArrowSchema *schema, const ch_type **out, ch_error *err)
{
    if (is_variant(schema)) {
        *out = ch_type_of(CH_VARIANT);
        return CH_OK;
    }
    int64_t n = schema->n_children;
    ch_field few[16], *field = n <= 16 ? few : malloc(sizeof *field * (size_t)n);
    ch_status status = CH_OK;
    if (!field)
        return ch_error_memory(err, "schema", n * (int64_t)sizeof *field, 0);
    for (int64_t i = 0; i < n; i++) {
        const struct ArrowSchema *child = schema->children[i];
        field[i] = (ch_field){.name = child->name ? child->name : "",
                              .nullable = child->flags & ARROW_FLAG_NULLABLE};
        CH_TRY_OUT(ch_arrow_import_type(child, &field[i].type, err));
    }
    *out = ch_type_struct(field, (int32_t)n);
out:
    if (field != few)
        free(field);
    return status;
}

static ch_status import_nested(const struct ArrowSchema *schema, const ch_type **out, ch_error *err)
{
    const char *f = schema->format;
    const ch_type *a, *b;
    if (f[1] == 's')
        return import_struct(schema, out, err);
    bool list = f[1] == 'l' || f[1] == 'L' || f[1] == 'w' || (f[1] == 'v' && f[2] && !f[3]);
    if (list && schema->n_children == 1) {
        const struct ArrowSchema *item = schema->children[0];
        CH_TRY(ch_arrow_import_type(item, &a, err));
        *out = ch_type_array(a, item->flags & ARROW_FLAG_NULLABLE);
        return CH_OK;
    }
    if (f[1] == 'm' && schema->n_children == 1 && schema->children[0]->n_children == 2) {
        struct ArrowSchema **pair = schema->children[0]->children;
        CH_TRY(ch_arrow_import_type(pair[0], &a, err));
        CH_TRY(ch_arrow_import_type(pair[1], &b, err));
        *out = ch_type_map(a, b, pair[1]->flags & ARROW_FLAG_NULLABLE);
        return CH_OK;
    }
    return unsupported(schema, err);
}

static ch_status import_time(const struct ArrowSchema *schema, const ch_type **out, ch_error *err)
{
    const char *f = schema->format;
    switch (f[1]) {
    case 'd':
        *out = CH_T_DATE;
        return CH_OK;
    case 't':
        *out = ch_type_of(CH_TIME);
        return CH_OK;
    case 's':
        if (!f[2] || f[3] != ':')
            return unsupported(schema, err);
        *out = ch_type_of(f[4] ? CH_TIMESTAMP : CH_TIMESTAMP_NTZ);
        return CH_OK;
    case 'D':
        *out = ch_type_of(CH_DAY_TIME_INTERVAL);
        return CH_OK;
    case 'i':
        *out = ch_type_of(f[2] == 'M' ? CH_YEAR_MONTH_INTERVAL : CH_CALENDAR_INTERVAL);
        return CH_OK;
    default:
        return unsupported(schema, err);
    }
}

ch_status ch_arrow_import_type(const struct ArrowSchema *schema, const ch_type **out, ch_error *err)
{
    const char *f = schema->format;
    int precision, scale;
    *out = NULL;
    if (schema->dictionary)
        return ch_arrow_import_type(schema->dictionary, out, err);
    ch_status status = CH_OK;
    switch (f[0]) {
    case 'n':
        *out = CH_T_NULL;
        break;
    case 'b':
        *out = CH_T_BOOLEAN;
        break;
    case 'c':
        *out = ch_type_of(CH_BYTE);
        break;
    case 'C':
    case 's':
        *out = ch_type_of(CH_SHORT);
        break;
    case 'S':
    case 'i':
        *out = CH_T_INT;
        break;
    case 'I':
    case 'l':
        *out = CH_T_LONG;
        break;
    case 'L':
        *out = ch_type_decimal(20, 0);
        break;
    case 'e':
    case 'f':
        *out = ch_type_of(CH_FLOAT);
        break;
    case 'g':
        *out = CH_T_DOUBLE;
        break;
    case 'u':
    case 'U':
        *out = CH_T_STRING;
        break;
    case 'z':
    case 'Z':
    case 'w':
        *out = ch_type_of(CH_BINARY);
        break;
    case 'v':
        *out = f[1] == 'u' ? CH_T_STRING : ch_type_of(CH_BINARY);
        break;
    case 'd':
        if (sscanf(f, "d:%d,%d", &precision, &scale) != 2 || scale < 0 || precision < 1 ||
            scale > precision || precision > 38)
            return unsupported(schema, err);
        *out = ch_type_decimal(precision, scale);
        break;
    case 't':
        status = import_time(schema, out, err);
        break;
    case '+':
        status = import_nested(schema, out, err);
        break;
    default:
        return unsupported(schema, err);
    }
    if (status == CH_OK && !*out)
        status = ch_error_memory(err, "schema", 0, 0);
    return status;
}
