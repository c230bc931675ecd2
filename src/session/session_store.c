/* SPDX-License-Identifier: Apache-2.0 */
/* session_store.c - see session_store.h. */
#include "session/session_store.h"

#include <string.h>
#include <strings.h>

#include "base/redact.h"

static ch_status add_settings(ch_store_context *store, const ch_option_list *list, bool hadoop,
                              ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++)
        if ((strncmp(list->key[i], "spark.hadoop.", 13) == 0) == hadoop)
            CH_TRY(ch_store_set(store, list->key[i], list->value[i], err));
    return CH_OK;
}

static ch_status fill(ch_store_context *store, ch_session *session, const ch_option_list *options,
                      ch_arena *arena, ch_error *err)
{
    ch_option_list changed;
    CH_TRY(ch_session_changed(session, arena, &changed, err));
    CH_TRY(add_settings(store, &changed, true, err));
    CH_TRY(add_settings(store, &changed, false, err));
    if (!options)
        return CH_OK;
    CH_TRY(add_settings(store, options, true, err));
    return add_settings(store, options, false, err);
}

ch_status ch_session_store(ch_session *session, const ch_option_list *options, ch_arena *arena,
                           ch_mem *mem, const _Atomic bool *const *cancel, ch_store_context **out,
                           ch_error *err)
{
    const char *spill;
    *out = NULL;
    CH_TRY(ch_session_get(session, "chert.spill.dir", arena, &spill, err));
    if (!spill || !*spill)
        spill = ch_engine_spill_dir(ch_session_engine(session));
    CH_TRY(ch_store_context_new(mem, spill, cancel, out, err));
    ch_status status = fill(*out, session, options, arena, err);
    if (status != CH_OK) {
        ch_store_context_free(*out);
        *out = NULL;
    }
    return status;
}

const char *ch_session_shown(const char *key, const char *value)
{
    return ch_is_secret(key) || (value && ch_is_secret(value)) ? CH_REDACTED : value;
}
