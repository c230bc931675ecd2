/* SPDX-License-Identifier: Apache-2.0 */
/* arrow_stream.c - streams of batches out to, and in from, ArrowArrayStream. */
#include "column/arrow.h"

#include <errno.h>
#include <stdlib.h>

/* ---- out ---------------------------------------------------------------------------------- */

typedef struct stream {
    ch_mem *mem;
    const ch_type *schema;
    ch_batch_source source;
    ch_arrow_options options;
    char time_zone[64];
    char *last_error; /* of malloc */
} stream;

/* Keeps the text of err for get_last_error, and says which errno comes nearest. */
static int fail(stream *s, ch_error *err, ch_status status)
{
    free(s->last_error);
    s->last_error = ch_error_text(err);
    ch_error_release(err);
    return status == CH_E_MEMORY ? ENOMEM : status == CH_E_CANCELLED ? ECANCELED : EIO;
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    stream *s = self->private_data;
    ch_error err = {0};
    ch_status status = ch_arrow_export_type(s->mem, s->schema, "", false, &s->options, out, &err);
    return status == CH_OK ? 0 : fail(s, &err, status);
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    stream *s = self->private_data;
    ch_error err = {0};
    ch_batch batch;
    *out = (struct ArrowArray){0};
    ch_status status = s->source.next(s->source.self, &batch, &err);
    if (status == CH_OK) {
        if (batch.n_cols || batch.n)
            status = ch_arrow_export_batch(s->mem, &batch, &s->options, out, &err);
        ch_batch_release(&batch);
    }
    return status == CH_OK ? 0 : fail(s, &err, status);
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    return ((stream *)self->private_data)->last_error;
}

static void release_stream(struct ArrowArrayStream *self)
{
    stream *s = self->private_data;
    self->release = NULL;
    if (s->source.close)
        s->source.close(s->source.self);
    free(s->last_error);
    ch_mem_free(s->mem, s, sizeof *s);
}

ch_status ch_arrow_export_stream(ch_mem *mem, const ch_type *schema, ch_batch_source source,
                                 const ch_arrow_options *options, struct ArrowArrayStream *out,
                                 ch_error *err)
{
    *out = (struct ArrowArrayStream){0};
    stream *s = ch_mem_zalloc(mem, sizeof *s, err);
    if (!s) {
        if (source.close)
            source.close(source.self);
        return CH_E_MEMORY;
    }
    s->mem = mem;
    s->schema = schema;
    s->source = source;
    if (options) {
        s->options = *options;
        if (options->time_zone) {
            strncpy(s->time_zone, options->time_zone, sizeof s->time_zone - 1);
            s->options.time_zone = s->time_zone;
        }
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = s};
    return CH_OK;
}

/* ---- in ----------------------------------------------------------------------------------- */

static ch_status stream_failed(ch_arrow_reader *r, int code, ch_error *err)
{
    const char *why = r->stream.get_last_error(&r->stream);
    if (code == ENOMEM)
        return ch_error_memory(err, "the Arrow stream", 0, 0);
    CH_FAIL(err, INVALID_ARROW, "reason", why ? why : "the stream failed and does not say why");
}

ch_status ch_arrow_reader_open(ch_arrow_reader *r, ch_mem *mem, struct ArrowArrayStream *in,
                               ch_error *err)
{
    *r = (ch_arrow_reader){.mem = mem, .stream = *in};
    in->release = NULL;
    int code = r->stream.get_schema(&r->stream, &r->schema);
    ch_status status =
        code ? stream_failed(r, code, err) : ch_arrow_import_type(&r->schema, &r->type, err);
    if (status == CH_OK && r->type->id != CH_STRUCT)
        status = ch_error_set(err, CH_E_INVALID_ARROW, "reason", "rows must come as a struct",
                              (const char *)0);
    if (status != CH_OK)
        ch_arrow_reader_close(r);
    return status;
}

ch_status ch_arrow_reader_next(ch_arrow_reader *r, ch_batch *out, ch_error *err)
{
    struct ArrowArray array = {0};
    *out = (ch_batch){.mem = r->mem};
    int code = r->stream.get_next(&r->stream, &array);
    if (code)
        return stream_failed(r, code, err);
    return array.release ? ch_arrow_import_batch(r->mem, &r->schema, &array, out, err) : CH_OK;
}

void ch_arrow_reader_close(ch_arrow_reader *r)
{
    if (r->schema.release)
        r->schema.release(&r->schema);
    if (r->stream.release)
        r->stream.release(&r->stream);
    *r = (ch_arrow_reader){.mem = r->mem};
}
