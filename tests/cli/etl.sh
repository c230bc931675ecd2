# SPDX-License-Identifier: Apache-2.0
# A shop's stock and customers: from a SQLite file into Parquet, a date whole or not at all.
unset MYSQL_HOST MYSQL_PORT MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD S3_BUCKET S3_ENDPOINT
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION
date=2026-01-31
said() { sed -E 's/[0-9.]+ s$/TIME/'; }
result() { chert sql --format csv -e "SELECT * FROM parquet.\`$1\` ORDER BY 1"; }
table() { # FOLDER NAME QUERY: of a table in the shop's file
    chert sql --format csv -e "CREATE TEMP VIEW $2 USING jdbc OPTIONS (url 'jdbc:sqlite:$1/shop.db', dbtable '$2'); $3"
}
change() { # FOLDER STATEMENT: in the shop's file
    chert sql -e "CREATE TEMP VIEW one USING jdbc OPTIONS (url 'jdbc:sqlite:$1/shop.db', query 'SELECT 1 AS one', sessionInitStatement \"$2\")"
}

echo "== as Spark has it"
chert generate etl -n 2000 --date $date shop 2>&1 | said
(cd shop && chert sql -f "$ROOT/tests/data/etl/odd.sql")
chert run etl --date $date shop 2>&1 | said
ls shop shop/business_insights shop/business_insights/$date
for name in inventory_analytics order_analytics; do
    result shop/business_insights/$date/$name | diff - "$ROOT/tests/data/etl/$name.csv" | head -20
done
chert sql --format csv -e "DESCRIBE TABLE parquet.\`shop/business_insights/$date/inventory_analytics\`;
    DESCRIBE TABLE parquet.\`shop/business_insights/$date/order_analytics\`"
chert sql --format csv -e "SELECT min(inventory_score) >= 0, max(inventory_score) <= 100, count(*) > count(inventory_score)
    FROM parquet.\`shop/business_insights/$date/inventory_analytics\`;
    SELECT segment, count(*) AS customers FROM parquet.\`shop/business_insights/$date/order_analytics\` GROUP BY ALL ORDER BY 1"

echo "== the same seed makes the same shop, and orders know their lines"
chert generate etl -n 2000 --date $date again 2>/dev/null
chert generate etl -n 2000 --date $date --seed 2 other 2>/dev/null
for name in warehouses products inventory customers orders order_items; do
    query="SELECT count(*) AS n, sum(pmod(xxhash64(*), 1000003)) AS hash FROM $name"
    table again $name "$query" >again.$name
    table other $name "$query" >other.$name
    chert generate etl -n 2000 --date $date --threads 1 --overwrite again 2>/dev/null
    table again $name "$query" | cmp - again.$name && sed "s/^n,/$name,/; s/,.*//" again.$name | paste -sd' '
    [ $name = warehouses ] || ! cmp -s again.$name other.$name || echo "$name is the same with another seed"
done
chert sql --format csv -e "
    CREATE TEMP VIEW orders USING jdbc OPTIONS (url 'jdbc:sqlite:again/shop.db', dbtable 'orders');
    CREATE TEMP VIEW order_items USING jdbc OPTIONS (url 'jdbc:sqlite:again/shop.db', dbtable 'order_items');
    CREATE TEMP VIEW products USING jdbc OPTIONS (url 'jdbc:sqlite:again/shop.db', dbtable 'products');
    SELECT count(*) AS wrong_totals FROM orders JOIN (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY 1)
        USING (order_id) WHERE total <> total_amount;
    SELECT count(*) AS wrong_prices FROM order_items JOIN products USING (product_id) WHERE price <> unit_price" | paste -sd' '

echo "== a date is replaced whole, others stay"
chert run etl --date 2026-02-01 shop 2>&1 | said
change shop "DELETE FROM orders WHERE customer_id > 10"
chert run etl --date $date shop 2>&1 | said
ls shop/business_insights
result shop/business_insights/$date/order_analytics | wc -l
result shop/business_insights/2026-02-01/order_analytics | wc -l

echo "== a run that fails leaves the former result"
find shop/business_insights -type f | sort >files
fails() { # what fails, and whether anything changed
    chert run etl --date $date "$@" 2>&1 | sed '2,$d'
    find shop/business_insights -type f | sort | cmp - files
}
change shop "UPDATE orders SET order_date = 'yesterday' WHERE order_id = (SELECT min(order_id) FROM orders)"
fails shop
change shop "UPDATE orders SET order_date = '0000-00-00' WHERE order_id = (SELECT min(order_id) FROM orders)"
fails shop
change shop "UPDATE orders SET order_date = NULL WHERE order_id = (SELECT min(order_id) FROM orders)"
change shop "ALTER TABLE inventory RENAME COLUMN capacity TO room"
fails shop
change shop "ALTER TABLE inventory RENAME COLUMN room TO capacity"
change shop "DROP TABLE IF EXISTS order_items"
fails shop
printf 'no database' >shop/shop.db
fails shop

echo "== numbers of 64 bits without a sign, and empty tables"
chert generate etl -n 1 --date $date few 2>&1 | said
change few "DROP TABLE IF EXISTS inventory"
change few "CREATE TABLE IF NOT EXISTS inventory (inventory_id BIGINT, warehouse_id BIGINT, product_id BIGINT, quantity BIGINT, capacity BIGINT,
    last_updated TIMESTAMP)"
change few "DELETE FROM inventory; INSERT INTO inventory VALUES (1, 1, 1, 4611686018427387904, '18446744073709551615', '2026-01-31 10:00:00')"
chert run etl --date $date few 2>&1 | said
chert sql --format json -e "SELECT * FROM parquet.\`few/business_insights/$date/inventory_analytics\`"
for name in warehouses products inventory customers orders order_items; do change few "DELETE FROM $name"; done
chert run etl --date $date few 2>&1 | said

echo "== settings"
try() { "$@" 2>&1 | said; echo "exit code ${PIPESTATUS[0]}"; }
try chert run etl
try chert run etl nowhere
MYSQL_HOST=localhost try chert run etl
MYSQL_DATABASE=shop MYSQL_USER=me try chert run etl
MYSQL_HOST=localhost MYSQL_PORT=many MYSQL_DATABASE=shop MYSQL_USER=me try chert run etl
MYSQL_HOST=me@localhost MYSQL_DATABASE=shop MYSQL_USER=me try chert run etl
AWS_ACCESS_KEY_ID=key try chert run etl --output s3a://lake few
AWS_ACCESS_KEY_ID=key try chert run etl --date $date few
printf 'MYSQL_HOST=127.0.0.1\nMYSQL_PORT=1\nMYSQL_DATABASE="shop"\nMYSQL_USER=me\nexport MYSQL_PASSWORD="hush&hush"\n' >.env
try chert run etl | sed 's/([0-9]*)//'
try chert run etl --jdbc 'jdbc:mariadb://127.0.0.1:1/shop?user=you&password=hush' | sed 's/([0-9]*)//'
try chert generate etl --jdbc 'jdbc:mariadb://you:hush@127.0.0.1:1/shop' | sed 's/([0-9]*)//'
printf 'MYSQL_HOST\n' >.env
try chert run etl
rm .env
S3_BUCKET=s3a://hush-hush/below/ try chert run etl --date $date --output here few
ls here/business_insights

echo "== the command line"
try chert run etl --date 2026-02-29
try chert run etl --date today
try chert run etl --dates 2026-01-01
try chert run etl a b
try chert generate etl -n 0
try chert generate etl --date 2026-13-01
try chert generate etl --jdbc jdbc:sqlite:x.db folder
try chert generate etl --jdbc jdbc:oracle:thin:x

echo "== tables of somebody else stay"
try chert generate etl -n 10 --date $date --jdbc jdbc:sqlite:few/shop.db
try chert generate etl -n 10 --date $date --overwrite --jdbc jdbc:sqlite:few/shop.db
table few orders "SELECT count(*) AS orders, date(max(order_date)) AS last FROM orders"
ls few
