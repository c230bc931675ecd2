# SPDX-License-Identifier: Apache-2.0
# One result in every format.
sql="SELECT 1 AS n, 'a,\"b\"' AS text, CAST(NULL AS INT) AS nothing UNION ALL SELECT 2, 'é\n', 3"
for format in table csv json markdown vertical; do
    echo "-- $format"
    chert sql --format $format -e "$sql"
done
echo "-- two results in markdown; a plan as text"
chert sql --format markdown -e 'SELECT 1 AS a; SELECT 2 AS b'
chert sql -e 'EXPLAIN SELECT id FROM range(10) WHERE id > 3; SELECT 1 AS a'
