/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_describe.h - what SHOW and DESCRIBE tell about a table, as text. */
#ifndef CH_SESSION_DDL_DESCRIBE_H
#define CH_SESSION_DDL_DESCRIBE_H

#include "session/ddl.h"

/* A table or view by name, or the query input, analyzed; ch_query_close() it. */
CH_NODISCARD ch_status ch_open_described(ch_frame *frame, const ch_str_list *name, ch_rel *input,
                                         ch_query **query, ch_error *err);
/* SHOW TABLE EXTENDED's information: a line per fact. */
CH_NODISCARD ch_status ch_describe_text(ch_ddl *c, const ch_meta_table *t, const char **out,
                                        ch_error *err);
/* SHOW CREATE TABLE's statement. */
CH_NODISCARD ch_status ch_create_text(ch_ddl *c, const ch_meta_table *t, const char **out,
                                      ch_error *err);

#endif
