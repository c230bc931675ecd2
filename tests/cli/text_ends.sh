# SPDX-License-Identifier: Apache-2.0
# The last line of a text needs no line end, whatever the size of the file and whatever stands behind it in memory.
for n in 1 7 4000 100000; do
    yes 'a line' | head -n "$n" | head -c -1 >lf.txt
    yes 'a line' | head -n "$n" | tr '\n' '\r' | head -c -1 >cr.txt
    yes '{"a":1}' | head -n "$n" | tr '\n' '\r' | head -c -1 >cr.json
    chert sql --format csv -e "SELECT count(*), max(value) FROM text.\`lf.txt\`" | tail -1
    chert sql --format csv -e "SELECT count(*), max(value) FROM text.\`cr.txt\`" | tail -1
    chert sql --format csv -e "SELECT count(*), sum(a) FROM json.\`cr.json\`" | tail -1
done
