#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - `make bench`: measure Chert beside other engines. B=part runs one part, see bench/run.py --help.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/tools/oracle/setup.sh" --bench)
# shellcheck disable=SC2086
exec "$venv/bin/python" "$root/bench/run.py" "$@" ${B:-}
