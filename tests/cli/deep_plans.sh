# SPDX-License-Identifier: Apache-2.0
# Long and deep statements: as many parts as programs make, on the smallest of stacks, and an error far beyond.
repeat() { # N TEXT: the text N times, with the number in place of #
    awk -v n="$1" -v text="$2" 'BEGIN { k = split(text, part, "#"); for (i = 1; i <= n; i++) { printf "%s", part[1]; for (j = 2; j <= k; j++) printf "%d%s", i, part[j] } }'
}
run() {
    chert sql --format csv -f q.sql 2>error >out && true
    echo "$1: $(tail -n 1 out | tail -c 40)$(grep -oE '^(q.sql:[0-9]*: )?error: \[[A-Z_.]*\]' error | sed 's/.*error: //')"
}
ulimit -s 512
t="CREATE TEMP VIEW t AS SELECT id, CAST(id AS STRING) s FROM range(100);"

echo "SELECT count(*), sum(x) FROM (SELECT 0 x $(repeat 1000 ' UNION ALL SELECT # x'))" >q.sql && run union
echo "$t SELECT sum(id $(repeat 1000 ' + id')) FROM t" >q.sql && run sum
echo "$t SELECT max(length(s $(repeat 1000 ' || s'))) FROM t" >q.sql && run concat
echo "$t SELECT count(*) FROM t WHERE id = 0 $(repeat 3000 ' OR id = #')" >q.sql && run or
echo "$t FROM t $(repeat 1000 ' |> WHERE id <> #') |> AGGREGATE count(*)" >q.sql && run filters
echo "$t FROM t $(repeat 500 ' |> EXTEND id + # AS c#') |> AGGREGATE sum(c500)" >q.sql && run columns
echo "$t SELECT sum(CASE id $(repeat 5000 ' WHEN # THEN 2') ELSE 1 END) FROM t" >q.sql && run case
echo "$t SELECT count(*) FROM t WHERE id IN (0 $(repeat 100000 ', #'))" >q.sql && run in
echo "SELECT sum(col1) FROM VALUES (0) $(repeat 100000 ', (#)')" >q.sql && run values
echo "SELECT greatest(0 $(repeat 40000 ', #')) g" >q.sql && run greatest
echo "WITH c0 AS (SELECT 0 x) $(seq 500 | awk '{ printf ", c%d AS (SELECT x + 1 x FROM c%d)", $1, $1 - 1 }') SELECT * FROM c500" >q.sql && run with
echo "$t SELECT count(*) FROM t t0 $(seq 100 | awk '{ printf ", t t%d", $1 }') WHERE true $(seq 100 | awk '{ printf " AND t%d.id = t%d.id", $1, $1 - 1 }')" >q.sql && run joins
echo "SELECT $(repeat 300 '(1 + ') 1 $(repeat 300 ')') x" >q.sql && run parentheses
echo "SELECT $(repeat 100 '(SELECT # + ') 1 $(repeat 100 ')') x" >q.sql && run subqueries

echo "SELECT 1 $(repeat 10000 ' + #')" >q.sql && run 'sum of 10000'
echo "SELECT 0 x $(repeat 10000 ' UNION ALL SELECT # x')" >q.sql && run 'union of 10000'
echo "SELECT $(repeat 10000 '(') 1 $(repeat 10000 ')')" >q.sql && run '10000 parentheses'
echo "SELECT $(repeat 10000 'NOT ') true" >q.sql && run '10000 negations'
