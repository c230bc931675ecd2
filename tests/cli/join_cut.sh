# SPDX-License-Identifier: Apache-2.0
# Partitions of a join that do not fit are cut again by more bits of the hash.
wide() { echo "(SELECT md5(CAST(id AS STRING)) k, id, repeat(md5(CAST(id AS STRING)), 18) x FROM range($1, $2))"; }
for join in "FULL JOIN" "LEFT ANTI JOIN"; do
    right=", count(u.id), sum(u.id), sum(length(u.x))"
    [ "$join" = "FULL JOIN" ] || right=
    chert sql --memory 4M --threads 4 --format csv -e "SELECT count(*), count(t.id), sum(t.id), sum(length(t.x)) $right
        FROM $(wide 0 200000) t $join $(wide 100000 300000) u ON t.k = u.k AND t.x <= u.x" | tail -n +2
done
