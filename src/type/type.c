/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type.c - the table of types: a chained hash table behind a read-write lock;
 * types without parameters are static and never enter it.
 */
#include "type/type.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const ch_type PLAIN[CH_N_TYPE_IDS] = {
    [CH_NULL] = {.id = CH_NULL, .hash = 1},
    [CH_BOOLEAN] = {.id = CH_BOOLEAN, .hash = 2},
    [CH_BYTE] = {.id = CH_BYTE, .hash = 3},
    [CH_SHORT] = {.id = CH_SHORT, .hash = 4},
    [CH_INT] = {.id = CH_INT, .hash = 5},
    [CH_LONG] = {.id = CH_LONG, .hash = 6},
    [CH_FLOAT] = {.id = CH_FLOAT, .hash = 7},
    [CH_DOUBLE] = {.id = CH_DOUBLE, .hash = 8},
    [CH_STRING] = {.id = CH_STRING, .hash = 9},
    [CH_BINARY] = {.id = CH_BINARY, .hash = 10},
    [CH_DATE] = {.id = CH_DATE, .hash = 11},
    [CH_TIME] = {.id = CH_TIME, .precision = 6, .hash = 12},
    [CH_TIMESTAMP] = {.id = CH_TIMESTAMP, .hash = 13},
    [CH_TIMESTAMP_NTZ] = {.id = CH_TIMESTAMP_NTZ, .hash = 14},
    [CH_DAY_TIME_INTERVAL] = {.id = CH_DAY_TIME_INTERVAL,
                              .start = CH_DAY,
                              .stop = CH_SECOND,
                              .hash = 15},
    [CH_YEAR_MONTH_INTERVAL] = {.id = CH_YEAR_MONTH_INTERVAL,
                                .start = CH_YEAR,
                                .stop = CH_MONTH,
                                .hash = 16},
    [CH_CALENDAR_INTERVAL] = {.id = CH_CALENDAR_INTERVAL, .hash = 17},
    [CH_VARIANT] = {.id = CH_VARIANT, .hash = 18},
};

const ch_type *ch_type_of(ch_type_id id)
{
    return &PLAIN[id];
}

typedef struct type_node type_node;
struct type_node {
    ch_type type;
    type_node *next;
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static type_node **bucket;
static size_t n_buckets, n_types;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
    if (!text)
        return mix(h, 0x7F);
    for (; *text; text++)
        h = mix(h, (unsigned char)*text);
    return mix(h, 0x100);
}

static uint64_t hash_of(const ch_type *t)
{
    uint64_t h = mix(17, (uint64_t)t->id);
    h = mix(h, (uint64_t)(uint16_t)t->precision << 16 | (uint16_t)t->scale);
    h = mix(h, (uint64_t)(uint16_t)t->start << 16 | (uint16_t)t->stop);
    h = mix(h, (uint64_t)(uint32_t)t->length);
    h = mix_text(h, t->collation);
    for (int32_t i = 0; i < t->n_fields; i++) {
        h = mix_text(h, t->field[i].name);
        h = mix(h, t->field[i].type->hash);
        h = mix(h, t->field[i].nullable);
        h = mix_text(h, t->field[i].metadata);
    }
    return h;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const ch_type *a, const ch_type *b)
{
    if (a->hash != b->hash || a->id != b->id || a->precision != b->precision ||
        a->scale != b->scale || a->start != b->start || a->stop != b->stop ||
        a->length != b->length || a->n_fields != b->n_fields ||
        !same_text(a->collation, b->collation))
        return false;
    for (int32_t i = 0; i < a->n_fields; i++) {
        const ch_field *x = &a->field[i], *y = &b->field[i];
        if (x->type != y->type || x->nullable != y->nullable || !same_text(x->name, y->name) ||
            !same_text(x->metadata, y->metadata))
            return false;
    }
    return true;
}

static const ch_type *find(const ch_type *t)
{
    if (n_buckets)
        for (type_node *n = bucket[t->hash & (n_buckets - 1)]; n; n = n->next)
            if (same(&n->type, t))
                return &n->type;
    return NULL;
}

static bool grow(void)
{
    if (n_types < n_buckets)
        return true;
    size_t more = n_buckets ? n_buckets * 2 : 64;
    type_node **fresh = calloc(more, sizeof *fresh);
    if (!fresh)
        return n_buckets > 0;
    for (size_t b = 0; b < n_buckets; b++) {
        for (type_node *n = bucket[b], *next; n; n = next) {
            next = n->next;
            n->next = fresh[n->type.hash & (more - 1)];
            fresh[n->type.hash & (more - 1)] = n;
        }
    }
    free(bucket);
    bucket = fresh;
    n_buckets = more;
    return true;
}

/* A node that owns copies of all names: one allocation, texts behind the
 * fields. */
static type_node *copy_node(const ch_type *t)
{
    size_t text = t->collation ? strlen(t->collation) + 1 : 0;
    for (int32_t i = 0; i < t->n_fields; i++)
        text += strlen(t->field[i].name) + 1 +
                (t->field[i].metadata ? strlen(t->field[i].metadata) + 1 : 0);
    type_node *n = malloc(sizeof *n + sizeof(ch_field) * (size_t)t->n_fields + text);
    if (!n)
        return NULL;
    n->type = *t;
    ch_field *field = (ch_field *)(n + 1);
    char *p = (char *)(field + t->n_fields);
    n->type.field = field;
    if (t->collation) {
        n->type.collation = strcpy(p, t->collation);
        p += strlen(p) + 1;
    }
    for (int32_t i = 0; i < t->n_fields; i++) {
        field[i] = t->field[i];
        field[i].name = strcpy(p, t->field[i].name);
        p += strlen(p) + 1;
        if (t->field[i].metadata) {
            field[i].metadata = strcpy(p, t->field[i].metadata);
            p += strlen(p) + 1;
        }
    }
    return n;
}

static const ch_type *intern(ch_type t)
{
    t.hash = hash_of(&t);
    pthread_rwlock_rdlock(&lock);
    const ch_type *found = find(&t);
    pthread_rwlock_unlock(&lock);
    if (found)
        return found;
    pthread_rwlock_wrlock(&lock);
    found = find(&t);
    type_node *n = found || !grow() ? NULL : copy_node(&t);
    if (n) {
        n->next = bucket[t.hash & (n_buckets - 1)];
        bucket[t.hash & (n_buckets - 1)] = n;
        n_types++;
        found = &n->type;
    }
    pthread_rwlock_unlock(&lock);
    return found;
}

const ch_type *ch_type_decimal(int precision, int scale)
{
    return intern(
        (ch_type){.id = CH_DECIMAL, .precision = (int16_t)precision, .scale = (int16_t)scale});
}

const ch_type *ch_type_char(int32_t length)
{
    return intern((ch_type){.id = CH_CHAR, .length = length});
}

const ch_type *ch_type_varchar(int32_t length)
{
    return intern((ch_type){.id = CH_VARCHAR, .length = length});
}

const ch_type *ch_type_time(int precision)
{
    if (precision == PLAIN[CH_TIME].precision)
        return &PLAIN[CH_TIME];
    return intern((ch_type){.id = CH_TIME, .precision = (int16_t)precision});
}

const ch_type *ch_type_string_collated(const char *collation)
{
    if (!collation || strcmp(collation, "UTF8_BINARY") == 0)
        return CH_T_STRING;
    return intern((ch_type){.id = CH_STRING, .collation = collation});
}

static const ch_type *interval(ch_type_id id, int start, int stop)
{
    if (start == PLAIN[id].start && stop == PLAIN[id].stop)
        return &PLAIN[id];
    return intern((ch_type){.id = id, .start = (int16_t)start, .stop = (int16_t)stop});
}

const ch_type *ch_type_day_time(int start, int stop)
{
    return interval(CH_DAY_TIME_INTERVAL, start, stop);
}

const ch_type *ch_type_year_month(int start, int stop)
{
    return interval(CH_YEAR_MONTH_INTERVAL, start, stop);
}

const ch_type *ch_type_array(const ch_type *element, bool contains_null)
{
    ch_field f = {"element", element, contains_null, NULL};
    return element ? intern((ch_type){.id = CH_ARRAY, .n_fields = 1, .field = &f}) : NULL;
}

const ch_type *ch_type_map(const ch_type *key, const ch_type *value, bool value_contains_null)
{
    ch_field f[2] = {{"key", key, false, NULL}, {"value", value, value_contains_null, NULL}};
    return key && value ? intern((ch_type){.id = CH_MAP, .n_fields = 2, .field = f}) : NULL;
}

const ch_type *ch_type_struct(const ch_field *field, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!field[i].type)
            return NULL;
    return intern((ch_type){.id = CH_STRUCT, .n_fields = n, .field = field});
}

int ch_type_width(const ch_type *type)
{
    switch (type->id) {
    case CH_BYTE:
        return 1;
    case CH_SHORT:
        return 2;
    case CH_INT:
    case CH_FLOAT:
    case CH_DATE:
    case CH_YEAR_MONTH_INTERVAL:
        return 4;
    case CH_LONG:
    case CH_DOUBLE:
    case CH_TIME:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
    case CH_DAY_TIME_INTERVAL:
        return 8;
    case CH_DECIMAL:
        return type->precision > 18 ? 16 : 8;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
    case CH_CALENDAR_INTERVAL:
        return 16;
    default:
        return 0;
    }
}

bool ch_type_is_orderable(const ch_type *type)
{
    switch (type->id) {
    case CH_MAP:
    case CH_VARIANT:
    case CH_CALENDAR_INTERVAL:
        return false;
    case CH_ARRAY:
    case CH_STRUCT:
        for (int32_t i = 0; i < type->n_fields; i++)
            if (!ch_type_is_orderable(type->field[i].type))
                return false;
        return true;
    default:
        return true;
    }
}
