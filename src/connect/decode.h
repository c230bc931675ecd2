/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - the protocol's plans as plan nodes, and what goes back.
 *
 * Tables in builtin/connect_relations.def, connect_expressions.def and connect_commands.def have a row for everything
 * that the protocol has: decoded, or refused by name. A decoded node lives in its frame's arena; nothing
 * points into the message.
 */
#ifndef CH_CONNECT_DECODE_H
#define CH_CONNECT_DECODE_H

#include "connect/service.h"
#include "session/cache.h"

typedef struct cn_decode {
    cn_session *session;
    ch_frame *frame; /* being filled: owns what is decoded */
    ch_arena *arena; /* the frame's */
    /* Plans that expressions refer to by id (WithRelations). */
    PB(Relation) * *reference;
    size_t n_references;
    int n_texts; /* SQL statements met; places in the text are told when there is just one */
} cn_decode;

/* The plan as it is, or what a compressed one holds, in room and arena. plan may be NULL. */
CH_NODISCARD ch_status cn_plain_plan(const PB(Plan) * plan, ch_arena *arena, PB(Plan) * room,
                                     const PB(Plan) * *out, ch_error *err);
/* A frame of a plan whose root is a relation; gives. message may be NULL (an error then). */
CH_NODISCARD ch_status cn_decode_plan(cn_session *session, const PB(Plan) * plan, ch_frame **out,
                                      ch_error *err);
CH_NODISCARD ch_status cn_decode_frame(cn_session *session, const PB(Relation) * relation,
                                       ch_frame **out, ch_error *err);

CH_NODISCARD ch_status cn_decode_relation(cn_decode *d, const PB(Relation) * m, ch_rel **out,
                                          ch_error *err);
CH_NODISCARD ch_status cn_decode_expr(cn_decode *d, const PB(Expression) * m, ch_expr **out,
                                      ch_error *err);
CH_NODISCARD ch_status cn_decode_exprs(cn_decode *d, PB(Expression) * *m, size_t n,
                                       ch_expr_list *out, ch_error *err);
CH_NODISCARD ch_status cn_decode_sort_orders(cn_decode *d, PB(Expression__SortOrder) * *m, size_t n,
                                             ch_expr_list *out, ch_error *err);
CH_NODISCARD ch_status cn_decode_alias(cn_decode *d, const PB(Expression__Alias) * m, ch_expr **out,
                                       ch_error *err);
CH_NODISCARD ch_status cn_decode_literal(ch_arena *arena, const PB(Expression__Literal) * m,
                                         ch_scalar *out, ch_error *err);
CH_NODISCARD ch_status cn_decode_type(const PB(DataType) * m, const ch_type **out, ch_error *err);
/* A schema as Spark's clients write it: DDL, a type's text, or JSON. */
CH_NODISCARD ch_status cn_decode_schema(const char *text, const ch_type **out, ch_error *err);
CH_NODISCARD ch_status cn_decode_sql(cn_decode *d, const PB(SQL) * m, ch_rel **out, ch_error *err);

/* Strings of the message, copied. */
CH_NODISCARD ch_status cn_copy_strings(ch_arena *arena, char **text, size_t n, ch_str_list *out,
                                       ch_error *err);
/* One of SQL's functions, unresolved. */
CH_NODISCARD ch_status cn_make_call(cn_decode *d, const char *name, ch_expr *const *arg, int n,
                                    ch_expr **out, ch_error *err);
CH_NODISCARD ch_status cn_make_literal(cn_decode *d, const PB(Expression__Literal) * m,
                                       ch_expr **out, ch_error *err);
CH_NODISCARD ch_status cn_make_name(cn_decode *d, const char *name, ch_expr **out, ch_error *err);

/* Functions in Python (decode_python.c): registered under their names. */
CH_NODISCARD ch_status cn_register_function(cn_session *session,
                                            const PB(CommonInlineUserDefinedFunction) * m,
                                            ch_error *err);
CH_NODISCARD ch_status cn_register_table_function(
    cn_session *session, const PB(CommonInlineUserDefinedTableFunction) * m, ch_error *err);
CH_NODISCARD ch_status cn_decode_python_call(cn_decode *d,
                                             const PB(CommonInlineUserDefinedFunction) * m,
                                             ch_expr **out, ch_error *err);

/* Writes into tables, as the statement that does the same (decode_write.c). */
CH_NODISCARD ch_status cn_decode_table_write(cn_decode *d, const PB(WriteOperation) * w,
                                             ch_rel **out, ch_error *err);
CH_NODISCARD ch_status cn_decode_write_to(cn_decode *d, const PB(WriteOperationV2) * w,
                                          ch_rel **out, ch_error *err);

/* Commands: may add responses to the operation. */
CH_NODISCARD ch_status cn_run_command(cn_operation *op, const PB(Command) * m, ch_error *err);

/* Runs the frame in place of its operation's main query: for relations that are computed while decoding. */
CH_NODISCARD ch_status cn_collect(ch_frame *frame, ch_query **out, ch_error *err);
/* A local relation of one text column with one row. */
CH_NODISCARD ch_status cn_text_relation(cn_decode *d, const char *column, const char *text,
                                        size_t len, ch_rel **out, ch_error *err);

/* In the arena; text is borrowed from the value. */
CH_NODISCARD ch_status cn_encode_literal(ch_arena *arena, const ch_scalar *value,
                                         PB(Expression__Literal) * *out, ch_error *err);
CH_NODISCARD ch_status cn_encode_type(ch_arena *arena, const ch_type *type, PB(DataType) * *out,
                                      ch_error *err);

/* NULL: the level that cache() has. */
ch_storage_level cn_storage_level(const PB(StorageLevel) * m);
/* AnalyzePlan's questions about kept rows. */
CH_NODISCARD ch_status cn_analyze_persist(cn_session *s, const PB(AnalyzePlanRequest) * m,
                                          PB(AnalyzePlanResponse) * r, ch_arena *arena,
                                          ch_error *err);
CH_NODISCARD ch_status cn_analyze_unpersist(cn_session *s, const PB(AnalyzePlanRequest) * m,
                                            PB(AnalyzePlanResponse) * r, ch_arena *arena,
                                            ch_error *err);
CH_NODISCARD ch_status cn_analyze_storage_level(cn_session *s, const PB(AnalyzePlanRequest) * m,
                                                PB(AnalyzePlanResponse) * r, ch_arena *arena,
                                                ch_error *err);
/* spark.catalog.isCached, cacheTable, uncacheTable and clearCache; *done false: it is none of them. */
CH_NODISCARD ch_status cn_catalog_cache(cn_decode *d, const PB(Catalog) * m, ch_rel **out,
                                        bool *done, ch_error *err);

#define CN_UNSUPPORTED(err, what) CH_FAIL(err, UNSUPPORTED, "feature", what)

#endif
