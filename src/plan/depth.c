/* SPDX-License-Identifier: Apache-2.0 */
/* depth.c - how deep a plan is, found without calling itself. */
#include "base/buf.h"
#include "plan/node.h"

/* A plan whose parts share parts has more ways down than nodes; after so many it counts as the deepest. */
#define MOST_VISITS (1 << 20)

typedef struct place {
    const void *node;
    const ch_node_class *cls;
    int32_t level;
} place;

static ch_status put(ch_buf *todo, const void *node, const ch_node_class *cls, int32_t level,
                     ch_error *err)
{
    place p = {node, cls, level};
    return ch_buf_add(todo, &p, sizeof p, err);
}

static ch_status put_expr(ch_buf *todo, const ch_expr *e, int32_t level, ch_error *err)
{
    if (!e || e->kind == CH_EXPR_LITERAL || e->kind == CH_EXPR_ATTRIBUTE)
        return CH_OK;
    return put(todo, e, ch_expr_class(e->kind), level, err);
}

static ch_status put_exprs(ch_buf *todo, const ch_expr_list *list, int32_t level, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++)
        CH_TRY(put_expr(todo, list->item[i], level, err));
    return CH_OK;
}

static ch_status put_rel(ch_buf *todo, const ch_rel *r, int32_t level, ch_error *err)
{
    return r ? put(todo, r, ch_rel_class(r->kind), level, err) : CH_OK;
}

static ch_status put_children(ch_buf *todo, const place *p, ch_error *err)
{
    for (int i = 0; i < p->cls->n_fields; i++) {
        const void *at = (const char *)p->node + p->cls->field[i].offset;
        switch (p->cls->field[i].kind) {
        case CH_NODE_EXPR:
            CH_TRY(put_expr(todo, *(ch_expr *const *)at, p->level + 1, err));
            break;
        case CH_NODE_EXPR_LIST:
            CH_TRY(put_exprs(todo, at, p->level + 1, err));
            break;
        case CH_NODE_EXPR_ROWS: {
            const ch_rel_values *v = p->node;
            for (int32_t r = 0; ((const ch_rel *)p->node)->kind == CH_REL_VALUES && r < v->n_rows;
                 r++)
                CH_TRY(put_exprs(todo, &v->row[r], p->level + 1, err));
            break;
        }
        case CH_NODE_REL:
            CH_TRY(put_rel(todo, *(ch_rel *const *)at, p->level + 1, err));
            break;
        case CH_NODE_REL_LIST:
            for (int32_t k = 0; k < ((const ch_rel_list *)at)->n; k++)
                CH_TRY(put_rel(todo, ((const ch_rel_list *)at)->item[k], p->level + 1, err));
            break;
        default:
            break;
        }
    }
    return CH_OK;
}

static ch_status deepest(ch_buf *todo, int32_t *levels, ch_error *err)
{
    for (int visits = 0; todo->len > 0; visits++) {
        place p;
        todo->len -= sizeof p;
        memcpy(&p, todo->data + todo->len, sizeof p);
        if (p.level > *levels)
            *levels = p.level;
        if (*levels >= CH_MOST_LEVELS || visits == MOST_VISITS) {
            *levels = CH_MOST_LEVELS;
            break;
        }
        CH_TRY(put_children(todo, &p, err));
    }
    return CH_OK;
}

ch_status ch_rel_levels(const ch_rel *rel, ch_mem *mem, int32_t *levels, ch_error *err)
{
    ch_buf todo;
    *levels = 0;
    ch_buf_init(&todo, mem);
    ch_status status = put_rel(&todo, rel, 1, err);
    if (status == CH_OK)
        status = deepest(&todo, levels, err);
    ch_buf_release(&todo);
    return status;
}
