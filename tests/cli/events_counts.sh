# The event counter's result is what DuckDB, Polars and Spark count.
sorted() { head -1 "$1"; tail -n +2 "$1" | LC_ALL=C sort; }

chert generate events -s 1048576 --seed 42 data >/dev/null 2>&1
chert run events -d data >/dev/null 2>&1
sorted data/result.csv | diff - "$ROOT/tests/data/events/counts.csv" && echo the same
ls data

cp -r "$ROOT/tests/data/events_odd" odd
chert run events -d odd >/dev/null 2>&1
sorted odd/result.csv | diff - "$ROOT/tests/data/events_odd/counts.csv" && echo the same
