# SPDX-License-Identifier: Apache-2.0
# A document of 100 MB on one line is read in 256 MiB, as a line and as a file; what cannot be held says so.
mkdir text list
{ printf '{"a":"'; head -c 100000000 /dev/zero | tr '\0' x; printf '","b":{"c":[1,2]}}\n{"b":{"c":[3]}}\n'; } >text/a.json
{ printf '{"b":{"c":[1'; yes ,2 | head -n 50000000 | tr -d '\n'; printf ']}}\n'; } >list/a.json
for whole in false true; do
    view="CREATE TEMP VIEW v(a STRING, b STRUCT<c: ARRAY<INT>>) USING json OPTIONS (multiLine '$whole', path"
    chert sql --memory 256M --threads 2 --format csv -e "$view 'text'); SELECT length(a), b.c FROM v"
    chert sql --memory 256M --threads 2 --format csv -e "$view 'text'); SELECT b.c FROM v"
    chert sql --memory 256M --threads 2 --format csv -e "$view 'list'); SELECT size(b.c) FROM v" 2>&1 | sed 's/[0-9][0-9]*/N/g'
done
chert sql --memory 256M --threads 2 --format csv -e "DESCRIBE json.\`text\`"
