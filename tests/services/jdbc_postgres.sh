# SPDX-License-Identifier: Apache-2.0
# needs: postgres
# PostgreSQL by JDBC URL: types, options, parallel reads, writing, errors.
url=jdbc:postgresql://127.0.0.1:5442/chert
export PGPASSWORD=chert-pw
sql() { psql -q -h 127.0.0.1 -p 5442 -U chert -d chert -P pager=off "$@"; }
view() { # NAME TABLE [OPTION...]: CREATE VIEW
    local name=$1 table=$2
    shift 2
    echo "CREATE TEMP VIEW $name USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable '$table'${*:+, $*});"
}
run() { "$CHERT" sql "$@" 2>&1; }

sql 2>/dev/null <<'END'
CREATE EXTENSION IF NOT EXISTS hstore;
DROP TABLE IF EXISTS types, arrays, odd, big, made, "odd ""name";
DROP DOMAIN IF EXISTS small;
DROP TYPE IF EXISTS mood;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN small AS NUMERIC(6,2);
CREATE TABLE types (
  b BOOLEAN, i2 SMALLINT, i4 INTEGER, i8 BIGINT, o OID, f4 REAL, f8 DOUBLE PRECISION, n NUMERIC, n2 NUMERIC(20,4), m MONEY,
  c CHAR(5), v VARCHAR(20), t TEXT, by BYTEA, d DATE, tm TIME, ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL, u UUID, j JSON,
  jb JSONB, x XML, ip INET, bit1 BIT(1), bit4 BIT(4), vb VARBIT, e mood, dm small, h HSTORE, p POINT);
INSERT INTO types VALUES
 (true, -32768, -2147483648, -9223372036854775808, 4294967295, 3.14159, 2.718281828459045, 12345678901234567890.123456789,
  -1234567890123456.7891, 1234.5, 'ab', 'grüße 🎉', 'long text that needs more than twelve bytes', '\xdeadbeef', '2024-02-29',
  '23:59:59.5', '1999-12-31 23:59:59.999999', '2024-02-29 12:34:56.123456+02', '1 year 2 days 03:04:05',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"b": [1, 2]}', '<a/>', '10.0.0.1/8', B'1', B'1010', B'101', 'glad',
  1234.5, 'k=>v', '(1,2)'),
 (NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0.00001, NULL, NULL, NULL, NULL, NULL, 'infinity', NULL, '-infinity', NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE arrays (a INT[], t TEXT[], n NUMERIC(10,2)[], d DATE[], u UUID[], b BOOLEAN[]);
INSERT INTO arrays VALUES
 ('{1,2,NULL}', '{"a b",NULL,"q\"\\"}', '{1.5,-2}', '{2024-01-01}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{t,f}'),
 ('{}', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE "odd ""name" ("a b" INT, "x""; DROP TABLE types; --" TEXT);
INSERT INTO "odd ""name" VALUES (1, 'it''s'), (2, 'back\slash'), (3, NULL);
CREATE TABLE big AS SELECT i AS id, 'name ' || i AS name, DATE '2024-01-01' + i / 100 AS d FROM generate_series(1, 50000) i;
END

echo "== types"
run -e "$(view t types) DESCRIBE t"
run --format=json -e "$(view t types) SELECT * FROM t"
run -e "$(view a arrays) DESCRIBE a"
run --format=json -e "$(view a arrays) SELECT * FROM a"
echo "== names and values are no statements"
run -e "$(view o '"odd ""name"') SELECT * FROM o WHERE \`x\"; DROP TABLE types; --\` IN ('it''s', 'back\\\\slash') ORDER BY 1"
echo "== parallel reads"
run -e "$(view b big "partitionColumn 'd', lowerBound '2024-01-01', upperBound '2025-05-15', numPartitions '4'") SELECT count(*), sum(id), min(name), max(d) FROM b"
run -e "$(view b '(select id, name from big where id < 100) q') SELECT count(*) FROM b WHERE name LIKE 'name 1%' AND id > 5"
run -e "$(view b big) SELECT id FROM b WHERE d = DATE '2024-01-02' ORDER BY id LIMIT 2"
echo "== what the server's settings would make of literals"
sql 2>/dev/null <<'END'
DROP TABLE IF EXISTS moments, wide, words;
CREATE TABLE moments (id INT, tz TIMESTAMPTZ, ts TIMESTAMP);
INSERT INTO moments VALUES (1, '2024-01-01 12:00:00+00', '2024-01-01 12:00:00'), (2, '2024-07-01 12:00:00+00', '2024-07-01 12:00:00');
CREATE TABLE wide (n NUMERIC(38,3), m NUMERIC);
INSERT INTO wide VALUES (12345678901234567890123456789012345.678, 1234567890123456789.123456789012345678),
  (-99999999999999999999999999999999999.999, 0.000000000000000001), (NULL, 99999999999999999999);
CREATE TABLE words (k TEXT, u UUID, n INT, s SMALLINT, p NUMERIC(10,2), d DATE, f FLOAT8, b BOOLEAN);
INSERT INTO words SELECT CASE WHEN i % 5 > 0 THEN chr(60 + i % 7 * 8) || 'x' END, ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000' || i % 3)::uuid,
  i, i % 100, i / 4.0, DATE '2024-01-01' + i, i / 3.0, i % 2 = 0 FROM generate_series(1, 1000) i;
ALTER ROLE chert SET timezone = 'Asia/Tokyo';
ALTER ROLE chert SET standard_conforming_strings = off;
ALTER ROLE chert SET datestyle = 'SQL, DMY';
END
for zone in UTC Europe/Berlin +05:30; do
    run --format=csv --set spark.sql.session.timeZone=$zone -e "$(view m moments) SELECT id FROM m WHERE tz = TIMESTAMP '2024-01-01 12:00:00 UTC' OR ts IS NULL; SELECT id FROM m WHERE tz = TIMESTAMP '2024-01-01 12:00:00 UTC'" -e "SELECT id, ts FROM m WHERE ts = TIMESTAMP '2024-07-01 12:00:00'"
done
run --format=csv -e "$(view m moments "customSchema 'tz STRING'") SELECT tz FROM m ORDER BY id"
run -e "$(view o '"odd ""name"') SELECT count(*) FROM o WHERE \`x\"; DROP TABLE types; --\` = '\\\\'' OR 1=1 --'"
sql -c 'ALTER ROLE chert RESET ALL'
echo "== numbers of 38 digits"
run --format=csv -e "$(view w wide) SELECT * FROM w"
echo "== aggregates"
for push in true false; do
    run --format=csv -e "$(view w words "pushDownAggregate '$push', partitionColumn 'n', lowerBound '1', upperBound '1000', numPartitions '3'") SELECT k, count(*), count(n), sum(n), avg(s), sum(p), min(d), max(d), max(u), min(k) FROM w WHERE n > 3 GROUP BY k ORDER BY k" \
        -e "SELECT b, u, sum(s), avg(n), max(f), sum(f) > 0 FROM w GROUP BY b, u ORDER BY b, u" -e "SELECT count(*), min(k), max(k), min(n), avg(s) FROM w WHERE n < 0"
    run -e "$(view w words "pushDownAggregate '$push'") EXPLAIN SELECT k, count(*), sum(n) FROM w WHERE n > 3 GROUP BY k" | grep -o 'JDBCRelation.*' | sed 's/#[0-9L]*//g'
done
echo "== writing"
run -e "$(view b big) CREATE TABLE made USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable 'made', createTableColumnTypes 'name VARCHAR(64)') AS SELECT id, name, CAST(id AS DOUBLE) / 3 AS third, id % 2 = 0 AS even, array(id, NULL) AS list, TIMESTAMP '2024-01-01 12:00:00' AS at FROM b WHERE id <= 10000"
sql -c '\d made' -c 'SELECT count(*), sum(id), min(third) FROM made' -c 'SELECT * FROM made ORDER BY id LIMIT 2'
run -e "$(view m made) INSERT INTO m VALUES (-1, 'it''s \\\\ \"quoted\"', 1e10, NULL, NULL, NULL); SELECT * FROM m WHERE id < 0"
run -e "$(view b big) CREATE TABLE made2 USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable 'made2', batchsize '7', tableComment 'it''s a \\\\ comment') AS SELECT id FROM b WHERE id <= 100"
sql -tc "SELECT count(*), obj_description('made2'::regclass) FROM made2" -c 'DROP TABLE made2'
echo "-- a write that fails changes nothing"
run -e "$(view m made) INSERT INTO m SELECT id + 20000, name, third, even, list, at FROM m UNION ALL SELECT 1, repeat('x', 100), 0, true, NULL, NULL" | grep -v CONTEXT
sql -tc 'SELECT count(*) FROM made'
run -e "$(view m made) INSERT OVERWRITE m SELECT 7, 'only one', 0, true, NULL, NULL; SELECT * FROM m"
echo "-- a row that is refused ends it at once"
sql -c 'CREATE TABLE IF NOT EXISTS early (id INT CHECK (id <> 500000), name TEXT)' -c 'TRUNCATE early' -c 'INSERT INTO early VALUES (-1)'
refused() { # ROWS: the error, whatever COPY it came from
    timeout 250 "$CHERT" sql --threads 1 -e "$(view e early) INSERT INTO e SELECT CAST(id AS INT), repeat('x', 100) FROM range($1)" 2>&1 |
        sed -E 's/line [0-9]+/line N/; s/x{9,}.*"/xxx"/'
    sql -tc 'SELECT count(*) FROM early'
}
refused 2000000000
sql -c 'ALTER TABLE early DROP CONSTRAINT early_id_check, ADD CHECK (id <> 1000)'
refused 2000000000
echo "-- a server that talks meanwhile"
sql <<'END'
ALTER TABLE early DROP CONSTRAINT early_id_check;
CREATE OR REPLACE FUNCTION talk() RETURNS trigger AS 'BEGIN IF NEW.id % 10000 = 0 THEN RAISE WARNING ''%'', NEW.id; END IF; RETURN NEW; END' LANGUAGE plpgsql;
CREATE TRIGGER talks BEFORE INSERT ON early FOR EACH ROW EXECUTE FUNCTION talk();
END
run --threads 1 -e "$(view e early) INSERT INTO e SELECT CAST(id AS INT), repeat('x', 100) FROM range(300000)"
sql -tc 'SELECT count(*), sum(id), min(length(name)) FROM early' -c 'DROP TABLE early' -c 'DROP FUNCTION talk'
echo "== errors"
run -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url '$url', user 'chert', password 'wrong-pw', dbtable 'types'); SELECT * FROM x"
run -e "$(view x nowhere) SELECT * FROM x"
run -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url 'jdbc:postgresql://127.0.0.1:1/db?user=me&password=secret-pw', dbtable 't'); SELECT * FROM x"
run -e "$(view x types "socketFactory 'x'") SELECT * FROM x"
echo "== TLS"
tls=$("$TESTS/postgres" folder)/tls.pem
for properties in sslmode=disable sslmode=require "sslmode=verify-full&sslrootcert=$tls" sslmode=verify-full; do
    echo "-- ${properties%%&*}"
    run --format=csv -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url '$url?$properties', user 'chert', password 'chert-pw', query 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'); SELECT ssl FROM x" |
        grep -v '^$\|^CREATE\|^==\|^---' | sed 's/"[^"]*root.crt"/FILE/'
done
echo "== stopping"
begin=$(date +%s%N)
timeout --signal=INT 1 "$CHERT" sql -e "$(view x '(select pg_sleep(20)::text as s) q') SELECT * FROM x" >/dev/null 2>&1
echo "exit $?, $((($(date +%s%N) - begin) / 1000000000)) s"
"$CHERT" sql -e "$(view x '(select pg_sleep(20)::text as s) q' "queryTimeout '1'") SELECT * FROM x" 2>&1 |
    sed '2,$d; s/ (line.*//'
