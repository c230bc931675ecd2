#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that rooms include only from rooms above them.

    tools/layers.py [TREE]

The order is the table of rooms in docs/architecture.md. Prints one line per offence and exits with 1 if there is any:

  - src/<room>/ includes a header of a room below it, or of a room that is not in the table
  - a room above src/api includes the public headers
  - pipelines/ or examples/ include anything of ours but the public headers
  - src/builtin holds anything but .def files, or one of those includes something
  - a source lies deeper than src/<room>/<file>, in a room that is not in the table, or shares its name with another
"""

import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
ROW = re.compile(r"^\|\s*src/(\w+)\s*\|")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def rooms():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    return [m.group(1) for m in map(ROW.match, text.splitlines()) if m]


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def room_offences(order):
    seen = {}
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".c", ".h", ".def"):
            continue
        shown = path.relative_to(ROOT)
        room = shown.parts[1]
        if len(shown.parts) != 3:
            yield f"{shown}: sources lie in src/<room>/<file>, one level deep"
            continue
        if room not in order:
            yield f"{shown}: the table of rooms in docs/architecture.md does not list src/{room}"
            continue
        if path.name in seen:
            yield f"{shown}: has the same name as {seen[path.name]}"
        seen[path.name] = shown
        if room == "builtin" and path.suffix != ".def":
            yield f"{shown}: src/builtin holds only .def files"
        for number, quote, name in includes(path):
            where = f"{shown}:{number}"
            target = name.split("/")[0]
            if room == "builtin":
                yield f"{where}: src/builtin includes nothing"
            elif target == "chert":
                if order.index(room) < order.index("api"):
                    yield f"{where}: src/{room} stands above src/api and cannot include <{name}>"
            elif room == "cli" and target == "pipelines":
                pass  # the programs that `chert run` starts
            elif quote == '"' and "/" in name:
                if target not in order:
                    yield f"{where}: {name} is in no room"
                elif order.index(target) > order.index(room):
                    yield f"{where}: src/{room} includes {name}, which stands below it"
            elif quote == '"':
                yield f'{where}: write "{room}/{name}"'


def outside_offences():
    for folder in ("pipelines", "examples", "include/chert"):
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            for number, quote, name in includes(path):
                if quote == '"' and (ROOT / "src" / name).exists():
                    yield f"{path.relative_to(ROOT)}:{number}: only <chert/...> may be included here"


def main():
    order = rooms()
    if not order:
        print("docs/architecture.md has no table of rooms")
        return 1
    offences = [*room_offences(order), *outside_offences()]
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
