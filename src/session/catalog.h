/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - what names mean for one query: its session's views, and files by path. */
#ifndef CH_SESSION_CATALOG_H
#define CH_SESSION_CATALOG_H

#include "format/format.h"
#include "plan/analyze.h"
#include "session/metastore.h"
#include "session/session.h"
#include "store/list.h"

#define CH_CATALOG_NAME "spark_catalog"
#define CH_DATABASE_NAME "default"
#define CH_GLOBAL_DATABASE "global_temp"

typedef struct ch_session_catalog {
    ch_catalog catalog; /* first: the analyzer's view of it */
    ch_session *session;
    ch_frame *frame; /* the query's */
    ch_arena *arena;
    ch_mem *mem;
    const ch_func_context *func;
    /* Frames of the views that the plan has borrowed from; released by the catalog. */
    ch_frame **kept;
    int32_t n_kept, cap_kept;
    /* How the plan's remote files are reached; freed by the catalog. Links in arena. */
    struct ch_catalog_store *store;
    struct ch_function_kept *functions; /* that the plan calls; released likewise */
} ch_session_catalog;

/* The session's catalog; what is read of it lies in arena. */
CH_NODISCARD ch_status ch_metastore_open(ch_session *session, ch_arena *arena, ch_mem *mem,
                                         ch_metastore *out, ch_error *err);

/* A table's name, folded: what the parts mean to the session. */
typedef struct ch_table_name {
    const char *database, *name;
    bool is_global; /* global_temp.x */
    bool fits;      /* false: more parts than this catalog knows, or another catalog */
} ch_table_name;
/* database: what stands in where none is named; NULL: the session's current one. */
CH_NODISCARD ch_status ch_table_name_of(ch_session *session, const ch_str_list *parts,
                                        const char *database, ch_arena *arena, ch_table_name *out,
                                        ch_error *err);
/* `spark_catalog`.`default`.`t` */
const char *ch_table_quoted(ch_arena *arena, const char *database, const char *name, ch_error *err);

/* The plan behind a table or stored view: a scan, or a view around its query (catalog_table.c). */
CH_NODISCARD ch_status ch_catalog_table_plan(ch_session_catalog *self, const ch_metastore *m,
                                             const ch_meta_table *table,
                                             const ch_option_list *options, ch_arena *arena,
                                             ch_rel **out, ch_error *err);
/* Of catalog.c: columns and name of a source, whose options scan has. given: the schema it must have, or NULL. */
CH_NODISCARD ch_status ch_catalog_source(ch_session_catalog *self, ch_rel_scan *scan,
                                         const ch_type *given, ch_arena *arena, ch_error *err);
/* Of catalog.c: the format, what the session says about its options, and files to leave out. */
CH_NODISCARD ch_status ch_catalog_format(ch_session_catalog *self, const char *name,
                                         const ch_format **out, ch_error *err);
CH_NODISCARD ch_status ch_catalog_options(ch_session_catalog *self, const ch_format *format,
                                          ch_strmap *options, ch_error *err);
/* How remote ones among the paths are reached, kept with the catalog; *out NULL: all are local. options may be NULL. */
CH_NODISCARD ch_status ch_catalog_store_of(ch_session_catalog *self, const char *const *path,
                                           int32_t n, const ch_option_list *options,
                                           ch_store_context **out, ch_error *err);
CH_NODISCARD ch_status ch_catalog_filter(ch_session_catalog *self, ch_strmap *options,
                                         ch_list_filter *out, ch_error *err);

/*
 * The texts of input, a plan of the frame's with one column, as one file that lives as long as the catalog
 * (catalog_texts.c). options are changed to those that read it.
 */
CH_NODISCARD ch_status ch_catalog_texts(ch_session_catalog *self, const ch_rel *input,
                                        const char *format, ch_strmap *options, ch_file *out,
                                        ch_error *err);

/* Of catalog_function.c: ch_catalog.function, and what it has kept. */
CH_NODISCARD ch_status ch_catalog_function(ch_catalog *base, const char *name, bool of_session,
                                           const ch_user_function **out, ch_error *err);
void ch_catalog_functions_release(ch_session_catalog *catalog);

/* Everything is borrowed until the release. */
void ch_session_catalog_init(ch_session_catalog *catalog, ch_frame *frame, ch_arena *arena,
                             ch_mem *mem, const ch_func_context *func);
void ch_session_catalog_release(ch_session_catalog *catalog);

#endif
