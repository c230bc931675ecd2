# SPDX-License-Identifier: Apache-2.0
# needs: mysql
# MySQL and MariaDB by JDBC URL: types, options, parallel reads, writing, errors.
url=jdbc:mysql://127.0.0.1:3317/chert
sql() { mariadb --no-defaults --default-character-set=utf8mb4 -h 127.0.0.1 -P 3317 -uchert -pchert-pw chert "$@"; }
view() { # NAME TABLE [OPTION...]: CREATE VIEW
    local name=$1 table=$2
    shift 2
    echo "CREATE TEMP VIEW $name USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable '$table'${*:+, $*});"
}
run() { "$CHERT" sql "$@" 2>&1 | sed 's/_chert_[0-9a-f]*/_chert_X/'; }

sql <<'END'
DROP TABLE IF EXISTS types, zero, big, made, old, `odd ``name`;
CREATE TABLE types (
  b1 BOOLEAN, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
  i INT, iu INT UNSIGNED, l BIGINT, lu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,4), y YEAR, dt DATE, tm TIME,
  ts TIMESTAMP(6) NULL, dtm DATETIME(6), c CHAR(5), v VARCHAR(20), tx TEXT, en ENUM('x','y'), st SET('p','q'), js JSON,
  bn BINARY(3), vb VARBINARY(10), bl BLOB, bit1 BIT(1), bit9 BIT(9));
INSERT INTO types VALUES
 (1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
  3.14159, 2.718281828459045, 1234567890123456.7891, 2024, '2024-02-29', '23:59:59', '2024-02-29 12:34:56.123456',
  '1999-12-31 23:59:59.999999', 'ab', 'grüße 🎉', 'long text that needs more than twelve bytes', 'y', 'p,q', '{"a": 1}',
  'xyz', X'00FF', X'DEADBEEF', b'1', b'100000001'),
 (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE zero (id INT, d DATE);
INSERT INTO zero VALUES (1, '0000-00-00'), (2, '2024-01-01');
CREATE TABLE `odd ``name` (`a b` INT, `x``; DROP TABLE types; --` VARCHAR(40));
INSERT INTO `odd ``name` VALUES (1, 'it''s'), (2, 'back\\slash'), (3, NULL);
CREATE TABLE big (id INT PRIMARY KEY, name VARCHAR(30));
INSERT INTO big SELECT seq, CONCAT('name ', seq) FROM seq_1_to_50000;
END

echo "== types"
run -e "$(view t types) DESCRIBE t"
run --format=json -e "$(view t types) SELECT * FROM t"
echo "== 0000-00-00"
run -e "$(view z zero) SELECT * FROM z"
run -e "$(view z zero "zeroDateTimeBehavior 'CONVERT_TO_NULL'") SELECT * FROM z"
echo "== names and values are no statements"
run -e "$(view o '\`odd \`\`name\`') SELECT * FROM o WHERE \`x\`\`; DROP TABLE types; --\` IN ('it''s', 'back\\\\slash') ORDER BY 1"
run -e "$(view o '\`odd \`\`name\`') SELECT count(*) FROM o WHERE \`x\`\`; DROP TABLE types; --\` = '\\\\' OR 1=1 -- '"
echo "== parallel reads"
run -e "$(view b big "partitionColumn 'id', lowerBound '1', upperBound '50000', numPartitions '4'") SELECT count(*), sum(id), min(name), max(name) FROM b"
run -e "$(view b '(select id, name from big where id < 100) q') SELECT count(*) FROM b WHERE name LIKE 'name 1%' AND id > 5"
echo "== filters are the database's to answer"
run -e "$(view b big) SELECT id FROM b WHERE name = 'NAME 7' OR id < 0" -e "SELECT id FROM b WHERE name = 'NAME 7' LIMIT 3"
run -e "$(view b big) EXPLAIN SELECT name FROM b WHERE name = 'NAME 7' AND id > 5 AND length(name) = 6" | grep -o 'JDBCRelation.*' | sed 's/#[0-9L]*//g'
run -e "$(view b big "pushDownPredicate 'false'") SELECT id FROM b WHERE name = 'NAME 7'"
echo "== aggregates"
sql -e "CREATE OR REPLACE TABLE words (k VARCHAR(9), n INT, s INT, p DECIMAL(10,2), d DATE, f DOUBLE) SELECT IF(seq % 5 > 0, ELT(1 + seq % 4, 'a', 'A', 'b', 'B'), NULL) AS k, seq AS n, seq % 100 AS s, CAST(seq / 4 AS DECIMAL(10,2)) AS p, CAST('2024-01-01' AS DATE) + INTERVAL seq % 9 DAY AS d, seq / 3e0 AS f FROM seq_1_to_1000"
for push in true false; do
    run --format=csv -e "$(view w words "pushDownAggregate '$push', partitionColumn 'n', lowerBound '1', upperBound '1000', numPartitions '3'") SELECT s, count(*), sum(s), avg(s), sum(p), min(n), max(p), count(k), min(d), max(k) FROM w WHERE n > 3 AND s < 5 GROUP BY s ORDER BY s" \
        -e "SELECT d, count(*), avg(s), sum(p), max(f) > 0 FROM w GROUP BY d ORDER BY d" -e "SELECT k, count(*) FROM w GROUP BY k ORDER BY k" -e "SELECT count(*), min(n), avg(s) FROM w WHERE n < 0"
    run -e "$(view w words "pushDownAggregate '$push', hint '/*+ MAX_EXECUTION_TIME(100000) */'") EXPLAIN SELECT d, count(*), sum(s) FROM w WHERE n > 3 GROUP BY d" -e "EXPLAIN SELECT k, count(*) FROM w GROUP BY k" | grep -o 'JDBCRelation.*' | sed 's/#[0-9L]*//g'
done
echo "== writing"
run -e "$(view b big) CREATE TABLE made USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable 'made', createTableColumnTypes 'name VARCHAR(64)') AS SELECT id, name, CAST(id AS DOUBLE) / 3 AS third, id % 2 = 0 AS even FROM b WHERE id <= 10000"
sql -e 'SHOW COLUMNS FROM made; SELECT count(*), sum(id), min(third) FROM made; SELECT id, name, third, even + 0 AS even FROM made ORDER BY id LIMIT 2'
run -e "$(view m made) INSERT INTO m VALUES (-1, 'it''s \\\\ \"quoted\"', 1e10, NULL); SELECT * FROM m WHERE id < 0"
run -e "$(view b big) CREATE TABLE made2 USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable 'made2', batchsize '7', tableComment 'it''s a \\\\ comment') AS SELECT id FROM b WHERE id <= 100"
sql -Ne "SELECT count(*), (SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_NAME = 'made2') FROM made2; DROP TABLE made2"
echo "-- a write that fails changes nothing"
run -e "$(view m made) INSERT INTO m SELECT id + 20000, name, third, even FROM m UNION ALL SELECT 1, repeat('x', 100), 0, true" | sed 's/at row [0-9]*/at row N/'
sql -e 'SELECT count(*) FROM made'
run -e "$(view m made) INSERT OVERWRITE m SELECT 7, 'only one', 0, true; SELECT * FROM m"
long=a_table_whose_name_is_as_long_as_the_server_takes_64_characters_
sql -e "DROP TABLE IF EXISTS $long; CREATE TABLE $long (id INT); INSERT INTO $long VALUES (1)"
run -e "$(view long $long) INSERT OVERWRITE long SELECT 2; SELECT * FROM long"
sql -N -e "SHOW TABLES LIKE '%chert%'; DROP TABLE $long"
sql -e "SHOW TABLES LIKE 'made%'"
echo "== errors"
run -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url '$url', user 'chert', password 'wrong-pw', dbtable 'types'); SELECT * FROM x" |
    sed "s/@'[^']*'/@'HOST'/"
run -e "$(view x nowhere) SELECT * FROM x"
run -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url 'jdbc:mysql://127.0.0.1:1/db?user=me&password=secret-pw', dbtable 't'); SELECT * FROM x" |
    sed "s/([0-9]*)//g"
run -e "$(view x types "sslTrustStore 'x'") SELECT * FROM x"
echo "== TLS"
tls=$("$TESTS/mysql" folder)/tls.pem
for properties in useSSL=false sslMode=REQUIRED "sslMode=VERIFY_CA&serverSslCert=$tls" sslMode=VERIFY_CA; do
    echo "-- ${properties%%&*}"
    run --format=csv -e "CREATE TEMP VIEW x USING jdbc OPTIONS (url '$url?$properties', user 'chert', password 'chert-pw', query 'SELECT VARIABLE_VALUE <> \"\" AS tls FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = \"Ssl_cipher\"'); SELECT tls FROM x" |
        grep -v '^$\|^CREATE\|^==\|^---'
done
echo "== stopping"
begin=$(date +%s%N)
timeout --signal=INT 1 "$CHERT" sql -e "$(view x '(select sleep(20) as s) q') SELECT * FROM x" >/dev/null 2>&1
echo "exit $?, $((($(date +%s%N) - begin) / 1000000000)) s"
"$CHERT" sql -e "$(view x '(select sleep(20) as s) q' "queryTimeout '1'") SELECT * FROM x" 2>&1 |
    sed '2,$d; s/ (line.*//'
