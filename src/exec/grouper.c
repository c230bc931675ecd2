/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper.c - see grouper.h. A table's entry is a row's address with the hash's top 16 bits in
 * its unused ones (the salt):
 *
 *   entry  = salt << 48 | address      0 = free
 *   hash   = | 16 salt | 20 partition, level by level | 28 place in the table |
 *
 * Looking up goes in rounds over a list of rows (Kersten et al. 2018): find a free or salt-equal
 * entry for each, append the new groups, compare the keys of the others all together; who met another
 * key goes on to the next entry in the next round.
 */
#include "exec/grouper.h"
#include "exec/grouper_codes.h"
#include "kernel/hash.h"

enum {
    CHUNK = 1024,   /* rows looked up together */
    PART_BITS = 6,  /* of the first partitioning */
    SPLIT_BITS = 4, /* of each later one */
    MAX_LEVEL = 3,
    N_PARTS = 1 << PART_BITS,
    N_SPLITS = 1 << SPLIT_BITS,
};

#define ADDRESS (UINT64_MAX >> 16)
#define SMALL_ROWS 32768 /* as many are merged in one morsel */

/* Rows that are merged by themselves: a partition, or a part of one. */
typedef struct group_job group_job;
struct group_job {
    ch_rowset set;   /* rows of layout */
    ch_rowset saved; /* rows of saved_layout: on disk, states as text; older than set */
    ch_rowset older; /* the same, loaded */
    int level;       /* how often it was cut */
    group_job *next;
};

typedef struct slot_state {
    uint64_t *table; /* mask + 1 entries */
    int64_t n_entries, count;
    ch_rowset part[N_PARTS], saved[N_PARTS];
    ch_arena extra;
    ch_codes *codes;
    uint8_t *one;                  /* n_keys 0: the group of all */
    int64_t rows_since, skip_rows; /* rows since the table was empty; rows to append unseen */

    /* rows of one push */
    int64_t cap_rows;
    uint64_t *hash;
    uint8_t **row;
    int32_t *pos, *miss; /* place in the table, by row */
    /* lists of one chunk */
    int32_t idx[CHUNK], cand[CHUNK], fresh[CHUNK], no[CHUNK];
    int64_t bytes[CHUNK];
    uint8_t *list[CHUNK], *into[CHUNK], *from[CHUNK];

    /* merging */
    group_job *jobs; /* to be done */
    group_job *job;  /* being given out */
    ch_arena job_extra;
    uint64_t *merge_table;
    int64_t merge_entries;
    uint8_t **out; /* exec->batch_rows */
    int32_t page, page_pos;
    ch_call *call; /* of each aggregate */
} slot_state;

struct ch_grouper {
    ch_exec *exec;
    ch_mem *mem;
    const ch_grouper_spec *spec;
    ch_arena arena;
    ch_rowlayout layout, saved_layout;
    int32_t *state_offset;
    int32_t n_saved; /* aggregates with save() */
    slot_state **slot;
    int64_t table_entries, reserve;
    int32_t page_bytes;
    _Atomic int keep; /* partitions from here on go to disk when memory is short */
    _Atomic(ch_spill *) spill;
    pthread_mutex_t lock;    /* guards the making of spill */
    _Atomic int64_t spilled; /* bytes */
    _Atomic int64_t next_morsel;
    int64_t n_morsels;
    bool ready;
};

/* ---- open and close ---------------------------------------------------------------------- */

static int32_t state_bytes(const ch_call *call)
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
        bytes += state_bytes(&spec->agg[a]);
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

static ch_status open_slot(ch_grouper *g, slot_state **out, ch_error *err)
{
    slot_state *s = ch_mem_zalloc(g->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    *out = s;
    ch_arena_init(&s->extra, g->mem);
    ch_arena_init(&s->job_extra, g->mem);
    for (int p = 0; p < N_PARTS; p++) {
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
    while (g->table_entries > 4 * CHUNK && g->table_entries * 8 > per_slot)
        g->table_entries /= 2;
    g->reserve = limit == INT64_MAX ? 0 : limit / 4;
    g->page_bytes = ch_rowset_page_bytes(limit, N_PARTS * (int64_t)exec->n_slots);
    g->keep = N_PARTS;
    CH_ARENA_ARRAY(g->slot, &g->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++)
        CH_TRY(open_slot(g, &g->slot[i], err));
    return CH_OK;
}

static void free_job(ch_grouper *g, group_job *job)
{
    ch_rowset_release(&job->set, g->spill);
    ch_rowset_release(&job->saved, g->spill);
    ch_rowset_release(&job->older, NULL);
    ch_mem_free(g->mem, job, sizeof *job);
}

static void free_scratch(ch_grouper *g, slot_state *s)
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

static void free_table(ch_grouper *g, slot_state *s)
{
    ch_mem_free(g->mem, s->table, sizeof *s->table * (size_t)s->n_entries);
    s->table = NULL;
    s->n_entries = s->count = 0;
    ch_codes_free(s->codes);
    s->codes = NULL;
}

static void free_merge_table(ch_grouper *g, slot_state *s)
{
    ch_mem_free(g->mem, s->merge_table, sizeof *s->merge_table * (size_t)s->merge_entries);
    s->merge_table = NULL;
    s->merge_entries = 0;
}

static void close_slot(ch_grouper *g, slot_state *s)
{
    free_scratch(g, s);
    free_table(g, s);
    free_merge_table(g, s);
    ch_mem_free(g->mem, s->out, sizeof *s->out * (size_t)g->exec->batch_rows);
    for (int p = 0; p < N_PARTS; p++) {
        ch_rowset_release(&s->part[p], NULL);
        ch_rowset_release(&s->saved[p], NULL);
    }
    while (s->jobs) {
        group_job *job = s->jobs;
        s->jobs = job->next;
        free_job(g, job);
    }
    if (s->job)
        free_job(g, s->job);
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

static inline int part_of(uint64_t hash)
{
    return (int)(hash >> (48 - PART_BITS)) & (N_PARTS - 1);
}
/* Which of its N_SPLITS parts a row belongs to when a job of `level` is cut. */
static inline int split_of(uint64_t hash, int level)
{
    return (int)(hash >> (48 - PART_BITS - SPLIT_BITS * (level + 1))) & (N_SPLITS - 1);
}

/* ---- spilling ---------------------------------------------------------------------------- */

static ch_status need_spill(ch_grouper *g, ch_error *err)
{
    ch_status status = CH_OK;
    if (g->spill)
        return CH_OK;
    pthread_mutex_lock(&g->lock);
    if (!g->spill) {
        ch_spill *spill = NULL;
        status = ch_spill_open(g->exec->spill_dir, g->mem, &spill, err);
        g->spill = spill;
    }
    pthread_mutex_unlock(&g->lock);
    return status;
}

static ch_status spill_set(ch_grouper *g, ch_rowset *set, ch_error *err)
{
    if (set->n_spilled == set->n_pages)
        return CH_OK;
    CH_TRY(need_spill(g, err));
    int64_t bytes = 0;
    CH_TRY(ch_rowset_spill(set, g->spill, &bytes, err));
    atomic_fetch_add_explicit(&g->spilled, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&g->exec->spill_bytes, bytes, memory_order_relaxed);
    return CH_OK;
}

/* State pointers of aggregate a for n rows. */
static void states_of(const ch_grouper *g, int32_t a, uint8_t *const *row, int64_t n,
                      uint8_t **state)
{
    for (int64_t j = 0; j < n; j++)
        state[j] = row[j] + g->state_offset[a];
}

/* Copies k rows between the two layouts: columns [0, n_cols) and, given or made, the saved states. */
static ch_status convert(ch_grouper *g, slot_state *s, bool to_saved, uint8_t *const *row,
                         int64_t k, ch_rowset *into, ch_arena *extra, ch_error *err)
{
    const ch_rowlayout *from = to_saved ? &g->layout : &g->saved_layout;
    const ch_rowlayout *to = to_saved ? &g->saved_layout : &g->layout;
    int32_t n = g->spec->n_cols, n_all = g->saved_layout.n_cols, b = n;
    ch_status status = CH_OK;
    size_t bytes = sizeof(ch_column *) * (size_t)n_all;
    ch_column **col = ch_mem_zalloc(g->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < (to_saved ? n : n_all); c++)
        CH_TRY_OUT(ch_rows_gather(from, c, row, k, g->mem, &col[c], err));
    for (int32_t a = 0; to_saved && a < g->spec->n_aggs; a++) {
        const ch_agg *agg = s->call[a].func->agg;
        if (!agg->save)
            continue;
        CH_TRY_OUT(ch_column_new(g->mem, ch_type_of(CH_BINARY), k, &col[b], err));
        states_of(g, a, row, k, s->into);
        s->call[a].rows = k;
        CH_TRY_OUT(agg->save(&s->call[a], s->into, k, col[b++], err));
    }
    uint64_t hash[CHUNK];
    for (int64_t j = 0; j < k; j++) {
        s->idx[j] = (int32_t)j;
        hash[j] = ch_row_hash(from, row[j]);
    }
    CH_TRY_OUT(ch_rows_sizes(to, col, s->idx, k, s->bytes, err));
    for (int64_t j = 0; j < k; j++)
        CH_TRY_OUT(ch_rowset_add(into, s->bytes[j], &s->from[j], err));
    ch_rows_scatter(to, col, hash, s->idx, k, s->bytes, s->from);
    for (int64_t j = 0; j < k; j++)
        memcpy(s->from[j] + to->state_offset, row[j] + from->state_offset, (size_t)to->state_bytes);
    for (int32_t a = 0; !to_saved && a < g->spec->n_aggs; a++) {
        const ch_agg *agg = s->call[a].func->agg;
        if (!agg->save)
            continue;
        states_of(g, a, s->from, k, s->into);
        for (int64_t j = 0; j < k; j++)
            memset(s->into[j], 0, (size_t)state_bytes(&s->call[a]));
        s->call[a].rows = k;
        CH_TRY_OUT(agg->load(&s->call[a], col[b++], s->into, k, extra, err));
    }
out:
    for (int32_t c = 0; c < n_all; c++)
        ch_column_unref(col[c]);
    ch_mem_free(g->mem, col, bytes);
    return status;
}

/* Everything of a set of live rows goes to disk, states in their saved form. */
static ch_status save_set(ch_grouper *g, slot_state *s, ch_rowset *set, ch_rowset *saved,
                          ch_error *err)
{
    for (int32_t i = set->n_spilled; i < set->n_pages; i++) {
        int32_t pos = 0;
        int64_t k;
        while ((k = ch_rowpage_next(&set->page[i], &pos, s->list, CHUNK)) > 0) {
            CH_TRY(convert(g, s, true, s->list, k, saved, NULL, err));
            if (saved->bytes >= CH_PAGE_BYTES_MAX)
                CH_TRY(spill_set(g, saved, err));
        }
        ch_rowset_unload(set, i);
    }
    ch_rowset_release(set, NULL);
    return spill_set(g, saved, err);
}

static void forget_table(slot_state *s)
{
    if (s->table && s->count)
        memset(s->table, 0, sizeof *s->table * (size_t)s->n_entries);
    s->count = 0;
    s->rows_since = 0;
}

static ch_status spill_slot(ch_grouper *g, slot_state *s, int keep, ch_error *err)
{
    forget_table(s);
    ch_codes_forget(s->codes);
    s->one = NULL;
    for (int p = keep; p < N_PARTS; p++) {
        if (g->n_saved)
            CH_TRY(save_set(g, s, &s->part[p], &s->saved[p], err));
        else
            CH_TRY(spill_set(g, &s->part[p], err));
    }
    if (g->n_saved && keep == 0)
        ch_arena_reset(&s->extra);
    return CH_OK;
}

static int64_t bytes_from(const slot_state *s, int keep)
{
    int64_t bytes = 0;
    for (int p = keep; p < N_PARTS; p++)
        bytes += s->part[p].bytes;
    return bytes;
}

static void lower_keep(ch_grouper *g, int to)
{
    int keep = g->keep;
    while (to < keep && !atomic_compare_exchange_weak(&g->keep, &keep, to)) {
    }
}

/*
 * Gives memory back when less than the reserve is left. Hybrid: partitions below `keep` stay in memory
 * as long as spilling the others frees enough.
 */
static ch_status relieve(ch_grouper *g, slot_state *s, ch_error *err)
{
    if (!g->reserve || ch_mem_available(g->mem) >= g->reserve)
        return CH_OK;
    if (g->n_saved) { /* what states point to is freed only as a whole */
        if (bytes_from(s, 0) < 16 << 10)
            return CH_OK;
        lower_keep(g, 0);
        return spill_slot(g, s, 0, err);
    }
    for (int64_t left; (left = ch_mem_available(g->mem)) < g->reserve;) {
        int keep = g->keep;
        int64_t least = ch_spill_worth(left, g->exec->n_slots);
        if (bytes_from(s, keep) >= least)
            CH_TRY(spill_slot(g, s, keep, err));
        else if (keep > 0 && bytes_from(s, 0) >= least)
            lower_keep(g, keep > N_PARTS / 8 ? keep - N_PARTS / 8 : 0);
        else
            break;
    }
    return CH_OK;
}

/* ---- find or make ------------------------------------------------------------------------ */

static ch_status need_scratch(ch_grouper *g, slot_state *s, int64_t n, ch_error *err)
{
    if (n <= s->cap_rows)
        return CH_OK;
    free_scratch(g, s);
    s->hash = ch_mem_alloc(g->mem, sizeof *s->hash * (size_t)n, err);
    s->row = ch_mem_alloc(g->mem, sizeof *s->row * (size_t)n, err);
    s->pos = ch_mem_alloc(g->mem, sizeof *s->pos * (size_t)n, err);
    s->miss = ch_mem_alloc(g->mem, sizeof *s->miss * (size_t)n, err);
    if (s->hash && s->row && s->pos && s->miss) {
        s->cap_rows = n;
        return CH_OK;
    }
    s->cap_rows = n; /* the sizes to free by */
    free_scratch(g, s);
    return CH_E_MEMORY;
}

static ch_status need_table(ch_grouper *g, slot_state *s, ch_error *err)
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

/* Makes groups of the k positions in idx, in their partitions. */
static ch_status append(ch_grouper *g, slot_state *s, ch_column *const *col, const int32_t *idx,
                        int64_t k, ch_error *err)
{
    CH_TRY(ch_rows_sizes(&g->layout, col, idx, k, s->bytes, err));
    for (int64_t j = 0; j < k; j++) {
        CH_TRY(ch_rowset_add(&s->part[part_of(s->hash[idx[j]])], s->bytes[j], &s->list[j], err));
        s->row[idx[j]] = s->list[j];
    }
    ch_rows_scatter(&g->layout, col, s->hash, idx, k, s->bytes, s->list);
    return CH_OK;
}

/* One round for the positions in idx: fresh ones claim an entry, the others are candidates. */
static void look(slot_state *s, const int32_t *idx, int64_t k, int64_t *n_fresh, int64_t *n_cand)
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

/* row[i] for the k <= CHUNK positions in s->idx; the table has room for all of them. */
static ch_status find_chunk(ch_grouper *g, slot_state *s, ch_column *const *col, int64_t k,
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
                forget_table(s);
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
            s->row[i] = (uint8_t *)(uintptr_t)(s->table[s->pos[i]] & ADDRESS);
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
static ch_status find(ch_grouper *g, slot_state *s, ch_column *const *col, const int32_t *miss,
                      int64_t n, ch_error *err)
{
    for (int64_t from = 0; from < n; from += CHUNK) {
        int64_t k = n - from < CHUNK ? n - from : CHUNK;
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
            forget_table(s);
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
static ch_status find_runs(ch_grouper *g, slot_state *s, ch_column *const *col, int64_t n,
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

static ch_status find_one(ch_grouper *g, slot_state *s, ch_column *const *col, ch_error *err)
{
    s->idx[0] = 0;
    s->hash[0] = CH_HASH_NULL;
    CH_TRY(append(g, s, col, s->idx, 1, err));
    s->one = s->row[0];
    return CH_OK;
}

ch_status ch_grouper_push(ch_grouper *g, int slot, ch_column *const *col, int64_t n,
                          uint8_t ***group, ch_error *err)
{
    slot_state *s = g->slot[slot];
    CH_TRY(relieve(g, s, err));
    CH_TRY(need_scratch(g, s, n, err));
    *group = s->row;
    if (n == 0)
        return CH_OK;
    if (g->spec->n_keys == 0) {
        if (!s->one)
            CH_TRY(find_one(g, s, col, err));
        s->row[0] = s->one;
        return CH_OK;
    }
    CH_TRY(need_table(g, s, err));
    const int32_t *miss = NULL;
    int64_t n_miss = n;
    if (s->codes) {
        if (ch_codes_find(s->codes, col, n, s->row, s->miss, &n_miss)) {
            if (n_miss == 0)
                return CH_OK;
            miss = s->miss;
        } else {
            ch_codes_free(s->codes);
            s->codes = NULL;
            n_miss = n;
        }
    }
    CH_TRY(ch_hash(col, g->spec->n_keys, n, s->hash, g->mem, err));
    if (!s->codes)
        return find_runs(g, s, col, n, err);
    CH_TRY(find(g, s, col, miss, n_miss, err));
    ch_codes_learn(s->codes, s->row, s->miss, n_miss);
    return CH_OK;
}

/* ---- merging ----------------------------------------------------------------------------- */

static int64_t rows_in(const ch_grouper *g)
{
    int64_t n = 0;
    for (int i = 0; i < g->exec->n_slots; i++)
        for (int p = 0; p < N_PARTS; p++)
            n += g->slot[i]->part[p].n_rows + g->slot[i]->saved[p].n_rows;
    return n;
}

ch_status ch_grouper_ready(ch_grouper *g, ch_error *err)
{
    for (int i = 0; i < g->exec->n_slots; i++) {
        free_table(g, g->slot[i]);
        free_scratch(g, g->slot[i]);
    }
    int64_t n = rows_in(g);
    if (n == 0 && g->spec->n_keys == 0) {
        slot_state *s = g->slot[0];
        CH_TRY(need_scratch(g, s, 1, err));
        s->hash[0] = CH_HASH_NULL;
        s->bytes[0] = g->layout.fixed_bytes;
        ch_rowset *set = &s->part[part_of(CH_HASH_NULL)];
        CH_TRY(ch_rowset_add(set, g->layout.fixed_bytes, &s->list[0], err));
        memcpy(s->list[0], g->layout.null_row, (size_t)g->layout.fixed_bytes);
        *(uint64_t *)(void *)(s->list[0] + g->layout.hash_offset) = CH_HASH_NULL;
        n = 1;
    }
    bool small = n <= SMALL_ROWS && !g->spill;
    g->n_morsels = n == 0 ? 0 : small ? 1 : N_PARTS;
    g->ready = true;
    return CH_OK;
}

static ch_status add_job(ch_grouper *g, slot_state *s, int level, group_job **out, ch_error *err)
{
    group_job *job = ch_mem_zalloc(g->mem, sizeof *job, err);
    *out = job;
    if (!job)
        return CH_E_MEMORY;
    ch_rowset_init(&job->set, g->mem, g->page_bytes);
    ch_rowset_init(&job->saved, g->mem, g->page_bytes);
    ch_rowset_init(&job->older, g->mem, g->page_bytes);
    job->level = level;
    job->next = s->jobs;
    s->jobs = job;
    return CH_OK;
}

static void end_job(ch_grouper *g, slot_state *s)
{
    if (s->job)
        free_job(g, s->job);
    s->job = NULL;
    free_merge_table(g, s);
    ch_arena_reset(&s->job_extra);
}

ch_status ch_grouper_claim(ch_grouper *g, int slot, bool *more, int64_t *morsel, ch_error *err)
{
    slot_state *s = g->slot[slot];
    end_job(g, s);
    int64_t p = atomic_fetch_add(&g->next_morsel, 1);
    *more = p < g->n_morsels;
    *morsel = p;
    if (!*more)
        return CH_OK;
    if (!s->out) {
        s->out = ch_mem_alloc(g->mem, sizeof *s->out * (size_t)g->exec->batch_rows, err);
        if (!s->out)
            return CH_E_MEMORY;
    }
    group_job *job;
    CH_TRY(add_job(g, s, 0, &job, err));
    int from = (int)p, to = g->n_morsels == 1 ? N_PARTS : (int)p + 1;
    for (int i = 0; i < g->exec->n_slots; i++)
        for (int q = from; q < to; q++) {
            CH_TRY(ch_rowset_move(&job->set, &g->slot[i]->part[q], err));
            CH_TRY(ch_rowset_move(&job->saved, &g->slot[i]->saved[q], err));
        }
    return CH_OK;
}

static int64_t table_size(int64_t n_rows)
{
    int64_t n = 64;
    while (n < 2 * n_rows)
        n *= 2;
    return n;
}

/* Bytes that merging a job takes beyond what it holds already. */
static int64_t job_needs(const group_job *job)
{
    int64_t n = job->set.n_rows + job->saved.n_rows;
    int64_t on_disk = job->set.row_bytes - job->set.bytes;
    if (on_disk < 0)
        on_disk = 0;
    return on_disk + 2 * job->saved.row_bytes + table_size(n) * 8 + (64 << 10);
}

/* A saved page's rows as rows of the layout, in `set`. */
static ch_status load_saved(ch_grouper *g, slot_state *s, ch_rowset *saved, int32_t i,
                            ch_rowset *set, ch_error *err)
{
    CH_TRY(ch_rowset_load(saved, g->spill, i, err));
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(&saved->page[i], &pos, s->list, CHUNK)) > 0)
        CH_TRY(convert(g, s, false, s->list, k, set, &s->job_extra, err));
    ch_rowset_unload(saved, i);
    return CH_OK;
}

/* Deals a page's rows out to the parts. */
static ch_status split_page(slot_state *s, const ch_rowlayout *layout, const ch_rowpage *page,
                            int level, group_job **part, bool saved, ch_error *err)
{
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(page, &pos, s->list, CHUNK)) > 0) {
        for (int64_t j = 0; j < k; j++) {
            const uint8_t *row = s->list[j];
            group_job *to = part[split_of(ch_row_hash(layout, row), level)];
            int64_t bytes = ch_row_bytes(row);
            uint8_t *at;
            CH_TRY(ch_rowset_add(saved ? &to->saved : &to->set, bytes, &at, err));
            memcpy(at, row, (size_t)bytes);
        }
    }
    return CH_OK;
}

/* What is cut goes to disk at once, in large writes, unless there is memory in plenty. */
static ch_status spill_parts(ch_grouper *g, group_job **part, bool all, ch_error *err)
{
    int64_t least = ch_mem_available(g->mem) < g->reserve ? 1 : CH_PAGE_BYTES_MAX / 4;
    all |= least == 1;
    for (int p = 0; p < N_SPLITS; p++) {
        ch_rowset *set[2] = {&part[p]->set, &part[p]->saved};
        for (int q = 0; q < 2; q++)
            if (set[q]->bytes && (all || set[q]->bytes >= least))
                CH_TRY(spill_set(g, set[q], err));
    }
    return CH_OK;
}

static ch_status split_set(ch_grouper *g, slot_state *s, ch_rowset *set, bool saved, int level,
                           group_job **part, ch_error *err)
{
    const ch_rowlayout *layout = saved ? &g->saved_layout : &g->layout;
    for (int32_t i = 0; i < set->n_pages; i++) {
        CH_TRY(ch_rowset_load(set, g->spill, i, err));
        CH_TRY(split_page(s, layout, &set->page[i], level, part, saved, err));
        ch_rowset_unload(set, i);
        if (ch_mem_available(g->mem) < 2 * g->reserve)
            CH_TRY(spill_parts(g, part, false, err));
    }
    ch_rowset_release(set, g->spill);
    return CH_OK;
}

static ch_status split_job(ch_grouper *g, slot_state *s, group_job *job, ch_error *err)
{
    group_job *part[N_SPLITS];
    CH_TRY(need_spill(g, err));
    for (int p = 0; p < N_SPLITS; p++)
        CH_TRY(add_job(g, s, job->level + 1, &part[p], err));
    CH_TRY(split_set(g, s, &job->saved, true, job->level, part, err));
    if (g->n_saved && job->set.n_pages > job->set.n_spilled) {
        /* States in memory point into arenas: saved first, cut then. */
        CH_TRY(save_set(g, s, &job->set, &job->saved, err));
        CH_TRY(split_set(g, s, &job->saved, true, job->level, part, err));
    } else {
        CH_TRY(split_set(g, s, &job->set, false, job->level, part, err));
    }
    return spill_parts(g, part, true, err);
}

/* Rows `from` are merged into equal ones and are dead afterwards. */
static ch_status merge_rows(ch_grouper *g, slot_state *s, uint8_t **into, uint8_t **from, int64_t n,
                            ch_error *err)
{
    for (int32_t a = 0; a < g->spec->n_aggs; a++) {
        ch_call *call = &s->call[a];
        int32_t at = g->state_offset[a];
        for (int64_t j = 0; j < n; j++) {
            into[j] += at;
            from[j] += at;
        }
        call->rows = n;
        CH_TRY(call->func->agg->merge(call, into, from, n, &s->job_extra, err));
        for (int64_t j = 0; j < n; j++) {
            into[j] -= at;
            from[j] -= at;
        }
    }
    for (int64_t j = 0; j < n; j++)
        ch_row_kill(from[j]);
    return CH_OK;
}

/* Enters k rows, in s->list, into the merge table. */
static ch_status merge_chunk(ch_grouper *g, slot_state *s, int64_t k, ch_error *err)
{
    uint64_t *table = s->merge_table, mask = (uint64_t)s->merge_entries - 1;
    uint64_t hash[CHUNK];
    int64_t at[CHUNK];
    uint8_t *other[CHUNK];
    for (int64_t j = 0; j < k; j++) {
        hash[j] = ch_row_hash(&g->layout, s->list[j]);
        at[j] = (int64_t)(hash[j] & mask);
        s->idx[j] = (int32_t)j;
        __builtin_prefetch(&table[at[j]]);
    }
    int64_t n = k;
    while (n > 0) {
        int64_t n_cand = 0, n_no = 0;
        for (int64_t j = 0; j < n; j++) {
            int32_t i = s->idx[j];
            uint64_t salt = hash[i] >> 48, p = (uint64_t)at[i];
            for (;; p = (p + 1) & mask) {
                uint64_t e = table[p];
                if (!e) {
                    table[p] = salt << 48 | (uint64_t)(uintptr_t)s->list[i];
                    break;
                }
                if (e >> 48 == salt) {
                    other[i] = (uint8_t *)(uintptr_t)(e & ADDRESS);
                    __builtin_prefetch(other[i]);
                    s->cand[n_cand++] = i;
                    break;
                }
            }
            at[i] = (int64_t)p;
        }
        int64_t n_same =
            ch_rows_match_rows(&g->layout, s->list, other, s->cand, n_cand, s->no, &n_no);
        for (int64_t j = 0; j < n_same; j++) {
            s->into[j] = other[s->cand[j]];
            s->from[j] = s->list[s->cand[j]];
        }
        if (n_same)
            CH_TRY(merge_rows(g, s, s->into, s->from, n_same, err));
        for (int64_t j = 0; j < n_no; j++) {
            s->idx[j] = s->no[j];
            at[s->no[j]] = (int64_t)(((uint64_t)at[s->no[j]] + 1) & mask);
        }
        n = n_no;
    }
    return CH_OK;
}

/* Loads all of a job and merges equal groups; what is left alive are the result's groups. */
static ch_status merge_job(ch_grouper *g, slot_state *s, group_job *job, ch_error *err)
{
    for (int32_t i = 0; i < job->saved.n_pages; i++)
        CH_TRY(load_saved(g, s, &job->saved, i, &job->older, err));
    ch_rowset_release(&job->saved, g->spill);
    if (job->older.n_pages) { /* older rows first: lists stay in the order of the input */
        CH_TRY(ch_rowset_move(&job->older, &job->set, err));
        ch_rowset set = job->set;
        job->set = job->older;
        job->older = set;
    }
    s->merge_entries = table_size(job->set.n_rows);
    s->merge_table = ch_mem_zalloc(g->mem, sizeof *s->merge_table * (size_t)s->merge_entries, err);
    if (!s->merge_table)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < job->set.n_pages; i++) {
        CH_TRY(ch_rowset_load(&job->set, g->spill, i, err));
        int32_t pos = 0;
        int64_t k;
        while ((k = ch_rowpage_next(&job->set.page[i], &pos, s->list, CHUNK)) > 0)
            CH_TRY(merge_chunk(g, s, k, err));
    }
    free_merge_table(g, s);
    return CH_OK;
}

/* Takes the next job, cutting those that are too large. */
static ch_status start_job(ch_grouper *g, slot_state *s, ch_error *err)
{
    while (s->jobs) {
        group_job *job = s->jobs;
        s->jobs = job->next;
        end_job(g, s);
        s->job = job;
        int64_t n = job->set.n_rows + job->saved.n_rows;
        bool can_cut = job->level < MAX_LEVEL && n > CHUNK && g->spec->n_keys > 0;
        int64_t share = ch_mem_available(g->mem) / g->exec->n_slots / 4 * 3;
        if (can_cut && job_needs(job) > share) {
            s->job = NULL;
            ch_status status = split_job(g, s, job, err);
            free_job(g, job);
            CH_TRY(status);
            continue;
        }
        if (n == 0)
            continue;
        CH_TRY(merge_job(g, s, job, err));
        s->page = s->page_pos = 0;
        return CH_OK;
    }
    end_job(g, s);
    return CH_OK;
}

ch_status ch_grouper_next(ch_grouper *g, int slot, uint8_t ***group, int64_t *n, ch_error *err)
{
    slot_state *s = g->slot[slot];
    *group = s->out;
    *n = 0;
    for (;;) {
        while (s->job && s->page < s->job->set.n_pages) {
            ch_rowpage *page = &s->job->set.page[s->page];
            int64_t more =
                ch_rowpage_next(page, &s->page_pos, s->out + *n, g->exec->batch_rows - *n);
            *n += more;
            if (*n == g->exec->batch_rows)
                return CH_OK;
            s->page++;
            s->page_pos = 0;
        }
        if (*n)
            return CH_OK;
        CH_TRY(start_job(g, s, err));
        if (!s->job)
            return CH_OK;
    }
}

ch_status ch_grouper_result(ch_grouper *g, int slot, int32_t a, uint8_t *const *group, int64_t n,
                            ch_mem *mem, ch_column **out, ch_error *err)
{
    ch_call *call = &g->slot[slot]->call[a];
    const ch_type *type = call->result;
    *out = NULL;
    size_t bytes = sizeof(uint8_t *) * (size_t)n;
    uint8_t **state = ch_mem_alloc(mem, bytes, err);
    if (!state)
        return CH_E_MEMORY;
    states_of(g, a, group, n, state);
    ch_mem *before = call->mem;
    call->mem = mem;
    call->rows = n;
    ch_status status = CH_OK;
    if (!ch_type_is_nested(type))
        status = ch_column_new(mem, type, n, out, err);
    if (status == CH_OK)
        status = call->func->agg->result(call, state, n, out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    call->mem = before;
    ch_mem_free(mem, state, bytes);
    return status;
}
