#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs one command line test and compares what came out with the files beside it.
#
#   tests/cli/run.sh tests/cli/NAME.sh        CHERT names the binary (build/chert unless told)
#
#   NAME.stdout, NAME.stderr              must be the same, byte for byte
#   NAME.stdout.glob, NAME.stderr.glob    each line is a shell pattern; a line ... stands for any number of lines
#   NAME.exit                             the exit code
#
# Without a file the stream must stay empty, and the exit code 0. A test that does not care says 2>/dev/null.
# The script runs under `bash -u` in an empty folder of its own, with $CHERT and $ROOT (the source tree) set and
# `chert` in PATH. ACCEPT=1 writes the files from what came out, except patterns: those are edited by hand.
set -uo pipefail

script=$(realpath "$1")
golden=${script%.sh}
ROOT=$(realpath "$(dirname "$0")/../..")
CHERT=$(realpath "${CHERT:-$ROOT/build/chert}")
export ROOT CHERT

scratch=$(mktemp -d)
trap 'chmod -R u+rwX "$scratch"; rm -rf "$scratch"' EXIT
mkdir "$scratch/cwd" "$scratch/bin"
ln -s "$CHERT" "$scratch/bin/chert"

(cd "$scratch/cwd" && PATH=$scratch/bin:$PATH TMPDIR=$scratch exec bash -u "$script") \
    >"$scratch/stdout" 2>"$scratch/stderr" </dev/null
echo $? >"$scratch/exit"

# match PATTERNS ACTUAL: every line fits its pattern, in order.
match() {
    local -a want got
    mapfile -t want <"$1"
    mapfile -t got <"$2"
    local w=0 g=0 star=-1 mark=0
    while [ $g -lt ${#got[@]} ]; do
        if [ $w -lt ${#want[@]} ] && [ "${want[w]}" = ... ]; then
            star=$w mark=$g w=$((w + 1))
        elif [ $w -lt ${#want[@]} ] && [[ ${got[g]} == ${want[w]} ]]; then
            w=$((w + 1)) g=$((g + 1))
        elif [ $star -ge 0 ]; then
            mark=$((mark + 1)) g=$mark w=$((star + 1))
        else
            return 1
        fi
    done
    while [ $w -lt ${#want[@]} ] && [ "${want[w]}" = ... ]; do
        w=$((w + 1))
    done
    [ $w = ${#want[@]} ]
}

failed=0
for stream in stdout stderr; do
    if [ -f "$golden.$stream.glob" ]; then
        if ! match "$golden.$stream.glob" "$scratch/$stream"; then
            echo "--- $stream does not fit the patterns of $(basename "$golden").$stream.glob"
            diff -u --label wanted "$golden.$stream.glob" --label got "$scratch/$stream"
            failed=1
        fi
        continue
    fi
    if [ -n "${ACCEPT:-}" ]; then
        rm -f "$golden.$stream"
        [ ! -s "$scratch/$stream" ] || cp "$scratch/$stream" "$golden.$stream"
        continue
    fi
    want=$golden.$stream
    [ -f "$want" ] || want=/dev/null
    if ! cmp -s "$want" "$scratch/$stream"; then
        echo "--- $stream differs from $(basename "$golden").$stream"
        diff -u --label wanted "$want" --label got "$scratch/$stream"
        failed=1
    fi
done

code=$(cat "$scratch/exit")
want=0
[ ! -f "$golden.exit" ] || want=$(cat "$golden.exit")
if [ -n "${ACCEPT:-}" ]; then
    rm -f "$golden.exit"
    [ "$code" = 0 ] || echo "$code" >"$golden.exit"
elif [ "$code" != "$want" ]; then
    echo "--- exit code $code, wanted $want"
    [ ! -s "$scratch/stderr" ] || sed 's/^/    stderr: /' "$scratch/stderr"
    failed=1
fi

[ $failed = 0 ] || echo "again: make test T=${script#"$ROOT/"}"
exit $failed
