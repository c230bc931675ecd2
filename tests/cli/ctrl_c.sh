# SPDX-License-Identifier: Apache-2.0
# Ctrl-C cancels the query: exit code 130, an error that says so, and nothing half-written.
sleeper="SELECT sum(id * 3) FROM range(1000000000000) WHERE id % 7 = 3"
interrupt() { # after the time, SIGNAL, command
    "${@:3}" &
    pid=$!
    sleep "$1"
    kill -s "$2" $pid
    wait $pid
    echo "exit $?" >&2
}
set -m
interrupt 0.3 INT chert sql -e "$sleeper"
interrupt 0.3 TERM chert sql -e "$sleeper"
interrupt 0.3 INT chert sql -e "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.id * b.id = -1"
interrupt 0.3 HUP chert sql -e "$sleeper"
interrupt 0.3 INT chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT id FROM range(1000000000000)"
ls -A
