/* SPDX-License-Identifier: Apache-2.0 */
/* metastore_json.h - what the catalog's files say; inside of metastore*.c. */
#ifndef CH_SESSION_METASTORE_JSON_H
#define CH_SESSION_METASTORE_JSON_H

#include "session/metastore.h"

/* Text into *out, whose strings lie in m->arena. Errors CORRUPT_CATALOG. path: for them. */
CH_NODISCARD ch_status ch_meta_database_parse(const ch_metastore *m, const char *path,
                                              const ch_buf *text, ch_meta_database *out,
                                              ch_error *err);
CH_NODISCARD ch_status ch_meta_table_parse(const ch_metastore *m, const char *path,
                                           const ch_buf *text, ch_meta_table *out, ch_error *err);
CH_NODISCARD ch_status ch_meta_function_parse(const ch_metastore *m, const char *path,
                                              const ch_buf *text, ch_meta_function *out,
                                              ch_error *err);
CH_NODISCARD ch_status ch_meta_function_print(const ch_meta_function *function, ch_buf *out,
                                              ch_error *err);
CH_NODISCARD ch_status ch_meta_database_print(const ch_meta_database *database, ch_buf *out,
                                              ch_error *err);
CH_NODISCARD ch_status ch_meta_table_print(const ch_metastore *m, const ch_meta_table *table,
                                           ch_buf *out, ch_error *err);

#endif
