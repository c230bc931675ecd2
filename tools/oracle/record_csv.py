# SPDX-License-Identifier: Apache-2.0
"""record_csv.py - put the questions of csv_cases.py to real Spark, write the answers to tests/data/csv_spark/.

  oracle record_csv [--check] [TOPIC...]

The format of the answers is described in tests/data/csv_spark/README.md.
"""
import bz2
import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import zlib

import spark as sp
from csv_cases import READ, WRITE

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "csv_spark")


def text_or_hex(data):
    try:
        text = data.decode("utf-8")
        if "\0" not in text and not text.startswith("\ufeff"):
            return {"text": text}
    except UnicodeDecodeError:
        pass
    return {"hex": data.hex()}


def bytes_of(entry):
    return entry["text"].encode() if "text" in entry else bytes.fromhex(entry["hex"])


def error_of(exc, tmp):
    cls, state, params, message = sp.failure(exc)
    hide = lambda s: re.sub(r"(file:/*)?" + re.escape(tmp), "{dir}", str(s))
    chain = []
    for c in sp.causes(exc):
        if not chain or chain[-1] != c:
            chain.append(c)
    return {"class": cls, "sqlstate": state, "parameters": {k: hide(v) for k, v in sorted(params.items())},
            "message": hide(message or "")[:700], "causes": chain}


def values(rows):
    def one(v):
        if v is None:
            return None
        try:
            if b"\0" not in v:
                return v.decode("utf-8")
        except UnicodeDecodeError:
            pass
        return {"hex": v.hex()}
    return [[one(v) for v in r] for r in rows]


def read_case(ss, name, data, options, ddl, extra=None):
    extra = extra or {}
    case = {"name": name}
    tmp = tempfile.mkdtemp(prefix="chert-csv-")
    path = tmp
    if data is None:
        path = os.path.join(tmp, "missing.csv")
        case["files"] = {}
    else:
        files = data if isinstance(data, dict) else {"in.csv": data}
        for fn, content in files.items():
            full = os.path.join(tmp, fn)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            open(full, "wb").write(content)
        case["files"] = {fn: text_or_hex(c) for fn, c in files.items()}
        if not isinstance(data, dict):
            path = os.path.join(tmp, "in.csv")
    case["path"] = os.path.relpath(path, tmp) if path != tmp else "."
    if len(case["files"]) > 1:
        case["unordered"] = True
    case["options"] = options
    case["schema"] = ddl
    case.update(extra)
    session = ss.newSession()
    for k, v in extra.get("conf", {}).items():
        session.conf.set(k, v)
    try:
        stage = "analyze"
        reader = session.read.options(**options)
        if ddl is not None:
            reader = reader.schema(ddl)
        df = reader.csv(path)
        case["columns"] = [list(c) for c in sp.columns(df)]
        stage = "run"
        if extra.get("select"):
            df = df.select(*extra["select"])
        if extra.get("count"):
            case["count_is"] = df.count()
        else:
            case["rows"] = values(sp.rows(df))
    except Exception as e:
        case["error"] = {"stage": stage, **error_of(e, tmp)}
    finally:
        shutil.rmtree(tmp)
    return case


UNPACK = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".deflate": zlib.decompress}


def write_case(ss, name, sql, options):
    case = {"name": name, "sql": sql, "options": options}
    tmp = tempfile.mkdtemp(prefix="chert-csv-")
    out = os.path.join(tmp, "out")
    try:
        ss.newSession().sql(sql).coalesce(1).write.options(**options).csv(out)
        case["files"] = {}
        for fn in sorted(os.listdir(out)):
            if fn.endswith(".crc"):
                continue
            data = open(os.path.join(out, fn), "rb").read()
            shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", fn)
            ext = os.path.splitext(fn)[1]
            if ext in UNPACK:
                case["files"][shown] = {"unpacked": True, **text_or_hex(UNPACK[ext](data))}
            elif ext in (".zst", ".lz4", ".snappy"):
                case["files"][shown] = {"hex": data.hex()}
            else:
                case["files"][shown] = text_or_hex(data)
    except Exception as e:
        case["error"] = error_of(e, tmp)
    finally:
        shutil.rmtree(tmp)
    return case


def dump(version, cases):
    """One line per key of a case, so that a diff names what changed."""
    line = lambda v: json.dumps(v, ensure_ascii=False)
    body = []
    for c in cases:
        keys = []
        for k, v in c.items():
            if k == "rows" and v:
                keys.append(f'   "rows": [\n' + ",\n".join("    " + line(r) for r in v) + "]")
            else:
                keys.append(f"   {line(k)}: {line(v)}")
        body.append("  {\n" + ",\n".join(keys) + "\n  }")
    return f'{{"oracle": "spark-{version}",\n "cases": [\n' + ",\n".join(body) + "\n ]}\n"


def main():
    check = "--check" in sys.argv
    topics = [a for a in sys.argv[1:] if not a.startswith("-")]
    os.makedirs(OUT, exist_ok=True)
    ss, bad, total = sp.session(), 0, 0
    for table, ask in ((READ, read_case), (WRITE, write_case)):
        for topic, questions in table.items():
            if topics and topic not in topics:
                continue
            names = [q[0] for q in questions]
            assert len(names) == len(set(names)), topic
            new = dump(ss.version, [ask(ss, *q) for q in questions])
            total += len(names)
            path = os.path.join(OUT, (f"read_{topic}" if table is READ else topic) + ".json")
            if check:
                if open(path, encoding="utf-8").read() != new:
                    print(f"{path}: Spark answers otherwise now")
                    bad = 1
            else:
                open(path, "w", encoding="utf-8").write(new)
    ss.stop()
    print(f"{total} cases, spark {ss.version}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
