# SPDX-License-Identifier: Apache-2.0
# A full disk is told, exit code 1; the result that was there stays, and nothing half-written beside it.
chert generate events -s 2M data 2>/dev/null
mkdir full
if mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
    trap 'umount full' EXIT
else # not root: no file may grow beyond 48 KiB instead
    ulimit -f 48
    trap '' XFSZ
fi
mkdir full/kept && echo earlier >full/kept/result.csv
query="SELECT id, 'some text that fills the disk' FROM range(100000)"
chert sql -e "INSERT OVERWRITE DIRECTORY 'full/out' USING csv $query" 2>error && true
echo "exit $?"
grep -oE 'DISK_FULL|IO_ERROR' error | sed 's/IO_ERROR/DISK_FULL/' | head -1
ls -A full
cat full/kept/result.csv
# So is a full disk under the spill files.
mkdir -p full/spill
chert sql --memory 24M --set chert.spill.dir=full/spill -e "SELECT id, 'a text beside it' AS t FROM range(3000000) ORDER BY id % 1000, id DESC LIMIT 2900000" >/dev/null 2>error && true
echo "exit $?"
grep -oE 'DISK_FULL|IO_ERROR' error | sed 's/IO_ERROR/DISK_FULL/' | head -1
ls -A full/spill
# And under rows that are kept, which go to disk when memory is short.
chert sql --memory 24M --set chert.spill.dir=full/spill -e "CACHE TABLE t AS SELECT id, md5(CAST(id AS STRING)) AS t FROM range(3000000)" >/dev/null 2>error && true
echo "exit $?"
grep -oE 'DISK_FULL|IO_ERROR' error | sed 's/IO_ERROR/DISK_FULL/' | head -1
