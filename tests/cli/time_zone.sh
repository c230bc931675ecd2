# SPDX-License-Identifier: Apache-2.0
# The machine's zone: TZ as a name or a path; UTC for what is no zone of a region, so that every query still runs.
for zone in Asia/Tokyo :Asia/Tokyo /usr/share/zoneinfo/Asia/Tokyo CET-1CEST Nowhere/Land; do
    echo "$zone: $(TZ=$zone chert sql --format csv -e "SELECT CAST(TIMESTAMP'2020-07-01 12:00:00Z' AS STRING)" | tail -1)"
done
TZ=:/etc/localtime chert sql --format csv -e 'SELECT 1 AS n'
