/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_fixed.c - which keys a session may not change: StaticSQLConf's, and Spark's own outside of spark.sql, whose
 * ConfigEntry objects make RuntimeConfig refuse them.
 */
#include <string.h>

#include "session/session.h"

static const char *const STATIC[] = {
    "spark.sql.avro.schemaUrlAllowedSchemes",
    "spark.sql.broadcastExchange.maxThreadThreshold",
    "spark.sql.cache.serializer",
    "spark.sql.catalog.spark_catalog.defaultDatabase",
    "spark.sql.catalogImplementation",
    "spark.sql.codegen.cache.maxEntries",
    "spark.sql.event.truncate.length",
    "spark.sql.extensions",
    "spark.sql.filesourceTableRelationCacheSize",
    "spark.sql.globalTempDatabase",
    "spark.sql.kafka.disallowedOptions",
    "spark.sql.metadataCacheTTLSeconds",
    "spark.sql.queryExecutionListeners",
    "spark.sql.reflect.allowList",
    "spark.sql.resultQueryStage.maxThreadThreshold",
    "spark.sql.shuffleExchange.maxThreadThreshold",
    "spark.sql.sources.disabledJdbcConnProviderList",
    "spark.sql.sources.schemaStringLengthThreshold",
    "spark.sql.streaming.streamingQueryListeners",
    "spark.sql.streaming.ui.enabledCustomMetricList",
    "spark.sql.streaming.ui.retainedProgressUpdates",
    "spark.sql.streaming.ui.retainedQueries",
    "spark.sql.subquery.maxThreadThreshold",
    "spark.sql.ui.retainedExecutions",
    "spark.sql.warehouse.dir",
};

/* What stands behind "spark." in the keys of the core. */
static const char CORE[] =
    " acls admin api appStateStore archives authenticate barrier block blockManager broadcast buffer checkpoint cleaner "
    "cores decommission default diskStore driver dynamicAllocation eventLog excludeOnFailure executor extraListeners file "
    "files hadoopRDD history io jars kerberos kryo kryoserializer kubernetes locality log memory metrics modify network "
    "plugins pyspark python rdd reducer redaction resources rpc scheduler security serializer shuffle shutdown "
    "speculation stage standalone storage submit task taskMetrics ui unsafe user worker yarn ";

static bool is_static(const char *key)
{
    for (size_t i = 0; i < sizeof STATIC / sizeof *STATIC; i++)
        if (strcmp(STATIC[i], key) == 0)
            return true;
    return false;
}

static bool is_core(const char *key)
{
    char word[32];
    size_t len = strncmp(key, "spark.", 6) == 0 ? strcspn(key + 6, ".") : 0;
    if (len == 0 || len + 3 > sizeof word)
        return false;
    word[0] = word[len + 1] = ' ';
    memcpy(word + 1, key + 6, len);
    word[len + 2] = 0;
    return strstr(CORE, word) != NULL;
}

ch_status ch_setting_check_change(const char *key, ch_error *err)
{
    if (is_static(key))
        CH_FAIL(err, CANNOT_MODIFY_STATIC_CONFIG, "key", key);
    if (is_core(key))
        CH_FAIL(err, CANNOT_MODIFY_CONFIG, "key", key);
    return CH_OK;
}

bool ch_setting_may_change(const char *key)
{
    return ch_setting_is_known(key) && strncmp(key, "spark.sql.", 10) == 0 && !is_static(key);
}
