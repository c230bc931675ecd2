# SPDX-License-Identifier: Apache-2.0
# Parquet: a full disk is told and leaves what was there; a write that is killed leaves nothing to be seen.
mkdir full
if mount -t tmpfs -o size=256k tmpfs full 2>/dev/null; then
    trap 'umount full' EXIT
else # not root: no file may grow beyond 128 KiB instead
    ulimit -f 128
    trap '' XFSZ
fi
rows="SELECT id, concat('a text that fills the disk ', id * 7919 % 1000003) t"
chert sql -e "INSERT OVERWRITE DIRECTORY 'full/out' USING parquet $rows FROM range(100)"
chert sql -e "INSERT OVERWRITE DIRECTORY 'full/out' USING parquet $rows FROM range(300000)" 2>error && true
echo "exit $?"
grep -oE 'DISK_FULL|IO_ERROR' error | sed 's/IO_ERROR/DISK_FULL/' | head -1
ls -A full full/out | sed 's/part-00000-.*-c000/part-00000/'
chert sql --format csv -e "SELECT count(*) n FROM parquet.\`full/out\`"
mkdir killed
chert sql -e "INSERT OVERWRITE DIRECTORY 'killed/out' USING parquet SELECT 'earlier' w"
chert sql -e "INSERT OVERWRITE DIRECTORY 'killed/out' USING parquet OPTIONS ('parquet.block.size' '100000') $rows FROM range(100000000000)" 2>/dev/null &
pid=$!
while [ -z "$(find killed -path 'killed/.out.*' -size +64k 2>/dev/null)" ]; do sleep 0.02; done
disown $pid # so that bash has nothing to say about its end
kill -9 $pid
while kill -0 $pid 2>/dev/null; do sleep 0.02; done
ls killed
chert sql --format csv -e "SELECT * FROM parquet.\`killed/out\`"
