#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/run.sh passes when output, patterns and exit code fit, fails when any does not, and writes what it is told to.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CHERT=/bin/true

# script NAME: its text comes on stdin.
script() { cat >"$folder/$1.sh"; }
passes() { tests/cli/run.sh "$folder/$1.sh" >"$folder/said" || { echo "$1 should pass"; cat "$folder/said"; exit 1; }; }
fails() { ! tests/cli/run.sh "$folder/$1.sh" >"$folder/said" || { echo "$1 should fail"; exit 1; }; }

script quiet <<<'chert; "$CHERT"'
passes quiet
script loud <<<'echo out; echo err >&2; exit 3'
fails loud
ACCEPT=1 passes loud
passes loud
[ "$(cat "$folder/loud.stdout")" = out ] && [ "$(cat "$folder/loud.stderr")" = err ] && [ "$(cat "$folder/loud.exit")" = 3 ]
echo 2 >"$folder/loud.exit"
fails loud
grep -q 'exit code 3, wanted 2' "$folder/said"

script table <<<'printf "a\nb 17 s\nc\nd\n"'
glob() { printf '%s\n' "$@" >"$folder/table.stdout.glob"; }
glob 'a' 'b [0-9]* s' 'c' 'd' && passes table
glob '...' 'd' && passes table
glob 'a' '...' && passes table
glob 'a' '...' 'c' '...' 'd' && passes table
glob '...' && passes table
glob 'a' 'b' 'c' 'd' && fails table
glob 'a' '...' 'c' && fails table
glob 'a' 'b*' 'c' 'd' 'e' && fails table

script empty_folder <<<'ls; test "$PWD" != "$ROOT" && test -d "$ROOT/tests/cli"'
passes empty_folder
