#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of one build folder; the last line is "N passed, N failed".
#
#   tools/run_tests.sh BUILD_FOLDER [PATH]
#
# PATH names a test as its file lies in the tree: tests/unit/test_hash.c, tests/sql/agg/avg.test, tests/cli, ...
# A JUnit report is left in BUILD_FOLDER/tests.xml.
set -uo pipefail
cd "$(dirname "$0")/.."

build=$1
path=${2:-}
report=$PWD/$build/tests.xml
select=()
if [ -n "$path" ]; then
    path=${path#"$PWD/"}
    name=${path#tests/}
    name=${name%/}
    if [ -d "tests/$name" ]; then
        select=(-R "^$name/")
    else
        select=(-R "^${name%.*}\$")
    fi
fi

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
export TSAN_OPTIONS=second_deadlock_stack=1:${TSAN_OPTIONS:-}

rm -f "$report"
ctest --test-dir "$build" -j "${JOBS:-$(nproc)}" --output-on-failure --no-tests=error \
    --output-junit "$report" "${select[@]}"
status=$?

count() { sed -n "s/.*\\b$1=\"\\([0-9]*\\)\".*/\\1/p" <(tr '\n' ' ' <"$report" | grep -o '<testsuite [^>]*>') | head -1; }
if [ -s "$report" ]; then
    tests=$(count tests)
    failed=$(count failures)
    not_run=$(($(count disabled) + $(count skipped)))
else
    tests=1 failed=1 not_run=0
fi
[ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1 tests=$((tests + 1))
[ "$not_run" = 0 ] || echo "$not_run not run"
echo "$((tests - failed - not_run)) passed, $failed failed"
exit "$status"
