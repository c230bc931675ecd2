# SPDX-License-Identifier: Apache-2.0
"""Tables of the catalog whose files lie in S3: reading, INSERT, partitions, and what DROP leaves."""
import pytest
from server import no_hang  # noqa: F401
from stand_in import StandIn
from test_store_s3 import options, run


@pytest.fixture
def sql(tmp_path):
    """sql(text) with a catalog of its own and a bucket: rows of the last statement."""
    with StandIn() as s:
        def sql(text, *args, **how):
            return run(text, "--set", f"spark.sql.warehouse.dir={tmp_path}/warehouse", *options(s), *args, **how)
        sql.server = s
        yield sql


def parts(s, below="t"):
    return [k for k in s.keys() if k.startswith(below + "/") and "part-" in k]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_rows_go_in_and_come_out(sql, kind):
    s = sql.server
    sql(f"CREATE TABLE t (a INT, b STRING) USING {kind} LOCATION 's3a://lake/t/'")
    assert sql("SELECT count(*) FROM t") == ["0"] and s.keys() == []
    sql("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    sql("INSERT INTO t SELECT 3, 'z'")
    assert sql("SELECT * FROM t ORDER BY a") == ["1,x", "2,", "3,z"]
    assert len(parts(s)) >= 2 and "t/_SUCCESS" in s.keys()
    sql("INSERT OVERWRITE t VALUES (7, 'only')")
    assert sql("SELECT * FROM t") == ["7,only"] and len(parts(s)) == 1
    said = sql("INSERT OVERWRITE t SELECT 1 / (id - 5), 'y' FROM range(10)", fails=True)
    assert "DIVIDE_BY_ZERO" in said and sql("SELECT * FROM t") == ["7,only"] and not s.uploads
    assert "s3a://lake/t" in [line.split(",")[1] for line in sql("DESCRIBE EXTENDED t") if line.startswith("Location,")]
    assert "LOCATION 's3a://lake/t'" in "\n".join(sql("SHOW CREATE TABLE t"))
    sql("ANALYZE TABLE t COMPUTE STATISTICS")
    assert any("1 rows" in line for line in sql("DESCRIBE EXTENDED t"))
    sql("DROP TABLE t")
    assert len(parts(s)) == 1


def test_partitions(sql):
    s = sql.server
    sql("CREATE TABLE t (a INT, p STRING, q INT) USING parquet PARTITIONED BY (p, q) LOCATION 's3a://lake/t'")
    sql("INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2), (3, 'y/z', 1), (4, NULL, 1)")
    assert sql("SHOW PARTITIONS t") == ["p=__HIVE_DEFAULT_PARTITION__/q=1", "p=x/q=1", "p=x/q=2", "p=y%2Fz/q=1"]
    assert sql("SELECT * FROM t ORDER BY a") == ["1,x,1", "2,x,2", "3,y/z,1", "4,,1"]
    assert sql("SELECT a FROM t WHERE p = 'x' AND q > 1") == ["2"]
    sql("INSERT INTO t PARTITION (p = 'x', q = 3) VALUES (5)")
    sql("INSERT OVERWRITE t PARTITION (p = 'x', q) VALUES (6, 2)")
    assert sql("SELECT * FROM t ORDER BY a") == ["3,y/z,1", "4,,1", "6,x,2"]
    assert not parts(s, "t/p=x/q=1") and not parts(s, "t/p=x/q=3")
    sql("SET spark.sql.sources.partitionOverwriteMode = dynamic; INSERT OVERWRITE t VALUES (7, 'y/z', 1)")
    assert sql("SELECT * FROM t ORDER BY a") == ["4,,1", "6,x,2", "7,y/z,1"]
    s.put("lake", "t/p=new/q=9/a.parquet", s.buckets["lake"][parts(s, "t/p=x/q=2")[0]].data)
    sql("MSCK REPAIR TABLE t")
    assert sql("SELECT a FROM t WHERE p = 'new'") == ["6"]
    for key in parts(s, "t/p=y%2Fz"):
        del s.buckets["lake"][key]
    assert sql("SELECT count(*) FROM t") == ["3"]  # one that is not there has no rows
    sql("MSCK REPAIR TABLE t SYNC PARTITIONS")
    assert sql("SHOW PARTITIONS t") == ["p=__HIVE_DEFAULT_PARTITION__/q=1", "p=new/q=9", "p=x/q=2"]
    sql("INSERT OVERWRITE t VALUES (8, 'w', 1)")
    assert sql("SELECT * FROM t") == ["8,w,1"] and len(parts(s)) == 1
    assert sql("SHOW PARTITIONS t") == ["p=w/q=1"]


def test_made_of_a_query_and_of_files_that_are_there(sql):
    s = sql.server
    sql("CREATE TABLE t USING parquet PARTITIONED BY (k) LOCATION 's3a://lake/t' AS SELECT id, id % 2 AS k FROM range(10)")
    assert sql("SELECT k, count(*) FROM t GROUP BY k ORDER BY k") == ["0,5", "1,5"]
    assert sql("SHOW PARTITIONS t") == ["k=0", "k=1"]
    sql("DROP TABLE t; CREATE TABLE again USING parquet LOCATION 's3a://lake/t'; MSCK REPAIR TABLE again")
    assert sql("SELECT sum(id) FROM again") == ["45"]
    s.put("lake", "other/a.csv", b"5\n")
    sql("CREATE TABLE c (v INT) USING csv; ALTER TABLE c SET LOCATION 's3a://lake/other'; INSERT INTO c VALUES (6)")
    assert sql("SELECT sum(v) FROM c") == ["11"]
