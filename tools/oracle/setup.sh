#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh - make the private Python that holds the engines we compare with.
#
#   tools/oracle/setup.sh [--bench | --client]     prints the venv's folder on stdout
#
# The venv is ${CHERT_CACHE:-$HOME/.cache/chert}/venv and is only touched when a package is missing or of another version.
# --bench asks for DuckDB and Polars alone (Spark too if a Java is there), --client for what tests/client needs.
set -eu
cache=${CHERT_CACHE:-$HOME/.cache/chert}
venv=$cache/venv
want="duckdb polars pyarrow pandas pytest grpcio grpcio-status googleapis-common-protos zstandard protobuf"
[ "${1:-}" != --client ] || want="duckdb pyarrow pandas pytest grpcio grpcio-status googleapis-common-protos zstandard protobuf"
if [ "${1:-}" != --bench ] || command -v java >/dev/null 2>&1; then
    want="pyspark>=4.3,<5 $want"
fi
have() {
    "$venv/bin/python" - "$@" <<'PY' 2>/dev/null
import sys, importlib.metadata as m
from pip._vendor.packaging.requirements import Requirement
for wanted in map(Requirement, sys.argv[1:]):
    if not wanted.specifier.contains(m.version(wanted.name), prereleases=True):
        sys.exit(1)
PY
}
mkdir -p "$cache"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv" ||
    { echo "setup.sh: python3 -m venv failed (Debian: apt-get install python3-venv)" >&2; exit 1; }
# shellcheck disable=SC2086
have $want || "$venv/bin/pip" install -q --disable-pip-version-check $want >&2
echo "$venv"
