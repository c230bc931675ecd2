# SPDX-License-Identifier: Apache-2.0
"""proto/ says what PySpark's own descriptors say: the same messages, fields, numbers, types, enums and calls.

Needs pyspark[connect] and the command protoc-c's sibling protoc, or grpcio-tools; without either the .proto text
is read by the small parser below, which is all that these files need.
"""
import importlib
import os
import re

import pytest

pytest.importorskip("grpc")
from google.protobuf import descriptor_pb2  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto")
FILES = ["base", "catalog", "commands", "common", "expressions", "ml", "ml_common", "pipelines", "relations", "types"]
FIELD = descriptor_pb2.FieldDescriptorProto
SCALAR = {v.number: k[5:].lower() for k, v in FIELD.Type.DESCRIPTOR.values_by_name.items()}


def ours(name):
    """{message: {number: (name, type, repeated, oneof)}}, {enum: {name: number}}, {call: (in, out)}"""
    text = open(os.path.join(ROOT, "spark/connect", name + ".proto"), encoding="utf-8").read()
    tokens = re.findall(r'"[^"]*"|[A-Za-z_][\w.]*|\d+|[{}=;<>,()\[\]]', re.sub(r"//.*", "", text))
    messages, enums, calls, at = {}, {}, {}, 0

    def block(path, kind, oneof=None):
        nonlocal at
        while tokens[at] != "}":
            word = tokens[at]
            if word in ("message", "enum", "oneof", "service"):
                inner = path if word in ("oneof", "service") else path + [tokens[at + 1]]
                name = tokens[at + 1]
                at += 3
                if word == "message":
                    messages[".".join(inner)] = {}
                if word == "enum":
                    enums[".".join(inner)] = {}
                block(inner, word, name if word == "oneof" else None)
                at += 1
            elif word == "reserved" or word == "option":
                at = tokens.index(";", at) + 1
            elif word == "rpc":
                end = tokens.index(";", at)
                calls[tokens[at + 1]] = tuple(t for t in tokens[at + 2:end] if t not in "()" and t != "returns")
                at = end + 1
            elif kind == "enum":
                enums[".".join(path)][word] = int(tokens[at + 2])
                at += 4
            else:
                end = tokens.index(";", at)
                words = tokens[at:end]
                repeated = words[0] == "repeated" or words[0] == "map"
                if words[0] in ("repeated", "optional"):
                    words = words[1:]
                kind_text = "".join(words[:words.index("=") - 1])
                messages[".".join(path)][int(words[-1])] = (words[-3], kind_text, repeated, oneof)
                at = end + 1

    while at < len(tokens):
        if tokens[at] in ("message", "enum", "service"):
            name = tokens[at + 1]
            word = tokens[at]
            at += 3
            if word == "message":
                messages[name] = {}
            if word == "enum":
                enums[name] = {}
            block([] if word == "service" else [name], word)
            at += 1
        else:
            at = tokens.index(";", at) + 1
    return messages, enums, calls


def theirs(name):
    module = importlib.import_module(f"pyspark.sql.connect.proto.{name}_pb2")
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    messages, enums = {}, {}

    def short(type_name):
        return type_name.lstrip(".").removeprefix("spark.connect.")

    def visit(path, m):
        maps = {n.name: n for n in m.nested_type if n.options.map_entry}
        synthetic = {f.oneof_index for f in m.field if f.proto3_optional}
        fields = messages[".".join(path)] = {}
        for f in m.field:
            kind = short(f.type_name) if f.type_name else SCALAR[f.type]
            entry = maps.get(f.type_name.split(".")[-1])
            if entry and f.type_name.endswith(".".join(path + [entry.name])):
                parts = [short(e.type_name) if e.type_name else SCALAR[e.type] for e in entry.field]
                kind = f"map<{parts[0]},{parts[1]}>"
            in_oneof = f.HasField("oneof_index") and f.oneof_index not in synthetic
            fields[f.number] = (f.name, kind, f.label == FIELD.LABEL_REPEATED,
                                m.oneof_decl[f.oneof_index].name if in_oneof else None)
        for n in m.nested_type:
            if not n.options.map_entry:
                visit(path + [n.name], n)
        for e in m.enum_type:
            enums[".".join(path + [e.name])] = {v.name: v.number for v in e.value}

    for m in file.message_type:
        visit([m.name], m)
    for e in file.enum_type:
        enums[e.name] = {v.name: v.number for v in e.value}
    calls = {r.name: tuple((["stream"] if r.client_streaming else []) + [short(r.input_type)] +
                           (["stream"] if r.server_streaming else []) + [short(r.output_type)])
             for s in file.service for r in s.method}
    return messages, enums, calls


@pytest.mark.parametrize("name", FILES)
def test_same_as_the_client(name):
    for mine, expected, what in zip(ours(name), theirs(name), ("messages", "enums", "calls")):
        assert mine == expected, what
