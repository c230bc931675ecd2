# SPDX-License-Identifier: Apache-2.0
# What the scripts of services share (bash). A service's script sets NAME and PORT, defines make, launch and answers, and ends
# with: service "$@".
#
#   NAME start    makes the data folder if there is none, starts the server on 127.0.0.1 and waits for an answer;
#                 prints "started", or "runs" when it did already
#   NAME stop     stops what start has started; the data stay
#   NAME folder   prints where they are
#
# Data, log and process id lie in $CHERT_SERVICES/NAME. A server that will not run as root gets the user AS.
set -eu
HOST=127.0.0.1 AS=
if [ "$(id -u)" = 0 ]; then root_default=/var/cache/chert-services; else root_default=$HOME/.cache/chert/services; fi
ROOT=${CHERT_SERVICES:-$root_default}

die() { echo "$NAME: $*" >&2; exit 1; }

as() { # COMMAND...: as the service's user
    if [ -n "$AS" ] && [ "$(id -u)" = 0 ]; then setpriv --reuid="$AS" --regid="$AS" --clear-groups "$@"; else "$@"; fi
}

# A process id alone may be a stranger's by now: the moment of birth goes with it.
birth() { awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2>/dev/null; }
running() {
    local pid born
    [ -e "$DIR/pid" ] && read -r pid born <"$DIR/pid" && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && echo "$pid"
}

certificate() { # a key and a certificate that signs itself, for 127.0.0.1: $DIR/tls.key, $DIR/tls.pem
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=$HOST -addext subjectAltName=IP:$HOST,DNS:localhost \
        -keyout "$DIR/tls.key" -out "$DIR/tls.pem"
    chmod 644 "$DIR/tls.pem"
    chmod 600 "$DIR/tls.key"
    [ -z "$AS" ] || [ "$(id -u)" != 0 ] || chown "$AS:" "$DIR/tls.key"
}

start() {
    if running >/dev/null && answers >/dev/null 2>&1; then
        echo runs
        return
    fi
    ! (: <"/dev/tcp/$HOST/$PORT") 2>/dev/null || die "port $PORT is taken"
    if [ ! -e "$DIR/made" ]; then
        rm -rf "$DIR/data"
        make >"$DIR/make.log" 2>&1 || { tail -n 20 "$DIR/make.log" >&2; die "the data folder could not be made"; }
        touch "$DIR/made"
    fi
    launch >"$DIR/log" 2>&1 </dev/null &
    local pid=$! n=0
    echo "$pid $(birth $pid)" >"$DIR/pid"
    until answers >/dev/null 2>&1; do
        running >/dev/null || { tail -n 20 "$DIR/log" >&2; die "the server ended, see $DIR/log"; }
        n=$((n + 1))
        [ $n -lt 300 ] || { kill "$pid"; die "no answer in time, see $DIR/log"; }
        sleep 0.2
    done
    echo started
}

stop() {
    local pid n=0
    pid=$(running) || return 0
    kill -"${STOP_SIGNAL:-TERM}" "$pid"
    while running >/dev/null; do
        n=$((n + 1))
        [ $n -lt 150 ] || { kill -KILL "$pid"; break; }
        sleep 0.2
    done
    rm -f "$DIR/pid"
}

service() {
    DIR=$ROOT/$NAME
    mkdir -p "$DIR"
    [ -z "$AS" ] || [ "$(id -u)" != 0 ] || chown "$AS:" "$DIR"
    case ${1-} in
    start | stop) "$1" ;;
    folder) echo "$DIR" ;;
    *) echo "usage: $NAME start|stop|folder" >&2; exit 2 ;;
    esac
}
