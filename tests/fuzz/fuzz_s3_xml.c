/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_s3_xml.c - what a server of S3 answers: listings, and the small replies whose values are looked for.
 *
 *   input   length of the prefix (byte, mod 8), the prefix, then the body
 */
#include <stdlib.h>
#include <string.h>

#include "store/s3.h"

#define MUST(condition)       \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every object of a listing promises. */
static ch_status look(void *user, const ch_s3_object *o, ch_error *err)
{
    const char *prefix = user;
    CH_UNUSED(err);
    MUST(strncmp(o->key, prefix, strlen(prefix)) == 0);
    MUST(o->is_folder || o->bytes >= 0);
    MUST(!o->etag || *o->etag);
    return CH_OK;
}

static void look_for_values(const ch_buf *body)
{
    char text[32];
    void *doc, *root;
    ch_s3_xml_parse(body, &doc);
    root = ch_s3_xml_root(doc);
    for (void *n = ch_s3_xml_child(root); n; n = ch_s3_xml_next(n)) {
        (void)ch_s3_xml_is(n, "Upload");
        ch_s3_xml_value(n, "UploadId", text, sizeof text);
        ch_s3_xml_value(n, NULL, text, sizeof text);
        MUST(strlen(text) < sizeof text);
        (void)ch_s3_time(text);
    }
    ch_s3_xml_value(root, "Code", text, sizeof text);
    ch_s3_xml_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char prefix[8] = "";
    if (size < 9 || size > 1 << 16)
        return 0;
    ch_mem *mem = ch_mem_new(NULL, "fuzz", (int64_t)1 << 30);
    ch_buf body;
    bool more;
    ch_s3_place place = {.path = "s3a://bucket/key", .key = "key"};
    memcpy(prefix, data + 1, data[0] % sizeof prefix);
    ch_buf_init(&body, mem);
    if (ch_buf_add(&body, data + 8, size - 8, NULL) != CH_OK ||
        ch_buf_addc(&body, 0, NULL) != CH_OK)
        abort();
    body.len--;
    (void)!ch_s3_read_listing(&place, prefix, &body, look, prefix, &more, NULL);
    look_for_values(&body);
    ch_buf_release(&body);
    MUST(ch_mem_used(mem) == 0);
    ch_mem_close(mem);
    return 0;
}
