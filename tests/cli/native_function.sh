# SPDX-License-Identifier: Apache-2.0
# A SQL function of a shared object: loaded, called, told about, dropped; what cannot be loaded.
lib=$(dirname "$(realpath "$CHERT")")/examples/functions/libmask.so
cp "$lib" here.so
chert sql --format csv -e "
CREATE TEMPORARY FUNCTION mask_card AS 'mask_card' USING FILE '$lib';
SELECT mask_card(n, 4) AS m, mask_card(n, 100) AS whole FROM VALUES ('4929 1234 5678'), (NULL), ('12') t(n);
CREATE OR REPLACE TEMPORARY FUNCTION mask_card AS 'mask_card' USING FILE 'here.so';
SELECT count(DISTINCT mask_card(id, 1)) AS n FROM range(100000);
SHOW USER FUNCTIONS;
DESCRIBE FUNCTION mask_card;
DROP TEMPORARY FUNCTION mask_card;
SHOW USER FUNCTIONS" 
echo "-- errors"
fails() { chert sql -e "$1" 2>&1 | sed -n "s,$PWD,HERE,g; 1p"; }
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card' USING FILE '$lib'; SELECT m('abc', -1)"
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card' USING FILE 'nowhere.so'"
fails "CREATE TEMPORARY FUNCTION m AS 'no_such_entry' USING FILE 'here.so'"
echo 'no library' >text.so
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card' USING FILE 'text.so'"
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card' USING JAR 'here.so'"
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card'"
fails "CREATE FUNCTION m AS 'mask_card' USING FILE 'here.so'"
fails "CREATE TEMPORARY FUNCTION m AS 'mask_card' USING FILE 'here.so'; CREATE TEMPORARY FUNCTION m AS 'mask_card' USING FILE 'here.so'"
echo "-- the example program"
"$(dirname "$(realpath "$CHERT")")/examples/udf"
