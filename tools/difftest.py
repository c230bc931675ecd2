#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random queries over random small tables, Chert against DuckDB.

  tools/difftest.py [--seed N] [--queries N] [--chert build/chert]

Every query is run by both and the rows compared as multisets; the first seed is printed, and with each difference the
seed that makes that query alone. Exit code 1 when there was one; DuckDB is asked again without its optimizer first. The dialects agree on what is generated here:
integers that cannot overflow, text compared by bytes, NULLS FIRST and LAST always written. For every other seed Chert
reads the tables from Parquet files that DuckDB wrote: scans then know their rows, and joins narrow them.
Needs the Python module duckdb (tools/oracle/setup.sh installs it).
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter

import duckdb

TABLES = {"t": "a b s", "u": "a c s", "w": "b c d"}
TEXT = ["x", "y", "xy", "Z", ""]


def literal(value):
    if value is None:
        return "NULL"
    return "'" + value + "'" if isinstance(value, str) else str(value)


class Query:
    """One random query; every method gives SQL text."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.n_alias = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, p):
        return self.random.random() < p

    def tables(self):
        for name, columns in TABLES.items():
            rows = []
            for _ in range(self.random.choice([0, 1, 2, 5, 12, 30, 90])):
                rows.append([None if self.chance(0.2) else self.pick(*TEXT) if c == "s" else self.random.randint(-2, 4)
                             for c in columns.split()])
            yield name, columns.split(), rows

    def number(self, scope, depth=2):
        columns = [c for c, kind in scope if kind == "i"]
        if depth == 0 or self.chance(0.4):
            return self.pick(*columns) if columns and self.chance(0.8) else str(self.random.randint(-2, 4))
        x, y = self.number(scope, depth - 1), self.number(scope, depth - 1)
        return self.pick(f"({x} + {y})", f"({x} - {y})", f"({x} * {y})", f"coalesce({x}, {y})",
                         f"CASE WHEN {self.condition(scope, depth - 1)} THEN {x} ELSE {y} END", f"nullif({x}, {y})")

    def text(self, scope):
        columns = [c for c, kind in scope if kind == "s"]
        return self.pick(*columns) if columns and self.chance(0.7) else literal(self.pick(*TEXT))

    def condition(self, scope, depth=2):
        if depth > 0 and self.chance(0.5):
            x, y = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
            return self.pick(f"({x} AND {y})", f"({x} OR {y})", f"(NOT {x})")
        op = self.pick("=", "<>", "<", "<=", ">", ">=")
        k = min(depth, 1)
        x, y = (self.text(scope), self.text(scope)) if self.chance(0.3) else (self.number(scope, k), self.number(scope, k))
        return self.pick(f"{x} {op} {y}", f"{x} IS NULL", f"{x} IS NOT NULL", f"{x} IS NOT DISTINCT FROM {y}",
                         f"{self.number(scope, k)} IN (0, 1, {self.number(scope, k)})",
                         f"{self.number(scope, k)} BETWEEN {self.number(scope, 0)} AND {self.number(scope, 0)}")

    def source(self, depth):
        """FROM item, and its columns as (name, kind)."""
        self.n_alias += 1
        alias = f"q{self.n_alias}"
        if depth > 0 and self.chance(0.3):
            sql, columns = self.select(depth - 1)
            return f"({sql}) {alias}", [(f"{alias}.{c}", kind) for c, kind in columns]
        name = self.pick(*TABLES)
        return f"{name} {alias}", [(f"{alias}.{c}", "s" if c == "s" else "i") for c in TABLES[name].split()]

    def join(self, depth):
        sql, scope = self.source(depth)
        for _ in range(self.pick(0, 0, 1, 1, 2)):
            right, columns = self.source(depth)
            kind = self.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "CROSS JOIN")
            both = scope + columns
            on = f"{self.number(scope, 0)} = {self.number(columns, 0)}"
            if self.chance(0.3):
                on += f" AND {self.condition(both, 1)}"
            sql += f" {kind} {right}" + ("" if kind == "CROSS JOIN" else f" ON {on}")
            scope = scope if kind in ("SEMI JOIN", "ANTI JOIN") else both
        return sql, scope

    def where(self, scope, depth):
        parts = []
        if self.chance(0.5):
            parts.append(self.condition(scope))
        if depth > 0 and self.chance(0.2):
            inner = self.select(0, columns=1)[0]
            parts.append(f"{self.number(scope, 0)} {self.pick('IN', 'NOT IN')} ({inner})")
        if depth > 0 and self.chance(0.1):
            source, columns = self.source(0)
            parts.append(f"{self.number(scope, 0)} > (SELECT max({self.number(columns, 0)}) FROM {source})")
        numbers = [c for c, kind in scope if kind == 'i']
        if depth > 0 and numbers and self.chance(0.25):  # subqueries that look at the row around them
            source, columns = self.source(0)
            key = f"{self.pick(*[c for c, kind in columns if kind == 'i'])} = {self.pick(*numbers)}"
            more = f" AND {self.condition(columns, 1)}" if self.chance(0.5) else ""
            parts.append(self.pick(
                f"{self.pick('EXISTS', 'NOT EXISTS')} (SELECT 1 FROM {source} WHERE {key}{more})",
                f"{self.number(scope, 0)} {self.pick('IN', 'NOT IN')} (SELECT {self.number(columns, 0)} FROM {source} WHERE {key}{more})",
                f"{self.number(scope, 0)} >= (SELECT {self.pick('count', 'max', 'sum')}({self.number(columns, 0)}) FROM {source} WHERE {key}{more})"))
        return " WHERE " + " AND ".join(parts) if parts else ""

    def aggregate(self, scope):
        x = self.number(scope, 1)
        return self.pick("count(*)", f"count({x})", f"count(DISTINCT {x})", f"sum({x})", f"min({x})", f"max({x})",
                         f"sum({x}) FILTER (WHERE {self.condition(scope, 0)})")

    def window(self, scope):
        """A window function; rows that tie in its order are the same in every column."""
        order = [f"{c} {self.pick('ASC', 'DESC')} NULLS {self.pick('FIRST', 'LAST')}" for c, _ in scope]
        self.random.shuffle(order)
        part = f"PARTITION BY {self.number(scope, 1)} " if self.chance(0.6) else ""
        x = self.number(scope, 1)
        if self.chance(0.4):
            call = self.pick("row_number()", "rank()", "dense_rank()", f"ntile({self.random.randint(1, 4)})",
                             f"lag({x}, {self.random.randint(0, 3)})", f"lead({x}, {self.random.randint(0, 3)})")
            # rank() and its like may order by less than all
            some = self.random.randint(1, len(order)) if call in ("rank()", "dense_rank()") else len(order)
            return f"{call} OVER ({part}ORDER BY {', '.join(order[:some])})"
        call = self.pick(f"first_value({x})", f"last_value({x})", f"nth_value({x}, {self.random.randint(1, 3)})", f"sum({x})",
                         f"count({x})", "count(*)", f"min({x})", f"max({x})")
        ends = ["UNBOUNDED PRECEDING", f"{self.random.randint(1, 3)} PRECEDING", "CURRENT ROW", f"{self.random.randint(1, 3)} FOLLOWING",
                "UNBOUNDED FOLLOWING"]
        low, high = sorted(self.random.sample(range(5), 2))
        frame = self.pick("", f" ROWS BETWEEN {ends[low]} AND {ends[high]}")
        return f"{call} OVER ({part}ORDER BY {', '.join(order)}{frame})"

    def select(self, depth, columns=None):
        sql, scope = self.join(depth)
        sql += self.where(scope, depth)
        n = columns or self.random.randint(1, 3)
        if self.chance(0.4):
            keys = [self.number(scope, 1) for _ in range(self.random.randint(0, n))]
            items = (keys + [self.aggregate(scope) for _ in range(3)])[:n]
            if keys and self.chance(0.5):
                sql += " GROUP BY " + ", ".join(str(i + 1) for i in range(len(keys)))
                if self.chance(0.3):
                    sql += f" HAVING count(*) > {self.random.randint(0, 2)}"
            elif keys:
                items = [self.aggregate(scope) for _ in range(n)]
            kinds = ["i"] * n
        else:
            kinds = ["s" if not columns and self.chance(0.25) else "i" for _ in range(n)]
            items = [self.text(scope) if kind == "s" else self.window(scope) if not columns and self.chance(0.15)
                     else self.number(scope, 1) for kind in kinds]
        out = [(f"c{i}", kind) for i, kind in enumerate(kinds)]
        named = ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))
        sql = f"SELECT {'DISTINCT ' if self.chance(0.15) else ''}{named} FROM {sql}"
        if not columns and depth > 0 and self.chance(0.15) and all(kind == "i" for kind in kinds):
            other = self.select(0)
            while [kind for _, kind in other[1]] != kinds:
                other = self.select(0)
            sql = f"({sql}) {self.pick('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT')} ({other[0]})"
        elif self.chance(0.2):
            order = ", ".join(f"c{i} {self.pick('ASC', 'DESC')} NULLS {self.pick('FIRST', 'LAST')}" for i in range(n))
            sql += f" ORDER BY {order} LIMIT {self.random.randint(0, 7)}"
        return sql, out

    def statement(self):
        """A query; sometimes over an aggregate that it names twice."""
        if self.chance(0.9):
            return self.select(2)
        source, columns = self.join(0)
        group = (f"SELECT {self.number(columns, 1)} AS k, {self.aggregate(columns)} AS v FROM {source}{self.where(columns, 0)} GROUP BY 1")
        scope = [("x.k", "i"), ("x.v", "i"), ("y.k", "i"), ("y.v", "i")]
        on = self.pick("x.k = y.k", "x.v = y.k + 1", f"x.k = y.k AND {self.condition(scope, 1)}")
        kind = self.pick("JOIN", "LEFT JOIN", "SEMI JOIN", "ANTI JOIN")
        scope = scope if kind in ("JOIN", "LEFT JOIN") else scope[:2]
        return (f"WITH g AS ({group}) SELECT {self.number(scope, 1)} AS c0, {self.number(scope, 1)} AS c1 FROM g x {kind} g y ON {on}"
                f"{self.where(scope, 0)}"), [("c0", "i"), ("c1", "i")]


def create(name, columns, rows, spark):
    types = ["STRING" if c == "s" else "BIGINT" for c in columns]
    cast = ", ".join(f"CAST({c} AS {kind}) AS {c}" for c, kind in zip(columns, types))
    values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows or [[None] * len(columns)])
    return (f"CREATE {'TEMP VIEW' if spark else 'TABLE'} {name} AS SELECT {cast} FROM (VALUES {values}) v({', '.join(columns)})"
            + ("" if rows else " WHERE false"))


def run_duckdb(tables, sql, folder, optimize=True):
    con = duckdb.connect()
    if not optimize:
        con.execute("PRAGMA disable_optimizer")
    for table in tables:
        con.execute(create(*table, False))
        if folder:
            con.execute(f"COPY {table[0]} TO '{folder}/{table[0]}.parquet' (ROW_GROUP_SIZE 8)")
    return Counter(tuple(map(str, row)) for row in con.execute(sql).fetchall())


def view(name, folder):
    return f"CREATE TEMP VIEW {name} USING parquet OPTIONS (path '{folder}/{name}.parquet')"


def run_chert(chert, tables, sql, folder):
    text = ";\n".join([view(table[0], folder) if folder else create(*table, True) for table in tables] + [sql])
    done = subprocess.run([chert, "sql", "--format", "json", "-e", text], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--chert", default="build/chert")
    args = parser.parse_args()
    print(f"seed {args.seed}, {args.queries} queries")
    wrong = skipped = doubtful = 0
    place = tempfile.TemporaryDirectory()
    for seed in range(args.seed, args.seed + args.queries):
        query = Query(seed)
        tables = list(query.tables())
        sql, columns = query.statement()
        folder = place.name if seed % 2 else None
        try:
            wanted = run_duckdb(tables, sql, folder)
        except duckdb.Error:
            skipped += 1  # not a query that both take
            continue
        try:
            rows = run_chert(args.chert, tables, sql, folder)
            got = Counter(tuple(str(row.get(name)) for name, _ in columns) for row in rows)
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as problem:
            print(f"\n--seed {seed} --queries 1\n{sql}\n  {problem}")
            wrong += 1
            continue
        if got != wanted and got == run_duckdb(tables, sql, folder, optimize=False):
            print(f"\n--seed {seed} --queries 1\n{sql}\n  DuckDB gives something else with its optimizer than without")
            doubtful += 1
        elif got != wanted:
            wrong += 1
            print(f"\n--seed {seed} --queries 1\n{sql}\n  missing {list((wanted - got).items())[:5]}\n  extra   {list((got - wanted).items())[:5]}")
    print(f"{args.queries - skipped} compared, {wrong} differences"
          + (f"; {doubtful} where DuckDB's optimizer errs, and Chert agrees with DuckDB without it" if doubtful else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
