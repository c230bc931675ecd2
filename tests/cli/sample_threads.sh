# SPDX-License-Identifier: Apache-2.0
# The same seed takes the same rows of files and of what is kept, however many threads there are and however large batches are.
for format in csv parquet json; do
    chert sql -e "INSERT OVERWRITE DIRECTORY '$format' USING $format SELECT /*+ COALESCE(1) */ id FROM range(700000)"
done
query() { # format, column
    chert sql --format csv "${@:3}" -e "SELECT '$1', count(*), sum(CAST($2 AS BIGINT)) FROM $1.\`$1\` TABLESAMPLE (10 PERCENT) REPEATABLE (7);
        SELECT '$1', 'rand', sum(CAST($2 AS BIGINT)) FROM $1.\`$1\` WHERE rand(3) < 0.5;
        CREATE TEMPORARY VIEW v AS SELECT CAST($2 AS BIGINT) AS id FROM $1.\`$1\`; CACHE TABLE v;
        SELECT '$1', 'kept', sum(id) FROM v WHERE rand(5) < 0.1;
        SELECT '$1', 'joined', sum(CAST(a.id * rand(1) AS BIGINT)) FROM v a JOIN (SELECT 5 AS k) b ON a.id % 7 = b.k" | grep ,
}
for options in "--threads 1" "--threads 2" "--threads 3" "--threads 7"; do
    query csv _c0 $options
    query parquet id $options
    query json id $options
done | sort | uniq -c | awk '{ print $1, $2 }' | cut -d, -f1,2
