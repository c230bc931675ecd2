# SPDX-License-Identifier: Apache-2.0
# needs: mysql
# chert run etl from MariaDB to S3: settings, odd rows, replacing a date, everything that may fail.
s3=$("$TESTS/versity" start)
trap '"$TESTS/versity" stop' EXIT
sql() { mariadb --no-defaults --default-character-set=utf8mb4 -h 127.0.0.1 -P 3317 -uchert -pchert-pw shop "$@"; }
said() { sed -E 's/[0-9.]+ s$/TIME/'; }
date=2026-01-31
cat >.env <<END
MYSQL_HOST=127.0.0.1
MYSQL_PORT=3317
MYSQL_DATABASE=shop
MYSQL_USER=chert
MYSQL_PASSWORD=chert-pw
S3_BUCKET=lake
S3_ENDPOINT=$s3
AWS_REGION=us-east-1
AWS_ACCESS_KEY_ID=chertkey
AWS_SECRET_ACCESS_KEY=chertsecret
END
url=jdbc:mysql://127.0.0.1:3317/shop
run() { "$CHERT" run etl --date $date "$@" 2>&1 | said; }
rows() { # QUERY over stock and customers, as they are in the bucket
    "$CHERT" sql --format csv --set fs.s3a.endpoint="$s3" --set fs.s3a.access.key=chertkey --set fs.s3a.secret.key=chertsecret -e "
        CREATE TEMP VIEW stock USING parquet OPTIONS (path 's3a://lake/business_insights/$date/inventory_analytics');
        CREATE TEMP VIEW customers USING parquet OPTIONS (path 's3a://lake/business_insights/$date/order_analytics'); $1"
}
hash() { rows "SELECT sum(pmod(xxhash64(*), 1000003)) AS hash FROM stock; SELECT sum(pmod(xxhash64(*), 1000003)) AS hash FROM customers" | paste -sd' '; }

mariadb --no-defaults -h 127.0.0.1 -P 3317 -uchert -pchert-pw chert -e 'DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET latin1'
echo "== a shop in MariaDB is the shop of the SQLite file"
"$CHERT" generate etl --jdbc $url -n 5000 --date $date 2>&1 | said
"$CHERT" generate etl --jdbc $url -n 5000 --date $date 2>&1 | said
"$CHERT" generate etl --jdbc $url -n 5000 --date $date --overwrite 2>&1 | said
run
"$CHERT" generate etl -n 5000 --date $date file 2>&1 | said
run file
hash
for name in inventory_analytics order_analytics; do
    rows "SELECT * FROM $([ $name = order_analytics ] && echo customers || echo stock) ORDER BY 1" >bucket
    "$CHERT" sql --format csv -e "SELECT * FROM parquet.\`file/business_insights/$date/$name\` ORDER BY 1" | diff - bucket | head -5
done

echo "== odd rows"
sql <<'END'
ALTER TABLE inventory MODIFY quantity BIGINT UNSIGNED, MODIFY capacity BIGINT UNSIGNED;
ALTER TABLE orders MODIFY order_date DATETIME;
INSERT INTO inventory VALUES (9001, NULL, NULL, NULL, NULL, NULL), (9002, 1, 1, 18446744073709551615, 18446744073709551615, '2026-01-31'),
    (9003, 1, 1, 5, 0, '2026-01-30'), (9004, 2, 1, 50, 100, 0);
INSERT INTO customers VALUES (9001, '😀 Zoë ''quoted''', NULL, '大阪');
INSERT INTO orders VALUES (90001, 9001, '0000-00-00', 1.50), (90002, 9001, '2026-01-02 03:04:05', NULL), (90003, NULL, NULL, NULL);
END
run
rows "SELECT inventory_id, warehouse_id, city, quantity, capacity, days_since_update, utilization_ratio, inventory_score, needs_restock,
    is_overstocked, suggested_level FROM stock WHERE inventory_id > 9000 ORDER BY 1; SELECT * FROM customers WHERE customer_id > 9000"

echo "== what fails leaves the former result"
before=$(hash)
fails() { "$@" 2>&1 | sed -E "s/@'[^']*'/@'HOST'/; s/request [0-9A-Z]{8,}/request X/; s/\([0-9]+\)//; 2,\$d" | said; [ "$(hash)" = "$before" ] || echo "it has changed"; }
MYSQL_PASSWORD=hush-hush fails "$CHERT" run etl --date $date
MYSQL_DATABASE=nowhere fails "$CHERT" run etl --date $date
MYSQL_PORT=1 fails "$CHERT" run etl --date $date
AWS_SECRET_ACCESS_KEY=hush-hush fails "$CHERT" run etl --date $date
AWS_ACCESS_KEY_ID=nobody fails "$CHERT" run etl --date $date
S3_BUCKET=nobucket fails "$CHERT" run etl --date $date
sql -e 'RENAME TABLE products TO goods'
fails "$CHERT" run etl --date $date
sql -e 'RENAME TABLE goods TO products'
fails "$CHERT" run etl --date $date --jdbc "$url?zeroDateTimeBehavior=EXCEPTION"
# Gone in mid-read: the server ends the connection that reads the lines.
sql -e 'CREATE TABLE slow LIKE order_items; INSERT INTO slow SELECT * FROM order_items; RENAME TABLE order_items TO items;
    CREATE VIEW order_items AS SELECT order_id, line, product_id, warehouse_id, quantity, unit_price + SLEEP(0.001) AS unit_price FROM items WHERE SLEEP(0.001) = 0'
("$CHERT" run etl --date $date >cut 2>&1; echo "exit code $?" >>cut) &
until id=$(sql -Ne "SELECT id FROM information_schema.PROCESSLIST WHERE db = 'shop' AND info LIKE 'SELECT \`%FROM order_items%'") && [ -n "$id" ]; do
    kill -0 $! 2>/dev/null || break
    sleep 0.05
done
sql -e "KILL CONNECTION $id"
wait $!
sed -E '2,$ { /exit/!d }' cut
[ "$(hash)" = "$before" ] || echo "it has changed"
sql -e 'DROP VIEW order_items; RENAME TABLE items TO order_items; DROP TABLE slow'

echo "== the date is replaced whole"
sql -e 'DELETE FROM orders WHERE customer_id > 10; DELETE FROM inventory WHERE inventory_id > 10'
run
rows "SELECT count(*) AS stock FROM stock; SELECT count(*) AS customers FROM customers" | paste -sd' '
