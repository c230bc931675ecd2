#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes each tests/fuzz/fuzz_*.c, one after the other, starting from its corpus in tests/fuzz/corpus/.
#
#   tools/fuzz.sh [SECONDS_EACH]       60 unless told
#
# A finding is left in build-fuzz/findings; once fixed, move it into the corpus: `make test` replays that.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
cmake --preset fuzz >/dev/null && cmake --build build-fuzz -j "${JOBS:-$(nproc)}" || exit 1

passed=0 failed=0
shopt -s nullglob
mkdir -p build-fuzz/findings
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    mkdir -p "build-fuzz/corpus/$name"
    corpora=("build-fuzz/corpus/$name")
    [ ! -d "tests/fuzz/corpus/$name" ] || corpora+=("tests/fuzz/corpus/$name")
    dictionary=()
    [ ! -f "tests/fuzz/$name.dict" ] || dictionary=(-dict="tests/fuzz/$name.dict")
    echo "== $name, $seconds s"
    if "build-fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        "${dictionary[@]}" -artifact_prefix="build-fuzz/findings/$name-" "${corpora[@]}" \
        >"build-fuzz/$name.log" 2>&1; then
        grep -E 'number_of_executed_units|peak_rss' "build-fuzz/$name.log"
        passed=$((passed + 1))
    else
        tail -60 "build-fuzz/$name.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
