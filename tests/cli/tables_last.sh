# SPDX-License-Identifier: Apache-2.0
# Tables, partitions and views are there for the next program; a folder aside of a killed one does no harm.
chert sql -e "SELECT 1" >/dev/null
[ -e spark-warehouse ] && echo "a catalog without tables"
chert sql -e "
    CREATE DATABASE d;
    CREATE TABLE d.t (a INT, k STRING DEFAULT 'x') USING csv PARTITIONED BY (k);
    INSERT INTO d.t VALUES (1, 'p'), (2, 'q');
    INSERT INTO d.t (a) VALUES (3);
    CREATE VIEW v AS SELECT a + 1 AS b FROM d.t"
echo '{"version": 1, "half a' >spark-warehouse/_chert/d/t.json.killed
chert sql --format csv -e "SELECT * FROM d.t ORDER BY a; SELECT * FROM v ORDER BY b; SHOW TABLES; SHOW PARTITIONS d.t"
chert sql -e "ALTER TABLE d.t RENAME TO u; DROP VIEW v"
chert sql --format csv -e "SHOW TABLES IN d; SELECT count(*) AS n FROM d.u"
# Several programs at once: each table is made by one of them.
for i in 1 2 3 4; do
    chert sql -e "CREATE TABLE same (a INT) USING parquet" 2>/dev/null && echo made &
done
wait
chert sql -e "DROP DATABASE d CASCADE; DROP TABLE same"
find spark-warehouse -name '*.csv' -o -name '*.parquet' -o -name 'd.db'
echo '{"version": 1, "schema": 5}' >spark-warehouse/_chert/default/broken.json
chert sql -e "SELECT * FROM broken" 2>&1 | grep -o 'CORRUPT_CATALOG'
