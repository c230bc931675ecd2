/* SPDX-License-Identifier: Apache-2.0 */
/* service_analyze.c - AnalyzePlan: schemas, explanations and other questions that need no run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/decode.h"
#include "plan/canonical.h"
#include "plan/node.h"
#include "store/file.h"
#include "table/dataset.h"
#include "type/type_tree.h"

typedef PB(AnalyzePlanRequest) ask;
typedef PB(AnalyzePlanResponse) reply;

#define REPLY(r, CASE, field, init, arena, err)                                                \
    do {                                                                                       \
        (r)->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_##CASE;               \
        PB_NEW((r)->field, arena, spark__connect__analyze_plan_response__##init##__init, err); \
    } while (0)

/* A plan, analyzed; closes by ch_query_close. */
static ch_status open_plan(cn_session *s, const PB(Plan) * plan, ch_query **out, ch_error *err)
{
    ch_frame *frame;
    *out = NULL;
    CH_TRY(cn_decode_plan(s, plan, &frame, err));
    ch_status status = ch_query_open(frame, frame->rel, out, err);
    ch_frame_unref(frame);
    return status;
}

static ch_status schema(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    ch_query *q;
    REPLY(r, SCHEMA, schema, schema, arena, err);
    CH_TRY(open_plan(s, m->schema->plan, &q, err));
    ch_status status = cn_encode_type(arena, ch_query_schema(q), &r->schema->schema, err);
    ch_query_close(q);
    return status;
}

static ch_status explain(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    static const ch_explain_mode MODE[] = {CH_EXPLAIN_SIMPLE,   CH_EXPLAIN_SIMPLE,
                                           CH_EXPLAIN_EXTENDED, CH_EXPLAIN_CODEGEN,
                                           CH_EXPLAIN_COST,     CH_EXPLAIN_FORMATTED};
    unsigned mode = (unsigned)m->explain->explain_mode;
    ch_query *q;
    ch_buf text;
    CH_TRY(open_plan(s, m->explain->plan, &q, err));
    ch_buf_init(&text, ch_query_mem(q));
    ch_status status = ch_query_explain(
        q, mode < sizeof MODE / sizeof *MODE ? MODE[mode] : CH_EXPLAIN_SIMPLE, &text, err);
    REPLY(r, EXPLAIN, explain, explain, arena, err);
    if (status == CH_OK)
        r->explain->explain_string =
            ch_arena_strn(arena, text.data ? text.data : "", text.len, err);
    if (status == CH_OK && !r->explain->explain_string)
        status = CH_E_MEMORY;
    ch_buf_release(&text);
    ch_query_close(q);
    return status;
}

static ch_status tree_string(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    ch_query *q;
    ch_buf text;
    REPLY(r, TREE_STRING, tree_string, tree_string, arena, err);
    CH_TRY(open_plan(s, m->tree_string->plan, &q, err));
    ch_buf_init(&text, ch_query_mem(q));
    ch_status status = ch_type_print_tree(
        ch_query_schema(q), m->tree_string->has_level ? m->tree_string->level : 0, &text, err);
    if (status == CH_OK &&
        !(r->tree_string->tree_string = ch_arena_strn(arena, text.data, text.len, err)))
        status = CH_E_MEMORY;
    ch_buf_release(&text);
    ch_query_close(q);
    return status;
}

/* Are all rows here already? */
static bool is_local(const ch_rel *rel)
{
    return rel->kind == CH_REL_LOCAL_RELATION || rel->kind == CH_REL_VALUES ||
           rel->kind == CH_REL_ONE_ROW;
}

static ch_status local(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(s, m->is_local->plan, &q, err));
    const ch_rel *rel = ch_query_analyzed(q);
    while (rel->kind == CH_REL_PROJECT || rel->kind == CH_REL_SUBQUERY_ALIAS)
        rel = rel->kind == CH_REL_PROJECT ? ((const ch_rel_project *)rel)->input
                                          : ((const ch_rel_subquery_alias *)rel)->input;
    bool found = is_local(rel);
    ch_query_close(q);
    REPLY(r, IS_LOCAL, is_local, is_local, arena, err);
    r->is_local->has_is_local = 1;
    r->is_local->is_local = found;
    return CH_OK;
}

static ch_status streaming(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(s, m->is_streaming->plan, &q, err));
    ch_query_close(q);
    REPLY(r, IS_STREAMING, is_streaming, is_streaming, arena, err);
    r->is_streaming->has_is_streaming = 1;
    return CH_OK;
}

typedef struct file_list {
    ch_arena *arena;
    ch_str_list path;
} file_list;

static ch_status find_files(void *user, ch_rel **rel, ch_error *err)
{
    file_list *list = user;
    if ((*rel)->kind == CH_REL_SCAN) {
        const ch_rel_scan *scan = (const ch_rel_scan *)*rel;
        for (int32_t i = 0; i < scan->n_files; i++) {
            const char *name =
                scan->file[i].path; /* the query's: it ends before the reply is sent */
            ch_str path = {NULL, 1};
            bool remote = ch_path_is_remote(name);
            if (remote && !(path.text = ch_arena_str(list->arena, name, err)))
                return CH_E_MEMORY;
            if (!remote)
                CH_TRY(ch_file_uri(name, "file://", list->arena, &path, err));
            if (path.len)
                CH_TRY(ch_str_list_add(list->arena, &list->path, path.text, err));
        }
    }
    return ch_rel_map_inputs(list->arena, rel, find_files, list, err);
}

static ch_status input_files(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    file_list list = {.arena = arena};
    ch_query *q;
    CH_TRY(open_plan(s, m->input_files->plan, &q, err));
    ch_rel *rel = (ch_rel *)(uintptr_t)ch_query_analyzed(q);
    ch_status status = find_files(&list, &rel, err);
    ch_query_close(q);
    CH_TRY(status);
    REPLY(r, INPUT_FILES, input_files, input_files, arena, err);
    r->input_files->files = (char **)(uintptr_t)list.path.item;
    r->input_files->n_files = (size_t)list.path.n;
    return CH_OK;
}

static ch_status version(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    CH_UNUSED(s);
    CH_UNUSED(m);
    REPLY(r, SPARK_VERSION, spark_version, spark_version, arena, err);
    r->spark_version->version = (char *)(uintptr_t)CN_SPARK_VERSION;
    return CH_OK;
}

static ch_status ddl_parse(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    const ch_type *type;
    CH_UNUSED(s);
    CH_TRY(cn_decode_schema(m->ddl_parse->ddl_string, &type, err));
    REPLY(r, DDL_PARSE, ddl_parse, ddlparse, arena, err);
    return cn_encode_type(arena, type, &r->ddl_parse->parsed, err);
}

static ch_status json_to_ddl(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    const ch_type *type;
    ch_buf text;
    CH_UNUSED(s);
    CH_TRY(cn_decode_schema(m->json_to_ddl->json_string, &type, err));
    if (type->id != CH_STRUCT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "the JSON is not that of a struct");
    ch_buf_init(&text, arena->mem);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < type->n_fields && status == CH_OK; i++) {
        const ch_field *f = &type->field[i];
        status = ch_buf_printf(&text, err, "%s%s ", i ? "," : "", f->name);
        if (status == CH_OK)
            status = ch_type_print_sql(f->type, &text, err);
        if (status == CH_OK && !f->nullable)
            status = ch_buf_adds(&text, " NOT NULL", err);
    }
    REPLY(r, JSON_TO_DDL, json_to_ddl, json_to_ddl, arena, err);
    if (status == CH_OK && !(r->json_to_ddl->ddl_string =
                                 ch_arena_strn(arena, text.data ? text.data : "", text.len, err)))
        status = CH_E_MEMORY;
    ch_buf_release(&text);
    return status;
}

/* Plans that give the same rows for sure: equal once analyzed, whatever the ids of their columns. */
static ch_status printed_plan(cn_session *s, const PB(Plan) * plan, ch_arena *arena,
                              const char **out, ch_error *err)
{
    ch_query *q;
    ch_buf text;
    CH_TRY(open_plan(s, plan, &q, err));
    ch_buf_init(&text, ch_query_mem(q));
    ch_status status = ch_rel_print(ch_query_analyzed(q), &text, err);
    /* Ids (#12L) are numbered in the order in which they appear: "#1" may become "#4096". */
    char *plain = status == CH_OK ? ch_arena_alloc(arena, 3 * text.len + 1, err) : NULL;
    if (status == CH_OK && !plain)
        status = CH_E_MEMORY;
    if (status == CH_OK) {
        long seen[4096];
        int n_seen = 0;
        char *to = plain;
        for (const char *p = text.data; *p;) {
            *to++ = *p;
            if (*p++ != '#')
                continue;
            char *end;
            long id = strtol(p, &end, 10);
            if (end == p)
                continue;
            int k = 0;
            while (k < n_seen && seen[k] != id)
                k++;
            if (k == n_seen && n_seen < 4096)
                seen[n_seen++] = id;
            to += sprintf(to, "%d", k);
            p = end;
        }
        *to = 0;
        *out = plain;
    }
    ch_buf_release(&text);
    ch_query_close(q);
    return status;
}

/* Plans with random rows have no canonical form: they are the same when they print alike. */
static ch_status same_plans(cn_session *s, const PB(Plan) * left, const PB(Plan) * right,
                            ch_arena *arena, bool *same, ch_error *err)
{
    ch_query *query[2] = {0};
    ch_rel *form[2];
    const char *text[2];
    ch_status status;
    *same = false;
    CH_TRY_OUT(open_plan(s, left, &query[0], err));
    CH_TRY_OUT(open_plan(s, right, &query[1], err));
    for (int i = 0; i < 2; i++)
        CH_TRY_OUT(ch_plan_canonical(arena, ch_query_analyzed(query[i]), &form[i], err));
    if (form[0] && form[1]) {
        *same = ch_rel_equal(form[0], form[1]);
        goto out;
    }
    CH_TRY_OUT(printed_plan(s, left, arena, &text[0], err));
    CH_TRY_OUT(printed_plan(s, right, arena, &text[1], err));
    *same = !form[0] && !form[1] && strcmp(text[0], text[1]) == 0;
out:
    ch_query_close(query[0]);
    ch_query_close(query[1]);
    return status;
}

static ch_status same_semantics(cn_session *s, const ask *m, reply *r, ch_arena *arena,
                                ch_error *err)
{
    bool same;
    CH_TRY(same_plans(s, m->same_semantics->target_plan, m->same_semantics->other_plan, arena,
                      &same, err));
    REPLY(r, SAME_SEMANTICS, same_semantics, same_semantics, arena, err);
    r->same_semantics->has_result = 1;
    r->same_semantics->result = same;
    return CH_OK;
}

/* Of the canonical form, so that what has the same semantics has the same hash. */
static ch_status plan_hash(cn_session *s, const PB(Plan) * plan, ch_arena *arena, uint64_t *out,
                           ch_error *err)
{
    ch_query *q;
    ch_rel *form;
    *out = 0;
    CH_TRY(open_plan(s, plan, &q, err));
    ch_status status = ch_plan_canonical(arena, ch_query_analyzed(q), &form, err);
    if (status == CH_OK && form)
        *out = ch_plan_shape(form);
    ch_query_close(q);
    return status;
}

static ch_status semantic_hash(cn_session *s, const ask *m, reply *r, ch_arena *arena,
                               ch_error *err)
{
    uint64_t h;
    CH_TRY(plan_hash(s, m->semantic_hash->plan, arena, &h, err));
    REPLY(r, SEMANTIC_HASH, semantic_hash, semantic_hash, arena, err);
    r->semantic_hash->has_result = 1;
    r->semantic_hash->result = (int32_t)(h ^ h >> 32);
    return CH_OK;
}

ch_status cn_analyze(cn_session *s, const ask *m, reply *r, ch_arena *arena, ch_error *err)
{
    static ch_status (*const RUN[])(cn_session *, const ask *, reply *, ch_arena *, ch_error *) = {
#define ASK(CASE) [SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_##CASE]
        ASK(SCHEMA) = schema,
        ASK(EXPLAIN) = explain,
        ASK(TREE_STRING) = tree_string,
        ASK(IS_LOCAL) = local,
        ASK(IS_STREAMING) = streaming,
        ASK(INPUT_FILES) = input_files,
        ASK(SPARK_VERSION) = version,
        ASK(DDL_PARSE) = ddl_parse,
        ASK(SAME_SEMANTICS) = same_semantics,
        ASK(SEMANTIC_HASH) = semantic_hash,
        ASK(JSON_TO_DDL) = json_to_ddl,
        ASK(PERSIST) = cn_analyze_persist,
        ASK(UNPERSIST) = cn_analyze_unpersist,
        ASK(GET_STORAGE_LEVEL) = cn_analyze_storage_level,
#undef ASK
    };
    size_t which = (size_t)m->analyze_case;
    if (which < sizeof RUN / sizeof *RUN && RUN[which])
        return RUN[which](s, m, r, arena, err);
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
            "an AnalyzePlan request asks nothing that is known");
}
