# SPDX-License-Identifier: Apache-2.0
# The start of `chert pyspark`: PYTHONSTARTUP of its Python.
def _chert():
    import os
    import sys
    try:
        import pyspark
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
    except ImportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    os.environ.setdefault("SPARK_CONNECT_PROGRESS_BAR_ENABLED", "1" if sys.stdout.isatty() else "0")
    print(f"Chert {os.environ['CHERT_VERSION']}, PySpark {pyspark.__version__}, Python {sys.version.split()[0]}: "
          "`spark` is the session, Ctrl-D leaves.")
    return spark, os.environ.pop("CHERT_PYTHONSTARTUP", "")


spark, _startup = _chert()
sc = spark.sparkContext
sql = spark.sql
if _startup:
    with open(_startup, encoding="utf-8") as _file:
        exec(compile(_file.read(), _startup, "exec"))
    del _file
del _chert, _startup
