# SPDX-License-Identifier: Apache-2.0
"""record_neo.py - what 400 generated near-earth objects add up to, according to Spark (examples/neo_aggregate.py).

  oracle record_neo [--check]        writes tests/data/neo/aggregates.txt, or compares with it
"""
import os
import subprocess
import sys
import tempfile

import pyspark

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PATH = f"{ROOT}/tests/data/neo/aggregates.txt"


def main():
    home = os.path.dirname(pyspark.__file__)
    with tempfile.TemporaryDirectory(prefix="chert-neo-") as tmp:
        subprocess.run([f"{ROOT}/build/chert", "generate", "neo", "-n", "400", tmp], check=True, capture_output=True)
        done = subprocess.run([f"{home}/bin/spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false",
                               f"{ROOT}/examples/neo_aggregate.py", "--start_batch", "35", "--end_batch", "385", "--input_dir", tmp],
                              env={**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable}, check=True, capture_output=True, text=True)
    text = "".join(line + "\n" for line in done.stdout.splitlines() if line.startswith(("+", "|")))
    if "--check" in sys.argv:
        same = open(PATH, encoding="utf-8").read() == text
        print("the same" if same else "DIFFERS")
        return 0 if same else 1
    with open(PATH, "w", encoding="utf-8") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
