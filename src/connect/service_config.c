/* SPDX-License-Identifier: Apache-2.0 */
/* service_config.c - Config: reading and setting a session's configuration. */
#include <string.h>

#include "base/log.h"
#include "connect/service.h"

/* Names a key that changes nothing in the log, once. */
static void tell_unknown(cn_service *service, const char *key)
{
    if (ch_setting_is_known(key) || ch_log_get_level() > CH_LOG_INFO)
        return;
    bool told = false;
    pthread_mutex_lock(&service->lock);
    for (int i = 0; i < service->n_told; i++)
        told |= strcmp(service->told[i], key) == 0;
    char *copy = told || service->n_told == CN_TOLD_KEYS ? NULL : strdup(key);
    if (copy)
        service->told[service->n_told++] = copy;
    pthread_mutex_unlock(&service->lock);
    if (copy)
        CH_LOG(INFO, "connect", "setting without effect", "key", key);
}

/* value NULL: the key alone. */
static ch_status add_pair(PB(ConfigResponse) * r, ch_arena *arena, const char *key,
                          const char *value, ch_error *err)
{
    PB(KeyValue) * pair;
    PB_NEW(pair, arena, spark__connect__key_value__init, err);
    pair->key = (char *)(uintptr_t)key;
    pair->value = (char *)(uintptr_t)value;
    r->pairs[r->n_pairs++] = pair;
    return CH_OK;
}

static ch_status need_room(PB(ConfigResponse) * r, ch_arena *arena, size_t n, ch_error *err)
{
    CH_ARENA_ARRAY(r->pairs, arena, n + 1, err);
    return CH_OK;
}

static ch_status get(cn_session *s, char **key, size_t n, bool must_be, PB(ConfigResponse) * r,
                     ch_arena *arena, ch_error *err)
{
    CH_TRY(need_room(r, arena, n, err));
    for (size_t i = 0; i < n; i++) {
        const char *value;
        CH_TRY(ch_session_get(s->session, key[i], arena, &value, err));
        if (!value && must_be)
            CH_FAIL(err, SQL_CONF_NOT_FOUND, "sqlConf", key[i]);
        CH_TRY(add_pair(r, arena, key[i], value, err));
    }
    return CH_OK;
}

/* The given default comes before the setting's own. */
static ch_status get_with_default(cn_session *s, const PB(ConfigRequest__GetWithDefault) * wanted,
                                  PB(ConfigResponse) * r, ch_arena *arena, ch_error *err)
{
    ch_option_list changed;
    CH_TRY(ch_session_changed(s->session, arena, &changed, err));
    CH_TRY(need_room(r, arena, wanted->n_pairs, err));
    for (size_t i = 0; i < wanted->n_pairs; i++) {
        const PB(KeyValue) *pair = wanted->pairs[i];
        const char *value = pair->value;
        for (int32_t k = 0; k < changed.n; k++)
            if (strcmp(changed.key[k], pair->key) == 0)
                value = changed.value[k];
        CH_TRY(add_pair(r, arena, pair->key, value, err));
    }
    return CH_OK;
}

/* What was set, and what Spark's applications have anyway; not the defaults of others, as in Spark. */
static ch_status get_all(cn_session *s, const char *prefix, PB(ConfigResponse) * r, ch_arena *arena,
                         ch_error *err)
{
    static const char *const ALWAYS[] = {
        "spark.app.id", "spark.app.name",          "spark.driver.host",      "spark.executor.id",
        "spark.master", "spark.sql.warehouse.dir", "spark.submit.deployMode"};
    enum { N = sizeof ALWAYS / sizeof *ALWAYS };
    ch_option_list changed;
    size_t len = prefix ? strlen(prefix) : 0;
    CH_TRY(ch_session_changed(s->session, arena, &changed, err));
    CH_TRY(need_room(r, arena, N + (size_t)changed.n, err));
    for (size_t i = 0; i < N + (size_t)changed.n; i++) {
        bool always = i < N;
        const char *key = always ? ALWAYS[i] : changed.key[i - N], *value;
        bool twice = false;
        for (int32_t k = 0; always && k < changed.n; k++)
            twice |= strcmp(changed.key[k], key) == 0;
        if (twice || (len && strncmp(key, prefix, len) != 0))
            continue;
        CH_TRY(ch_session_get(s->session, key, arena, &value, err));
        if (value)
            CH_TRY(add_pair(r, arena, key + len, value, err));
    }
    return CH_OK;
}

ch_status cn_config(cn_session *s, const PB(ConfigRequest) * request, PB(ConfigResponse) * r,
                    ch_arena *arena, ch_error *err)
{
    const PB(ConfigRequest__Operation) *op = request->operation;
    if (!op)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a Config request has no operation");
    switch (op->op_type_case) {
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_SET:
        for (size_t i = 0; i < op->set->n_pairs; i++) {
            const PB(KeyValue) *pair = op->set->pairs[i];
            if (!op->set->silent)
                CH_TRY(ch_setting_check_change(pair->key, err));
            CH_TRY(ch_session_set(s->session, pair->key, pair->value ? pair->value : "", err));
            tell_unknown(s->service, pair->key);
        }
        return CH_OK;
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET:
        return get(s, op->get->keys, op->get->n_keys, true, r, arena, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_OPTION:
        return get(s, op->get_option->keys, op->get_option->n_keys, false, r, arena, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_WITH_DEFAULT:
        return get_with_default(s, op->get_with_default, r, arena, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_ALL:
        return get_all(s, op->get_all->prefix, r, arena, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_UNSET:
        for (size_t i = 0; i < op->unset->n_keys; i++) {
            CH_TRY(ch_setting_check_change(op->unset->keys[i], err));
            CH_TRY(ch_session_set(s->session, op->unset->keys[i], NULL, err));
        }
        return CH_OK;
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_IS_MODIFIABLE:
        CH_TRY(need_room(r, arena, op->is_modifiable->n_keys, err));
        for (size_t i = 0; i < op->is_modifiable->n_keys; i++) {
            const char *key = op->is_modifiable->keys[i];
            CH_TRY(add_pair(r, arena, key, ch_setting_may_change(key) ? "true" : "false", err));
        }
        return CH_OK;
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a Config request's operation is of no kind");
    }
}
