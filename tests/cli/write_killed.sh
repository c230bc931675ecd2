# SPDX-License-Identifier: Apache-2.0
# A write that is killed in the middle leaves no part file to be seen, and what was there stays.
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT 'earlier'"
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT id, id * 2 FROM range(100000000000)" 2>/dev/null &
pid=$!
while [ -z "$(find . -path './.out.*' -size +64k 2>/dev/null)" ]; do sleep 0.02; done
kill -9 $pid
wait $pid 2>/dev/null || true
ls
cat out/part-*
