/* SPDX-License-Identifier: Apache-2.0 */
/* parser_ddl.h - inside of src/sql: statements about databases, tables and stored views. */
#ifndef CH_SQL_PARSER_DDL_H
#define CH_SQL_PARSER_DDL_H

#include "plan/plan_command.h"
#include "sql/parser.h"

/* Is the token `ahead` of here this word, of whatever case? */
bool ch_sql_is_word(const ch_sql_parser *p, int32_t ahead, const char *word);
bool ch_sql_accept_word(ch_sql_parser *p, const char *word);
CH_NODISCARD ch_status ch_sql_expect_word(ch_sql_parser *p, const char *word);
bool ch_sql_accept_if_not_exists(ch_sql_parser *p);
/* A string whose length does not matter. */
CH_NODISCARD ch_status ch_sql_text(ch_sql_parser *p, const char **out);
/* DATABASE, SCHEMA or NAMESPACE */
bool ch_sql_is_namespace(const ch_sql_parser *p, int32_t ahead);

/* PARTITION (k = 'v', l): values as text, NULL where there is none, CH_SPEC_NULL for NULL */
CH_NODISCARD ch_status ch_sql_partition_spec(ch_sql_parser *p, ch_option_list *out);
/* One of them, for d->specs. */
CH_NODISCARD ch_status ch_sql_partition(ch_sql_parser *p, ch_rel_ddl *d);
/* [AS] query, into d->input and d->text. */
CH_NODISCARD ch_status ch_sql_view_query(ch_sql_parser *p, ch_rel_ddl *d);
/* What Spark's own tables cannot do; the rest of the statement is passed over. */
CH_NODISCARD ch_status ch_sql_not_for_table(ch_sql_parser *p, ch_rel_ddl *d, const char *what);
/* The statement ends here. */
CH_NODISCARD ch_status ch_sql_ddl_end(ch_sql_parser *p, ch_rel_ddl *d, ch_rel **out);

/* Behind the words that say what it is; `start` is where the statement begins. */
CH_NODISCARD ch_status ch_sql_create_table(ch_sql_parser *p, int32_t start, bool replace,
                                           ch_rel **out);
CH_NODISCARD ch_status ch_sql_create_view(ch_sql_parser *p, int32_t start, bool replace,
                                          ch_rel **out);
CH_NODISCARD ch_status ch_sql_create_database(ch_sql_parser *p, int32_t start, ch_rel **out);
CH_NODISCARD ch_status ch_sql_drop_database(ch_sql_parser *p, int32_t start, ch_rel **out);

CH_NODISCARD ch_status ch_sql_create_function(ch_sql_parser *p, int32_t start, bool replace,
                                              bool temporary, ch_rel **out);
CH_NODISCARD ch_status ch_sql_drop_function(ch_sql_parser *p, int32_t start, bool temporary,
                                            ch_rel **out);

/* At their first word. */
CH_NODISCARD ch_status ch_sql_refresh_function(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_alter(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_use(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_set_catalog(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_insert(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_show(ch_sql_parser *p, ch_rel **out);
CH_NODISCARD ch_status ch_sql_describe(ch_sql_parser *p, ch_rel **out);
/* INSERT behind WITH a AS (...), which becomes its query's. */
CH_NODISCARD ch_status ch_sql_insert_with(ch_sql_parser *p, ch_rel_with *ctes, ch_rel **out);
/* MSCK, TRUNCATE, ANALYZE, REFRESH ...; *found false: none of them. */
CH_NODISCARD ch_status ch_sql_table_statement(ch_sql_parser *p, bool *found, ch_rel **out);

#endif
