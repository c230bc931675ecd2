/* SPDX-License-Identifier: Apache-2.0 */
/* decode_write.c - DataFrame.write into tables and DataFrame.writeTo, as the statements that mean the same. */
#include <string.h>
#include <strings.h>

#include "connect/decode_relation.h"
#include "plan/plan_command.h"

static ch_status new_create(cn_decode *d, const char *name, const PB(Relation) * input,
                            ch_rel_ddl **out, ch_error *err)
{
    ch_rel_ddl *r;
    const char *copy;
    CN_NODE(r, d, DDL, err);
    *out = r;
    r->action = CH_DDL_CREATE_TABLE;
    CH_TRY(cn_copy_text(d, name ? name : "", &copy, err));
    CH_TRY(ch_name_split(d->arena, copy, &r->name, err));
    return cn_decode_relation(d, input, &r->input, err);
}

static ch_status new_insert(cn_decode *d, const char *name, const PB(Relation) * input,
                            ch_rel_insert **out, ch_error *err)
{
    ch_rel_insert *r;
    const char *copy;
    CN_NODE(r, d, INSERT, err);
    *out = r;
    r->ordered = true;
    CH_TRY(cn_copy_text(d, name ? name : "", &copy, err));
    CH_TRY(ch_name_split(d->arena, copy, &r->name, err));
    return cn_decode_relation(d, input, &r->input, err);
}

/* ---- saveAsTable, insertInto -------------------------------------------------------------- */

static ch_status save_as_table(cn_decode *d, const PB(WriteOperation) * w, ch_rel **out,
                               ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_create(d, w->table->table_name, w->input, &r, err));
    *out = &r->head;
    switch (w->mode) {
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_APPEND:
        r->mode = CH_TABLE_APPEND;
        break;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_OVERWRITE:
        r->mode = CH_TABLE_OVERWRITE;
        break;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_IGNORE:
        r->if_not_exists = true;
        break;
    default:
        break;
    }
    if (w->source && *w->source)
        CH_TRY(cn_copy_text(d, w->source, &r->provider, err));
    for (size_t i = 0; i < w->n_options; i++) {
        const char *key = w->options[i]->key, *value = w->options[i]->value;
        if (strcasecmp(key, "path") == 0)
            CH_TRY(cn_copy_text(d, value, &r->location, err));
        else
            CH_TRY(cn_add_option(d, &r->options, key, value, err));
    }
    CH_TRY(cn_copy_strings(d->arena, w->partitioning_columns, w->n_partitioning_columns,
                           &r->partition_columns, err));
    CH_TRY(cn_copy_strings(d->arena, w->clustering_columns, w->n_clustering_columns,
                           &r->cluster_columns, err));
    if (!w->bucket_by && w->n_sort_column_names)
        CH_FAIL(err, SORT_BY_WITHOUT_BUCKETING);
    if (!w->bucket_by)
        return CH_OK;
    r->n_buckets = w->bucket_by->num_buckets;
    CH_TRY(cn_copy_strings(d->arena, w->sort_column_names, w->n_sort_column_names, &r->sort_columns,
                           err));
    return cn_copy_strings(d->arena, w->bucket_by->bucket_column_names,
                           w->bucket_by->n_bucket_column_names, &r->bucket_columns, err);
}

static ch_status insert_into(cn_decode *d, const PB(WriteOperation) * w, ch_rel **out,
                             ch_error *err)
{
    ch_rel_insert *r;
    if (w->bucket_by)
        CH_FAIL(err, SAVE_WITH_CLAUSE, "operation", "insertInto");
    if (w->n_partitioning_columns)
        CH_FAIL(err, INSERT_INTO_PARTITION_BY, "tableName", w->table->table_name);
    CH_TRY(new_insert(d, w->table->table_name, w->input, &r, err));
    *out = &r->head;
    r->overwrite = w->mode == SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_OVERWRITE;
    return CH_OK;
}

ch_status cn_decode_table_write(cn_decode *d, const PB(WriteOperation) * w, ch_rel **out,
                                ch_error *err)
{
    *out = NULL;
    if (w->with_schema_evolution)
        CN_UNSUPPORTED(err, "A write with schema evolution");
    return w->table->save_method ==
                   SPARK__CONNECT__WRITE_OPERATION__SAVE_TABLE__TABLE_SAVE_METHOD__TABLE_SAVE_METHOD_INSERT_INTO
               ? insert_into(d, w, out, err)
               : save_as_table(d, w, out, err);
}

/* ---- writeTo ------------------------------------------------------------------------------ */

static ch_status partitioned_by(cn_decode *d, const PB(WriteOperationV2) * w, ch_str_list *out,
                                ch_error *err)
{
    for (size_t i = 0; i < w->n_partitioning_columns; i++) {
        ch_expr *e;
        CH_TRY(cn_decode_expr(d, w->partitioning_columns[i], &e, err));
        const ch_expr_unresolved_attribute *a = (const ch_expr_unresolved_attribute *)e;
        if (e->kind != CH_EXPR_UNRESOLVED_ATTRIBUTE || a->parts.n != 1) {
            const char *text = ch_expr_sql(d->arena, e, NULL);
            text = ch_arena_printf(d->arena, NULL, "`%s`", text ? text : "");
            CH_FAIL(err, UNSUPPORTED_PARTITION_TRANSFORM, "transform", text ? text : "");
        }
        CH_TRY(ch_str_list_add(d->arena, out, a->parts.item[0], err));
    }
    return CH_OK;
}

ch_status cn_decode_write_to(cn_decode *d, const PB(WriteOperationV2) * w, ch_rel **out,
                             ch_error *err)
{
    ch_rel_ddl *r;
    ch_rel_insert *in;
    *out = NULL;
    if (w->with_schema_evolution)
        CN_UNSUPPORTED(err, "A write with schema evolution");
    switch (w->mode) {
    case SPARK__CONNECT__WRITE_OPERATION_V2__MODE__MODE_OVERWRITE:
    case SPARK__CONNECT__WRITE_OPERATION_V2__MODE__MODE_OVERWRITE_PARTITIONS:
    case SPARK__CONNECT__WRITE_OPERATION_V2__MODE__MODE_APPEND:
        CH_TRY(new_insert(d, w->table_name, w->input, &in, err));
        in->by_name = in->of_write_to = true;
        *out = &in->head;
        return CH_OK;
    default:
        break;
    }
    CH_TRY(new_create(d, w->table_name, w->input, &r, err));
    *out = &r->head;
    if (w->mode != SPARK__CONNECT__WRITE_OPERATION_V2__MODE__MODE_CREATE)
        r->mode = CH_TABLE_REPLACE;
    if (w->provider && *w->provider)
        CH_TRY(cn_copy_text(d, w->provider, &r->provider, err));
    for (size_t i = 0; i < w->n_options; i++)
        CH_TRY(cn_add_option(d, &r->options, w->options[i]->key, w->options[i]->value, err));
    for (size_t i = 0; i < w->n_table_properties; i++)
        CH_TRY(cn_add_option(d, &r->properties, w->table_properties[i]->key,
                             w->table_properties[i]->value, err));
    CH_TRY(cn_copy_strings(d->arena, w->clustering_columns, w->n_clustering_columns,
                           &r->cluster_columns, err));
    return partitioned_by(d, w, &r->partition_columns, err);
}
