# SPDX-License-Identifier: Apache-2.0
"""spark.py - one quiet local Spark, and the text forms of docs/testing.md.

session()        a classic local[2] session: UTC, ANSI as Spark has it by default, no UI
columns(df)      [(name, type string)]
rows(df)         [[cell or None]]: bytes of CAST(value AS STRING) for every value
cell(bytes)      a value as a .test cell, quoted only where needed
failure(exc)     (class, sqlstate, parameters, message) of whatever Spark threw
"""
import logging
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TZ", "UTC")
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


class _Quiet:
    """Sends the process's stderr to nowhere while Spark starts (its JVM inherits the descriptor)."""

    def __enter__(self):
        self.saved = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)

    def __exit__(self, *_):
        os.dup2(self.saved, 2)
        os.close(self.saved)


def session(**conf):
    with _Quiet():
        from pyspark.sql import SparkSession
        build = SparkSession.builder.master("local[2]")
        base = {
            "spark.ui.enabled": "false",
            "spark.driver.memory": "1g",
            "spark.sql.session.timeZone": "UTC",
            "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": "/tmp/chert-oracle-warehouse",
        }
        for key, value in {**base, **conf}.items():
            build = build.config(key, value)
        spark = build.getOrCreate()
        spark.sparkContext.setLogLevel("OFF")
    logging.disable(logging.CRITICAL)
    return spark


def columns(df):
    return [(f.name, f.dataType.simpleString()) for f in df.schema.fields]


def rows(df):
    types = [t for _, t in columns(df)]
    flat = df.toDF(*[f"c{i}" for i in range(len(types))])
    if not types:
        return [[] for _ in range(df.count())]
    got = flat.selectExpr(*[f"CAST(CAST(c{i} AS STRING) AS BINARY) AS c{i}" for i in range(len(types))])
    return [[None if v is None else bytes(v) for v in r] for r in got.collect()]


_ESC = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


def cell(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        value = value.encode("utf-8")
    try:
        text = value.decode("utf-8")
        plain = (text != "" and text != "NULL" and text[0] not in ' "' and text[-1] != " "
                 and "|" not in text and not any(ord(c) < 0x20 or ord(c) == 0x7F for c in text))
    except UnicodeDecodeError:
        plain = False
    if plain:
        return text
    out = []
    i = 0
    while i < len(value):
        b = value[i]
        if b in _ESC:
            out.append(_ESC[b])
        elif b < 0x20 or b == 0x7F:
            out.append(f"\\x{b:02x}")
        elif b < 0x80:
            out.append(chr(b))
        else:
            for n in (2, 3, 4):
                try:
                    out.append(value[i:i + n].decode("utf-8"))
                    i += n - 1
                    break
                except UnicodeDecodeError:
                    pass
            else:
                out.append(f"\\x{b:02x}")
        i += 1
    return '"' + "".join(out) + '"'


def uncell(text):
    """The bytes of a cell, or None for NULL."""
    if text == "NULL":
        return None
    if not text.startswith('"'):
        return text.encode("utf-8")
    body, out, i = text[1:-1], bytearray(), 0
    back = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
    while i < len(body):
        if body[i] != "\\":
            out += body[i].encode("utf-8")
            i += 1
        elif body[i + 1] == "x":
            out.append(int(body[i + 2:i + 4], 16))
            i += 4
        else:
            out += back[body[i + 1]].encode()
            i += 2
    return bytes(out)


def split_cells(line):
    """Cut a row line at the bars outside quotes."""
    cells, cur, quoted, i = [], "", False, 0
    while i < len(line):
        c = line[i]
        if quoted and c == "\\":
            cur += line[i:i + 2]
            i += 2
            continue
        if c == '"' and (quoted or cur.strip(" ") == ""):
            quoted = not quoted
        if c == "|" and not quoted:
            cells.append(cur.strip(" "))
            cur = ""
        else:
            cur += c
        i += 1
    cells.append(cur.strip(" "))
    return cells


def align(table):
    """Rows of cell texts as lines, columns aligned, the last cell not padded."""
    if not table:
        return []
    width = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    return [" | ".join([c.ljust(w) for c, w in zip(r[:-1], width)] + [r[-1]]).rstrip(" ") if len(r) > 1 else r[0]
            for r in table]


def failure(exc):
    """The outermost Spark error that has a class, down the chain of causes."""
    from pyspark.errors import PySparkException
    best = None
    if isinstance(exc, PySparkException):
        cond = exc.getCondition()
        if cond:
            text = str(exc).split("\n\nJVM stacktrace:")[0].strip("\n")
            best = (cond, exc.getSqlState(), dict(exc.getMessageParameters() or {}), text)
    java = getattr(exc, "_origin", None) or getattr(exc, "java_exception", None)
    if best is None or java is not None:
        seen = java
        while seen is not None and best is None:
            try:
                cond = seen.getCondition()
            except Exception:
                cond = None
            if cond:
                best = (cond, seen.getSqlState(), dict(seen.getMessageParameters()), seen.getMessage())
            seen = seen.getCause()
    if best is None:
        name = java.getClass().getName() if java is not None else type(exc).__name__
        best = (name, None, {}, java.getMessage() if java is not None else str(exc))
    return best


def causes(exc):
    """The error classes (or Java class names) from the outermost exception inwards."""
    java, out = getattr(exc, "_origin", None) or getattr(exc, "java_exception", None), []
    while java is not None:
        try:
            cond = java.getCondition()
        except Exception:
            cond = None
        out.append(cond or java.getClass().getName())
        java = java.getCause()
    return out or [type(exc).__name__]
