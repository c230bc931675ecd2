/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow_export.c - columns as ArrowArray.
 *
 * One allocation per array node, freed by its release():
 *
 *   node { account, size, column, copies } | buffer pointers | text sizes | child pointers | children
 *
 * The node holds a reference to the column, and so to all buffers; children of a struct or list have
 * nodes of their own, because a consumer may move them out and release them apart.
 */
#include "column/arrow.h"
#include "column/take.h"

typedef struct node {
    ch_mem *mem;
    size_t bytes;
    ch_column *column;           /* owned */
    ch_buffer *offsets, *copied; /* owned: of classic strings and widened decimals */
} node;

static void release_array(struct ArrowArray *array)
{
    node *n = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    array->release = NULL;
    ch_column_unref(n->column);
    ch_buffer_unref(n->offsets);
    ch_buffer_unref(n->copied);
    ch_mem_free(n->mem, n, n->bytes);
}

/* Views -> int32 offsets and bytes. */
static ch_status copy_text(node *self, const ch_column *c, ch_error *err)
{
    const ch_view *view = c->data;
    int64_t total = 0, n = c->rows;
    for (int64_t i = 0; i < n; i++)
        total += c->valid && !ch_bit_get(c->valid, i) ? 0 : view[i].len;
    if (total > INT32_MAX)
        return ch_error_memory(err, "text of one Arrow array", total, INT32_MAX);
    CH_TRY(ch_buffer_new(self->mem, (n + 1) * (int64_t)sizeof(int32_t), &self->offsets, err));
    CH_TRY(ch_buffer_new(self->mem, total, &self->copied, err));
    int32_t *offset = (int32_t *)(void *)self->offsets->data, at = 0;
    offset[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!c->valid || ch_bit_get(c->valid, i)) {
            ch_str s = ch_view_str(c, &view[i]);
            memcpy(self->copied->data + at, s.text, (size_t)s.len);
            at += (int32_t)s.len;
        }
        offset[i + 1] = at;
    }
    return CH_OK;
}

static ch_status widen_decimals(node *self, const ch_column *c, ch_error *err)
{
    CH_TRY(ch_buffer_new(self->mem, c->rows * (int64_t)sizeof(ch_i128), &self->copied, err));
    const int64_t *from = c->data;
    ch_i128 *to = (ch_i128 *)(void *)self->copied->data;
    for (int64_t i = 0; i < c->rows; i++)
        to[i] = from[i];
    return CH_OK;
}

/* column: FLAT all the way down; takes it, also on error. */
static ch_status export_flat(ch_mem *mem, ch_column *c, const ch_arrow_options *options,
                             struct ArrowArray *out, ch_error *err)
{
    const ch_type *type = c->type;
    bool views = ch_type_is_view(type), classic_text = views && options->classic;
    int64_t n_text = views && !classic_text ? c->n_text : 0, n = c->n_child;
    size_t bytes = sizeof(node) + sizeof(void *) * (size_t)(3 + n_text) +
                   sizeof(int64_t) * (size_t)n_text +
                   (sizeof(struct ArrowArray *) + sizeof(struct ArrowArray)) * (size_t)n;
    node *self = ch_mem_zalloc(mem, bytes, err);
    if (!self) {
        ch_column_unref(c);
        return CH_E_MEMORY;
    }
    *self = (node){.mem = mem, .bytes = bytes, .column = c};
    const void **buffers = (const void **)(self + 1);
    int64_t *sizes = (int64_t *)(buffers + 3 + n_text);
    struct ArrowArray **child = (struct ArrowArray **)(sizes + n_text);
    struct ArrowArray *children = (struct ArrowArray *)(child + n);
    *out = (struct ArrowArray){.length = c->rows,
                               .null_count = c->valid ? -1 : 0,
                               .buffers = buffers,
                               .children = n ? child : NULL,
                               .release = release_array,
                               .private_data = self};
    ch_status status = CH_OK;
    buffers[0] = c->valid;
    if (type->id == CH_NULL) {
        out->null_count = c->rows;
    } else if (!c->data) { /* STRUCT, VARIANT */
        out->n_buffers = 1;
    } else {
        out->n_buffers = 2;
        buffers[1] = c->data;
        if (classic_text) {
            CH_TRY_OUT(copy_text(self, c, err));
            out->n_buffers = 3;
            buffers[1] = self->offsets->data;
            buffers[2] = self->copied->data;
        } else if (views) {
            out->n_buffers = 3 + n_text;
            for (int32_t t = 0; t < n_text; t++) {
                buffers[2 + t] = c->text[t]->data;
                sizes[t] = c->text[t]->bytes;
            }
            buffers[2 + n_text] = sizes;
        } else if (type->id == CH_DECIMAL && options->classic && !ch_type_is_wide_decimal(type)) {
            CH_TRY_OUT(widen_decimals(self, c, err));
            buffers[1] = self->copied->data;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        child[i] = &children[i];
        CH_TRY_OUT(export_flat(mem, ch_column_ref(c->child[i]), options, child[i], err));
        out->n_children++;
    }
out:
    if (status != CH_OK)
        release_array(out);
    return status;
}

static const ch_arrow_options DEFAULTS;

ch_status ch_arrow_export_column(ch_mem *mem, ch_column *column, const ch_arrow_options *options,
                                 struct ArrowArray *out, ch_error *err)
{
    ch_column *flat;
    *out = (struct ArrowArray){0};
    CH_TRY(ch_flatten(column, mem, &flat, err));
    return export_flat(mem, flat, options ? options : &DEFAULTS, out, err);
}

ch_status ch_arrow_export_batch(ch_mem *mem, ch_batch *batch, const ch_arrow_options *options,
                                struct ArrowArray *out, ch_error *err)
{
    int64_t n = batch->n_cols;
    size_t bytes = sizeof(node) + sizeof(void *) +
                   (sizeof(struct ArrowArray *) + sizeof(struct ArrowArray)) * (size_t)n;
    *out = (struct ArrowArray){0};
    node *self = ch_mem_zalloc(mem, bytes, err);
    if (!self)
        return CH_E_MEMORY;
    self->mem = mem;
    self->bytes = bytes;
    const void **buffers = (const void **)(self + 1);
    struct ArrowArray **child = (struct ArrowArray **)(buffers + 1);
    struct ArrowArray *children = (struct ArrowArray *)(child + n);
    *out = (struct ArrowArray){.length = batch->n,
                               .n_buffers = 1,
                               .buffers = buffers,
                               .children = n ? child : NULL,
                               .release = release_array,
                               .private_data = self};
    ch_status status = CH_OK;
    for (int32_t c = 0; c < n; c++) {
        ch_column *column;
        child[c] = &children[c];
        CH_TRY_OUT(ch_batch_column(batch, c, &column, err));
        CH_TRY_OUT(ch_arrow_export_column(mem, column, options, child[c], err));
        out->n_children++;
    }
out:
    if (status != CH_OK)
        release_array(out);
    return status;
}
