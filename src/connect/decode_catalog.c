/* SPDX-License-Identifier: Apache-2.0 */
/* decode_catalog.c - spark.catalog: relations that are computed while the plan is decoded. */
#include "connect/decode_relation.h"

ch_status cn_decode_catalog_rel(cn_decode *d, const PB(Relation) * m, ch_rel **out, ch_error *err)
{
    bool done;
    CH_TRY(cn_catalog_cache(d, m->catalog, out, &done, err));
    if (!done)
        CN_UNSUPPORTED(err, "spark.catalog");
    return CH_OK;
}
