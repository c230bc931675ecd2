# SPDX-License-Identifier: Apache-2.0
# An error ends the run with exit code 1; it shows the class, the place and a caret.
try() { chert sql --format csv "$@" && true; echo "exit $?" >&2; }
try -e 'SELECT 1 AS a; SELECT 1 + + ; SELECT 2'
try -e 'SELECT 1 / 0'
try -e 'SELECT nothing FROM VALUES (1) t(some)'
try -e 'SELECT * FROM csv.`/nowhere/missing.csv`'
printf 'SELECT 1 AS a;\n\n\nSELECT 2 AS b,\n  FORM;\nSELECT * FORM x;\n' >three.sql
try -f three.sql
try -f missing.sql
try --set chert.batch.rows=many -e 'SELECT 1'
try --set chert.batch.rows=0 -e 'SELECT 1'
try --set chert.batch.rows=99999999999 -e 'SELECT 1'
