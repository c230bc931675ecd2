# SPDX-License-Identifier: Apache-2.0
"""spark_sql.py - ask real Spark: run statements in one session, print what it said in .test form.

  oracle spark_sql -e "SELECT 1/2" -e "SELECT 1/0"     each -e is one statement
  oracle spark_sql [-f FILE]                           statements separated by ; at the end of a line (default: stdin)
  -c key=value                                         a session setting
  -p                                                   also print the optimized and physical plan
"""
import argparse
import re
import sys

import spark as sp
from record_test import header_of


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-e", action="append", default=[], metavar="SQL")
    ap.add_argument("-f", metavar="FILE")
    ap.add_argument("-c", action="append", default=[], metavar="KEY=VALUE")
    ap.add_argument("-p", action="store_true")
    args = ap.parse_args()
    sqls = list(args.e)
    if not sqls or args.f:
        text = (open(args.f) if args.f else sys.stdin).read()
        sqls += [s for s in re.split(r";[ \t]*(?:\n|$)", text)]
    ss = sp.session(**dict(kv.split("=", 1) for kv in args.c))
    print(f"# spark {ss.version}")
    for sql in (s.strip() for s in sqls):
        if not sql:
            continue
        print()
        try:
            df = ss.sql(sql)
            got = sp.align([[sp.cell(v) for v in r] for r in sp.rows(df)])
            print(header_of(df), sql, "----", *got, sep="\n")
            if args.p:
                print("----", df._jdf.queryExecution().explainString(
                    ss._jvm.org.apache.spark.sql.execution.ExplainMode.fromString("extended")), sep="\n")
        except Exception as e:
            cls, state, params, message = sp.failure(e)
            print(f"error {cls}", f"# SQLSTATE {state}", sql, "----", sep="\n")
            for line in sp.align([[k, sp.cell(str(v))] for k, v in sorted(params.items())]):
                print(line)
            for line in (message or "").split("\n"):
                print("|" if line == "" else f"| {line}")
        sys.stdout.flush()
    ss.stop()


if __name__ == "__main__":
    main()
