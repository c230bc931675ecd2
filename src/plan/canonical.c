/* SPDX-License-Identifier: Apache-2.0 */
/* canonical.c - plans without what makes no difference to their rows. */
#include "plan/canonical.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

#include "base/stack.h"
#include "column/take.h"
#include "format/format.h"
#include "function/function.h"
#include "plan/node.h"
#include "store/pack.h"

typedef struct canon {
    ch_arena *arena;
    const ch_attr **attr; /* of each number: id is the number */
    int64_t *id;          /* what it was */
    int32_t n, cap;
    bool is_random;
} canon;

static ch_status canon_rel(void *user, ch_rel **rel, ch_error *err);

/* ---- columns ------------------------------------------------------------------------------- */

static ch_status number(canon *c, int64_t id, const ch_attr **out, ch_error *err)
{
    for (int32_t i = c->n - 1; i >= 0; i--)
        if (c->id[i] == id) {
            *out = c->attr[i];
            return CH_OK;
        }
    if (c->n == c->cap) {
        int32_t cap = c->cap ? c->cap * 2 : 32;
        const ch_attr **attr;
        int64_t *ids;
        CH_ARENA_ARRAY(attr, c->arena, cap, err);
        CH_ARENA_ARRAY(ids, c->arena, cap, err);
        if (c->n) {
            memcpy(attr, c->attr, sizeof *attr * (size_t)c->n);
            memcpy(ids, c->id, sizeof *ids * (size_t)c->n);
        }
        c->attr = attr;
        c->id = ids;
        c->cap = cap;
    }
    ch_attr *a;
    CH_ARENA_NEW(a, c->arena, err);
    a->name = "";
    a->id = c->n;
    c->id[c->n] = id;
    c->attr[c->n++] = a;
    *out = a;
    return CH_OK;
}

static ch_status canon_output(canon *c, ch_rel *rel, ch_error *err)
{
    int32_t n = rel->output.n;
    const ch_attr **item;
    if (n <= 0)
        return CH_OK;
    CH_ARENA_ARRAY(item, c->arena, n, err);
    for (int32_t i = 0; i < n; i++)
        CH_TRY(number(c, rel->output.item[i]->id, &item[i], err));
    rel->output.item = item;
    return CH_OK;
}

/* ---- expressions --------------------------------------------------------------------------- */

static bool draws_lots(const ch_expr_call *call)
{
    static const struct {
        const char *name;
        int32_t n_seeded; /* arguments of one that gives the same each time */
    } RANDOM[] = {{"rand", 1},    {"random", 1},  {"randn", 1},  {"uuid", 1},
                  {"shuffle", 2}, {"randstr", 2}, {"uniform", 3}};
    for (size_t i = 0; i < sizeof RANDOM / sizeof *RANDOM; i++)
        if (strcmp(call->func->name, RANDOM[i].name) == 0)
            return call->args.n < RANDOM[i].n_seeded;
    return false;
}

static ch_status canon_expr(void *user, ch_expr **e, ch_error *err)
{
    canon *c = user;
    switch ((*e)->kind) {
    case CH_EXPR_ATTRIBUTE: {
        ch_expr_attribute *copy = ch_expr_clone(c->arena, *e, err);
        if (!copy)
            return CH_E_MEMORY;
        *e = &copy->head;
        return copy->attr->id < 0 ? CH_OK : number(c, copy->attr->id, &copy->attr, err);
    }
    case CH_EXPR_ALIAS: {
        const ch_attr *attr;
        ch_expr_alias *copy = ch_expr_clone(c->arena, *e, err);
        if (!copy)
            return CH_E_MEMORY;
        CH_TRY(canon_expr(c, &copy->child, err));
        CH_TRY(number(c, copy->id, &attr, err));
        copy->id = attr->id;
        copy->names = (ch_str_list){0};
        *e = &copy->head;
        return CH_OK;
    }
    case CH_EXPR_SUBQUERY: {
        ch_expr_subquery *copy = ch_expr_clone(c->arena, *e, err);
        if (!copy)
            return CH_E_MEMORY;
        copy->written = NULL; /* names may mean something else by now */
        CH_TRY(canon_rel(c, &copy->plan, err));
        *e = &copy->head;
        return ch_expr_map_children(c->arena, e, canon_expr, c, err);
    }
    case CH_EXPR_CALL:
        c->is_random |= draws_lots((const ch_expr_call *)*e);
        return ch_expr_map_children(c->arena, e, canon_expr, c, err);
    default:
        return ch_expr_map_children(c->arena, e, canon_expr, c, err);
    }
}

/* ---- sources ------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return strcasecmp((*(ch_strmap_entry *const *)a)->key, (*(ch_strmap_entry *const *)b)->key);
}

static ch_status put_options(canon *c, const ch_strmap *map, ch_option_list *out, ch_error *err)
{
    ch_strmap_entry **entry;
    int32_t n = map ? map->n : 0;
    CH_ARENA_ARRAY(entry, c->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++)
        entry[i] = &map->entry[i];
    qsort(entry, (size_t)n, sizeof *entry, by_key);
    for (int32_t i = 0; i < n; i++) {
        char *key = ch_arena_str(c->arena, entry[i]->key, err);
        if (!key)
            return CH_E_MEMORY;
        for (char *p = key; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p | 0x20);
        CH_TRY(ch_option_list_add(c->arena, out, key, entry[i]->value, err));
    }
    return CH_OK;
}

static ch_status stand_in(canon *c, const ch_rel *rel, ch_rel_read_data_source **out, ch_error *err)
{
    *out = ch_rel_new(c->arena, CH_REL_READ_DATA_SOURCE, err);
    if (!*out)
        return CH_E_MEMORY;
    (*out)->head.output = rel->output;
    return canon_output(c, &(*out)->head, err);
}

static ch_status canon_scan(canon *c, ch_rel **rel, ch_error *err)
{
    const ch_rel_scan *s = (const ch_rel_scan *)*rel;
    ch_rel_read_data_source *r;
    ch_field *field;
    int32_t n = s->head.output.n;
    if (s->cached) /* a checkpoint: itself and no other */
    {
        ch_rel_scan *copy = ch_rel_clone(c->arena, *rel, err);
        if (!copy)
            return CH_E_MEMORY;
        *rel = &copy->head;
        return canon_output(c, *rel, err);
    }
    CH_TRY(stand_in(c, *rel, &r, err));
    CH_ARENA_ARRAY(field, c->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++)
        field[i] = s->schema->field[s->wanted[i]];
    r->format = s->format->name;
    r->schema = ch_type_struct(field, n);
    r->paths = s->paths;
    r->predicates = s->parts;
    *rel = &r->head;
    return r->schema ? put_options(c, s->options, &r->options, err)
                     : ch_error_memory(err, "types", 0, 0);
}

static ch_status digest_batch(ch_mem *mem, const ch_batch *batch, ch_block *block, ch_buf *bytes,
                              XXH128_hash_t *hash, ch_error *err)
{
    for (int32_t i = 0; i < batch->n_cols; i++) {
        ch_column *flat;
        CH_TRY(ch_flatten(batch->col[i], mem, &flat, err));
        ch_buf_reset(bytes);
        ch_status status = ch_pack(flat, batch->n_full, block, bytes, NULL, NULL, err);
        ch_column_unref(flat);
        CH_TRY(status);
        *hash = XXH3_128bits_withSeed(bytes->data, bytes->len, hash->low64 ^ hash->high64);
    }
    return CH_OK;
}

static ch_status canon_local(canon *c, ch_rel **rel, ch_error *err)
{
    const ch_rel_local_relation *l = (const ch_rel_local_relation *)*rel;
    ch_rel_read_data_source *r;
    ch_block block;
    ch_buf bytes;
    XXH128_hash_t hash = {0};
    ch_mem *mem = c->arena->mem;
    CH_TRY(stand_in(c, *rel, &r, err));
    ch_block_init(&block, mem);
    ch_buf_init(&bytes, mem);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < l->n_batches && status == CH_OK; i++)
        status = digest_batch(mem, l->batch[i], &block, &bytes, &hash, err);
    ch_buf_release(&bytes);
    ch_block_release(&block);
    CH_TRY(status);
    char *text = ch_arena_printf(c->arena, err, "%016llx%016llx", (unsigned long long)hash.high64,
                                 (unsigned long long)hash.low64);
    r->format = "";
    r->schema = l->schema;
    *rel = &r->head;
    return text ? ch_str_list_add(c->arena, &r->paths, text, err) : CH_E_MEMORY;
}

/* ---- relations ----------------------------------------------------------------------------- */

/* What a node that only names or advises stands for. */
static const ch_rel *behind(const ch_rel *rel)
{
    for (;;) {
        if (rel->kind == CH_REL_SUBQUERY_ALIAS)
            rel = ((const ch_rel_subquery_alias *)rel)->input;
        else if (rel->kind == CH_REL_HINT)
            rel = ((const ch_rel_hint *)rel)->input;
        else
            return rel;
    }
}

static ch_status canon_rel(void *user, ch_rel **rel, ch_error *err)
{
    canon *c = user;
    *rel = (ch_rel *)(uintptr_t)behind(*rel);
    if ((*rel)->kind == CH_REL_SCAN)
        return canon_scan(c, rel, err);
    if ((*rel)->kind == CH_REL_LOCAL_RELATION)
        return canon_local(c, rel, err);
    if ((*rel)->kind == CH_REL_SAMPLE)
        c->is_random |= !((const ch_rel_sample *)*rel)->has_seed;
    CH_TRY(ch_rel_map_inputs(c->arena, rel, canon_rel, c, err));
    CH_TRY(ch_rel_map_exprs(c->arena, rel, canon_expr, c, err));
    ch_rel *copy = ch_rel_clone(c->arena, *rel, err);
    if (!copy)
        return CH_E_MEMORY;
    const ch_node_class *cls = ch_rel_class(copy->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const ch_attr **attr = (const ch_attr **)(void *)((char *)copy + cls->field[i].offset);
        if (cls->field[i].kind == CH_NODE_ATTR && *attr)
            CH_TRY(number(c, (*attr)->id, attr, err));
    }
    copy->plan_id = -1;
    *rel = copy;
    return canon_output(c, copy, err);
}

typedef struct canon_job {
    canon c;
    ch_rel **rel;
} canon_job;

static ch_status canon_there(void *user, ch_error *err)
{
    canon_job *job = user;
    return canon_rel(&job->c, job->rel, err);
}

ch_status ch_plan_canonical(ch_arena *arena, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    canon_job job = {.c = {.arena = arena}, .rel = out};
    int32_t levels;
    *out = (ch_rel *)(uintptr_t)rel;
    CH_TRY(ch_rel_levels(rel, arena->mem, &levels, err));
    CH_TRY(ch_stack_run(levels, canon_there, &job, err));
    if (job.c.is_random)
        *out = NULL;
    return CH_OK;
}

uint64_t ch_plan_shape(const ch_rel *rel)
{
    rel = behind(rel);
    const ch_node_class *cls = ch_rel_class(rel->kind);
    uint64_t h = (uint64_t)rel->kind * 31 + (uint64_t)rel->output.n + 7;
    for (int i = 0; i < cls->n_fields; i++) {
        const char *field = (const char *)rel + cls->field[i].offset;
        if (cls->field[i].kind != CH_NODE_REL || !*(ch_rel *const *)(const void *)field)
            continue;
        h = (h ^ ch_plan_shape(*(ch_rel *const *)(const void *)field)) *
            UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    return h;
}

/* ---- scans --------------------------------------------------------------------------------- */

typedef struct search {
    bool (*fn)(void *user, const ch_rel_scan *scan);
    void *user;
    bool found;
} search;

static ch_status search_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status search_expr(void *user, ch_expr **e, ch_error *err)
{
    search *s = user;
    if ((*e)->kind == CH_EXPR_SUBQUERY)
        CH_TRY(search_rel(s, &((ch_expr_subquery *)*e)->plan, err));
    return s->found ? CH_OK : ch_expr_map_children(NULL, e, search_expr, s, err);
}

static ch_status search_rel(void *user, ch_rel **rel, ch_error *err)
{
    search *s = user;
    if ((*rel)->kind == CH_REL_SCAN && s->fn(s->user, (const ch_rel_scan *)*rel))
        s->found = true;
    if (s->found)
        return CH_OK;
    CH_TRY(ch_rel_map_inputs(NULL, rel, search_rel, s, err));
    return ch_rel_map_exprs(NULL, rel, search_expr, s, err);
}

bool ch_plan_any_scan(const ch_rel *rel, bool (*fn)(void *user, const ch_rel_scan *scan),
                      void *user)
{
    search s = {fn, user, false};
    ch_rel *root = (ch_rel *)(uintptr_t)rel; /* nothing is replaced */
    return search_rel(&s, &root, NULL) == CH_OK && s.found;
}
