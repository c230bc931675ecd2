#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the tests under ASan with UBSan, then under TSan. Each prints its own "N passed, N failed".
#
#   tools/sanitize.sh [PRESET...]      asan and tsan unless told
set -uo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- asan tsan
status=0
for preset in "$@"; do
    echo "== $preset"
    rm -f "build-$preset/tests.xml"
    if cmake --preset "$preset" >/dev/null && cmake --build "build-$preset" -j "${JOBS:-$(nproc)}"; then
        tools/run_tests.sh "build-$preset" || status=1
    else
        echo "the $preset build failed"
        echo "0 passed, 1 failed"
        status=1
    fi
done
exit $status
