# SPDX-License-Identifier: Apache-2.0
# A plan says which aggregates are the database's to compute.
chert sql -e "CREATE TABLE t USING jdbc OPTIONS (url 'jdbc:sqlite:e.db', dbtable 't') AS SELECT CAST(id % 3 AS STRING) AS k, CAST(id AS INT) AS n FROM range(10)"
view="CREATE TEMP VIEW v USING jdbc OPTIONS (url 'jdbc:sqlite:e.db', dbtable 't'"
plan() { chert sql -e "$1" | grep -o 'JDBCRelation.*' | sed 's/#[0-9]*L*//g'; }
plan "$view); EXPLAIN SELECT k, count(*), max(n) FROM v WHERE n > 1 GROUP BY k"
plan "$view); EXPLAIN SELECT count(n) FROM v"
plan "$view); EXPLAIN SELECT k, sum(n) FROM v GROUP BY k"
plan "$view, pushDownAggregate 'false'); EXPLAIN SELECT count(*) FROM v"
plan "$view, partitionColumn 'n', lowerBound '0', upperBound '10', numPartitions '2'); EXPLAIN SELECT min(n) FROM v"
