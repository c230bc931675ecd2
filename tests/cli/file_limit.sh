# SPDX-License-Identifier: Apache-2.0
# A file that may not grow further (ulimit -f) is told like a full disk, and nothing half-written stays.
chert generate events -s 2M data 2>/dev/null
(
    ulimit -f 8
    for command in "generate events -s 2M made" "run events --out out data"; do
        chert $command 2>error && true
        echo "exit $?" && grep -oE 'DISK_FULL|File too large' error
    done
    chert sql -e "INSERT OVERWRITE DIRECTORY 'rows' USING csv SELECT md5(CAST(id AS STRING)) FROM range(100000)" 2>error && true
    echo "exit $?" && grep -oE 'DISK_FULL' error
    chert sql --memory 8M -e "SELECT max(x) FROM (SELECT md5(CAST(id AS STRING)) x FROM range(600000) ORDER BY x LIMIT 500000)" 2>error && true
    echo "exit $?" && grep -oE 'DISK_FULL' error
)
ls -A . made out
