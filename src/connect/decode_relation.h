/* SPDX-License-Identifier: Apache-2.0 */
/* decode_relation.h - what the files that decode relations share: their shape, and the table's functions. */
#ifndef CH_CONNECT_DECODE_RELATION_H
#define CH_CONNECT_DECODE_RELATION_H

#include "connect/decode.h"
#include "plan/node.h"
#include "plan/plan_frame.h"

/* x = a node of the kind, or returns CH_E_MEMORY. */
#define CN_NODE(x, d, KIND, err)                            \
    do {                                                    \
        (x) = ch_rel_new((d)->arena, CH_REL_##KIND, (err)); \
        if (!(x))                                           \
            return CH_E_MEMORY;                             \
    } while (0)

#define CN_REL(CASE, decoder)                                                              \
    CH_NODISCARD ch_status cn_decode_##decoder##_rel(cn_decode *d, const PB(Relation) * m, \
                                                     ch_rel * *out, ch_error * err);
#define CN_NO_REL(CASE, what)
#include "builtin/connect_relations.def"
#undef CN_REL
#undef CN_NO_REL

CH_NODISCARD ch_status cn_copy_text(cn_decode *d, const char *text, const char **out,
                                    ch_error *err);
/* Adds copies of both. */
CH_NODISCARD ch_status cn_add_option(cn_decode *d, ch_option_list *list, const char *key,
                                     const char *value, ch_error *err);
/* Rows of an Arrow IPC stream as a LocalRelation; schema NULL: the stream's own. */
CH_NODISCARD ch_status cn_ipc_relation(cn_decode *d, ch_buffer *const *bytes, size_t n,
                                       const ch_type *schema, ch_rel **out, ch_error *err);
/* The columns and values of an aggregate that pivots. */
CH_NODISCARD ch_status cn_decode_pivot(cn_decode *d, const PB(Aggregate) * s, ch_rel_aggregate *r,
                                       ch_error *err);
/* Adds a batch to the frame (moved; released on error). */
CH_NODISCARD ch_status cn_add_batch(cn_decode *d, ch_batch *batch, ch_batch **out, ch_error *err);

#endif
