/* SPDX-License-Identifier: Apache-2.0 */
/* s3_xml.c - replies by libxml2: no network, no entities, and no document type at all. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/s3.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    xmlInitParser();
}

/* Text that is not in the encoding it says is told to stderr, else, whatever the options are. */
static void ignore(void *user, xmlErrorPtr error)
{
    CH_UNUSED(user);
    CH_UNUSED(error);
}

void ch_s3_xml_parse(const ch_buf *body, void **doc)
{
    *doc = NULL;
    pthread_once(&once, start);
    if (body->len == 0 || body->len > INT32_MAX)
        return;
    xmlSetStructuredErrorFunc(NULL, ignore); /* the thread's */
    xmlDocPtr d = xmlReadMemory(body->data, (int)body->len, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                    XML_PARSE_NOCDATA);
    if (d && (d->intSubset || d->extSubset)) {
        xmlFreeDoc(d);
        d = NULL;
    }
    *doc = d;
}

void ch_s3_xml_free(void *doc)
{
    if (doc)
        xmlFreeDoc(doc);
}

void *ch_s3_xml_root(void *doc)
{
    return doc ? xmlDocGetRootElement(doc) : NULL;
}

static void *element(xmlNodePtr node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

void *ch_s3_xml_child(void *node)
{
    return node ? element(((xmlNodePtr)node)->children) : NULL;
}

void *ch_s3_xml_next(void *node)
{
    return element(((xmlNodePtr)node)->next);
}

bool ch_s3_xml_is(const void *node, const char *name)
{
    return node && strcmp((const char *)((const xmlNode *)node)->name, name) == 0;
}

/* The node's text, or its child's; NULL: it is not there. Freed by xmlBufferFree. */
static xmlBufferPtr content(void *node, const char *name)
{
    if (name) {
        node = ch_s3_xml_child(node);
        while (node && !ch_s3_xml_is(node, name))
            node = ch_s3_xml_next(node);
    }
    xmlBufferPtr text = node ? xmlBufferCreate() : NULL;
    if (text)
        xmlNodeBufGetContent(text, node);
    return text;
}

static const char *text_of(xmlBufferPtr text)
{
    const xmlChar *bytes = text ? xmlBufferContent(text) : NULL;
    return bytes ? (const char *)bytes : "";
}

char *ch_s3_xml_value(void *node, const char *name, char *out, size_t size)
{
    xmlBufferPtr text = content(node, name);
    snprintf(out, size, "%s", text_of(text));
    xmlBufferFree(text);
    return out;
}

char *ch_s3_xml_arena(void *node, const char *name, ch_arena *arena, ch_error *err)
{
    xmlBufferPtr text = content(node, name);
    char *copy = ch_arena_str(arena, text_of(text), err);
    xmlBufferFree(text);
    return copy;
}

int64_t ch_s3_time(const char *text)
{
    struct tm tm = {0};
    int ms = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return -1;
    if (rest[0] == '.' && sscanf(rest, ".%3d", &ms) != 1)
        ms = 0;
    return (int64_t)timegm(&tm) * 1000000 + ms * 1000;
}
