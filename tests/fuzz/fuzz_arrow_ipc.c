/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_arrow_ipc.c - an Arrow IPC stream of any bytes, as a client of Spark Connect sends its local rows: the schema,
 * and all record batches as columns.
 *
 *   input   the stream
 *
 * Whatever is wrong is an error: no crash, no byte that is not accounted, and never more memory than the
 * limit.
 */
#include <stdlib.h>

#include "column/arrow.h"
#include "column/ipc.h"
#include "touch.h"

#define LIMIT ((int64_t)64 << 20)
#define BATCHES_MOST 1000

static void read_stream(ch_mem *mem, struct ArrowArrayStream *stream)
{
    ch_arrow_reader reader;
    if (ch_arrow_reader_open(&reader, mem, stream, NULL) != CH_OK)
        return;
    for (int i = 0; i < BATCHES_MOST; i++) {
        ch_batch batch;
        if (ch_arrow_reader_next(&reader, &batch, NULL) != CH_OK)
            break;
        bool end = !batch.n_cols && !batch.n_full;
        for (int32_t c = 0; c < batch.n_cols; c++)
            touch(batch.col[c]);
        ch_batch_release(&batch);
        if (end)
            break;
    }
    ch_arrow_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowArrayStream stream;
    ch_buffer *bytes;
    ch_mem *mem = ch_mem_new(NULL, "fuzz", LIMIT);
    if (!mem || ch_buffer_new(mem, (int64_t)size, &bytes, NULL) != CH_OK)
        abort();
    if (size)
        memcpy(bytes->data, data, size);
    if (ch_ipc_open(mem, bytes, &stream, NULL) == CH_OK)
        read_stream(mem, &stream);
    ch_buffer_unref(bytes);
    if (ch_mem_used(mem) != 0)
        __builtin_trap();
    ch_mem_close(mem);
    return 0;
}
