# SPDX-License-Identifier: Apache-2.0
# Near-earth objects: fetched from the stand-in, merged by backfills, gone on with, added up.
pages() { sed -E 's/[0-9.]+ s(,|$)/TIME\1/'; }
chert run neo serve --port 0 --quiet --objects 130 2>url &
server=$!
for _ in $(seq 100); do [ -s url ] && break; sleep 0.05; done
url=$(sed 's/.* //' url)

echo "== all of them, seven pages, the last one half"
chert run neo fetch --api-url "$url" -o all --limit 200 2>&1 | pages
ls all all/raw
chert sql --format csv -e "
    SELECT count(*), count(DISTINCT id), min(\`batch-number\`), count(closest_approach_date) FROM parquet.\`all/raw\`;
    DESCRIBE TABLE parquet.\`all/raw\`"

echo "== the closest approach is the one with the least distance"
chert sql --format csv -e "
    WITH a AS (SELECT id, closest_approach_miss_distance_km AS km, closest_approach_date AS day, explode(from_json(close_approach_data,
        'array<struct<close_approach_date: string, miss_distance: struct<kilometers: string>>>')) AS a FROM parquet.\`all/raw\`)
    SELECT count(*) AS wrong FROM (SELECT id, km, day, min(double(a.miss_distance.kilometers)) AS least,
        min_by(a.close_approach_date, double(a.miss_distance.kilometers)) AS at FROM a GROUP BY 1, 2, 3) WHERE km <> least OR day <> at"

echo "== a backfill over the middle of pages merges, and loses nothing"
chert sql -e "SELECT id, name FROM parquet.\`all/raw\` ORDER BY id" --format csv >before
chert run neo fetch --api-url "$url" -o all --backfill 15 47 2>&1 | pages
chert sql -e "SELECT id, name FROM parquet.\`all/raw\` ORDER BY id" --format csv | cmp - before && echo same
chert run neo fetch --api-url "$url" -o part --backfill 15 47 2>&1 | pages
chert sql --format csv -e "SELECT \`batch-number\`, count(*), min(id), max(id) FROM parquet.\`part/raw\` GROUP BY 1 ORDER BY 3"
kill "$server"
wait "$server" 2>/dev/null

echo "== a journal of an earlier run: its pages are not fetched again"
chert run neo serve --port 0 --quiet --objects 80 --inject 500=0.15 --inject cut=0.15 --inject broken=0.2 2>url2 &
server=$!
for _ in $(seq 100); do [ -s url2 ] && break; sleep 0.05; done
url=$(sed 's/.* //' url2)
mkdir -p again/.neo
printf 'chert neo fetch, 1: 1 80 %s\ndone 0.\ndone 2.\ndone 3' "$url" >again/.neo/journal
until chert run neo fetch --api-url "$url" -o again --limit 80 --wait 0.01 >said 2>&1; do
    grep -q "FAILED" said || break
done
ls again again/raw
kill "$server"
wait "$server" 2>/dev/null

echo "== objects that do not fit are kept aside, with the reason"
chert run neo serve --port 0 --quiet --objects 20 --inject odd=1 2>url3 &
server=$!
for _ in $(seq 100); do [ -s url3 ] && break; sleep 0.05; done
chert run neo fetch --api-url "$(sed 's/.* //' url3)" -o odd --limit 20 2>&1 | pages
sed -E 's/,"reply".*//' odd/rejected/page-000001.json
kill "$server"
wait "$server" 2>/dev/null

echo "== a wrong key ends the run; the key is not told"
chert run neo serve --port 0 --quiet --api-key right 2>url4 &
server=$!
for _ in $(seq 100); do [ -s url4 ] && break; sleep 0.05; done
url=$(sed 's/.* //' url4)
API_KEY=secretwrong chert run neo fetch --api-url "$url" -o wrong --limit 40 >said 2>&1 || echo "exit code $?"
sed "s|$url|URL|" said | pages
printf '# a key\nexport API_KEY="right"\nOUTPUT_DIR=from_env\nLOG_LEVEL=WARNING\n' >.env
chert run neo fetch --api-url "$url" --limit 20 2>&1 | pages
kill "$server"
wait "$server" 2>/dev/null
chert run neo fetch --api-url http://127.0.0.1:1 -o nobody --limit 1 --wait 0.01 >said 2>&1 || echo "exit code $?"
grep -c "tried 5 times" said

echo "== added up as Spark does"
chert generate neo -n 400 gen 2>&1 | pages
chert run neo aggregate --start_batch 35 --end_batch 385 --input_dir gen --output_dir sums >said 2>told
grep '^[+|]' said | cmp - "$ROOT/tests/data/neo/aggregates.txt" && echo same
cat told
chert sql --format csv -e "SELECT count(*) > 100 AS years, sum(if(metric LIKE '%year%', value, 0)) = max(if(metric LIKE '%under%', value, 0)) AS adds_up
    FROM parquet.\`sums/aggregations/batches-35-385\`"
chert run neo aggregate --start_batch 9 --end_batch 3 --input_dir gen 2>&1 || echo "exit code $?"
