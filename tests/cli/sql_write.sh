# SPDX-License-Identifier: Apache-2.0
# INSERT OVERWRITE DIRECTORY writes part files and _SUCCESS; a failed one leaves what was there.
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv OPTIONS (header true) SELECT 1 AS a, 'x' AS b"
ls out | sed 's/part-00000-.*-c000/part-00000/'
cat out/part-*
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT CAST(id AS STRING) / (id - 5) FROM range(10)" 2>/dev/null ||
    echo "exit $?"
cat out/part-*
ls -A
# Several that write to the same folder at once: the last one stays, whole, and none fails.
for i in 1 2 3 4 5 6 7 8; do
    for n in 1 2 3 4; do
        chert sql -e "INSERT OVERWRITE DIRECTORY 'same' USING csv SELECT $n, id FROM range(1000)" || echo failed &
    done
    wait
    cat same/part-* | cut -d, -f1 | uniq -c | awk '{ print $1 }'
    rm -rf same
done | uniq -c | awk '{ print $1, $2 }'
ls -A
