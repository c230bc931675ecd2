/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc.h - Arrow's IPC streaming format: the C Data Interface's structs as bytes, and back.
 *
 *   stream   schema message | dictionary and record batch messages ... | end of stream
 *   message  0xFFFFFFFF | i32 length of metadata | metadata (FlatBuffers), padded to 8 | body
 *
 * Source: Arrow's "Columnar Format", section "Serialization and IPC", and Schema.fbs, Message.fbs.
 * Written without compression and dictionaries; read with dictionaries (no deltas), any of the layouts that
 * column/arrow.h takes, and with bodies compressed or not.
 */
#ifndef CH_COLUMN_IPC_H
#define CH_COLUMN_IPC_H

#include "base/buffer.h"
#include "column/arrow.h"

/*
 * Appends a whole stream to out: the schema, each of n arrays as one record batch, the end.
 *   schema, array  borrowed; structs of rows at offset 0, as column/arrow.h exports them
 */
CH_NODISCARD ch_status ch_ipc_write(ch_mem *mem, const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, int64_t n, ch_buf *out,
                                    ch_error *err);

/* The parts of a stream, for those that are not there as a whole: the schema, any number of batches, the end. */
CH_NODISCARD ch_status ch_ipc_write_schema(ch_mem *mem, const struct ArrowSchema *schema,
                                           ch_buf *out, ch_error *err);
CH_NODISCARD ch_status ch_ipc_write_batch(ch_mem *mem, const struct ArrowSchema *schema,
                                          const struct ArrowArray *array, ch_buf *out,
                                          ch_error *err);
CH_NODISCARD ch_status ch_ipc_write_end(ch_buf *out, ch_error *err);

/*
 * The length of the body that belongs to a message's metadata (`len` bytes, those behind the two words), and
 * whether it is one of rows. False: it is damaged.
 */
bool ch_ipc_body_length(const uint8_t *metadata, size_t len, int64_t *body, bool *is_batch);

/*
 * Reads a stream that lies in memory as a whole.
 *   bytes  shares: arrays point into it
 *   out    gives
 * Errors CH_E_INVALID_ARROW, CH_E_UNSUPPORTED; those of later messages come from out->get_next.
 */
CH_NODISCARD ch_status ch_ipc_open(ch_mem *mem, ch_buffer *bytes, struct ArrowArrayStream *out,
                                   ch_error *err);

#endif
