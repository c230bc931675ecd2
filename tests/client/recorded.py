# SPDX-License-Identifier: Apache-2.0
"""What real Spark answers to the cases of a test module, kept beside it.

    CASES of test_x.py: lines "title: Python expression", each with `spark`, F, T, Window and the module's NAMES in sight.
    test_x.spark: for each title the columns and rows that Spark gave, or its error class.

    python tests/client/recorded.py tests/client/test_x.py      asks Spark 4.3 (Java) and writes test_x.spark
"""
import importlib.util
import os
import sys

os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"


def lines_of(text):
    """(title, expression) of each case; a line that begins with a blank goes on with the one before."""
    cases = []
    for line in text.strip("\n").split("\n"):
        if line.startswith(" ") and cases:
            cases[-1][1] += "\n" + line
        elif line and not line.startswith("#"):
            title, code = line.split(": ", 1)
            cases.append([title, code])
    return cases


def told(value, ordered):
    from pyspark.sql import DataFrame
    if not isinstance(value, DataFrame):
        return repr(value)
    rows = [repr(tuple(r)) for r in value.collect()]
    ddl = ", ".join(f"{f.name}: {f.dataType.simpleString()}{'' if f.nullable else ' not null'}"
                    for f in value.schema.fields)
    return "\n".join([ddl] + (rows if ordered else sorted(rows)))


def answer(spark, module, code):
    from pyspark.sql import Window, functions as F, types as T
    from pyspark.errors import PySparkException
    names = {"spark": spark, "F": F, "T": T, "Window": Window}
    names.update(module.NAMES(spark))
    try:
        return told(eval(f"({code})", names), "sort(" in code or "orderBy(" in code)  # noqa: S307
    except PySparkException as e:
        name = e.getCondition()
        return f"error {name or type(e).__name__}"


def read(path):
    answers = {}
    with open(path, encoding="utf-8") as file:
        for part in file.read().split("\n== ")[1:]:
            title, text = part.split("\n", 1)
            answers[title] = text.rstrip("\n")
    return answers


def path_of(module_file):
    return os.path.splitext(module_file)[0] + ".spark"


def main():
    from pyspark.sql import SparkSession
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    spark = SparkSession.builder.remote("local[4]").config("spark.sql.session.timeZone", "UTC") \
        .config("spark.sql.shuffle.partitions", "4").getOrCreate()
    for path in sys.argv[1:]:
        spec = importlib.util.spec_from_file_location("cases", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with open(path_of(path), "w", encoding="utf-8") as out:
            out.write("Recorded from Spark 4.3.0 by tests/client/recorded.py; not edited by hand.\n")
            for title, code in lines_of(module.CASES):
                out.write(f"== {title}\n{answer(spark, module, code)}\n")
                out.flush()
    spark.stop()


if __name__ == "__main__":
    main()
