#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the private Python of tests/client, where it is missing. Without it (no network, say) the other tests still
# run; what is left out is told.
#
#   tools/client_python.sh BUILD_FOLDER
set -uo pipefail
cd "$(dirname "$0")/.."

build=$1
if ! tools/oracle/setup.sh --client >/dev/null; then
    echo "WARNING: no private Python with PySpark could be made: tests/client is left out" >&2
    exit 0
fi
# A build folder configured before there was one does not know these tests.
if [ -f "$build/build.ninja" ] && ! grep -q client/ "$build/tests/CTestTestfile.cmake" 2>/dev/null; then
    cmake "$build" >/dev/null
fi
