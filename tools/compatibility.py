#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compatibility.py - what of the Spark Connect protocol is decoded and what is refused, from the codec's own tables.

    tools/compatibility.py            writes the part of docs/compatibility.md behind its marker
    tools/compatibility.py --check    fails if that part is not current, or if a case of the protocol has no row

The tables are src/builtin/connect_*.def, which the decoders are made of; the cases are those of the oneofs in proto/.
"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAGE = os.path.join(ROOT, "docs/compatibility.md")
MARKER = "<!-- Below: printed by tools/compatibility.py. -->\n"
# title, table, file of the protocol, message, oneof
PARTS = [
    ("Relations", "relations", "relations", "Relation", "rel_type"),
    ("Catalog", "catalog", "catalog", "Catalog", "cat_type"),
    ("Commands", "commands", "commands", "Command", "command_type"),
    ("Expressions", "expressions", "expressions", "Expression", "expr_type"),
    ("Literals", "literals", "expressions", "Expression.Literal", "literal_type"),
    ("Types", "types", "types", "DataType", "kind"),
]
INTRO = """
## The protocol

Every case of Spark Connect's messages is decoded to the plan node of its name, or refused with
`UNSUPPORTED_FEATURE` and a text that says what it is; nothing is passed over in silence.
"""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def cases(file, message, oneof):
    """The fields of a oneof, in the order of the file."""
    text = re.sub(r"//.*|/\*.*?\*/", "", read(f"proto/spark/connect/{file}.proto"))
    for part in message.split("."):
        text = block(text, "message", part)
    return re.findall(r"^\s*[\w.]+\s+(\w+)\s*=\s*\d+", block(text, "oneof", oneof), flags=re.M)


def block(text, word, name):
    begin = re.search(rf"\b{word}\s+{name}\s*{{", text)
    if not begin:
        sys.exit(f"no {word} {name} in the protocol")
    depth, at = 1, begin.end()
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[begin.end():at - 1]


def rows(table):
    """{CASE: None if decoded, else the text of the refusal}"""
    text = read(f"src/builtin/connect_{table}.def")
    found = {}
    for no, case, rest in re.findall(r"^CN_(NO_)?\w+\((\w+)(?:,\s*(.*))?\)$", text, flags=re.M):
        found[case] = rest.strip('"') if no else None
    return found


def page():
    out, missing = [INTRO], []
    for title, table, file, message, oneof in PARTS:
        have, names = rows(table), cases(file, message, oneof)
        upper = [name.upper() for name in names]
        missing += [f"{message}.{name} has no row in connect_{table}.def" for name in names if name.upper() not in have]
        missing += [f"{case} of connect_{table}.def is not in {message}" for case in have if case not in upper]
        decoded = [n for n in names if have.get(n.upper(), "") is None]
        refused = [(n, have[n.upper()]) for n in names if have.get(n.upper())]
        out.append(f"### {title}: {len(decoded)} of {len(names)}\n")
        line = ""
        for i, name in enumerate(decoded):
            word = f"`{name}`" + (", " if i + 1 < len(decoded) else "")
            if len(line) + len(word) > 118:
                out[-1] += "\n" + line.rstrip()
                line = ""
            line += word
        out[-1] += "\n" + line + "\n"
        if refused:
            out.append("| refused | what it is |\n|---|---|\n" + "".join(f"| `{n}` | {w} |\n" for n, w in refused))
    return "\n".join(out), missing


def main():
    text, missing = page()
    old = read("docs/compatibility.md")
    at = old.find(MARKER)
    if at < 0:
        sys.exit("docs/compatibility.md has no marker")
    new = old[:at] + MARKER + text
    if missing:
        sys.exit("\n".join(missing))
    if sys.argv[1:] == ["--check"]:
        if new != old:
            sys.exit("docs/compatibility.md is not current: run tools/compatibility.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(new)


if __name__ == "__main__":
    main()
