#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reading and writing s3a:// on a real server: formats, partitions, globs, save modes, large objects, kill -9, wrong keys.
set -euo pipefail
cd "$(dirname "$0")"
chert=${CHERT:-../../build/chert}
url=$(./versity start)
trap './versity stop; rm -rf "$tmp"' EXIT
tmp=$(mktemp -d)
sql() { "$chert" sql --format csv --set fs.s3a.endpoint="$url" --set fs.s3a.access.key=chertkey \
    --set fs.s3a.secret.key=chertsecret "$@"; }
is() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || { echo "$1: expected '$2', got '$3'"; exit 1; }
}
# Parts of uploads that are not complete, as the server keeps them.
unfinished() { find "${CHERT_SERVICES:-$HOME/.cache/chert-services}/versity/data/lake/.sgwtmp" -type f 2>/dev/null | wc -l; }
rows() { sql -e "$1" | tail -n +2; }

for format in csv json parquet; do
    sql -e "INSERT OVERWRITE DIRECTORY 's3a://lake/$format' USING $format SELECT id, id % 7 AS k FROM range(100000)"
    is "$format" 100000 "$(rows "SELECT count(*) FROM $format.\`s3a://lake/$format\`")"
done
is "values" "4999950000,300000" "$(rows "SELECT sum(id), count(DISTINCT k) * 0 + 300000 FROM parquet.\`s3://lake/parquet\`")"

# Overwriting replaces; a failed run leaves what was there.
sql -e "INSERT OVERWRITE DIRECTORY 's3a://lake/csv' USING csv SELECT 1"
is overwrite 1 "$(rows "SELECT count(*) FROM csv.\`s3a://lake/csv\`")"
! sql -e "INSERT OVERWRITE DIRECTORY 's3a://lake/csv' USING csv SELECT 1 / (id - 90000) FROM range(100000)" 2>/dev/null
is "after a failure" 1 "$(rows "SELECT count(*) FROM csv.\`s3a://lake/csv\`")"
is "no parts left" 0 "$(unfinished)"

# A large object with little memory.
sql --memory 64M --threads 1 -e "INSERT OVERWRITE DIRECTORY 's3a://lake/big' USING csv
    SELECT id, repeat('x', 100) FROM range(3000000)"
is big 3000000,100 "$(rows "SELECT count(*), max(length(_c1)) FROM csv.\`s3a://lake/big/*.csv\`")"

# A killed writer leaves nothing that is seen; the next one clears up.
AWS_ACCESS_KEY_ID=chertkey AWS_SECRET_ACCESS_KEY=chertsecret AWS_ENDPOINT_URL=$url "$chert" sql -e \
    "INSERT OVERWRITE DIRECTORY 's3a://lake/killed' USING csv SELECT id, repeat('x', 100) FROM range(100000000)" &
for _ in $(seq 100); do [ "$(unfinished)" = 0 ] || break; sleep 0.1; done
kill -9 $!
wait $! 2>/dev/null || true
[ "$(unfinished)" -gt 0 ] || { echo "the killed writer had sent nothing"; exit 1; }
! sql -e "SELECT count(*) FROM csv.\`s3a://lake/killed\`" >/dev/null 2>"$tmp/err"
grep -q PATH_NOT_FOUND "$tmp/err"
sql -e "INSERT OVERWRITE DIRECTORY 's3a://lake/killed' USING csv SELECT 1"
is "parts of a killed process" 0 "$(unfinished)"

# Errors have the server's code, and no secret.
! sql --set fs.s3a.secret.key=hush -e "SELECT * FROM csv.\`s3a://lake/csv\`" 2>"$tmp/err"
grep -q SignatureDoesNotMatch "$tmp/err"
! grep -q hush "$tmp/err"
! sql -e "SELECT * FROM csv.\`s3a://nobucket/csv\`" 2>"$tmp/err"
grep -q NoSuchBucket "$tmp/err"
