/* SPDX-License-Identifier: Apache-2.0 */
/* test_node.c - plan nodes: what the loops over the tables of fields must keep true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/node.h"

static ch_mem *mem;
static ch_arena arena;

static int setup(void **state)
{
    CH_UNUSED(state);
    mem = ch_mem_new(NULL, "test", 0);
    ch_arena_init(&arena, mem);
    return 0;
}

static int teardown(void **state)
{
    CH_UNUSED(state);
    ch_arena_release(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
    return 0;
}

static ch_expr *name(const char *text)
{
    ch_expr_unresolved_attribute *a = ch_expr_new(&arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, NULL);
    assert_int_equal(ch_str_list_add(&arena, &a->parts, text, NULL), CH_OK);
    return &a->head;
}

static ch_expr *number(int64_t value)
{
    ch_expr_literal *l = ch_expr_new(&arena, CH_EXPR_LITERAL, NULL);
    l->head.type = l->value.type = CH_T_INT;
    l->value.v.i64 = value;
    return &l->head;
}

static ch_expr *call(const char *func, ch_expr *a, ch_expr *b)
{
    ch_expr_unresolved_function *f = ch_expr_new(&arena, CH_EXPR_UNRESOLVED_FUNCTION, NULL);
    f->name = func;
    assert_int_equal(ch_expr_list_add(&arena, &f->args, a, NULL), CH_OK);
    assert_int_equal(ch_expr_list_add(&arena, &f->args, b, NULL), CH_OK);
    return &f->head;
}

static void every_kind_has_a_class_whose_fields_lie_inside_it(void **state)
{
    CH_UNUSED(state);
    for (int kind = 0; kind < CH_N_EXPR_KINDS + CH_N_REL_KINDS; kind++) {
        bool is_expr = kind < CH_N_EXPR_KINDS;
        const ch_node_class *c = is_expr ? ch_expr_class((ch_expr_kind)kind)
                                         : ch_rel_class((ch_rel_kind)(kind - CH_N_EXPR_KINDS));
        assert_non_null(c->name);
        assert_true(c->bytes >= (is_expr ? sizeof(ch_expr) : sizeof(ch_rel)));
        for (int i = 0; i < c->n_fields; i++) {
            assert_true(c->field[i].offset >= (is_expr ? sizeof(ch_expr) : sizeof(ch_rel)));
            assert_true(c->field[i].offset < c->bytes);
        }
    }
    assert_int_equal(ch_rel_class(CH_REL_JOIN)->n_fields, 11);
    assert_int_equal(ch_rel_class(CH_REL_JOIN)->field[3].kind, CH_NODE_I32);
    assert_int_equal(ch_rel_class(CH_REL_ONE_ROW)->n_fields, 0);
    assert_int_equal(ch_rel_class(CH_REL_VALUES)->field[0].kind, CH_NODE_EXPR_ROWS);
    assert_int_equal(ch_expr_class(CH_EXPR_LITERAL)->field[0].kind, CH_NODE_SCALAR);
}

static void lists_grow_and_keep_order(void **state)
{
    CH_UNUSED(state);
    ch_str_list list = {0};
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            ch_str_list_add(&arena, &list, ch_arena_printf(&arena, NULL, "%d", i), NULL), CH_OK);
    assert_int_equal(list.n, 100);
    assert_string_equal(list.item[0], "0");
    assert_string_equal(list.item[64], "64");
    assert_string_equal(list.item[99], "99");
}

static void equality_looks_at_contents_and_not_at_places_in_the_text(void **state)
{
    CH_UNUSED(state);
    ch_expr *a = call("+", name("a"), number(1)), *b = call("+", name("a"), number(1));
    b->start = 7;
    assert_true(ch_expr_equal(a, b));
    assert_int_equal(ch_expr_hash(a), ch_expr_hash(b));
    assert_false(ch_expr_equal(a, call("-", name("a"), number(1))));
    assert_false(ch_expr_equal(a, call("+", name("b"), number(1))));
    assert_false(ch_expr_equal(a, call("+", name("a"), number(2))));
    assert_false(ch_expr_equal(a, NULL));
    assert_true(ch_expr_hash(a) != ch_expr_hash(call("+", name("a"), number(2))));
}

static ch_status ones_become_twos(void *user, ch_expr **child, ch_error *err)
{
    CH_UNUSED(user);
    if (ch_expr_equal(*child, number(1)))
        *child = number(2);
    return ch_expr_map_children(&arena, child, ones_become_twos, user, err);
}

static void mapping_clones_only_what_changed(void **state)
{
    CH_UNUSED(state);
    ch_expr *same = call("*", name("x"), name("y"));
    ch_expr *a = call("+", same, call("-", name("z"), number(1))), *b = a;
    assert_int_equal(ones_become_twos(NULL, &b, NULL), CH_OK);
    assert_ptr_not_equal(a, b);
    assert_true(ch_expr_equal(a, call("+", same, call("-", name("z"), number(1)))));
    assert_true(ch_expr_equal(b, call("+", same, call("-", name("z"), number(2)))));
    assert_ptr_equal(((ch_expr_unresolved_function *)b)->args.item[0], same);

    ch_expr *c = same;
    assert_int_equal(ones_become_twos(NULL, &c, NULL), CH_OK);
    assert_ptr_equal(c, same);
}

static ch_rel *values(int64_t last)
{
    ch_rel_values *v = ch_rel_new(&arena, CH_REL_VALUES, NULL);
    v->row = ch_arena_alloc(&arena, 3 * sizeof *v->row, NULL);
    v->n_rows = 3;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ch_expr_list_add(&arena, &v->row[i], number(i < 2 ? 5 : last), NULL),
                         CH_OK);
    return &v->head;
}

static void rows_of_values_are_walked_and_compared(void **state)
{
    CH_UNUSED(state);
    ch_rel *a = values(1), *b = a;
    assert_int_equal(ch_rel_map_exprs(&arena, &b, ones_become_twos, NULL, NULL), CH_OK);
    assert_true(ch_rel_equal(a, values(1)));
    assert_true(ch_rel_equal(b, values(2)));
    assert_false(ch_rel_equal(a, b));
}

static ch_status replace_input(void *user, ch_rel **child, ch_error *err)
{
    CH_UNUSED(err);
    if ((*child)->kind == CH_REL_VALUES)
        *child = user;
    return CH_OK;
}

static void inputs_of_a_relation_are_replaced_in_a_copy(void **state)
{
    CH_UNUSED(state);
    ch_rel_join *join = ch_rel_new(&arena, CH_REL_JOIN, NULL);
    ch_rel *one = ch_rel_new(&arena, CH_REL_ONE_ROW, NULL);
    join->left = values(1);
    join->right = one;
    ch_rel *r = &join->head;
    assert_int_equal(ch_rel_map_inputs(&arena, &r, replace_input, one, NULL), CH_OK);
    assert_ptr_not_equal(r, join);
    assert_ptr_equal(((ch_rel_join *)r)->left, one);
    assert_int_equal(join->left->kind, CH_REL_VALUES);
    assert_int_equal(r->output.n, -1);
}

static void grouping_sets_are_compared(void **state)
{
    CH_UNUSED(state);
    ch_rel_aggregate *a = ch_rel_new(&arena, CH_REL_AGGREGATE, NULL), *b;
    int32_t zero_one[] = {0, 1}, zero_two[] = {0, 2}, len[] = {2};
    int32_t *x[] = {zero_one}, *y[] = {zero_two};
    a->sets = x;
    a->set_len = len;
    a->n_sets = 1;
    b = ch_rel_clone(&arena, &a->head, NULL);
    assert_true(ch_rel_equal(&a->head, &b->head));
    b->sets = y;
    assert_false(ch_rel_equal(&a->head, &b->head));
}

static void running_out_of_memory_is_an_error_and_not_a_crash(void **state)
{
    CH_UNUSED(state);
    ch_mem *small = ch_mem_new(NULL, "small", 1);
    ch_arena poor;
    ch_arena_init(&poor, small);
    ch_error err = {0};
    assert_null(ch_expr_new(&poor, CH_EXPR_LITERAL, &err));
    assert_int_equal(err.code, CH_E_MEMORY);
    ch_error_release(&err);
    ch_expr *a = call("+", name("a"), number(1));
    ch_expr *b = a;
    assert_int_equal(ch_expr_map_children(&poor, &b, ones_become_twos, NULL, &err), CH_E_MEMORY);
    assert_ptr_equal(a, b);
    ch_error_release(&err);
    ch_arena_release(&poor);
    ch_mem_close(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(every_kind_has_a_class_whose_fields_lie_inside_it),
        TEST(lists_grow_and_keep_order),
        TEST(equality_looks_at_contents_and_not_at_places_in_the_text),
        TEST(mapping_clones_only_what_changed),
        TEST(rows_of_values_are_walked_and_compared),
        TEST(inputs_of_a_relation_are_replaced_in_a_copy),
        TEST(grouping_sets_are_compared),
        TEST(running_out_of_memory_is_an_error_and_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
