# SPDX-License-Identifier: Apache-2.0
# INSERT OVERWRITE DIRECTORY writes part files and _SUCCESS; a failed one leaves what was there.
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv OPTIONS (header true) SELECT 1 AS a, 'x' AS b"
ls out | sed 's/part-00000-.*-c000/part-00000/'
cat out/part-*
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT CAST(id AS STRING) / (id - 5) FROM range(10)" 2>/dev/null ||
    echo "exit $?"
cat out/part-*
ls -A
