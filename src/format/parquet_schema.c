/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_schema.c - the schema of a file: its tree, and what Spark calls its types. */
#include "format/parquet_schema.h"

#include <stdio.h>

#include "type/type_json.h"

/* ---- the tree ------------------------------------------------------------------------------ */

static ch_pq_note note_of_logical(const ch_pq_logical *l)
{
    static const uint8_t PLAIN[] = {
        [CH_PQ_L_STRING] = CH_PQ_M_STRING,   [CH_PQ_L_MAP] = CH_PQ_M_MAP,
        [CH_PQ_L_LIST] = CH_PQ_M_LIST,       [CH_PQ_L_ENUM] = CH_PQ_M_ENUM,
        [CH_PQ_L_DATE] = CH_PQ_M_DATE,       [CH_PQ_L_UNKNOWN] = CH_PQ_M_UNKNOWN,
        [CH_PQ_L_JSON] = CH_PQ_M_JSON,       [CH_PQ_L_BSON] = CH_PQ_M_BSON,
        [CH_PQ_L_UUID] = CH_PQ_M_UUID,       [CH_PQ_L_FLOAT16] = CH_PQ_M_FLOAT16,
        [CH_PQ_L_VARIANT] = CH_PQ_M_VARIANT, [CH_PQ_L_GEOMETRY] = CH_PQ_M_OTHER,
        [CH_PQ_L_GEOGRAPHY] = CH_PQ_M_OTHER,
    };
    ch_pq_note n = {0};
    const ch_pq_logical_time *time = l->time ? l->time : l->timestamp;
    if (l->decimal)
        return (ch_pq_note){.meaning = CH_PQ_M_DECIMAL,
                            .precision = l->decimal->precision,
                            .scale = l->decimal->scale};
    if (l->integer)
        return (ch_pq_note){.meaning = CH_PQ_M_INTEGER,
                            .bits = l->integer->bit_width,
                            .is_signed = l->integer->is_signed};
    if (time) {
        n.meaning = l->time ? CH_PQ_M_TIME : CH_PQ_M_TIMESTAMP;
        n.is_utc = time->is_adjusted_to_utc;
        for (int8_t u = CH_PQ_UNIT_MILLIS; time->unit && u <= CH_PQ_UNIT_NANOS; u++)
            if (ch_thrift_has(time->unit, u))
                n.unit = u;
        if (!n.unit)
            n.meaning = CH_PQ_M_OTHER;
        return n;
    }
    for (size_t i = 1; i < sizeof PLAIN; i++)
        if (ch_thrift_has(l, (int)i))
            n.meaning = PLAIN[i];
    return n;
}

static ch_pq_note note_of_converted(const ch_pq_element *e)
{
    switch (e->converted) {
    case CH_PQ_UTF8:
        return (ch_pq_note){.meaning = CH_PQ_M_STRING};
    case CH_PQ_MAP:
    case CH_PQ_MAP_KEY_VALUE:
        return (ch_pq_note){.meaning = CH_PQ_M_MAP};
    case CH_PQ_LIST:
        return (ch_pq_note){.meaning = CH_PQ_M_LIST};
    case CH_PQ_ENUM:
        return (ch_pq_note){.meaning = CH_PQ_M_ENUM};
    case CH_PQ_DECIMAL:
        return (ch_pq_note){
            .meaning = CH_PQ_M_DECIMAL, .precision = e->precision, .scale = e->scale};
    case CH_PQ_DATE:
        return (ch_pq_note){.meaning = CH_PQ_M_DATE};
    case CH_PQ_TIME_MILLIS:
    case CH_PQ_TIME_MICROS:
        return (ch_pq_note){.meaning = CH_PQ_M_TIME,
                            .is_utc = true,
                            .unit = e->converted == CH_PQ_TIME_MILLIS ? CH_PQ_UNIT_MILLIS
                                                                      : CH_PQ_UNIT_MICROS};
    case CH_PQ_TIMESTAMP_MILLIS:
    case CH_PQ_TIMESTAMP_MICROS:
        return (ch_pq_note){.meaning = CH_PQ_M_TIMESTAMP,
                            .is_utc = true,
                            .unit = e->converted == CH_PQ_TIMESTAMP_MILLIS ? CH_PQ_UNIT_MILLIS
                                                                           : CH_PQ_UNIT_MICROS};
    case CH_PQ_JSON:
        return (ch_pq_note){.meaning = CH_PQ_M_JSON};
    case CH_PQ_BSON:
        return (ch_pq_note){.meaning = CH_PQ_M_BSON};
    case CH_PQ_INTERVAL:
        return (ch_pq_note){.meaning = CH_PQ_M_INTERVAL};
    default:
        break;
    }
    if (e->converted >= CH_PQ_UINT_8 && e->converted <= CH_PQ_INT_64)
        return (ch_pq_note){.meaning = CH_PQ_M_INTEGER,
                            .bits = (int8_t)(8 << ((e->converted - CH_PQ_UINT_8) & 3)),
                            .is_signed = e->converted >= CH_PQ_INT_8};
    return (ch_pq_note){.meaning = CH_PQ_M_OTHER};
}

static ch_pq_note note_of(const ch_pq_element *e)
{
    if (e->logical)
        return note_of_logical(e->logical);
    if (ch_thrift_has(e, CH_PQ_ELEMENT_CONVERTED))
        return note_of_converted(e);
    return (ch_pq_note){0};
}

typedef struct builder {
    const ch_pq_element *element;
    int32_t n, at;
    ch_arena *arena;
    ch_pq_schema *schema;
    const char *path;
    ch_error *err;
} builder;

static ch_status bad_schema(const builder *b, const char *reason)
{
    CH_FAIL(b->err, CORRUPT_FILE, "path", b->path, "reason", reason);
}

static ch_status check_leaf(const builder *b, const ch_pq_node *node)
{
    const ch_pq_element *e = node->element;
    if (!ch_thrift_has(e, CH_PQ_ELEMENT_TYPE) || e->type < 0 || e->type >= CH_PQ_N_TYPES)
        return bad_schema(b, "schema: a column without a physical type that is known");
    if (e->type == CH_PQ_FIXED && (e->type_length < 1 || e->type_length > (1 << 24)))
        return bad_schema(b, "schema: a fixed length that is not between 1 and 16777216");
    if (node->note.meaning == CH_PQ_M_DECIMAL &&
        (node->note.precision < 1 || node->note.precision > 1000000 || node->note.scale < 0 ||
         node->note.scale > node->note.precision))
        return bad_schema(b, "schema: a decimal with an impossible precision or scale");
    return CH_OK;
}

static ch_status build(builder *b, const ch_pq_node *parent, int depth, ch_pq_node **out)
{
    if (b->at == b->n)
        return bad_schema(b, "schema: it has fewer elements than its groups claim");
    if (depth > CH_PQ_DEPTH_MAX)
        return bad_schema(b, "schema: it is nested too deeply");
    const ch_pq_element *e = &b->element[b->at++];
    ch_pq_node *node;
    CH_ARENA_NEW(node, b->arena, b->err);
    *out = node;
    node->element = e;
    node->parent = parent;
    node->name = ch_arena_strn(b->arena, e->name.text, (size_t)e->name.len, b->err);
    if (!node->name)
        return CH_E_MEMORY;
    node->note = note_of(e);
    node->leaf = b->schema->n_leaves;
    if (parent) {
        if (e->repetition < CH_PQ_REQUIRED || e->repetition > CH_PQ_REPEATED)
            return bad_schema(b, "schema: an unknown repetition");
        node->repetition = (int8_t)e->repetition;
        node->max_def = (uint8_t)(parent->max_def + (e->repetition != CH_PQ_REQUIRED));
        node->max_rep = (uint8_t)(parent->max_rep + (e->repetition == CH_PQ_REPEATED));
    }
    bool is_group = !parent || (!ch_thrift_has(e, CH_PQ_ELEMENT_TYPE) &&
                                ch_thrift_has(e, CH_PQ_ELEMENT_CHILDREN));
    if (!is_group) {
        b->schema->leaf[b->schema->n_leaves++] = node;
        return check_leaf(b, node);
    }
    if (e->num_children < 0 || e->num_children > b->n - b->at)
        return bad_schema(b, "schema: a group claims more fields than there are elements");
    if (parent && e->num_children == 0)
        return bad_schema(b, "schema: a group without fields");
    CH_ARENA_ARRAY(node->child, b->arena, e->num_children + 1, b->err);
    for (; node->n_children < e->num_children; node->n_children++)
        CH_TRY(build(b, node, depth + 1, &node->child[node->n_children]));
    return CH_OK;
}

ch_status ch_pq_schema_build(const ch_pq_file_meta *meta, ch_arena *arena, const char *path,
                             ch_pq_schema *out, ch_error *err)
{
    builder b = {.element = meta->schema.item,
                 .n = meta->schema.n,
                 .arena = arena,
                 .schema = out,
                 .path = path,
                 .err = err};
    *out = (ch_pq_schema){0};
    CH_ARENA_ARRAY(out->leaf, arena, b.n + 1, err);
    CH_TRY(build(&b, NULL, 0, &out->root));
    return b.at == b.n ? CH_OK : bad_schema(&b, "schema: it has elements outside of its root");
}

/* ---- lists and maps ------------------------------------------------------------------------ */

bool ch_pq_list_element(const ch_pq_node *list, const ch_pq_node **repeated,
                        const ch_pq_node **element)
{
    if (list->n_children != 1 || list->child[0]->repetition != CH_PQ_REPEATED)
        return false;
    const ch_pq_node *r = list->child[0];
    size_t n = strlen(list->name);
    bool is_element =
        r->n_children != 1 || strcmp(r->name, "array") == 0 ||
        (strncmp(r->name, list->name, n) == 0 && strcmp(r->name + n, "_tuple") == 0) ||
        r->child[0]->repetition == CH_PQ_REPEATED;
    *repeated = r;
    *element = is_element ? r : r->child[0];
    return true;
}

bool ch_pq_map_entries(const ch_pq_node *map, const ch_pq_node **repeated)
{
    if (map->n_children != 1 || map->child[0]->repetition != CH_PQ_REPEATED)
        return false;
    *repeated = map->child[0];
    return (*repeated)->n_children == 2 && (*repeated)->child[0]->repetition != CH_PQ_REPEATED &&
           (*repeated)->child[1]->repetition != CH_PQ_REPEATED;
}

/* ---- to Spark's types ---------------------------------------------------------------------- */

static ch_status illegal(const ch_pq_node *node, ch_error *err)
{
    ch_buf text;
    ch_mem *mem = ch_mem_new(NULL, "schema", 0);
    if (!mem)
        return ch_error_memory(err, "schema", 0, 0);
    ch_buf_init(&text, mem);
    ch_status status = ch_pq_node_print(node, &text, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_PARQUET_TYPE_ILLEGAL, "parquetType", text.data, (char *)0);
    ch_buf_release(&text);
    ch_mem_close(mem);
    return status;
}

static const ch_type *integer_type(const ch_pq_note *n)
{
    switch (n->bits) {
    case 8:
        return ch_type_of(n->is_signed ? CH_BYTE : CH_SHORT);
    case 16:
        return ch_type_of(n->is_signed ? CH_SHORT : CH_INT);
    case 32:
        return ch_type_of(n->is_signed ? CH_INT : CH_LONG);
    default:
        return n->is_signed ? CH_T_LONG : ch_type_decimal(20, 0);
    }
}

static const ch_type *decimal_type(const ch_pq_note *n, int most)
{
    if (n->precision > 38 || (most && n->precision > most))
        return NULL;
    return ch_type_decimal(n->precision, n->scale);
}

static const ch_type *timestamp_type(const ch_pq_note *n, const ch_pq_schema_options *o)
{
    if (n->unit == CH_PQ_UNIT_NANOS && o->nanos_as_long)
        return CH_T_LONG;
    return ch_type_of(n->is_utc || !o->infer_ntz ? CH_TIMESTAMP : CH_TIMESTAMP_NTZ);
}

/* NULL: Spark has no such type, or there is no memory for it. */
static const ch_type *leaf_type(const ch_pq_node *node, const ch_pq_schema_options *o)
{
    const ch_pq_note *n = &node->note;
    ch_pq_type physical = (ch_pq_type)node->element->type;
    switch (physical) {
    case CH_PQ_BOOLEAN:
        return CH_T_BOOLEAN;
    case CH_PQ_INT96:
        return CH_T_TIMESTAMP;
    case CH_PQ_FLOAT:
        return ch_type_of(CH_FLOAT);
    case CH_PQ_DOUBLE:
        return CH_T_DOUBLE;
    case CH_PQ_INT32:
    case CH_PQ_INT64:
        switch (n->meaning) {
        case CH_PQ_M_NONE:
        case CH_PQ_M_UNKNOWN:
            return physical == CH_PQ_INT32 ? CH_T_INT : CH_T_LONG;
        case CH_PQ_M_INTEGER:
            return (n->bits == 64) == (physical == CH_PQ_INT64) ? integer_type(n) : NULL;
        case CH_PQ_M_DECIMAL:
            return decimal_type(n, physical == CH_PQ_INT32 ? 9 : 18);
        case CH_PQ_M_DATE:
            return physical == CH_PQ_INT32 ? CH_T_DATE : NULL;
        case CH_PQ_M_TIME:
            if ((n->unit == CH_PQ_UNIT_MILLIS) != (physical == CH_PQ_INT32))
                return NULL;
            return ch_type_time(n->unit == CH_PQ_UNIT_MILLIS ? 3 : 6);
        case CH_PQ_M_TIMESTAMP:
            return physical == CH_PQ_INT64 ? timestamp_type(n, o) : NULL;
        default:
            return NULL;
        }
    case CH_PQ_BYTE_ARRAY:
        switch (n->meaning) {
        case CH_PQ_M_NONE:
            return o->binary_as_string ? CH_T_STRING : ch_type_of(CH_BINARY);
        case CH_PQ_M_STRING:
        case CH_PQ_M_ENUM:
        case CH_PQ_M_JSON:
            return CH_T_STRING;
        case CH_PQ_M_DECIMAL:
            return decimal_type(n, 0);
        case CH_PQ_M_BSON:
        case CH_PQ_M_UNKNOWN:
        case CH_PQ_M_OTHER:
            return ch_type_of(CH_BINARY);
        default:
            return NULL;
        }
    default:
        switch (n->meaning) {
        case CH_PQ_M_DECIMAL:
            return decimal_type(n, 0);
        case CH_PQ_M_UUID:
            return CH_T_STRING;
        case CH_PQ_M_FLOAT16:
            return node->element->type_length == 2 ? ch_type_of(CH_FLOAT) : NULL;
        case CH_PQ_M_NONE:
        case CH_PQ_M_UNKNOWN:
        case CH_PQ_M_INTERVAL:
            return ch_type_of(CH_BINARY);
        default:
            return NULL;
        }
    }
}

static ch_status no_memory(const ch_type *type, ch_error *err)
{
    return type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static ch_status group_type(const ch_pq_node *node, const ch_pq_schema_options *o,
                            const ch_type **out, ch_error *err);

/* A field's type: a REPEATED one outside of a LIST is an array of required elements. */
static ch_status field_type(const ch_pq_node *node, const ch_pq_schema_options *o,
                            const ch_type **out, ch_error *err)
{
    CH_TRY(ch_pq_node_type(node, o, out, err));
    if (node->repetition != CH_PQ_REPEATED)
        return CH_OK;
    *out = ch_type_array(*out, false);
    return no_memory(*out, err);
}

ch_status ch_pq_node_type(const ch_pq_node *node, const ch_pq_schema_options *o,
                          const ch_type **out, ch_error *err)
{
    const ch_pq_node *repeated, *element;
    const ch_type *key, *value;
    if (node->n_children == 0) {
        *out = leaf_type(node, o);
        return *out ? CH_OK : illegal(node, err);
    }
    switch (node->note.meaning) {
    case CH_PQ_M_LIST:
        if (!ch_pq_list_element(node, &repeated, &element))
            return illegal(node, err);
        CH_TRY(ch_pq_node_type(element, o, &value, err));
        *out = ch_type_array(value, element->repetition == CH_PQ_OPTIONAL);
        return no_memory(*out, err);
    case CH_PQ_M_MAP:
        if (node->repetition == CH_PQ_REPEATED || !ch_pq_map_entries(node, &repeated)) {
            if (node->parent && node->parent->note.meaning == CH_PQ_M_MAP)
                return group_type(node, o, out, err); /* MAP_KEY_VALUE on the entries */
            return illegal(node, err);
        }
        CH_TRY(ch_pq_node_type(repeated->child[0], o, &key, err));
        CH_TRY(ch_pq_node_type(repeated->child[1], o, &value, err));
        *out = ch_type_map(key, value, repeated->child[1]->repetition == CH_PQ_OPTIONAL);
        return no_memory(*out, err);
    case CH_PQ_M_VARIANT:
        *out = ch_type_of(CH_VARIANT);
        return CH_OK;
    default:
        return group_type(node, o, out, err);
    }
}

static ch_status group_type(const ch_pq_node *node, const ch_pq_schema_options *o,
                            const ch_type **out, ch_error *err)
{
    ch_status status = CH_OK;
    int32_t n = node->n_children;
    ch_mem *mem = ch_mem_new(NULL, "schema", 0);
    size_t bytes = sizeof(ch_field) * (size_t)n;
    ch_field *field = mem ? ch_mem_zalloc(mem, bytes, err) : NULL;
    if (!field) {
        if (mem)
            ch_mem_close(mem);
        return ch_error_memory(err, "schema", (int64_t)bytes, 0);
    }
    for (int32_t i = 0; i < n; i++) {
        const ch_pq_node *child = node->child[i];
        field[i].name = child->name;
        field[i].nullable = child->repetition == CH_PQ_OPTIONAL;
        CH_TRY_OUT(field_type(child, o, &field[i].type, err));
    }
    *out = ch_type_struct(field, n);
    status = no_memory(*out, err);
out:
    ch_mem_free(mem, field, bytes);
    ch_mem_close(mem);
    return status;
}

ch_status ch_pq_schema_type(const ch_pq_file_meta *meta, const ch_pq_schema *schema,
                            const ch_pq_schema_options *options, const ch_type **out, ch_error *err)
{
    const ch_pq_key_value *kv = meta->key_value.item;
    *out = NULL;
    for (int32_t i = 0; i < meta->key_value.n && !options->ignore_spark_metadata; i++) {
        if (kv[i].key.len != (int64_t)sizeof CH_PQ_SPARK_KEY - 1 ||
            memcmp(kv[i].key.text, CH_PQ_SPARK_KEY, sizeof CH_PQ_SPARK_KEY - 1) != 0)
            continue;
        CH_TRY(ch_type_parse_json(kv[i].value.text, (size_t)kv[i].value.len, out, err));
        if (*out && (*out)->id == CH_STRUCT)
            return CH_OK;
    }
    return group_type(schema->root, options, out, err);
}

/* ---- for messages -------------------------------------------------------------------------- */

static ch_status print_note(const ch_pq_node *node, ch_buf *out, ch_error *err)
{
    static const char *const NAME[] = {[CH_PQ_M_STRING] = "STRING",
                                       [CH_PQ_M_ENUM] = "ENUM",
                                       [CH_PQ_M_JSON] = "JSON",
                                       [CH_PQ_M_BSON] = "BSON",
                                       [CH_PQ_M_UUID] = "UUID",
                                       [CH_PQ_M_DATE] = "DATE",
                                       [CH_PQ_M_FLOAT16] = "FLOAT16",
                                       [CH_PQ_M_UNKNOWN] = "UNKNOWN",
                                       [CH_PQ_M_INTERVAL] = "INTERVAL",
                                       [CH_PQ_M_LIST] = "LIST",
                                       [CH_PQ_M_MAP] = "MAP",
                                       [CH_PQ_M_VARIANT] = "VARIANT",
                                       [CH_PQ_M_OTHER] = "?"};
    static const char *const UNIT[] = {"?", "MILLIS", "MICROS", "NANOS"};
    const ch_pq_note *n = &node->note;
    switch (n->meaning) {
    case CH_PQ_M_NONE:
        return CH_OK;
    case CH_PQ_M_DECIMAL:
        return ch_buf_printf(out, err, " (DECIMAL(%d,%d))", n->precision, n->scale);
    case CH_PQ_M_TIME:
    case CH_PQ_M_TIMESTAMP:
        return ch_buf_printf(out, err, " (%s(%s,%s))",
                             n->meaning == CH_PQ_M_TIME ? "TIME" : "TIMESTAMP", UNIT[n->unit],
                             n->is_utc ? "true" : "false");
    case CH_PQ_M_INTEGER:
        return ch_buf_printf(out, err, " (INTEGER(%d,%s))", n->bits,
                             n->is_signed ? "true" : "false");
    default:
        return ch_buf_printf(out, err, " (%s)", NAME[n->meaning]);
    }
}

ch_status ch_pq_node_print(const ch_pq_node *node, ch_buf *out, ch_error *err)
{
    static const char *const REPETITION[] = {"required", "optional", "repeated"};
    static const char *const PHYSICAL[] = {"boolean", "int32",  "int64",  "int96",
                                           "float",   "double", "binary", "fixed_len_byte_array"};
    CH_TRY(ch_buf_printf(out, err, "%s ", REPETITION[node->repetition]));
    if (node->n_children)
        CH_TRY(ch_buf_adds(out, "group", err));
    else if (node->element->type == CH_PQ_FIXED)
        CH_TRY(ch_buf_printf(out, err, "%s(%d)", PHYSICAL[CH_PQ_FIXED],
                             (int)node->element->type_length));
    else
        CH_TRY(ch_buf_adds(out, PHYSICAL[node->element->type], err));
    CH_TRY(ch_buf_printf(out, err, " %s", node->name));
    return print_note(node, out, err);
}

const char *ch_pq_node_path(const ch_pq_node *node, ch_arena *arena, ch_error *err)
{
    if (!node->parent || !node->parent->parent)
        return node->name;
    const char *above = ch_pq_node_path(node->parent, arena, err);
    return above ? ch_arena_printf(arena, err, "%s.%s", above, node->name) : NULL;
}
