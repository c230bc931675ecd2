/* SPDX-License-Identifier: Apache-2.0 */
/* rowset.c - pages of rows, their way to disk and back. */
#include "exec/rowset.h"

/* Small pages become one on disk: a page's entry must not weigh against its rows. */
#define TOGETHER_BYTES (64 << 10)
#define TOGETHER_MOST 16

int32_t ch_rowset_page_bytes(int64_t budget, int64_t n_sets)
{
    int64_t fair = budget / 16 / (n_sets > 0 ? n_sets : 1);
    int32_t bytes = CH_PAGE_BYTES_MIN;
    while (bytes < CH_PAGE_BYTES_MAX && 2 * (int64_t)bytes <= fair)
        bytes *= 2;
    return bytes;
}

void ch_rowset_init(ch_rowset *set, ch_mem *mem, int32_t page_bytes)
{
    *set = (ch_rowset){.mem = mem, .page_bytes = page_bytes, .next_bytes = CH_PAGE_BYTES_MIN};
}

static void free_data(ch_rowset *set, ch_rowpage *page)
{
    if (!page->data)
        return;
    ch_mem_free(set->mem, page->data, (size_t)page->cap);
    page->data = NULL;
    set->bytes -= page->cap;
}

void ch_rowset_release(ch_rowset *set, ch_spill *spill)
{
    for (int32_t i = 0; i < set->n_pages; i++) {
        free_data(set, &set->page[i]);
        if (spill && set->page[i].at >= 0)
            ch_spill_drop(spill, set->page[i].at, set->page[i].used);
    }
    ch_mem_free(set->mem, set->page, sizeof *set->page * (size_t)set->cap_pages);
    ch_rowset_init(set, set->mem, set->page_bytes);
}

static ch_status page_room(ch_rowset *set, int32_t more, ch_error *err)
{
    if (set->n_pages + more <= set->cap_pages)
        return CH_OK;
    int32_t cap = set->cap_pages ? 2 * set->cap_pages : 4;
    if (cap < set->n_pages + more)
        cap = set->n_pages + more;
    ch_rowpage *page = ch_mem_alloc(set->mem, sizeof *page * (size_t)cap, err);
    if (!page)
        return CH_E_MEMORY;
    if (set->n_pages)
        memcpy(page, set->page, sizeof *page * (size_t)set->n_pages);
    ch_mem_free(set->mem, set->page, sizeof *page * (size_t)set->cap_pages);
    set->page = page;
    set->cap_pages = cap;
    return CH_OK;
}

ch_status ch_rowset_add_page(ch_rowset *set, int64_t bytes, ch_error *err)
{
    CH_TRY(page_room(set, 1, err));
    if (bytes < set->next_bytes)
        bytes = set->next_bytes;
    ch_rowpage page = {.cap = (int32_t)bytes, .at = -1};
    page.data = ch_mem_alloc(set->mem, (size_t)bytes, err);
    if (!page.data)
        return CH_E_MEMORY;
    set->page[set->n_pages++] = page;
    set->bytes += bytes;
    if (set->next_bytes < set->page_bytes)
        set->next_bytes *= 2;
    return CH_OK;
}

/* The number of pages from page[first] on that are written as one. */
static int32_t pages_together(const ch_rowset *set, int32_t first)
{
    int64_t bytes = 0;
    int32_t n = 0;
    while (n < TOGETHER_MOST && first + n < set->n_pages) {
        bytes += set->page[first + n].used;
        if (n && bytes > TOGETHER_BYTES)
            break;
        n++;
    }
    return n;
}

static ch_status write_together(ch_rowset *set, int32_t first, int32_t n, ch_spill *spill,
                                ch_rowpage *out, ch_error *err)
{
    struct iovec part[TOGETHER_MOST];
    *out = (ch_rowpage){.at = -1};
    for (int32_t i = 0; i < n; i++) {
        const ch_rowpage *page = &set->page[first + i];
        part[i] = (struct iovec){page->data, (size_t)page->used};
        out->used += page->used;
        out->n_rows += page->n_rows;
    }
    CH_TRY(ch_spill_write(spill, part, n, &out->at, err));
    for (int32_t i = 0; i < n; i++)
        free_data(set, &set->page[first + i]);
    return CH_OK;
}

ch_status ch_rowset_spill(ch_rowset *set, ch_spill *spill, int64_t *written, ch_error *err)
{
    int32_t from = set->n_spilled;
    ch_status status = CH_OK;
    while (from < set->n_pages) {
        int32_t n = pages_together(set, from);
        ch_rowpage page;
        status = write_together(set, from, n, spill, &page, err);
        if (status != CH_OK)
            break;
        *written += page.used;
        set->page[set->n_spilled++] = page;
        from += n;
    }
    size_t left = (size_t)(set->n_pages - from); /* not written: an error */
    memmove(set->page + set->n_spilled, set->page + from, sizeof *set->page * left);
    set->n_pages = set->n_spilled + (int32_t)left;
    return status;
}

ch_status ch_rowset_load(ch_rowset *set, ch_spill *spill, int32_t i, ch_error *err)
{
    ch_rowpage *page = &set->page[i];
    if (page->data)
        return CH_OK;
    uint8_t *data = ch_mem_alloc(set->mem, (size_t)page->used, err);
    if (!data)
        return CH_E_MEMORY;
    ch_status status = ch_spill_read(spill, page->at, data, page->used, err);
    if (status != CH_OK) {
        ch_mem_free(set->mem, data, (size_t)page->used);
        return status;
    }
    page->data = data;
    page->cap = page->used;
    set->bytes += page->cap;
    return CH_OK;
}

void ch_rowset_unload(ch_rowset *set, int32_t i)
{
    free_data(set, &set->page[i]);
}

/* Pages on disk come first, so those of both sets do, then those in memory. */
ch_status ch_rowset_move(ch_rowset *set, ch_rowset *from, ch_error *err)
{
    if (from->n_pages == 0)
        return CH_OK;
    CH_TRY(page_room(set, from->n_pages, err));
    size_t in_memory = (size_t)(set->n_pages - set->n_spilled);
    ch_rowpage *at = set->page + set->n_spilled;
    memmove(at + from->n_spilled, at, sizeof *at * in_memory);
    memcpy(at, from->page, sizeof *at * (size_t)from->n_spilled);
    memcpy(at + (size_t)from->n_spilled + in_memory, from->page + from->n_spilled,
           sizeof *at * (size_t)(from->n_pages - from->n_spilled));
    set->n_pages += from->n_pages;
    set->n_spilled += from->n_spilled;
    set->n_rows += from->n_rows;
    set->bytes += from->bytes;
    set->row_bytes += from->row_bytes;
    from->n_pages = 0;
    from->bytes = 0;
    ch_rowset_release(from, NULL);
    return CH_OK;
}

int64_t ch_rowpage_next(const ch_rowpage *page, int32_t *pos, uint8_t **row, int64_t max)
{
    int64_t n = 0;
    int32_t at = *pos;
    while (at < page->used && n < max) {
        uint8_t *r = page->data + at;
        __builtin_prefetch(r + 1024); /* each row tells where the next begins: do not wait for it */
        row[n] = r;
        n += !ch_row_is_dead(r);
        at += (int32_t)ch_row_bytes(r);
    }
    *pos = at;
    return n;
}
