/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sql.c - any text through the SQL lexer and parser: a plan or an error, never a crash or a leak. */
#include <stdint.h>
#include <stdlib.h>

#include "plan/node.h"
#include "sql/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    ch_mem *mem = ch_mem_new(NULL, "fuzz", 0);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_sql_context ctx = {.arena = &arena,
                          .ansi = true,
                          .time_zone = "Europe/Paris",
                          .double_quoted_identifiers = size % 2 == 1};
    ch_error err = {0};
    ch_rel *plan;
    ch_expr *expr;
    if (ch_sql_parse(&ctx, text, &plan, &err) == CH_OK && !ch_rel_equal(plan, plan))
        abort();
    free(ch_error_text(&err));
    ch_error_release(&err);
    if (ch_sql_parse_expr(&ctx, text, &expr, &err) == CH_OK)
        (void)ch_expr_hash(expr);
    ch_error_release(&err);
    bool complete;
    if (ch_sql_split(text, &complete) > size)
        abort();
    ch_arena_release(&arena);
    if (ch_mem_used(mem) != 0)
        abort();
    ch_mem_close(mem);
    free(text);
    return 0;
}
