# SPDX-License-Identifier: Apache-2.0
# One result in every format.
sql="SELECT 1 AS n, 'a,\"b\"' AS text, CAST(NULL AS INT) AS nothing UNION ALL SELECT 2, 'é\n', 3"
for format in table csv json markdown vertical; do
    echo "-- $format"
    chert sql --format $format -e "$sql"
done
