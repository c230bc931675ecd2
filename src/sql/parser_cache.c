/* SPDX-License-Identifier: Apache-2.0 */
/* parser_cache.c - CACHE TABLE, UNCACHE TABLE, CLEAR CACHE, SHOW CACHE. */
#include <strings.h>

#include "plan/plan_command.h"
#include "plan/print.h"
#include "sql/parser.h"

/* CACHE [LAZY] TABLE name [OPTIONS (...)] [[AS] query] */
static ch_status cache_table(ch_sql_parser *p, ch_rel_cache *c)
{
    int32_t start = c->head.start;
    c->what = CH_CACHE_TABLE;
    if (!ch_sql_is_kw(p, CH_KW_TABLE) && ch_sql_is_name(p, 0) &&
        strcasecmp(ch_sql_slice(p, ch_sql_here(p), p->tok[p->at].stop), "LAZY") == 0) {
        c->lazy = true;
        p->at++;
    }
    CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
    CH_TRY(ch_sql_names(p, &c->name));
    if (ch_sql_accept_kw(p, CH_KW_OPTIONS))
        CH_TRY(ch_sql_options(p, &c->options));
    bool as = ch_sql_accept_kw(p, CH_KW_AS);
    if (!as && !ch_sql_starts_query(p, 0))
        return CH_OK;
    CH_TRY(ch_sql_query(p, &c->input));
    if (c->name.n == 1)
        return CH_OK;
    ch_str_list prefix = c->name;
    ch_buf text;
    prefix.n--;
    ch_buf_init(&text, p->arena->mem);
    ch_status status = ch_names_print(&prefix, &text, p->err);
    if (status == CH_OK)
        status =
            ch_error_set(p->err, CH_E_CACHE_TABLE_PREFIX, "quoted", text.data, (const char *)0);
    ch_buf_release(&text);
    return ch_sql_at(p, start, p->tok[p->at - 1].stop, status);
}

ch_status ch_sql_cache(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_cache *c;
    CH_SQL_NEW(c, p, ch_sql_rel_new, CH_REL_CACHE, ch_sql_here(p));
    ch_keyword first = (ch_keyword)p->tok[p->at++].keyword;
    *out = &c->head;
    switch (first) {
    case CH_KW_CACHE:
        CH_TRY(cache_table(p, c));
        break;
    case CH_KW_UNCACHE:
        c->what = CH_CACHE_UNCACHE;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
        c->if_exists = ch_sql_accept_if_exists(p);
        CH_TRY(ch_sql_names(p, &c->name));
        break;
    default: /* CLEAR CACHE, SHOW CACHE */
        c->what = first == CH_KW_CLEAR ? CH_CACHE_CLEAR : CH_CACHE_SHOW;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_CACHE));
        break;
    }
    c->head.stop = p->tok[p->at - 1].stop;
    return CH_OK;
}
