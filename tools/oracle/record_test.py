# SPDX-License-Identifier: Apache-2.0
"""record_test.py - (re)write the expectations of .test files from real Spark.

  oracle record_test [--check] FILE-OR-FOLDER...

The format is docs/testing.md. --check writes nothing, prints a diff and fails where Spark disagrees.
"""
import argparse
import difflib
import os
import re
import shutil
import sys
import tempfile

import spark as sp


def quote(word, colon):
    if word == "" or re.search(r"[\s`#" + (":" if colon else "") + "]", word):
        return "`" + word.replace("`", "``") + "`"
    return word


def header_of(df, flags=""):
    cols = [quote(n, True) + ":" + quote(t, False) for n, t in sp.columns(df)]
    return " ".join(["query"] + ([flags] if flags else []) + cols)


def parse(text):
    """[(comment lines, header, its comment, sql, expectation lines or None)] and trailing comments."""
    blocks, comments, lines, i = [], [], text.split("\n"), 0
    while i < len(lines):
        line = lines[i]
        if line == "" or line.startswith("#"):
            comments.append(line)
            i += 1
            continue
        m = re.match(r"((?:`(?:[^`]|``)*`|[^`])*?)(\s+#.*)?$", line)
        header, note = m.group(1), m.group(2) or ""
        i += 1
        sql, expect = [], None
        while i < len(lines) and lines[i] != "":
            if lines[i] == "----" and expect is None:
                expect = []
            else:
                (sql if expect is None else expect).append(lines[i])
            i += 1
        blocks.append((comments, header.rstrip(), note, "\n".join(sql), expect))
        comments = []
    return blocks, comments


def shortest(name, kind, text):
    """Java before 19 does not always print the shortest digits; such a value must not become an oracle."""
    if text is None or kind != "double":
        return
    s = text.decode()
    if s in ("NaN", "Infinity", "-Infinity", "4.9E-324", "-4.9E-324"):
        return
    digits = lambda t: len(re.sub(r"[eE].*", "", t).replace("-", "").replace(".", "").strip("0"))
    if digits(s) > digits(repr(float(s))):
        raise SystemExit(f"column {name}: {s} is not the shortest form of {float(s)!r}; choose another value")


def show(df, words):
    """The lines DataFrame.show() prints for a header `show [ROWS] [truncate=false|K] [vertical]`."""
    n, cut, vertical = 20, 20, False
    for w in words[1:]:
        if w == "vertical":
            vertical = True
        elif w.startswith("truncate="):
            cut = 0 if w == "truncate=false" else int(w[9:])
        else:
            n = int(w)
    return df._jdf.showString(n, cut, vertical).rstrip("\n").split("\n")


def record_block(ss, header, note, sql, expect, tmp):
    real = sql.strip().rstrip(";").replace("{tmp}", tmp)
    words = header.split()
    try:
        df = ss.sql(real)
        if header == "statement ok":
            df.collect()
            return ["statement ok" + note, sql]
        if words[0] == "show":
            return [header + note, sql, "----"] + show(df, words)
        table = sp.rows(df)
        for (name, kind), i in zip(sp.columns(df), range(99999)):
            for row in table:
                shortest(name, kind, row[i])
        flag = "unordered" if len(words) > 1 and words[1] == "unordered" else ""
        lines = sp.align([[sp.cell(v) for v in r] for r in table])
        return [header_of(df, flag) + note, sql, "----"] + (sorted(lines, key=str.encode) if flag else lines)
    except SystemExit:
        raise
    except Exception as e:
        cls, _, params, message = sp.failure(e)
        out = [f"error {cls}" + note, sql]
        if expect is None or words[0] != "error":
            return out
        hide = lambda s: s.replace(tmp, "{tmp}").replace(os.getcwd(), "{root}")
        out.append("----")
        wanted = [sp.split_cells(x)[0] for x in expect if not x.startswith("|")]
        keys = [k for k in wanted if k in params] or ([] if any(x.startswith("|") for x in expect) else sorted(params))
        out += sp.align([[k, sp.cell(hide(str(params[k])))] for k in keys])
        if any(x.startswith("|") for x in expect):
            out += ["|" if x == "" else f"| {x}" for x in hide(message).split("\n")]
        return out


def clean(ss):
    """The catalog as it was: the next file must not see this one's tables."""
    ss.sql("USE default")
    for row in ss.sql("SHOW DATABASES").collect():
        if row[0] != "default":
            ss.sql(f"DROP DATABASE `{row[0]}` CASCADE")
    for row in ss.sql("SHOW TABLES").collect():
        if not row[2]:
            ss.sql(f"DROP TABLE IF EXISTS `{row[1]}`")
    for row in ss.sql("SHOW USER FUNCTIONS IN default").collect():
        if row[0].startswith("spark_catalog.default."):
            ss.sql(f"DROP FUNCTION IF EXISTS {row[0]}")
    for row in ss.sql("SHOW VIEWS IN global_temp").collect():
        ss.catalog.dropGlobalTempView(row[1]) if row[0] else ss.catalog.dropTempView(row[1])


def record_text(ss, text):
    blocks, tail = parse(text)
    tmp = tempfile.mkdtemp(prefix="chert-test-")
    version = ".".join(ss.version.split(".")[:2])
    fresh, out = ss.newSession(), []
    try:
        for comments, header, note, sql, expect in blocks:
            out += [re.sub(r"oracle: spark-\S+", f"oracle: spark-{version}", c) for c in comments]
            out += record_block(fresh, header, note, sql, expect, tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
        clean(fresh)
    return "\n".join(out + tail)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--check", action="store_true")
    ap.add_argument("paths", nargs="+")
    args = ap.parse_args()
    files = []
    for p in args.paths:
        if os.path.isdir(p):
            files += sorted(os.path.join(d, f) for d, _, fs in os.walk(p) for f in fs if f.endswith(".test"))
        else:
            files.append(p)
    warehouse = tempfile.mkdtemp(prefix="chert-warehouse-")
    ss, bad = sp.session(**{"spark.sql.warehouse.dir": warehouse}), 0
    for path in files:
        old = open(path, encoding="utf-8").read()
        first = old.split("\n", 1)[0]
        if "oracle: chert" in first:
            continue
        if not re.search(r"oracle: spark-", first):
            print(f"{path}: first line names no oracle: spark-4.x")
            bad = 1
            continue
        try:
            new = record_text(ss, old)
        except SystemExit as e:
            print(f"{path}: {e}")
            bad = 1
            continue
        if new != old:
            print(f"{path}: {'differs' if args.check else 'recorded'}")
            if args.check:
                bad = 1
                for d in difflib.unified_diff(old.split("\n"), new.split("\n"), "file", "spark", lineterm="", n=1):
                    print("  " + d)
            else:
                open(path, "w", encoding="utf-8").write(new)
    ss.stop()
    shutil.rmtree(warehouse, ignore_errors=True)
    print(f"{len(files)} files, spark {ss.version}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
