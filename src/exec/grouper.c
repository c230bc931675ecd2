/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper.c - see grouper.h: its life, and the table in which a push finds or makes groups.
 *
 * Looking up goes in rounds over a list of rows (Kersten et al. 2018): find a free or salt-equal
 * entry for each, append the new groups, compare the keys of the others all together; who met another
 * key goes on to the next entry in the next round.
 */
#include "exec/grouper_slot.h"
#include "kernel/hash.h"

/* ---- open and close ---------------------------------------------------------------------- */

int32_t ch_group_state_bytes(const ch_call *call)
{
    const ch_agg *agg = call->func->agg;
    return ((agg->size ? agg->size(call) : agg->state_bytes) + 7) & ~7;
}

static ch_status make_layouts(ch_grouper *g, ch_error *err)
{
    const ch_grouper_spec *spec = g->spec;
    int32_t bytes = 0, n = spec->n_cols;
    const ch_type **types;
    CH_ARENA_ARRAY(g->state_offset, &g->arena, spec->n_aggs + 1, err);
    CH_ARENA_ARRAY(types, &g->arena, n + spec->n_aggs + 1, err);
    for (int32_t c = 0; c < n; c++)
        types[c] = spec->types[c];
    for (int32_t a = 0; a < spec->n_aggs; a++) {
        g->state_offset[a] = bytes;
        bytes += ch_group_state_bytes(&spec->agg[a]);
        if (spec->agg[a].func->agg->save)
            types[n + g->n_saved++] = ch_type_of(CH_BINARY);
    }
    CH_TRY(ch_rowlayout_init(&g->layout, &g->arena, types, n, spec->n_keys, true, bytes, err));
    CH_TRY(ch_rowlayout_init(&g->saved_layout, &g->arena, types, n + g->n_saved, spec->n_keys, true,
                             bytes, err));
    for (int32_t a = 0; a < spec->n_aggs; a++)
        g->state_offset[a] += g->layout.state_offset;
    return CH_OK;
}

static ch_status open_slot(ch_grouper *g, ch_group_slot **out, ch_error *err)
{
    ch_group_slot *s = ch_mem_zalloc(g->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    *out = s;
    ch_arena_init(&s->extra, g->mem);
    ch_arena_init(&s->job_extra, g->mem);
    for (int p = 0; p < CH_GROUP_PARTS; p++) {
        ch_rowset_init(&s->part[p], g->mem, g->page_bytes);
        ch_rowset_init(&s->saved[p], g->mem, g->page_bytes);
    }
    int32_t n = g->spec->n_aggs;
    s->call = ch_mem_zalloc(g->mem, sizeof *s->call * (size_t)(n + 1), err);
    if (!s->call)
        return CH_E_MEMORY;
    for (int32_t a = 0; a < n; a++) {
        s->call[a] = g->spec->agg[a];
        s->call[a].mem = g->mem;
        s->call[a].state = NULL;
        if (s->call[a].func->open)
            CH_TRY(s->call[a].func->open(&s->call[a], &s->call[a].state, err));
    }
    return CH_OK;
}

ch_status ch_grouper_open(ch_exec *exec, ch_mem *mem, const ch_grouper_spec *spec, ch_grouper **out,
                          ch_error *err)
{
    ch_grouper *g = ch_mem_zalloc(mem, sizeof *g, err);
    *out = g;
    if (!g)
        return CH_E_MEMORY;
    g->exec = exec;
    g->mem = mem;
    g->spec = spec;
    ch_arena_init(&g->arena, mem);
    pthread_mutex_init(&g->lock, NULL);
    CH_TRY(make_layouts(g, err));

    int64_t limit = ch_mem_limit(mem), per_slot = limit / 32 / exec->n_slots;
    g->table_entries = 1 << 17;
    while (g->table_entries > 4 * CH_GROUP_CHUNK && g->table_entries * 8 > per_slot)
        g->table_entries /= 2;
    g->reserve = limit == INT64_MAX ? 0 : limit / 4;
    g->page_bytes = ch_rowset_page_bytes(limit, CH_GROUP_PARTS * (int64_t)exec->n_slots);
    g->keep = CH_GROUP_PARTS;
    CH_ARENA_ARRAY(g->slot, &g->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++)
        CH_TRY(open_slot(g, &g->slot[i], err));
    return CH_OK;
}

void ch_group_free_scratch(ch_grouper *g, ch_group_slot *s)
{
    size_t n = (size_t)s->cap_rows;
    ch_mem_free(g->mem, s->hash, sizeof *s->hash * n);
    ch_mem_free(g->mem, s->row, sizeof *s->row * n);
    ch_mem_free(g->mem, s->pos, sizeof *s->pos * n);
    ch_mem_free(g->mem, s->miss, sizeof *s->miss * n);
    s->hash = NULL;
    s->row = NULL;
    s->pos = s->miss = NULL;
    s->cap_rows = 0;
}

void ch_group_free_table(ch_grouper *g, ch_group_slot *s)
{
    ch_mem_free(g->mem, s->table, sizeof *s->table * (size_t)s->n_entries);
    s->table = NULL;
    s->n_entries = s->count = 0;
    ch_codes_free(s->codes);
    s->codes = NULL;
}

static void close_slot(ch_grouper *g, ch_group_slot *s)
{
    ch_group_free_scratch(g, s);
    ch_group_free_table(g, s);
    ch_group_free_merge_table(g, s);
    ch_mem_free(g->mem, s->out, sizeof *s->out * (size_t)g->exec->batch_rows);
    for (int p = 0; p < CH_GROUP_PARTS; p++) {
        ch_rowset_release(&s->part[p], NULL);
        ch_rowset_release(&s->saved[p], NULL);
    }
    while (s->jobs) {
        ch_group_job *job = s->jobs;
        s->jobs = job->next;
        ch_group_free_job(g, job);
    }
    if (s->job)
        ch_group_free_job(g, s->job);
    for (int32_t a = 0; s->call && a < g->spec->n_aggs; a++)
        if (s->call[a].state && s->call[a].func->close)
            s->call[a].func->close(&s->call[a], s->call[a].state);
    ch_mem_free(g->mem, s->call, sizeof *s->call * (size_t)(g->spec->n_aggs + 1));
    ch_arena_release(&s->extra);
    ch_arena_release(&s->job_extra);
    ch_mem_free(g->mem, s, sizeof *s);
}

void ch_grouper_close(ch_grouper *g)
{
    if (!g)
        return;
    ch_group_few_free(g);
    for (int i = 0; g->slot && i < g->exec->n_slots; i++)
        if (g->slot[i])
            close_slot(g, g->slot[i]);
    ch_spill_close(g->spill);
    pthread_mutex_destroy(&g->lock);
    ch_arena_release(&g->arena);
    ch_mem_free(g->mem, g, sizeof *g);
}

/* ---- small questions --------------------------------------------------------------------- */

int32_t ch_grouper_state_offset(const ch_grouper *g, int32_t a)
{
    return g->state_offset[a];
}
ch_call *ch_grouper_call(ch_grouper *g, int slot, int32_t a)
{
    return &g->slot[slot]->call[a];
}
ch_arena *ch_grouper_extra(ch_grouper *g, int slot)
{
    return &g->slot[slot]->extra;
}
const ch_rowlayout *ch_grouper_layout(const ch_grouper *g)
{
    return &g->layout;
}
int64_t ch_grouper_spilled(const ch_grouper *g)
{
    return g->spilled;
}
int64_t ch_grouper_n_morsels(const ch_grouper *g)
{
    return g->n_morsels;
}
/* ---- find or make ------------------------------------------------------------------------ */

ch_status ch_group_need_scratch(ch_grouper *g, ch_group_slot *s, int64_t n, ch_error *err)
{
    if (n <= s->cap_rows)
        return CH_OK;
    ch_group_free_scratch(g, s);
    s->hash = ch_mem_alloc(g->mem, sizeof *s->hash * (size_t)n, err);
    s->row = ch_mem_alloc(g->mem, sizeof *s->row * (size_t)n, err);
    s->pos = ch_mem_alloc(g->mem, sizeof *s->pos * (size_t)n, err);
    s->miss = ch_mem_alloc(g->mem, sizeof *s->miss * (size_t)n, err);
    if (s->hash && s->row && s->pos && s->miss) {
        s->cap_rows = n;
        return CH_OK;
    }
    s->cap_rows = n; /* the sizes to free by */
    ch_group_free_scratch(g, s);
    return CH_E_MEMORY;
}

static ch_status need_table(ch_grouper *g, ch_group_slot *s, ch_error *err)
{
    if (s->table)
        return CH_OK;
    s->table = ch_mem_zalloc(g->mem, sizeof *s->table * (size_t)g->table_entries, err);
    if (!s->table)
        return CH_E_MEMORY;
    s->n_entries = g->table_entries;
    /* The caches of the short way are worth their memory only when there is some. */
    if (ch_mem_limit(g->mem) / g->exec->n_slots >= 8 << 20)
        CH_TRY(ch_codes_new(&g->layout, g->mem, &s->codes, err));
    return CH_OK;
}

void ch_group_forget_table(ch_group_slot *s)
{
    if (s->table && s->count)
        memset(s->table, 0, sizeof *s->table * (size_t)s->n_entries);
    s->count = 0;
    s->rows_since = 0;
    s->first_place = s->n_places;
}

/* Makes groups of the k positions in idx, in their partitions. */
static ch_status append(ch_grouper *g, ch_group_slot *s, ch_column *const *col, const int32_t *idx,
                        int64_t k, ch_error *err)
{
    CH_TRY(ch_rows_sizes(&g->layout, col, idx, k, s->bytes, err));
    for (int64_t j = 0; j < k; j++) {
        CH_TRY(
            ch_rowset_add(&s->part[ch_group_part(s->hash[idx[j]])], s->bytes[j], &s->list[j], err));
        s->row[idx[j]] = s->list[j];
    }
    ch_rows_scatter(&g->layout, col, s->hash, idx, k, s->bytes, s->list);
    return ch_group_is_few(s) ? ch_group_few_add(g, s, s->list, idx, k, err) : CH_OK;
}

/* One round for the positions in idx: fresh ones claim an entry, the others are candidates. */
static void look(ch_group_slot *s, const int32_t *idx, int64_t k, int64_t *n_fresh, int64_t *n_cand)
{
    uint64_t *table = s->table;
    int32_t mask = (int32_t)(s->n_entries - 1);
    int64_t f = 0, c = 0;
    for (int64_t j = 0; j < k; j++) {
        int32_t i = idx[j], p = s->pos[i];
        uint64_t salt = s->hash[i] >> 48;
        for (;; p = (p + 1) & mask) {
            uint64_t e = table[p];
            if (!e) {
                table[p] = salt << 48 | 1;
                s->fresh[f++] = i;
                break;
            }
            if (e >> 48 == salt) {
                s->cand[c++] = i;
                break;
            }
        }
        s->pos[i] = p;
    }
    *n_fresh = f;
    *n_cand = c;
}

/* row[i] for the k <= CH_GROUP_CHUNK positions in s->idx; the table has room for all of them. */
static ch_status find_chunk(ch_grouper *g, ch_group_slot *s, ch_column *const *col, int64_t k,
                            ch_error *err)
{
    int32_t mask = (int32_t)(s->n_entries - 1);
    for (int64_t j = 0; j < k; j++) {
        s->pos[s->idx[j]] = (int32_t)s->hash[s->idx[j]] & mask;
        __builtin_prefetch(&s->table[s->pos[s->idx[j]]]);
    }
    int64_t n_fresh, n_cand;
    while (k > 0) {
        look(s, s->idx, k, &n_fresh, &n_cand);
        if (n_fresh) {
            ch_status status = append(g, s, col, s->fresh, n_fresh, err);
            if (status != CH_OK) { /* entries without rows must not stay */
                s->count++;
                ch_group_forget_table(s);
                return status;
            }
            for (int64_t j = 0; j < n_fresh; j++) {
                int32_t i = s->fresh[j];
                s->table[s->pos[i]] = s->hash[i] >> 48 << 48 | (uint64_t)(uintptr_t)s->row[i];
            }
            s->count += n_fresh;
        }
        for (int64_t j = 0; j < n_cand; j++) {
            int32_t i = s->cand[j];
            s->row[i] = (uint8_t *)(uintptr_t)(s->table[s->pos[i]] & CH_GROUP_ADDRESS);
            __builtin_prefetch(s->row[i]);
        }
        int64_t n_no = 0;
        ch_rows_match(&g->layout, col, s->row, s->cand, n_cand, s->no, &n_no);
        for (int64_t j = 0; j < n_no; j++) {
            s->idx[j] = s->no[j];
            s->pos[s->no[j]] = (s->pos[s->no[j]] + 1) & mask;
        }
        k = n_no;
    }
    return CH_OK;
}

/* The groups of n positions: those in miss, or 0 .. n - 1 where that is NULL. */
static ch_status find(ch_grouper *g, ch_group_slot *s, ch_column *const *col, const int32_t *miss,
                      int64_t n, ch_error *err)
{
    for (int64_t from = 0; from < n; from += CH_GROUP_CHUNK) {
        int64_t k = n - from < CH_GROUP_CHUNK ? n - from : CH_GROUP_CHUNK;
        for (int64_t j = 0; j < k; j++)
            s->idx[j] = miss ? miss[from + j] : (int32_t)(from + j);
        if (s->skip_rows > 0) {
            CH_TRY(append(g, s, col, s->idx, k, err));
            s->skip_rows -= k;
            continue;
        }
        if (s->count + k > s->n_entries / 8 * 5) {
            /* Hardly any row met its group here: do not look for some time. */
            if (s->count > s->rows_since / 8 * 7)
                s->skip_rows = 16 * s->rows_since;
            ch_group_forget_table(s);
        }
        s->rows_since += k;
        CH_TRY(find_chunk(g, s, col, k, err));
    }
    return CH_OK;
}

/* miss = rows whose key differs from that of the row before; returns their number, n if it is not worth it. */
static int64_t run_heads(const ch_column *key, int64_t n, int32_t *miss)
{
    int64_t k = 0;
    int width = ch_type_width(key->type);
    if (key->encoding != CH_FLAT || key->valid || (width != 4 && width != 8) || n < 64 ||
        key->type->id == CH_FLOAT || key->type->id == CH_DOUBLE)
        return n;
    const int32_t *v4 = key->data;
    const int64_t *v8 = key->data;
    if (width == 4)
        for (int64_t i = 1; i < n; i++)
            k += v4[i] != v4[i - 1];
    else
        for (int64_t i = 1; i < n; i++)
            k += v8[i] != v8[i - 1];
    if (k >= n / 4 * 3)
        return n;
    miss[0] = 0;
    k = 1;
    for (int64_t i = 1; i < n; i++) {
        miss[k] = (int32_t)i;
        k += width == 4 ? v4[i] != v4[i - 1] : v8[i] != v8[i - 1];
    }
    return k;
}

/* Input often comes in runs of one key: the first row of each asks for all. */
static ch_status find_runs(ch_grouper *g, ch_group_slot *s, ch_column *const *col, int64_t n,
                           ch_error *err)
{
    int64_t k = g->spec->n_keys == 1 ? run_heads(col[0], n, s->miss) : n;
    CH_TRY(find(g, s, col, k < n ? s->miss : NULL, k, err));
    for (int64_t j = 0; k < n && j < k; j++) {
        int64_t end = j + 1 < k ? s->miss[j + 1] : n;
        for (int64_t i = s->miss[j] + 1; i < end; i++)
            s->row[i] = s->row[s->miss[j]];
    }
    return CH_OK;
}

static ch_status find_one(ch_grouper *g, ch_group_slot *s, ch_column *const *col, ch_error *err)
{
    s->idx[0] = 0;
    s->hash[0] = CH_HASH_NULL;
    CH_TRY(append(g, s, col, s->idx, 1, err));
    s->one = s->row[0];
    return CH_OK;
}

ch_status ch_grouper_push(ch_grouper *g, int slot, uint64_t seq, ch_column *const *col, int64_t n,
                          uint8_t ***group, ch_error *err)
{
    ch_group_slot *s = g->slot[slot];
    CH_TRY(ch_group_relieve(g, s, err));
    CH_TRY(ch_group_need_scratch(g, s, n, err));
    *group = s->row;
    if (n == 0)
        return CH_OK;
    if (ch_group_is_few(s))
        ch_group_few_begin(g, s, seq, n);
    if (g->spec->n_keys == 0) {
        if (!s->one)
            CH_TRY(find_one(g, s, col, err));
        s->row[0] = s->one;
        return CH_OK;
    }
    CH_TRY(need_table(g, s, err));
    const int32_t *miss = NULL;
    int64_t n_miss = n;
    ch_codes *codes = ch_group_is_few(s) ? NULL : s->codes; /* they outlast partitions */
    if (codes) {
        if (ch_codes_find(s->codes, col, n, s->row, s->miss, &n_miss)) {
            if (n_miss == 0)
                return CH_OK;
            miss = s->miss;
        } else {
            ch_codes_free(s->codes);
            codes = s->codes = NULL;
            n_miss = n;
        }
    }
    CH_TRY(ch_hash(col, g->spec->n_keys, n, s->hash, g->mem, err));
    if (!codes)
        return find_runs(g, s, col, n, err);
    CH_TRY(find(g, s, col, miss, n_miss, err));
    ch_codes_learn(codes, s->row, s->miss, n_miss);
    return CH_OK;
}
