# SPDX-License-Identifier: Apache-2.0
# Of generated data that is killed in the middle nothing stays, and what was there is kept.
chert generate events -s 100000 data 2>/dev/null
cp data/location.csv before
chert generate events -s 4G data >/dev/null 2>&1 &
pid=$!
sleep 0.1
kill -9 $pid
wait $pid 2>/dev/null
ls -A data
cmp before data/location.csv && echo kept
