/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_plan.c - any bytes as the Plan of an ExecutePlan request: read, decompressed, decoded, analyzed and optimized,
 * or refused; never a crash or a leak. Nothing is written. What a plan computes while it is decoded
 * (show, pivot) is cancelled after a while.
 *
 * Seeds are plans of the real client, by tools/plan_corpus.py.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "connect/decode.h"
#include "store/access.h"

#define SESSION "01234567-89ab-cdef-0123-456789abcdef"
#define MOST_MS 500

static _Atomic int64_t round_no;
static _Atomic bool cancel;

/* Cancels what still runs where it ran one tick ago. */
static void *watch(void *arg)
{
    CH_UNUSED(arg);
    for (int64_t last = -1;;) {
        struct timespec tick = {0, MOST_MS * 1000000L};
        int64_t now = atomic_load(&round_no);
        if (now == last)
            atomic_store(&cancel, true);
        last = now;
        nanosleep(&tick, NULL);
    }
    return NULL;
}

static void start_watch(void)
{
    static bool started;
    pthread_t thread;
    if (started)
        return;
    started = true;
    ch_access_read_only();
    if (pthread_create(&thread, NULL, watch, NULL) != 0)
        abort();
    pthread_detach(thread);
}

static void analyze(ch_frame *frame, ch_error *err)
{
    ch_query *query;
    const ch_rel *plan;
    if (ch_query_open(frame, frame->rel, &query, err) == CH_OK)
        (void)!ch_query_optimized(query, &plan, err);
    ch_query_close(query);
}

static void decode(cn_session *session, const uint8_t *data, size_t size, ch_arena *arena)
{
    PB(Plan) * plan, unpacked;
    const PB(Plan) * root;
    ch_frame *frame = NULL;
    ch_error err = {0};
    if (cn_unpack(&PB_DESCRIPTOR(plan), data, size, arena, &plan, &err) == CH_OK &&
        cn_plain_plan(plan, arena, &unpacked, &root, &err) == CH_OK) {
        if (cn_decode_plan(session, root, &frame, &err) == CH_OK)
            analyze(frame, &err);
        ch_frame_unref(frame);
    }
    free(ch_error_text(&err));
    ch_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ch_engine *engine;
    cn_service *service;
    cn_session *session;
    ch_arena arena;
    start_watch();
    atomic_fetch_add(&round_no, 1);
    atomic_store(&cancel, false);
    ch_query_cancel_thread_with(&cancel);
    if (ch_engine_new(128 << 20, 1, NULL, &engine, NULL) != CH_OK ||
        cn_service_new(engine, 3600, 3600, &service, NULL) != CH_OK ||
        cn_session_get(service, NULL, SESSION, NULL, &session, NULL) != CH_OK)
        abort();
    ch_arena_init(&arena, service->mem);
    decode(session, data, size, &arena);
    ch_arena_release(&arena);
    cn_session_unref(session);
    cn_service_cancel(service);
    if (ch_mem_used(ch_engine_mem(engine)) != 0)
        abort();
    cn_service_free(service);
    ch_engine_free(engine);
    return 0;
}
