#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs each program on a small data set, prints the head of the result and the rate.
#
#   tools/run_programs.sh [BUILD_FOLDER]        BYTES=536870912 sets the size of the events
set -euo pipefail
cd "$(dirname "$0")/.."

chert=${1:-build}/chert
data=${1:-build}/data/events
neo=${1:-build}/data/neo
etl=${1:-build}/data/etl
bytes=${BYTES:-268435456}

now_ms() { date +%s%3N; }
size() { stat -c %s "$@" | awk '{ n += $1 } END { print n }'; }

# rate LABEL BYTES MILLISECONDS
rate() {
    awk -v label="$1" -v bytes="$2" -v ms="$3" 'BEGIN {
        if (ms < 1) ms = 1
        printf "%s: %.0f MiB in %.2f s, %.2f GiB/s\n", label, bytes / 1048576, ms / 1000,
               bytes / 1073741824 / (ms / 1000) }'
}

rm -rf "$data"
mkdir -p "$data"

echo "== events: locations counted per region and day"
start=$(now_ms)
"$chert" generate events -s "$bytes" --seed 1 "$data"
rate "generated" "$(size "$data/location.csv")" $(($(now_ms) - start))

start=$(now_ms)
"$chert" run events -d "$data"
rate "counted" "$(size "$data/location.csv")" $(($(now_ms) - start))

echo
head -6 "$data/result.csv"
echo "... $(($(wc -l <"$data/result.csv") - 1)) rows in $data/result.csv"

echo
echo "== neo: near-earth objects fetched into Parquet, and added up"
rm -rf "$neo"
LOG_LEVEL=WARNING "$chert" run neo fetch -o "$neo"
"$chert" run neo aggregate --input_dir "$neo" | { head -10; echo "..."; cat >/dev/null; }

echo
echo "== etl: a shop's stock and customers, from its database to Parquet"
rm -rf "$etl"
"$chert" generate etl --date 2026-01-31 "$etl"
"$chert" run etl --date 2026-01-31 "$etl"
"$chert" sql -e "SELECT segment, count(*) AS customers, round(sum(total_spent)) AS spent, round(avg(average_days_between_orders), 1) AS days_between
    FROM parquet.\`$etl/business_insights/2026-01-31/order_analytics\` GROUP BY segment ORDER BY spent DESC"
