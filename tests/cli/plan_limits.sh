# A plan that doubles with each common table stays as long as its text: what is large is computed once.
chain() {
    printf 'WITH a0 AS (SELECT 1 x)'
    for i in $(seq "$1"); do
        printf ', a%s AS (SELECT * FROM a%s %s)' "$i" $((i - 1)) "${2//PREV/a$((i - 1))}"
    done
    printf ' SELECT count(*) FROM a%s' "$1"
}

chert sql --memory 64M --format csv -e "$(chain 17 'UNION ALL SELECT * FROM PREV')"
chert sql --memory 64M --format csv -e "$(chain 8 'UNION ALL SELECT * FROM PREV')"
chert sql --memory 64M --format csv -e "$(chain 60 'WHERE x > 0')"
# Constants too large for a plan are computed when the query runs.
chert sql --memory 512M --format csv -e "SELECT length(repeat('abc', 50000000)) AS n, aggregate(sequence(1, 4000000), 0L, (a, x) -> a + x) AS s"
