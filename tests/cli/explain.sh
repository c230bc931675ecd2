# SPDX-License-Identifier: Apache-2.0
# EXPLAIN's modes: sections, numbers of operators, guesses, and the rows that were counted.
sql="SELECT a, count(*) FROM (SELECT id % 7 AS a FROM range(100000)) WHERE a > 1 GROUP BY a"
for mode in EXTENDED FORMATTED COST CODEGEN; do
    echo "-- $mode"
    chert sql -e "EXPLAIN $mode $sql"
done
echo "-- ANALYZE: rows and operators"
chert sql -e "EXPLAIN ANALYZE $sql" | sed -E 's/^ *([0-9]+) +[0-9]+ +[0-9.]+ +[0-9]+ +[0-9]+  /\1 /'
echo "-- chunks that are refuted"
chert sql -e "CACHE TABLE t AS SELECT * FROM range(100000); EXPLAIN ANALYZE SELECT * FROM t WHERE id >= 99990" |
    sed -E 's/^ *([0-9]+) +[0-9]+ +[0-9.]+ +[0-9]+ +[0-9]+  /\1 /'
