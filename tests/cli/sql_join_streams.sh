# SPDX-License-Identifier: Apache-2.0
# Rows that a full join gives at its end are printed, written and counted by one worker, however many flush.
full="SELECT a.id AS a, b.id AS b FROM range(0, 300000) a FULL JOIN range(250000, 600000) b ON a.id = b.id"
for threads in 1 4; do
    chert sql --threads $threads --format csv -e "$full" | awk -F, '
        NR == 1 { print; next }
        { n++; a += $1; b += $2; if (NF != 2) odd++ }
        END { printf "%d rows, %.0f, %.0f, %d odd\n", n, a, b, odd }'
    chert sql --threads $threads --format csv -e "SELECT count(*) AS n FROM ($full LIMIT 500000)"
done
