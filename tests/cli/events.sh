# SPDX-License-Identifier: Apache-2.0
# The counter agrees with Spark, DuckDB and Polars, from plain, packed and divided input.
same() { LC_ALL=C sort "$1" | cmp - <(LC_ALL=C sort "$2") && echo same; }
chert generate events -s 1048576 --seed 42 data 2>/dev/null
chert run events data 2>said
sed 's/in [0-9.]* s, .*/in TIME/' said
same data/result.csv "$ROOT/tests/data/events/counts.csv"
LC_ALL=C sort -c <(tail -n +2 data/result.csv) && echo sorted
ls data | tr '\n' ' '
chert run events -d --out elsewhere data 2>/dev/null
same elsewhere/result.csv data/result.csv
ls elsewhere

mkdir -p packed divided/location
gzip -c data/location.csv >packed/location.csv.gz
zstd -q data/region.csv -o packed/region.csv.zst
chert run events -d --threads 1 --memory 64M packed 2>/dev/null
same packed/result.csv data/result.csv

cp data/region.csv divided
for part in 1 2 3; do
    { head -1 data/location.csv; tail -n +2 data/location.csv | awk "NR % 3 == $part - 1"; } >divided/location/$part.csv
done
chert run events -d divided 2>/dev/null
same divided/result.csv data/result.csv

cp -r "$ROOT/tests/data/events_odd" odd
chmod -R u+w odd
chert run events -d odd 2>&1 | sed 's/in [0-9.]* s, .*/in TIME/'
same odd/result.csv odd/counts.csv

# Folders above those that are written are made.
chert generate events -s 1M new/folders/data 2>/dev/null && chert run events -d --out new/folders/deep/out new/folders/data/ 2>/dev/null
ls new/folders new/folders/deep/out
