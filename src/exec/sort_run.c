/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort_run.c - radix sort of entries, run files, and a k-way merge by a heap.
 *
 * Sorting looks at 8 key bytes at a time, behind the bytes that all keys share: a byte-wise LSD radix sort of
 * that prefix, then the same again for every group of equal prefixes. Small groups are sorted by insertion,
 * and where there is no scratch memory by quicksort with whole keys.
 */
#include "exec/sort_run.h"

#include <lz4.h>

#define SMALL 24
#define RADIX_FROM 256
#define LZ4_SPEED 4    /* acceleration: spilled rows are written once and read once */
#define MOST_LEVELS 64 /* of recursion; keys built to go deeper are sorted by the heap */

/* 8 key bytes from `depth` on, big-endian; 0 past the end. */
static uint64_t prefix_at(const uint8_t *row, uint32_t depth)
{
    ch_sort_key k = ch_sort_row_key(row);
    uint64_t v = 0;
    if (depth + 8 <= k.len) {
        memcpy(&v, k.bytes + depth, 8);
        return __builtin_bswap64(v);
    }
    for (uint32_t i = 0; i < 8; i++)
        v = v << 8 | (depth + i < k.len ? k.bytes[depth + i] : 0);
    return v;
}

static bool entry_less(const ch_sort_entry *a, const ch_sort_entry *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    return ch_sort_key_compare(ch_sort_row_key(a->row), ch_sort_row_key(b->row)) < 0;
}

static void insertion_sort(ch_sort_entry *e, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        ch_sort_entry x = e[i];
        int64_t k = i;
        for (; k > 0 && entry_less(&x, &e[k - 1]); k--)
            e[k] = e[k - 1];
        e[k] = x;
    }
}

static void sift_down(ch_sort_entry *e, int64_t i, int64_t n)
{
    ch_sort_entry x = e[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && entry_less(&e[child], &e[child + 1]))
            child++;
        if (!entry_less(&x, &e[child]))
            break;
        e[i] = e[child];
    }
    e[i] = x;
}

/* In place, never worse than n log n: the way without scratch memory. */
static void heap_sort(ch_sort_entry *e, int64_t n)
{
    for (int64_t i = n / 2; i-- > 0;)
        sift_down(e, i, n);
    for (int64_t last = n - 1; last > 0; last--) {
        ch_sort_entry x = e[0];
        e[0] = e[last];
        e[last] = x;
        sift_down(e, 0, last);
    }
}

static uint32_t shared_prefix(const ch_sort_entry *e, int64_t n, uint32_t depth)
{
    ch_sort_key first = ch_sort_row_key(e[0].row);
    uint32_t shared = first.len;
    for (int64_t i = 1; i < n && shared > depth; i++) {
        ch_sort_key k = ch_sort_row_key(e[i].row);
        uint32_t most = k.len < shared ? k.len : shared, d = depth;
        while (d < most && k.bytes[d] == first.bytes[d])
            d++;
        shared = d;
    }
    return shared;
}

/* Sorts by prefix, bytes that are the same everywhere left out; the result is in e. */
__attribute__((noinline)) static void radix_sort(ch_sort_entry *e, ch_sort_entry *scratch,
                                                 int64_t n)
{
    uint32_t count[8][256] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int b = 0; b < 8; b++)
            count[b][e[i].prefix >> (8 * b) & 0xFF]++;
    ch_sort_entry *from = e, *to = scratch;
    for (int b = 0; b < 8; b++) {
        if (count[b][e[0].prefix >> (8 * b) & 0xFF] == n)
            continue;
        uint32_t at[256], sum = 0;
        for (int v = 0; v < 256; v++) {
            at[v] = sum;
            sum += count[b][v];
        }
        for (int64_t i = 0; i < n; i++)
            to[at[from[i].prefix >> (8 * b) & 0xFF]++] = from[i];
        ch_sort_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != e)
        memcpy(e, from, sizeof *e * (size_t)n);
}

static void sort_from(ch_sort_entry *e, ch_sort_entry *scratch, int64_t n, uint32_t depth,
                      int level)
{
    if (n < 2)
        return;
    if (n > SMALL)
        depth = shared_prefix(e, n, depth);
    for (int64_t i = 0; i < n; i++)
        e[i].prefix = prefix_at(e[i].row, depth);
    if (n <= SMALL) {
        insertion_sort(e, n);
        return;
    }
    if (!scratch || n < RADIX_FROM || level > MOST_LEVELS) {
        heap_sort(e, n);
        return;
    }
    radix_sort(e, scratch, n);
    for (int64_t i = 0; i < n;) {
        int64_t end = i + 1;
        while (end < n && e[end].prefix == e[i].prefix)
            end++;
        /* Keys differ before they end, so depth stays below every key's length. */
        sort_from(e + i, scratch, end - i, depth + 8, level + 1);
        i = end;
    }
}

void ch_sort_entries(ch_sort_entry *entry, ch_sort_entry *scratch, int64_t n)
{
    sort_from(entry, scratch, n, 0, 0);
}

/* ----------------------------------------------------------------- run files */

void ch_run_init(ch_run *run, ch_mem *mem)
{
    *run = (ch_run){.mem = mem};
    ch_arena_init(&run->arena, mem);
}

void ch_run_release(ch_run *run)
{
    for (int32_t i = 0; i < run->n_blocks; i++)
        ch_spill_drop(run->spill, run->block[i].at, run->block[i].stored_bytes);
    ch_mem_free(run->mem, run->block, sizeof *run->block * (size_t)run->cap_blocks);
    ch_arena_release(&run->arena);
    ch_run_init(run, run->mem);
}

ch_status ch_run_writer_init(ch_run_writer *w, ch_run *run, ch_spill *spill, int32_t block_bytes,
                             ch_mem *mem, ch_error *err)
{
    *w = (ch_run_writer){.run = run, .block_bytes = block_bytes, .mem = mem};
    run->spill = spill;
    w->raw = ch_mem_alloc(mem, (size_t)block_bytes, err);
    w->packed_cap = LZ4_compressBound(block_bytes);
    w->packed = w->raw ? ch_mem_alloc(mem, (size_t)w->packed_cap, err) : NULL;
    if (w->packed)
        return CH_OK;
    ch_run_writer_release(w);
    return CH_E_MEMORY;
}

void ch_run_writer_release(ch_run_writer *w)
{
    ch_mem_free(w->mem, w->raw, (size_t)w->block_bytes);
    ch_mem_free(w->mem, w->packed, (size_t)w->packed_cap);
    w->raw = w->packed = NULL;
}

static ch_status add_block(ch_run *run, ch_run_block block, ch_error *err)
{
    if (run->n_blocks == run->cap_blocks) {
        int32_t cap = run->cap_blocks ? run->cap_blocks * 2 : 32;
        ch_run_block *more = ch_mem_alloc(run->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (run->n_blocks)
            memcpy(more, run->block, sizeof *more * (size_t)run->n_blocks);
        ch_mem_free(run->mem, run->block, sizeof *more * (size_t)run->cap_blocks);
        run->block = more;
        run->cap_blocks = cap;
    }
    run->block[run->n_blocks++] = block;
    return CH_OK;
}

static ch_status write_block(ch_run_writer *w, const uint8_t *raw, int32_t bytes, ch_error *err)
{
    ch_run *run = w->run;
    ch_run_block block = {.bytes = bytes};
    ch_sort_key first = ch_sort_row_key(raw);
    block.first.bytes =
        (const uint8_t *)ch_arena_strn(&run->arena, (const char *)first.bytes, first.len, err);
    block.first.len = first.len;
    if (!block.first.bytes)
        return CH_E_MEMORY;
    int packed =
        LZ4_compress_fast((const char *)raw, (char *)w->packed, bytes, w->packed_cap, LZ4_SPEED);
    const void *stored = packed > 0 && packed < bytes ? w->packed : raw;
    block.stored_bytes = stored == raw ? bytes : packed;
    struct iovec part = {(void *)(uintptr_t)stored, (size_t)block.stored_bytes};
    CH_TRY(ch_spill_write(run->spill, &part, 1, &block.at, err));
    return add_block(run, block, err);
}

static ch_status flush_block(ch_run_writer *w, ch_error *err)
{
    if (w->raw_used == 0)
        return CH_OK;
    CH_TRY(write_block(w, w->raw, w->raw_used, err));
    w->raw_used = 0;
    return CH_OK;
}

ch_status ch_run_writer_add(ch_run_writer *w, const uint8_t *row, ch_error *err)
{
    uint32_t bytes = ch_sort_row_bytes(row);
    if ((int64_t)w->raw_used + bytes > w->block_bytes)
        CH_TRY(flush_block(w, err));
    if (bytes > (uint32_t)w->block_bytes) /* a row larger than a block is one of its own */
        return write_block(w, row, (int32_t)bytes, err);
    memcpy(w->raw + w->raw_used, row, bytes);
    w->raw_used += (int32_t)bytes;
    return CH_OK;
}

ch_status ch_run_writer_finish(ch_run_writer *w, ch_error *err)
{
    return flush_block(w, err);
}

/* ------------------------------------------------------------------- merging */

/* A block's rows, decompressed. Retired ones wait for ch_merge_forget(). */
typedef struct page page;
struct page {
    page *next;
    int32_t bytes;
    uint8_t data[] __attribute__((aligned(8)));
};

typedef struct cursor {
    const ch_run *run;
    uint64_t prefix; /* of the row's key, behind what all keys share */
    uint8_t *row;    /* NULL at the end */
    int64_t at, end; /* memory: entries */
    int32_t block;   /* file: the next block to read */
    page *page;
    int32_t offset; /* of row in page */
} cursor;

struct ch_merge {
    ch_mem *mem;
    ch_sort_key from, until;
    cursor *cursor;
    int32_t n;
    int32_t *heap; /* cursors with rows, smallest first */
    int32_t n_heap;
    uint32_t shared; /* leading bytes of every key */
    page *retired;
    bool primed; /* the top of the heap has been given out and must move on */
    uint8_t *packed;
    int64_t packed_cap;
};

static void page_free(ch_merge *m, page *p)
{
    if (p)
        ch_mem_free(m->mem, p, sizeof *p + (size_t)p->bytes);
}

static ch_status load_block(ch_merge *m, cursor *c, ch_error *err)
{
    const ch_run_block *b = &c->run->block[c->block++];
    page *p = ch_mem_alloc(m->mem, sizeof *p + (size_t)b->bytes, err);
    if (!p)
        return CH_E_MEMORY;
    p->bytes = b->bytes;
    if (c->page) {
        c->page->next = m->retired;
        m->retired = c->page;
    }
    c->page = p;
    c->offset = 0;
    if (b->stored_bytes == b->bytes)
        return ch_spill_read(c->run->spill, b->at, p->data, b->bytes, err);
    if (b->stored_bytes > m->packed_cap) {
        ch_mem_free(m->mem, m->packed, (size_t)m->packed_cap);
        m->packed_cap = 0;
        m->packed = ch_mem_alloc(m->mem, (size_t)b->stored_bytes, err);
        if (!m->packed)
            return CH_E_MEMORY;
        m->packed_cap = b->stored_bytes;
    }
    CH_TRY(ch_spill_read(c->run->spill, b->at, m->packed, b->stored_bytes, err));
    if (LZ4_decompress_safe((const char *)m->packed, (char *)p->data, b->stored_bytes, b->bytes) !=
        b->bytes)
        CH_FAIL(err, INTERNAL, "message", "a spill file's block does not decompress");
    return CH_OK;
}

/* Puts the cursor on its next row, or at its end. */
static ch_status advance(ch_merge *m, cursor *c, ch_error *err)
{
    if (c->run->entry) {
        c->row = c->at < c->end ? c->run->entry[c->at++].row : NULL;
    } else {
        if (c->row)
            c->offset += (int32_t)ch_sort_row_bytes(c->row);
        c->row = NULL;
        if (!c->page || c->offset >= c->page->bytes) {
            if (c->block >= c->run->n_blocks)
                return CH_OK;
            CH_TRY(load_block(m, c, err));
        }
        c->row = c->page->data + c->offset;
        if (m->until.bytes && ch_sort_key_compare(ch_sort_row_key(c->row), m->until) >= 0)
            c->row = NULL;
    }
    if (c->row)
        c->prefix = prefix_at(c->row, m->shared);
    return CH_OK;
}

/* First entry of a memory run whose key is not below bound. */
static int64_t lower_bound(const ch_run *run, ch_sort_key bound)
{
    int64_t low = 0, high = run->n_entries;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (ch_sort_key_compare(ch_sort_row_key(run->entry[mid].row), bound) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static ch_status start(ch_merge *m, cursor *c, ch_error *err)
{
    const ch_run *run = c->run;
    if (run->entry) {
        c->at = m->from.bytes ? lower_bound(run, m->from) : 0;
        c->end = m->until.bytes ? lower_bound(run, m->until) : run->n_entries;
        return advance(m, c, err);
    }
    if (m->from.bytes) { /* the last block that begins at or below `from` */
        int32_t low = 0, high = run->n_blocks;
        while (low < high) {
            int32_t mid = (low + high) / 2;
            if (ch_sort_key_compare(run->block[mid].first, m->from) <= 0)
                low = mid + 1;
            else
                high = mid;
        }
        c->block = low > 0 ? low - 1 : 0;
    }
    CH_TRY(advance(m, c, err));
    while (c->row && m->from.bytes && ch_sort_key_compare(ch_sort_row_key(c->row), m->from) < 0)
        CH_TRY(advance(m, c, err));
    return CH_OK;
}

static bool cursor_less(const ch_merge *m, int32_t a, int32_t b)
{
    const cursor *x = &m->cursor[a], *y = &m->cursor[b];
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix;
    return ch_sort_key_compare(ch_sort_row_key(x->row), ch_sort_row_key(y->row)) < 0;
}

static void heap_down(ch_merge *m, int32_t i)
{
    int32_t x = m->heap[i];
    for (int32_t child; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && cursor_less(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!cursor_less(m, m->heap[child], x))
            break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = x;
}

ch_status ch_merge_new(ch_run *const *run, int32_t n_runs, ch_sort_key from, ch_sort_key until,
                       ch_mem *mem, ch_merge **out, ch_error *err)
{
    ch_merge *m = ch_mem_zalloc(mem, sizeof *m, err);
    *out = NULL;
    if (!m)
        return CH_E_MEMORY;
    *m = (ch_merge){.mem = mem, .from = from, .until = until, .n = n_runs};
    ch_status status = CH_E_MEMORY;
    m->cursor = ch_mem_zalloc(mem, sizeof *m->cursor * (size_t)n_runs, err);
    m->heap = m->cursor ? ch_mem_alloc(mem, sizeof *m->heap * (size_t)n_runs, err) : NULL;
    if (!m->heap)
        goto out;
    /* Nothing is said of rows inside the runs, only of block heads: sharing is found for ranges alone,
     * where all keys lie between the two bounds. */
    if (from.bytes && until.bytes)
        while (m->shared < from.len && m->shared < until.len &&
               from.bytes[m->shared] == until.bytes[m->shared])
            m->shared++;
    for (int32_t i = 0; i < n_runs; i++) {
        m->cursor[i].run = run[i];
        CH_TRY_OUT(start(m, &m->cursor[i], err));
        if (m->cursor[i].row)
            m->heap[m->n_heap++] = i;
    }
    for (int32_t i = m->n_heap / 2; i-- > 0;)
        heap_down(m, i);
    status = CH_OK;
out:
    if (status != CH_OK) {
        ch_merge_free(m);
        m = NULL;
    }
    *out = m;
    return status;
}

ch_status ch_merge_next(ch_merge *m, uint8_t **row, ch_error *err)
{
    *row = NULL;
    if (m->primed) {
        cursor *top = &m->cursor[m->heap[0]];
        CH_TRY(advance(m, top, err));
        if (!top->row)
            m->heap[0] = m->heap[--m->n_heap];
        if (m->n_heap)
            heap_down(m, 0);
        m->primed = false;
    }
    if (m->n_heap) {
        *row = m->cursor[m->heap[0]].row;
        m->primed = true;
    }
    return CH_OK;
}

void ch_merge_forget(ch_merge *m)
{
    for (page *p = m->retired, *next; p; p = next) {
        next = p->next;
        page_free(m, p);
    }
    m->retired = NULL;
}

void ch_merge_free(ch_merge *m)
{
    if (!m)
        return;
    ch_merge_forget(m);
    for (int32_t i = 0; m->cursor && i < m->n; i++)
        page_free(m, m->cursor[i].page);
    ch_mem *mem = m->mem;
    ch_mem_free(mem, m->packed, (size_t)m->packed_cap);
    ch_mem_free(mem, m->heap, sizeof *m->heap * (size_t)m->n);
    ch_mem_free(mem, m->cursor, sizeof *m->cursor * (size_t)m->n);
    ch_mem_free(mem, m, sizeof *m);
}
