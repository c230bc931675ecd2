# SPDX-License-Identifier: Apache-2.0
# Files become views, views are listed, described and dropped.
printf 'id,name\n1,a\n2,b\n' >t.csv
chert sql --format csv -e "
    CREATE TEMP VIEW t USING csv OPTIONS (path 't.csv', header true, inferSchema true);
    SHOW TABLES;
    DESCRIBE t;
    SELECT name, id + 1 AS next FROM t ORDER BY id DESC;
    CREATE OR REPLACE TEMP VIEW u AS SELECT count(*) AS n FROM t;
    SELECT * FROM u;
    DROP VIEW t;
    SHOW VIEWS"
