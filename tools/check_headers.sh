#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header must compile on its own; the public ones in strict C11 and as C++ too.
#
#   tools/check_headers.sh [C_COMPILER [FOLDER_OF_GENERATED_HEADERS]]
set -uo pipefail
cd "$(dirname "$0")/.."

cc=${1:-cc}
generated=${2:-build/proto}
flags=(-fsyntax-only -Wall -Wextra -Werror)
failed=0
read -ra outside < <(pkg-config --cflags libmariadb libpq) # whose headers have folders of their own
shopt -s nullglob

# check HEADER COMPILER...
check() {
    local header=$1
    shift
    if ! echo "#include \"$header\"" | "$@" "${flags[@]}" -; then
        echo "does not compile on its own: $header ($*)"
        failed=1
    fi
}

for header in src/*/*.h; do
    check "$header" "$cc" -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude -isystem "$generated" \
        "${outside[@]}" -x c
done
for header in include/chert/*.h; do
    check "$header" "$cc" -std=c11 -pedantic -Iinclude -x c
    check "$header" c++ -std=c++11 -pedantic -Iinclude -x c++
done
exit $failed
