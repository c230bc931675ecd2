#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/layers.py accepts a tree in order and names each kind of offence, on a small tree made for it.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{docs,src/{builtin,base,column,api,cli},include/chert,pipelines}
cat >"$tree/docs/architecture.md" <<'TABLE'
| room | what lives there |
|---|---|
| src/builtin | tables |
| src/base | errors |
| src/column | columns |
| src/api | the public API |
| src/cli | the command |
TABLE
touch "$tree/src/builtin/functions.def" "$tree/src/base/status.h" "$tree/include/chert/chert.h"
printf '#include "base/status.h"\n#include "builtin/functions.def"\n' >"$tree/src/column/column.h"
printf '#include <chert/chert.h>\n#include "column/column.h"\n' >"$tree/src/api/session.c"
printf '#include <chert/chert.h>\n' >"$tree/pipelines/events.c"
tools/layers.py "$tree"

# offence FILE LINE WANTED: with LINE in FILE, exactly one offence is reported, and WANTED is part of it.
offence() {
    mkdir -p "$(dirname "$tree/$1")"
    if [ -e "$tree/$1" ]; then cp "$tree/$1" "$tree/saved"; fi
    echo "$2" >>"$tree/$1"
    if said=$(tools/layers.py "$tree"); then
        echo "not noticed: $2 in $1"
        exit 1
    fi
    if [ "$(wc -l <<<"$said")" != 1 ] || [[ $said != *"$3"* ]]; then
        printf 'wanted: %s\ngot: %s\n' "$3" "$said"
        exit 1
    fi
    rm "$tree/$1"
    if [ -e "$tree/saved" ]; then mv "$tree/saved" "$tree/$1"; fi
}
offence src/base/status.h '#include "column/column.h"' 'src/base/status.h:1: src/base includes column/column.h, which stands below'
offence src/column/column.c '#include <chert/chert.h>' 'stands above src/api'
offence src/column/column.c '#include "column.h"' 'write "column/column.h"'
offence src/column/column.c '#include "kernel/take.h"' 'is in no room'
offence src/column/deep/column.c '' 'one level deep'
offence src/kitchen/sink.c '' 'does not list src/kitchen'
offence src/cli/column.h '' 'same name as'
offence src/builtin/code.c '' 'holds only .def files'
offence src/builtin/functions.def '#include "base/status.h"' 'includes nothing'
offence pipelines/events.c '#include "base/status.h"' 'only <chert/...>'
