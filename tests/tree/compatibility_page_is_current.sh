#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/compatibility.md says what the tables of the codec say, and every case of the protocol has a row there.
set -eu
tools/compatibility.py --check
