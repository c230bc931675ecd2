# SPDX-License-Identifier: Apache-2.0
# needs: mysql postgres
# Programs and connections that are killed in the middle: nothing is half written, nothing is left, nobody hangs.
my() { mariadb --no-defaults -N -h 127.0.0.1 -P 3317 -uchert -pchert-pw chert -e "$1"; }
export PGPASSWORD=chert-pw
pg() { PGOPTIONS="-c client_min_messages=warning" psql -q -A -t -h 127.0.0.1 -p 5442 -U chert -d chert -c "$1"; }
view() { # DATABASE TABLE [OPTION...]
    local url=jdbc:mysql://127.0.0.1:3317/chert
    [ "$1" = my ] || url=jdbc:postgresql://127.0.0.1:5442/chert
    local table=$2
    shift 2
    echo "CREATE TEMP VIEW v USING jdbc OPTIONS (url '$url', user 'chert', password 'chert-pw', dbtable '$table'${*:+, $*});"
}
until_is() { # WHAT OPERATOR COMMAND...: until [ what it prints OPERATOR 0 ]
    local n=0 what=$1 operator=$2 it
    shift 2
    until it=$("$@" 2>/dev/null) && [ "$it" "$operator" 0 ]; do
        n=$((n + 1))
        [ $n -lt 600 ] || { echo "never: $what"; return 1; }
        sleep 0.05
    done
}
# Sessions that write to the table, or run this text.
writers() {
    if [ "$1" = my ]; then
        my "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'INSERT INTO half%'"
    else
        pg "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY half%' AND state = 'active'"
    fi
}
readers() {
    if [ "$1" = my ]; then
        my "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%slow_rows%' AND INFO NOT LIKE '%PROCESSLIST%'"
    else
        pg "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%slow_rows%' AND state = 'active'"
    fi
}
cut() { # DATABASE PATTERN [...]: ends those connections until the program has ended; between two statements none is to be seen
    while [ -n "$(jobs -rp)" ]; do
        if [ "$1" = my ]; then
            my "SELECT CONCAT('KILL ', ID) FROM information_schema.PROCESSLIST WHERE INFO LIKE '$2' AND INFO NOT LIKE '%PROCESSLIST%'" |
                while read -r statement; do my "$statement" 2>/dev/null; done
        else
            pg "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '$2' AND pid <> pg_backend_pid()" >/dev/null
        fi
        sleep 0.05
    done
}
tables() { # beside half
    if [ "$1" = my ]; then my "SHOW TABLES LIKE 'half%'" | sed 's/_chert_[0-9a-f]*/_chert_X/'; else
        pg "SELECT tablename FROM pg_tables WHERE tablename LIKE 'half%'"; fi
}
ends() { # DATABASE STATEMENT COMMAND...: which, with the program's number behind it, ends the program that writes; sets code
    local db=$1 statement=$2
    shift 2
    "$CHERT" sql -e "$(view "$db" half) $statement $rows" >out 2>&1 &
    until_is "a writer" != writers "$db"
    "$@" $!
    wait $! 2>/dev/null
    code=$?
    until_is "no writer" = writers "$db" # until the server has noticed, so that what is seen next is the next one's
}
rows="SELECT CAST(id % 1000 AS INT) AS id, repeat('x', 100) AS name FROM range(1000000000)"

for db in my pg; do
    $db "DROP TABLE IF EXISTS half; CREATE TABLE half (id INT, name TEXT); INSERT INTO half VALUES (1, 'a'), (2, 'b')"
    for statement in "INSERT INTO v" "INSERT OVERWRITE v"; do
        echo "== $db: $statement"
        ends $db "$statement" kill -KILL
        echo "killed: exit $code, $($db 'SELECT count(*) FROM half') rows"
        ends $db "$statement" kill -INT
        echo "stopped: exit $code, $($db 'SELECT count(*) FROM half') rows, $(tables $db | wc -l) tables"
        if [ $db = my ]; then ends my "$statement" cut my '%INTO half%'; else ends pg "$statement" cut pg 'COPY half%'; fi
        echo "cut: exit $code, $($db 'SELECT count(*) FROM half') rows, $(tables $db | wc -l) tables, $(grep -c FAILED_JDBC out) error"
    done
    echo "== $db: a read that is cut"
    slow="(SELECT seq, sleep(0.01) AS slow_rows FROM seq_1_to_100000) q"
    [ $db = my ] || slow="(SELECT i, pg_sleep(0.01)::text AS slow_rows FROM generate_series(1, 100000) i) q"
    "$CHERT" sql -e "$(view $db "$slow") SELECT * FROM v" >out 2>&1 &
    until_is "a reader" != readers $db
    cut $db '%slow_rows%'
    wait $! 2>/dev/null
    echo "exit $?, $(grep -c FAILED_JDBC out) error"
    echo "== $db: the next write removes what the killed one left"
    later="sessionVariables 'timestamp=UNIX_TIMESTAMP()+3600'" # what is young may be somebody else's
    [ $db = my ] || later="ApplicationName 'later'"
    "$CHERT" sql -e "$(view $db half "$later") INSERT OVERWRITE v SELECT 7, 'only'"
    tables $db
    $db "SELECT * FROM half; DROP TABLE half"
done
