# SPDX-License-Identifier: Apache-2.0
# A write into a database that is killed in the middle leaves the table as it was.
chert sql -e "CREATE TABLE t USING jdbc OPTIONS (url 'jdbc:sqlite:k.db', dbtable 't') AS SELECT CAST(id AS INT) AS id FROM range(10)"
view="CREATE TEMP VIEW v USING jdbc OPTIONS (url 'jdbc:sqlite:k.db', dbtable 't');"
for statement in "INSERT INTO v" "INSERT OVERWRITE v"; do
    chert sql -e "$view $statement SELECT CAST(id % 1000000 AS INT) FROM range(100000000)" 2>/dev/null &
    # It has begun when its journal is there.
    for _ in $(seq 200); do if [ -e k.db-journal ]; then break; fi; sleep 0.05; done
    sleep 0.2
    kill -KILL $!
    wait $! 2>/dev/null
    echo "exit $?"
    chert sql --format csv -e "$view SELECT count(*), sum(id) FROM v"
done
