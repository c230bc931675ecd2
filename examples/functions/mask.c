/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.c - a SQL function in a shared object: mask_card(number, keep) puts stars in place of all characters but the
 * last `keep`.
 *
 *   cc -shared -fPIC mask.c $(pkg-config --cflags chert) -o libmask.so
 *   CREATE TEMPORARY FUNCTION mask_card AS 'mask_card' USING FILE 'libmask.so';
 *   SELECT mask_card('4929 1234 5678', 4);      **********5678
 */
#include <stdio.h>

#include <chert/function.h>

/* Text i of a column is bytes [offset[i], offset[i + 1]) of buffers[2]. */
static int mask(chert_function_call *call)
{
    const int32_t *from = (const int32_t *)call->arg[0]->buffers[1];
    const char *text = (const char *)call->arg[0]->buffers[2];
    const int32_t *keep = (const int32_t *)call->arg[1]->buffers[1];
    int32_t total = from[call->rows];
    int32_t *to = (int32_t *)chert_function_result(call, sizeof *to, total + 1);
    if (!to)
        return 1;
    char *out = (char *)(uintptr_t)call->result->buffers[2];
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t len = from[i + 1] - from[i];
        to[i + 1] = to[i] + len;
        if (chert_function_is_null(call->arg[0], i) || chert_function_is_null(call->arg[1], i))
            continue; /* Chert makes it NULL */
        if (keep[i] < 0) {
            snprintf(call->message, call->message_bytes, "keep is %d", (int)keep[i]);
            return 1;
        }
        int32_t stars = len > keep[i] ? len - keep[i] : 0;
        memset(out + to[i], '*', (size_t)stars);
        if (len > stars)
            memcpy(out + to[i] + stars, text + from[i] + stars, (size_t)(len - stars));
    }
    return 0;
}

CHERT_FUNCTION_EXPORT chert_function_entry mask_card;
int mask_card(chert_function *out, char *message, size_t message_bytes)
{
    (void)message, (void)message_bytes;
    *out = (chert_function){.struct_bytes = sizeof *out,
                            .flags = CHERT_FUNCTION_NULL_PROPAGATES,
                            .arguments = "STRING, INT",
                            .returns = "STRING",
                            .comment =
                                "mask_card(text, keep) - stars for all but the last `keep` bytes.",
                            .evaluate = mask};
    return 0;
}
