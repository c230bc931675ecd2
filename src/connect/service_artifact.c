/* SPDX-License-Identifier: Apache-2.0 */
/* service_artifact.c - AddArtifacts: what clients upload, in one message or in many chunks. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "connect/decode.h"
#include "session/python_session.h"

#define MOST_ARTIFACT_BYTES (INT64_C(4) << 30)

typedef struct upload {
    cn_service *service;
    cn_session *session;
    ch_arena arena; /* of the answer */
    PB(AddArtifactsResponse) response;
    size_t cap;
    /* The chunked artifact under way: */
    const char *name;
    ch_buffer *bytes;
    int64_t at, chunks_left;
    bool good;
} upload;

static ch_status summarize(upload *u, const char *name, bool good, ch_error *err)
{
    PB(AddArtifactsResponse__ArtifactSummary) * s;
    if (u->response.n_artifacts == u->cap) {
        PB(AddArtifactsResponse__ArtifactSummary) * *more;
        CH_ARENA_ARRAY(more, &u->arena, u->cap * 2 + 8, err);
        if (u->cap)
            memcpy(more, u->response.artifacts, sizeof *more * u->cap);
        u->response.artifacts = more;
        u->cap = u->cap * 2 + 8;
    }
    PB_NEW(s, &u->arena, spark__connect__add_artifacts_response__artifact_summary__init, err);
    s->name = (char *)(uintptr_t)name;
    s->has_is_crc_successful = 1;
    s->is_crc_successful = good;
    u->response.artifacts[u->response.n_artifacts++] = s;
    return CH_OK;
}

static bool crc_fits(const PB(AddArtifactsRequest__ArtifactChunk) * c)
{
    return crc32(0, c->data.data, (uInt)c->data.len) == (uint32_t)c->crc;
}

static bool is_below(const char *name, const char *folder)
{
    return strncmp(name, folder, strlen(folder)) == 0;
}

static ch_status keep(upload *u, const char *name, ch_buffer *bytes, bool good, ch_error *err)
{
    if (is_below(name, "archives/"))
        CN_UNSUPPORTED(err, "An uploaded archive (addArtifacts with archive=True)");
    if (is_below(name, "forward_to_fs/"))
        CN_UNSUPPORTED(err, "Copying a client's file to the server (copyFromLocalToFs)");
    if (good)
        CH_TRY(cn_session_put_artifact(u->session, name, bytes, err));
    if (good && (is_below(name, "pyfiles/") || is_below(name, "files/")))
        CH_TRY(ch_python_add_file(u->session->session, name, bytes->data, bytes->bytes, err));
    return summarize(u, name, good, err);
}

static ch_status copy_name(upload *u, const char *name, const char **out, ch_error *err)
{
    *out = ch_arena_str(&u->arena, name ? name : "", err);
    if (!*out)
        return CH_E_MEMORY;
    if (!**out || **out == '/' || strstr(*out, ".."))
        CH_FAIL(err, INVALID_ARTIFACT_NAME, "name", *out);
    return CH_OK;
}

static ch_status take_single(upload *u, const PB(AddArtifactsRequest__SingleChunkArtifact) * a,
                             ch_error *err)
{
    const char *name;
    ch_buffer *bytes;
    CH_TRY(copy_name(u, a->name, &name, err));
    if (!a->data)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an artifact has no data");
    CH_TRY(ch_buffer_new(ch_session_mem(u->session->session), (int64_t)a->data->data.len, &bytes,
                         err));
    if (a->data->data.len)
        memcpy(bytes->data, a->data->data.data, a->data->data.len);
    ch_status status = keep(u, name, bytes, crc_fits(a->data), err);
    ch_buffer_unref(bytes);
    return status;
}

static ch_status take_chunk(upload *u, const PB(AddArtifactsRequest__ArtifactChunk) * c,
                            ch_error *err)
{
    if (!u->bytes || !c || u->chunks_left <= 0 || (int64_t)c->data.len > u->bytes->bytes - u->at)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "a chunk of an artifact does not belong to what was begun");
    if (c->data.len)
        memcpy(u->bytes->data + u->at, c->data.data, c->data.len);
    u->at += (int64_t)c->data.len;
    u->good &= crc_fits(c);
    if (--u->chunks_left > 0)
        return CH_OK;
    ch_status status = keep(u, u->name, u->bytes, u->good && u->at == u->bytes->bytes, err);
    ch_buffer_unref(u->bytes);
    u->bytes = NULL;
    return status;
}

static ch_status begin_chunks(upload *u, const PB(AddArtifactsRequest__BeginChunkedArtifact) * b,
                              ch_error *err)
{
    if (u->bytes)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "an artifact begins before the last one ended");
    if (b->total_bytes < 0 || b->total_bytes > MOST_ARTIFACT_BYTES || b->num_chunks < 1)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an artifact's size makes no sense");
    CH_TRY(copy_name(u, b->name, &u->name, err));
    CH_TRY(ch_buffer_new(ch_session_mem(u->session->session), b->total_bytes, &u->bytes, err));
    u->at = 0;
    u->chunks_left = b->num_chunks;
    u->good = true;
    return take_chunk(u, b->initial_chunk, err);
}

static ch_status take_message(upload *u, const uint8_t *data, size_t len, ch_error *err)
{
    PB(AddArtifactsRequest) * m;
    ch_arena arena;
    ch_arena_init(&arena, u->service->mem);
    ch_status status = cn_unpack(&PB_DESCRIPTOR(add_artifacts_request), data, len, &arena, &m, err);
    if (status == CH_OK && !u->session)
        status = cn_session_get(u->service, m->user_context, m->session_id,
                                m->client_observed_server_side_session_id, &u->session, err);
    if (status == CH_OK) {
        switch (m->payload_case) {
        case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BATCH:
            for (size_t i = 0; i < m->batch->n_artifacts && status == CH_OK; i++)
                status = take_single(u, m->batch->artifacts[i], err);
            break;
        case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BEGIN_CHUNK:
            status = begin_chunks(u, m->begin_chunk, err);
            break;
        case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_CHUNK:
            status = take_chunk(u, m->chunk, err);
            break;
        default:
            break;
        }
    }
    ch_arena_release(&arena);
    return status;
}

static ch_status take_all(upload *u, ch_grpc_call *call, ch_error *err)
{
    for (;;) {
        const uint8_t *data;
        size_t len;
        CH_TRY(ch_grpc_receive(call, &data, &len, err));
        if (!data)
            break;
        CH_TRY(take_message(u, data, len, err));
    }
    if (u->bytes)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an artifact ends before all its chunks came");
    return CH_OK;
}

void cn_add_artifacts(cn_service *service, ch_grpc_call *call)
{
    upload u = {.service = service};
    ch_error err = {0};
    ch_buffer *bytes;
    ch_arena_init(&u.arena, service->mem);
    spark__connect__add_artifacts_response__init(&u.response);
    ch_status status = take_all(&u, call, &err);
    if (status == CH_OK && u.session) {
        u.response.session_id = u.session->id;
        u.response.server_side_session_id = u.session->server_id;
    }
    if (status == CH_OK)
        status = cn_pack(&u.response, service->mem, &bytes, &err);
    if (status == CH_OK) {
        ch_grpc_send(call, bytes);
        ch_buffer_unref(bytes);
        ch_grpc_finish(call, CH_GRPC_OK, NULL, NULL, 0);
    } else {
        cn_finish_failed(call, u.session, service->mem, &err);
    }
    ch_buffer_unref(u.bytes);
    ch_arena_release(&u.arena);
    cn_session_unref(u.session);
}
