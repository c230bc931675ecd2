/* SPDX-License-Identifier: Apache-2.0 */
/* parser_alter.c - ALTER DATABASE, TABLE and VIEW. */
#include "sql/parser_ddl.h"

/* ([IF EXISTS] 'a', b.c): keys alone */
static ch_status property_keys(ch_sql_parser *p, ch_option_list *out)
{
    CH_TRY(ch_sql_expect(p, '('));
    int32_t n = 0;
    do {
        const char *key;
        if (ch_sql_is_string(p, 0)) {
            CH_TRY(ch_sql_text(p, &key));
        } else {
            int32_t start = ch_sql_here(p);
            ch_str_list parts = {0};
            CH_TRY(ch_sql_names(p, &parts));
            key = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
            if (!key)
                return CH_E_MEMORY;
        }
        CH_TRY(ch_option_list_add(p->arena, out, key, NULL, p->err));
        n++;
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, n);
}

static ch_status alter_database(ch_sql_parser *p, ch_rel_ddl *d)
{
    d->action = CH_DDL_ALTER_DATABASE;
    CH_TRY(ch_sql_names(p, &d->name));
    bool unset = ch_sql_accept_kw(p, CH_KW_UNSET);
    if (!unset)
        CH_TRY(ch_sql_expect_kw(p, CH_KW_SET));
    if (!unset && ch_sql_accept_word(p, "LOCATION"))
        return ch_sql_text(p, &d->location);
    if (!ch_sql_accept_word(p, "DBPROPERTIES") && !ch_sql_accept_word(p, "PROPERTIES"))
        return ch_sql_unexpected(p);
    if (!unset)
        return ch_sql_options(p, &d->properties);
    d->cascade = true; /* taken away */
    return property_keys(p, &d->properties);
}

/* ADD COLUMN[S] a INT, ... or (a INT, ...), each FIRST or AFTER b; or PARTITION (...) ... */
static ch_status alter_add(ch_sql_parser *p, ch_rel_ddl *d)
{
    if (ch_sql_is_kw(p, CH_KW_COLUMNS) || ch_sql_is_word(p, 0, "COLUMN")) {
        d->action = CH_DDL_ADD_COLUMNS;
        p->at++;
        if (ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_NOT))
            d->if_not_exists = ch_sql_accept_if_not_exists(p);
        bool parens = ch_sql_is(p, '(');
        CH_TRY(parens ? ch_sql_table_columns(p, &d->schema) : ch_sql_bare_columns(p, &d->schema));
        return CH_OK;
    }
    d->action = CH_DDL_ADD_PARTITION;
    d->if_not_exists = ch_sql_accept_if_not_exists(p);
    do {
        const char *location = "";
        CH_TRY(ch_sql_partition(p, d));
        if (ch_sql_accept_word(p, "LOCATION"))
            CH_TRY(ch_sql_text(p, &location));
        CH_TRY(ch_str_list_add(p->arena, &d->locations, location, p->err));
    } while (ch_sql_is_kw(p, CH_KW_PARTITION));
    return CH_OK;
}

static ch_status alter_drop(ch_sql_parser *p, ch_rel_ddl *d)
{
    if (ch_sql_is_kw(p, CH_KW_COLUMNS) || ch_sql_is_word(p, 0, "COLUMN"))
        return ch_sql_not_for_table(p, d, "DROP COLUMN");
    d->action = CH_DDL_DROP_PARTITION;
    d->if_exists = ch_sql_accept_if_exists(p);
    do
        CH_TRY(ch_sql_partition(p, d));
    while (ch_sql_accept(p, ','));
    ch_sql_accept_word(p, "PURGE");
    return CH_OK;
}

/* ALTER COLUMN a COMMENT 'x' | SET DEFAULT e | DROP DEFAULT | TYPE t; CHANGE COLUMN a a INT COMMENT 'x' */
static ch_status alter_column(ch_sql_parser *p, ch_rel_ddl *d, bool change)
{
    d->action = CH_DDL_ALTER_COLUMN;
    ch_sql_accept_word(p, "COLUMN");
    CH_TRY(ch_sql_names(p, &d->target));
    if (ch_sql_is_kw(p, CH_KW_COMMENT)) {
        p->at++;
        return ch_sql_text(p, &d->comment);
    }
    if (ch_sql_accept_kw(p, CH_KW_DROP)) {
        d->cascade = true; /* the default is dropped */
        if (ch_sql_is_kw(p, CH_KW_NOT))
            return ch_sql_not_for_table(p, d, "ALTER COLUMN ... DROP NOT NULL");
        return ch_sql_expect_kw(p, CH_KW_DEFAULT);
    }
    if (ch_sql_accept_kw(p, CH_KW_SET)) {
        if (ch_sql_is_kw(p, CH_KW_NOT))
            return ch_sql_not_for_table(p, d, "ALTER COLUMN ... SET NOT NULL");
        CH_TRY(ch_sql_expect_kw(p, CH_KW_DEFAULT));
        ch_expr *e;
        int32_t start = ch_sql_here(p);
        CH_TRY(ch_sql_expr(p, &e));
        d->text = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
        return d->text ? CH_OK : CH_E_MEMORY;
    }
    if (ch_sql_is_word(p, 0, "TYPE")) {
        ch_field f = {.name = d->target.item[d->target.n - 1], .nullable = true};
        p->at++;
        CH_TRY(ch_sql_type(p, &f.type));
        d->schema = ch_type_struct(&f, 1);
        return d->schema ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
    }
    if (ch_sql_is_kw(p, CH_KW_FIRST) || ch_sql_is_word(p, 0, "AFTER"))
        return ch_sql_not_for_table(p, d, "ALTER COLUMN ... FIRST | AFTER");
    return change || ch_sql_is_name(p, 0) ? ch_sql_bare_columns(p, &d->schema)
                                          : ch_sql_unexpected(p);
}

static ch_status alter_set(ch_sql_parser *p, ch_rel_ddl *d)
{
    if (ch_sql_accept_word(p, "TBLPROPERTIES")) {
        d->action = CH_DDL_SET_PROPERTIES;
        return ch_sql_options(p, &d->properties);
    }
    if (ch_sql_accept_word(p, "LOCATION")) {
        d->action = CH_DDL_SET_LOCATION;
        return ch_sql_text(p, &d->location);
    }
    if (ch_sql_is_word(p, 0, "SERDE") || ch_sql_is_word(p, 0, "SERDEPROPERTIES"))
        return ch_sql_unsupported(p, d->head.start, "ALTER TABLE ... SET SERDE");
    return ch_sql_unexpected(p);
}

static ch_status alter_table(ch_sql_parser *p, ch_rel_ddl *d)
{
    CH_TRY(ch_sql_names(p, &d->name));
    if (ch_sql_is_word(p, 0, "RENAME") && ch_sql_is_word(p, 1, "COLUMN"))
        return ch_sql_not_for_table(p, d, "RENAME COLUMN");
    if (ch_sql_accept_word(p, "RENAME")) {
        d->action = CH_DDL_RENAME;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TO));
        return ch_sql_names(p, &d->target);
    }
    if (d->is_view && (ch_sql_is_kw(p, CH_KW_AS) || ch_sql_starts_query(p, 0))) {
        d->action = CH_DDL_ALTER_VIEW;
        return ch_sql_view_query(p, d);
    }
    if (ch_sql_accept_kw(p, CH_KW_SET))
        return alter_set(p, d);
    if (ch_sql_accept_kw(p, CH_KW_UNSET)) {
        d->action = CH_DDL_UNSET_PROPERTIES;
        CH_TRY(ch_sql_expect_word(p, "TBLPROPERTIES"));
        d->if_exists = ch_sql_accept_if_exists(p);
        return property_keys(p, &d->properties);
    }
    if (d->is_view)
        return ch_sql_unexpected(p);
    if (ch_sql_accept_word(p, "ADD"))
        return alter_add(p, d);
    if (ch_sql_accept_kw(p, CH_KW_DROP))
        return alter_drop(p, d);
    if (ch_sql_accept_word(p, "RECOVER")) {
        d->action = CH_DDL_RECOVER_PARTITIONS;
        d->text = "ALTER TABLE RECOVER PARTITIONS";
        return ch_sql_expect_word(p, "PARTITIONS");
    }
    if (ch_sql_is_kw(p, CH_KW_PARTITION)) {
        CH_TRY(ch_sql_partition(p, d));
        if (ch_sql_accept_kw(p, CH_KW_SET)) {
            d->action = CH_DDL_SET_LOCATION;
            CH_TRY(ch_sql_expect_word(p, "LOCATION"));
            return ch_sql_text(p, &d->location);
        }
        d->action = CH_DDL_RENAME_PARTITION;
        CH_TRY(ch_sql_expect_word(p, "RENAME"));
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TO));
        return ch_sql_partition(p, d);
    }
    if (ch_sql_is_kw(p, CH_KW_REPLACE) && ch_sql_peek_kw(p, 1, CH_KW_COLUMNS))
        return ch_sql_not_for_table(p, d, "REPLACE COLUMNS");
    if (ch_sql_accept_kw(p, CH_KW_ALTER))
        return alter_column(p, d, false);
    if (ch_sql_accept_word(p, "CHANGE"))
        return alter_column(p, d, true);
    return ch_sql_unexpected(p);
}

ch_status ch_sql_alter(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, ch_sql_here(p));
    p->at++;
    if (ch_sql_is_namespace(p, 0) && ch_sql_is_name(p, 1)) {
        p->at++;
        CH_TRY(alter_database(p, d));
        return ch_sql_ddl_end(p, d, out);
    }
    d->is_view = ch_sql_is_kw(p, CH_KW_VIEW);
    if ((!d->is_view && !ch_sql_is_kw(p, CH_KW_TABLE)) || ch_sql_peek(p, 1)->kind == CH_TOK_EOF) {
        p->at += ch_sql_peek(p, 0)->kind != CH_TOK_EOF && ch_sql_peek(p, 1)->kind == CH_TOK_EOF;
        return ch_sql_unexpected(p);
    }
    p->at++;
    CH_TRY(alter_table(p, d));
    return ch_sql_ddl_end(p, d, out);
}
