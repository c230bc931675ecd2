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
# What it has left goes with the next write to the place; what others are writing stays, and another place's.
ls -A | sed 's/[0-9a-f]*-[-0-9a-f]*/ID/'
left=$(ls -d .out.*)
mkdir .other.01234567-89ab-4cde-8f01-23456789abcd .out.not-a-write
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT id, id * 2 FROM range(100000000000)" 2>/dev/null &
pid=$!
ours() { find . -path './.out.*' ! -path "./$left*" -size +64k 2>/dev/null | head -1; }
while [ -z "$(ours)" ]; do sleep 0.02; done
running=$(ours)
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT 'later'"
[ -e "$running" ] && echo "still writing"
kill $pid
wait $pid 2>/dev/null || true
chert sql -e "INSERT OVERWRITE DIRECTORY 'out' USING csv SELECT 'last'"
ls -A
cat out/part-*
