# SPDX-License-Identifier: Apache-2.0
# The same seed takes the same rows of files and of what is kept, however many threads there are.
for format in csv parquet json; do
    echo "INSERT OVERWRITE DIRECTORY '$format' USING $format SELECT /*+ COALESCE(1) */ id FROM range(300000);"
done >make.sql
for format in csv parquet json; do
    [ $format = csv ] && id="CAST(_c0 AS BIGINT)" || id=id
    echo "SELECT '$format', count(*), sum($id) FROM $format.\`$format\` TABLESAMPLE (10 PERCENT) REPEATABLE (7);
        SELECT '$format', 'rand', sum($id) FROM $format.\`$format\` WHERE rand(3) < 0.5;
        CREATE OR REPLACE TEMPORARY VIEW v AS SELECT $id AS id FROM $format.\`$format\`;
        CACHE TABLE v;
        SELECT '$format', 'kept', sum(id) FROM v WHERE rand(5) < 0.1;
        SELECT '$format', 'joined', sum(CAST(a.id * rand(1) AS BIGINT)) FROM v a JOIN (SELECT 5 AS k) b ON a.id % 7 = b.k;
        UNCACHE TABLE v;"
done >query.sql
chert sql -f make.sql
for threads in 1 2 5; do
    chert sql --format csv --threads $threads -f query.sql | grep '^[a-z]*,[a-z0-9]*,[0-9]'
done | sort | uniq -c | awk '{ print $1, $2 }' | cut -d, -f1,2
