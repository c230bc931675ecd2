/* SPDX-License-Identifier: Apache-2.0 */
/* api_cache.c - DataFrames whose rows are kept. */
#include <stdlib.h>

#include "api/handles.h"
#include "session/cache.h"

int chert_df_persist(const chert_df *df, const char *level, chert_error *out)
{
    ch_error err = {0};
    ch_storage_level l = CH_LEVEL_DEFAULT;
    ch_status status;
    if (!df)
        return CH_E_INTERNAL;
    if (level && !ch_storage_level_find(level, &l))
        status = ch_error_set(
            &err, CH_E_INVALID_OPTION, "name", "storageLevel", "value", level, "expected",
            "a level such as MEMORY_AND_DISK, MEMORY_ONLY or DISK_ONLY", (const char *)0);
    else
        status = ch_cache_keep(df->frame, df->frame->rel, l, NULL, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_df_cache(const chert_df *df, chert_error *out)
{
    return chert_df_persist(df, NULL, out);
}

int chert_df_unpersist(const chert_df *df, chert_error *out)
{
    ch_error err = {0};
    if (!df)
        return CH_E_INTERNAL;
    ch_status status = ch_cache_drop(df->frame, df->frame->rel, false, NULL, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}

int chert_df_is_cached(const chert_df *df, chert_error *out)
{
    ch_error err = {0};
    ch_storage_level l = CH_LEVEL_NONE;
    ch_status status =
        df ? ch_cache_level(df->frame, df->frame->rel, &l, &err) : (ch_status)CH_E_INTERNAL;
    (void)chert_error_take(out, &err);
    return status == CH_OK ? l.use_disk || l.use_memory : -1;
}

chert_df *chert_df_checkpoint(const chert_df *df, bool eager, chert_error *out)
{
    ch_error err = {0};
    ch_frame *frame = NULL;
    if (!df)
        return NULL;
    ch_status status =
        ch_cache_checkpoint(df->frame, df->frame->rel, eager, CH_LEVEL_DEFAULT, &frame, &err);
    (void)chert_error_take(out, &err);
    return status == CH_OK ? chert_df_wrap(df->session, frame, out) : NULL;
}

chert_df *chert_session_cached(chert_session *session, chert_error *out)
{
    ch_error err = {0};
    ch_frame *frame;
    if (!session) {
        (void)chert_error_argument(out, "session NULL");
        return NULL;
    }
    ch_status status = ch_frame_new(session->session, NULL, 0, &frame, &err);
    if (status == CH_OK)
        status = ch_cache_show(session->session, frame, &err);
    if (status != CH_OK) {
        ch_frame_unref(frame);
        (void)chert_error_take(out, &err);
        return NULL;
    }
    return chert_df_wrap(session, frame, out);
}

void chert_session_clear_cache(chert_session *session)
{
    if (session)
        ch_cache_clear(session->session);
}
