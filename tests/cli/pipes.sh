# SPDX-License-Identifier: Apache-2.0
# Pipes are read like files: once, to disk; the statements of a session see the same rows.
printf 'a,b\n1,x\n2,y\n' | chert sql --format csv --set chert.spill.dir=spill \
    -e 'SELECT * FROM csv.`/dev/stdin`; SELECT count(*) FROM csv.`file:/dev/stdin`'
seq 200000 | chert sql --format csv -e "SELECT count(*), sum(CAST(_c0 AS INT)), max(input_file_name()) FROM csv.\`/dev/stdin\`"
printf '{"a": 1}\n{"a": 2}\n' | chert sql --format csv -e 'SELECT sum(a) FROM json.`/dev/stdin`'
echo "a line" | chert sql --format csv -e 'SELECT * FROM text.`/dev/fd/0`'
chert sql --format csv -e "SELECT 1 AS a" </dev/null
: | chert sql --format csv -e 'SELECT count(*) FROM text.`/dev/stdin`'
gzip -c <<<'1' >one.gz
chert sql --format csv -e 'SELECT * FROM csv.`/dev/stdin`' <<<'of a file'

mkfifo fifo
{ sleep 0.2; printf '1\n2\n'; sleep 0.2; printf '3\n'; } >fifo &
chert sql --format csv -e 'SELECT count(*) FROM csv.`fifo`; SELECT max(_c0) FROM csv.`fifo`'
wait
chert sql -e "INSERT OVERWRITE DIRECTORY 'parquet' USING parquet SELECT id FROM range(10)"
cat parquet/part-* >fifo &
chert sql --format csv -e 'SELECT sum(id) FROM parquet.`fifo`'
wait
chert sql --format csv -e 'SELECT * FROM csv.`fifo`' 2>error & sql=$!
sleep 0.5
kill -TERM $sql
wait $sql && true
echo "exit $?"
mkdir folder && mkfifo folder/fifo
chert sql -e 'SELECT * FROM text.`folder`' 2>&1 | grep -o 'Illegal seek'
ls -A spill
