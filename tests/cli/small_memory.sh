# Breakers finish in a few MiB, whatever the number of threads: fewer work at once, and partitions that
# cannot be cut (all rows of one key) are joined chunk by chunk.
try() {
    for memory in 4M 8M 32M; do
        chert sql --memory $memory --threads 4 --format csv -e "$1" | tail -n +2
    done
}

try "SELECT count(*) FROM (SELECT DISTINCT md5(CAST(id AS STRING)) k FROM range(400000))"
try "SELECT count(DISTINCT md5(CAST(id AS STRING))) FROM range(400000)"
try "SELECT max(k) FROM (SELECT md5(CAST(id AS STRING)) k FROM range(400000) ORDER BY k LIMIT 100000)"
try "WITH t AS (SELECT md5(CAST(id AS STRING)) k FROM range(300000)) SELECT count(*) FROM t a JOIN t b ON a.k = b.k"
try "SELECT sum(size(l)) FROM (SELECT id % 50000 g, collect_list(id) l FROM range(300000) GROUP BY 1)"
fat="SELECT 1 k, id, repeat(md5(CAST(id AS STRING)), 50) x FROM range(4000)"
try "SELECT count(*), sum(length(a.x)), sum(length(b.x)) FROM ($fat) a LEFT JOIN ($fat) b ON a.k = b.k AND a.id + b.id = 6000"
try "SELECT count(*), sum(length(a.x)), sum(length(b.x)) FROM ($fat) a FULL JOIN ($fat) b ON a.k = b.k AND a.id + b.id = 6000"
