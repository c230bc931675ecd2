# The process as a whole stays within --memory and 48 MiB, and lives with as little address space.
# (A sanitizer needs terabytes of it, and memory of its own: only the answers count there.)
sanitized=$(grep -c -m1 -e __asan_init -e __tsan_init "$CHERT")

# peak MIB SQL: the answer, and whether the highest peak seen was within the budget.
peak() {
    (
        [ "$sanitized" != 0 ] || ulimit -v $((($1 + 300) * 1024))
        exec chert sql --memory "$1M" --threads 2 --format csv -e "$2" >out
    ) &
    kib=0
    while seen=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$!/status 2>/dev/null) && [ -n "$seen" ]; do
        kib=$seen
        sleep 0.02
    done
    wait $!
    tail -n +2 out
    if [ "$sanitized" != 0 ] || [ "$kib" -le $((($1 + 48) * 1024)) ]; then
        echo "within $(($1 + 48)) MiB"
    else
        echo "$kib KiB"
    fi
}

for mib in 16 64; do
    peak $mib "SELECT count(*), sum(n) FROM (SELECT md5(CAST(id AS STRING)) k, count(*) n FROM range(600000) GROUP BY k)"
    peak $mib "SELECT count(*), sum(size(l)) FROM (SELECT id % 300007 k, collect_list(id) l FROM range(600000) GROUP BY k)"
    peak $mib "SELECT count(*) FROM range(400000) a JOIN range(400000) b ON md5(CAST(a.id AS STRING)) = md5(CAST(b.id AS STRING))"
done
