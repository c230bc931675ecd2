/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper_merge.c - the groups of all slots become the result, partition by partition.
 *
 * A morsel is a partition; its rows of all slots are a job. One that does not fit is cut in 16 by further bits
 * of the hash, each part a job of its own; the rows of one that fits are entered into a table, where equal
 * groups are merged into the first of them.
 */
#include "exec/grouper_slot.h"
#include "kernel/hash.h"

enum {
    SPLIT_BITS = 4, /* of each partitioning after the first */
    MAX_LEVEL = 3,
    N_SPLITS = 1 << SPLIT_BITS,
};

#define SMALL_ROWS 32768 /* as many are merged in one morsel */

/* Which of its N_SPLITS parts a row belongs to when a job of `level` is cut. */
static inline int split_of(uint64_t hash, int level)
{
    return (int)(hash >> (48 - CH_GROUP_PART_BITS - SPLIT_BITS * (level + 1))) & (N_SPLITS - 1);
}
void ch_group_free_job(ch_grouper *g, ch_group_job *job)
{
    ch_rowset_release(&job->set, g->spill);
    ch_rowset_release(&job->saved, g->spill);
    ch_rowset_release(&job->older, NULL);
    ch_mem_free(g->mem, job, sizeof *job);
}

void ch_group_free_merge_table(ch_grouper *g, ch_group_slot *s)
{
    ch_mem_free(g->mem, s->merge_table, sizeof *s->merge_table * (size_t)s->merge_entries);
    s->merge_table = NULL;
    s->merge_entries = 0;
}

static int64_t rows_in(const ch_grouper *g)
{
    int64_t n = 0;
    for (int i = 0; i < g->exec->n_slots; i++)
        for (int p = 0; p < CH_GROUP_PARTS; p++)
            n += g->slot[i]->part[p].n_rows + g->slot[i]->saved[p].n_rows;
    return n;
}

ch_status ch_grouper_ready(ch_grouper *g, ch_error *err)
{
    for (int i = 0; i < g->exec->n_slots; i++) {
        ch_group_free_table(g, g->slot[i]);
        ch_group_free_scratch(g, g->slot[i]);
    }
    int64_t n = rows_in(g);
    if (n == 0)
        ch_group_few_free(g);
    if (n == 0 && g->spec->n_keys == 0) {
        ch_group_slot *s = g->slot[0];
        CH_TRY(ch_group_need_scratch(g, s, 1, err));
        s->hash[0] = CH_HASH_NULL;
        s->bytes[0] = g->layout.fixed_bytes;
        ch_rowset *set = &s->part[ch_group_part(CH_HASH_NULL)];
        CH_TRY(ch_rowset_add(set, g->layout.fixed_bytes, &s->list[0], err));
        memcpy(s->list[0], g->layout.null_row, (size_t)g->layout.fixed_bytes);
        *(uint64_t *)(void *)(s->list[0] + g->layout.hash_offset) = CH_HASH_NULL;
        n = 1;
    }
    ch_group_few_settle(g, n);
    bool small = n <= SMALL_ROWS && !g->spill;
    g->n_morsels = n == 0 ? 0 : small ? 1 : CH_GROUP_PARTS;
    g->ready = true;
    return CH_OK;
}

static ch_status add_job(ch_grouper *g, ch_group_slot *s, int level, ch_group_job **out,
                         ch_error *err)
{
    ch_group_job *job = ch_mem_zalloc(g->mem, sizeof *job, err);
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

static void end_job(ch_grouper *g, ch_group_slot *s)
{
    if (s->job)
        ch_group_free_job(g, s->job);
    s->job = NULL;
    ch_group_free_merge_table(g, s);
    ch_arena_reset(&s->job_extra);
}

ch_status ch_grouper_claim(ch_grouper *g, int slot, bool *more, int64_t *morsel, ch_error *err)
{
    ch_group_slot *s = g->slot[slot];
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
    ch_group_job *job;
    CH_TRY(add_job(g, s, 0, &job, err));
    int from = (int)p, to = g->n_morsels == 1 ? CH_GROUP_PARTS : (int)p + 1;
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
static int64_t job_needs(const ch_group_job *job)
{
    int64_t n = job->set.n_rows + job->saved.n_rows;
    int64_t on_disk = job->set.row_bytes - job->set.bytes;
    if (on_disk < 0)
        on_disk = 0;
    return on_disk + 2 * job->saved.row_bytes + table_size(n) * 8 + (64 << 10);
}

/* A saved page's rows as rows of the layout, in `set`. */
static ch_status load_saved(ch_grouper *g, ch_group_slot *s, ch_rowset *saved, int32_t i,
                            ch_rowset *set, ch_error *err)
{
    CH_TRY(ch_exec_heed(g->exec, err));
    CH_TRY(ch_rowset_load(saved, g->spill, i, err));
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(&saved->page[i], &pos, s->list, CH_GROUP_CHUNK)) > 0)
        CH_TRY(ch_group_convert(g, s, false, s->list, k, set, &s->job_extra, err));
    ch_rowset_unload(saved, i);
    return CH_OK;
}

/* Deals a page's rows out to the parts. */
static ch_status split_page(ch_group_slot *s, const ch_rowlayout *layout, const ch_rowpage *page,
                            int level, ch_group_job **part, bool saved, ch_error *err)
{
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(page, &pos, s->list, CH_GROUP_CHUNK)) > 0) {
        for (int64_t j = 0; j < k; j++) {
            const uint8_t *row = s->list[j];
            ch_group_job *to = part[split_of(ch_row_hash(layout, row), level)];
            int64_t bytes = ch_row_bytes(row);
            uint8_t *at;
            CH_TRY(ch_rowset_add(saved ? &to->saved : &to->set, bytes, &at, err));
            memcpy(at, row, (size_t)bytes);
        }
    }
    return CH_OK;
}

/* What is cut goes to disk at once, in large writes, unless there is memory in plenty. */
static ch_status spill_parts(ch_grouper *g, ch_group_job **part, bool all, ch_error *err)
{
    int64_t least = ch_mem_available(g->mem) < g->reserve ? 1 : CH_PAGE_BYTES_MAX / 4;
    all |= least == 1;
    for (int p = 0; p < N_SPLITS; p++) {
        ch_rowset *set[2] = {&part[p]->set, &part[p]->saved};
        for (int q = 0; q < 2; q++)
            if (set[q]->bytes && (all || set[q]->bytes >= least))
                CH_TRY(ch_group_spill_set(g, set[q], err));
    }
    return CH_OK;
}

static ch_status split_set(ch_grouper *g, ch_group_slot *s, ch_rowset *set, bool saved, int level,
                           ch_group_job **part, ch_error *err)
{
    const ch_rowlayout *layout = saved ? &g->saved_layout : &g->layout;
    for (int32_t i = 0; i < set->n_pages; i++) {
        CH_TRY(ch_exec_heed(g->exec, err));
        CH_TRY(ch_rowset_load(set, g->spill, i, err));
        CH_TRY(split_page(s, layout, &set->page[i], level, part, saved, err));
        ch_rowset_unload(set, i);
        if (ch_mem_available(g->mem) < 2 * g->reserve)
            CH_TRY(spill_parts(g, part, false, err));
    }
    ch_rowset_release(set, g->spill);
    return CH_OK;
}

static ch_status split_job(ch_grouper *g, ch_group_slot *s, ch_group_job *job, ch_error *err)
{
    ch_group_job *part[N_SPLITS];
    CH_TRY(ch_group_need_spill(g, err));
    for (int p = 0; p < N_SPLITS; p++)
        CH_TRY(add_job(g, s, job->level + 1, &part[p], err));
    CH_TRY(split_set(g, s, &job->saved, true, job->level, part, err));
    if (g->n_saved && job->set.n_pages > job->set.n_spilled) {
        /* States in memory point into arenas: saved first, cut then. */
        CH_TRY(ch_group_save_set(g, s, &job->set, &job->saved, err));
        CH_TRY(split_set(g, s, &job->saved, true, job->level, part, err));
    } else {
        CH_TRY(split_set(g, s, &job->set, false, job->level, part, err));
    }
    return spill_parts(g, part, true, err);
}

/* Rows `from` are merged into equal ones and are dead afterwards. */
static ch_status merge_rows(ch_grouper *g, ch_group_slot *s, uint8_t **into, uint8_t **from,
                            int64_t n, ch_error *err)
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
static ch_status merge_chunk(ch_grouper *g, ch_group_slot *s, int64_t k, ch_error *err)
{
    uint64_t *table = s->merge_table, mask = (uint64_t)s->merge_entries - 1;
    uint64_t hash[CH_GROUP_CHUNK];
    int64_t at[CH_GROUP_CHUNK];
    uint8_t *other[CH_GROUP_CHUNK];
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
                    other[i] = (uint8_t *)(uintptr_t)(e & CH_GROUP_ADDRESS);
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

static ch_status merge_few(ch_grouper *g, ch_group_slot *s, ch_error *err)
{
    CH_TRY(ch_group_few_sort(g, err));
    for (int64_t at = 0, k; at < g->n_order; at += k) {
        k = g->n_order - at < CH_GROUP_CHUNK ? g->n_order - at : CH_GROUP_CHUNK;
        memcpy(s->list, g->order + at, sizeof *s->list * (size_t)k);
        CH_TRY(merge_chunk(g, s, k, err));
    }
    return ch_group_few_result(g, err);
}

/* Loads all of a job and merges equal groups; what is left alive are the result's groups. */
static ch_status merge_job(ch_grouper *g, ch_group_slot *s, ch_group_job *job, ch_error *err)
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
    if (g->few)
        CH_TRY(merge_few(g, s, err));
    for (int32_t i = 0; i < job->set.n_pages && !g->few; i++) {
        CH_TRY(ch_exec_heed(g->exec, err));
        CH_TRY(ch_rowset_load(&job->set, g->spill, i, err));
        int32_t pos = 0;
        int64_t k;
        while ((k = ch_rowpage_next(&job->set.page[i], &pos, s->list, CH_GROUP_CHUNK)) > 0)
            CH_TRY(merge_chunk(g, s, k, err));
    }
    ch_group_free_merge_table(g, s);
    return CH_OK;
}

/* Takes the next job, cutting those that are too large. */
static ch_status start_job(ch_grouper *g, ch_group_slot *s, ch_error *err)
{
    while (s->jobs) {
        ch_group_job *job = s->jobs;
        s->jobs = job->next;
        end_job(g, s);
        s->job = job;
        int64_t n = job->set.n_rows + job->saved.n_rows;
        /* The places of few groups lie in the job's rows, which cutting would move. */
        bool can_cut =
            !g->few && job->level < MAX_LEVEL && n > CH_GROUP_CHUNK && g->spec->n_keys > 0;
        int64_t share = ch_mem_available(g->mem) / g->exec->n_slots / 4 * 3;
        if (can_cut && job_needs(job) > share) {
            s->job = NULL;
            ch_status status = split_job(g, s, job, err);
            ch_group_free_job(g, job);
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
    ch_group_slot *s = g->slot[slot];
    *group = s->out;
    *n = 0;
    for (;;) {
        if (s->job && g->few) {
            int64_t left = g->n_order - s->page_pos;
            *n = left < g->exec->batch_rows ? left : g->exec->batch_rows;
            memcpy(s->out, g->order + s->page_pos, sizeof *s->out * (size_t)*n);
            s->page_pos += (int32_t)*n;
        }
        while (s->job && !g->few && s->page < s->job->set.n_pages) {
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
    ch_group_states(g, a, group, n, state);
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
