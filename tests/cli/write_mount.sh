# SPDX-License-Identifier: Apache-2.0
# Written into a folder that cannot be renamed: a mount point, or one whose parent may not be written.
mkdir -p up/out
if mount -t tmpfs -o size=8m tmpfs up/out 2>/dev/null; then
    trap 'umount up/out' EXIT
else
    chmod a-w up # without root there are no mounts, but rights
    trap 'chmod u+w up' EXIT
fi
chert sql --format csv -e "
INSERT OVERWRITE DIRECTORY 'up/out' USING parquet SELECT id FROM range(10);
SELECT count(*), sum(id) FROM parquet.\`up/out\`;
INSERT OVERWRITE DIRECTORY 'up/out' USING parquet SELECT id FROM range(100);
SELECT count(*), sum(id) FROM parquet.\`up/out\`"
ls up/out | sed 's/-[0-9a-f-]*-c000/-c000/'
chert sql --format csv -e "
CREATE TABLE t (id BIGINT, k BIGINT) USING csv PARTITIONED BY (k) LOCATION '$PWD/up/out/t';
INSERT INTO t SELECT id, id % 2 FROM range(4);
INSERT INTO t SELECT id, id % 2 FROM range(4);
SELECT k, count(*) FROM t GROUP BY k ORDER BY k"
# What fails leaves what was there.
chert sql -e "INSERT OVERWRITE DIRECTORY 'up/out' USING parquet SELECT 1 / (id - 50) FROM range(100)" 2>&1 | sed 's/SQLSTATE.*//'
chert sql --format csv -e "SELECT count(*) FROM parquet.\`up/out/*.parquet\`"
ls -A up/out | grep -c '^\.' || true
ls -A up
