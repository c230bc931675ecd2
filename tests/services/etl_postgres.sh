# SPDX-License-Identifier: Apache-2.0
# needs: postgres
# A shop in PostgreSQL is the shop of the SQLite file.
said() { sed -E 's/[0-9.]+ s$/TIME/'; }
date=2026-01-31
url='jdbc:postgresql://127.0.0.1:5442/chert?user=chert&password=chert-pw'
"$CHERT" generate etl --jdbc "$url" -n 5000 --date $date --overwrite 2>&1 | said
"$CHERT" generate etl --jdbc "$url" -n 5000 --date $date 2>&1 | said
"$CHERT" run etl --jdbc "$url" --date $date --output here 2>&1 | said
"$CHERT" generate etl -n 5000 --date $date file 2>&1 | said
"$CHERT" run etl --date $date file 2>&1 | said
for name in inventory_analytics order_analytics; do
    for folder in here file; do
        "$CHERT" sql --format csv -e "SELECT * FROM parquet.\`$folder/business_insights/$date/$name\` ORDER BY 1" >$folder.csv
    done
    cmp here.csv file.csv && wc -l <here.csv
done
"$CHERT" run etl --jdbc "${url%chert-pw}hush" --date $date --output here 2>&1 | sed '2,$d'
PGPASSWORD=chert-pw psql -q -h 127.0.0.1 -p 5442 -U chert -d chert -c 'DROP TABLE warehouses, products, inventory, customers, orders, order_items'
"$CHERT" run etl --jdbc "$url" --date $date --output here 2>&1 | sed '2,$d'
