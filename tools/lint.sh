#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything here must be silent: layout, clang-tidy, cppcheck, the order of rooms.
#
#   tools/lint.sh BUILD_FOLDER      check; the build folder gives the compile commands
#   tools/lint.sh --format          lay out every C file instead
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(nproc)}
mapfile -t files < <(find src include pipelines examples tests bench tools -name '*.[ch]' 2>/dev/null | sort)
[ ${#files[@]} -gt 0 ] || exit 0

if [ "${1:-}" = --format ]; then
    exec clang-format -i "${files[@]}"
fi

build=${1:-build}
failed=0

# report NAME STATUS
report() {
    if [ "$2" = 0 ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1"
        failed=1
    fi
}

clang-format --dry-run --Werror "${files[@]}"
report "layout (make format mends it)" $?

tools/layers.py
report "order of rooms" $?

# clang-tidy reads gcc's command lines, but not gcc's own flags.
mapfile -t sources < <(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" | sort -u)
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$jobs" clang-tidy --quiet -p "$build" \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument 2>/dev/null
report "clang-tidy" $?

cppcheck --quiet --project="$build/compile_commands.json" -j "$jobs" --error-exitcode=1 --inline-suppr \
    --enable=warning,performance,portability --suppressions-list=tools/cppcheck.suppressions \
    --cppcheck-build-dir="$(mkdir -p "$build/cppcheck" && echo "$build/cppcheck")"
report "cppcheck" $?

exit $failed
