#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests/services/*.sh: each starts or finds a real outside service (a database, a broker, a store) and tests
# Chert against it. CHERT names the binary. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

export CHERT=$PWD/${1:-build}/chert
passed=0 failed=0
shopt -s nullglob
for script in tests/services/*.sh; do
    if bash "$script"; then
        echo "ok      $script"
        passed=$((passed + 1))
    else
        echo "FAILED  $script"
        failed=$((failed + 1))
    fi
done
[ $((passed + failed)) -gt 0 ] || echo "no program uses an outside service yet: nothing to test here"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
