#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests/services/*.sh against real outside services. A test's second line may be "# needs: NAME ...": those of
# tests/services are started before it, and stopped at the end unless they ran already. What a test prints is compared with the
# file NAME.stdout beside it; ACCEPT=1 writes that instead. CHERT names the binary. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

export TZ=UTC
export CHERT=$PWD/${1:-build}/chert
export TESTS=$PWD/tests/services
passed=0 failed=0 started=()
work=$(mktemp -d)
finish() {
    for name in "${started[@]}"; do
        "tests/services/$name" stop
    done
    rm -rf "$work"
}
trap finish EXIT
shopt -s nullglob

tools/install_deps.sh --services || { echo "0 passed, 1 failed"; exit 1; }

need() { # NAME: it runs
    local said
    said=$("tests/services/$1" start) || return 1
    [ "$said" != started ] || started+=("$1")
}

run() { # SCRIPT
    local script=$1 expected=${1%.sh}.stdout name folder
    for name in $(sed -n 's/^# needs: //p' "$script"); do
        need "$name" || return 1
    done
    folder=$(mktemp -d "$work/XXXXXX")
    (cd "$folder" && timeout 590 bash "$OLDPWD/$script") >"$folder/stdout" 2>&1 || { cat "$folder/stdout"; return 1; }
    [ -z "${ACCEPT:-}" ] || cp "$folder/stdout" "$expected"
    [ ! -e "$expected" ] || diff -u "$expected" "$folder/stdout"
}

for script in ${TEST:-tests/services/*.sh}; do
    if run "$script"; then
        echo "ok      $script"
        passed=$((passed + 1))
    else
        echo "FAILED  $script"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
