# SPDX-License-Identifier: Apache-2.0
# Statements from -e, -f and stdin, in order; comments and quoted ; are respected.
cat >two.sql <<'SQL'
-- a comment; with a semicolon
SELECT 'one;two' AS a; /* another; one */

SELECT 3 AS b
SQL
chert sql --format csv -e 'SELECT 0 AS z' -f two.sql -e 'SELECT 4 AS c; SELECT 5 AS d;'
echo 'SELECT 6 AS e;' | chert sql --format csv
echo 'SELECT 7 AS f' | chert sql --format csv -f -
chert sql --format csv -e ' ; -- nothing' </dev/null
chert sql --format csv --set spark.sql.ansi.enabled=false -e 'SET spark.sql.ansi.enabled; SELECT 1 / 0 AS x'
# A byte order mark is skipped; a file with a NUL is refused as a whole, not run up to there.
printf '\xef\xbb\xbfSELECT 8 AS g' >mark.sql
chert sql --format csv -f mark.sql
printf 'SELECT 9 AS h;\0 SELECT 10' >nul.sql
chert sql --format csv -f nul.sql 2>&1 || echo "exit $?"
# A link that leads nowhere is no file, as in Spark.
mkdir links && echo 11 >links/a.csv && ln -s nowhere links/b.csv
chert sql --format csv -e 'SELECT * FROM csv.`links`'
