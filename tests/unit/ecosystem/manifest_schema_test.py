#!/usr/bin/env python3
"""The committed JSON Schema, judged by a validator that is not ours: it takes the ready manifests and what the
documentation shows, and refuses what airlock refuses. Ends with 77 (skipped) where jsonschema or yaml is missing."""
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

root = pathlib.Path(sys.argv[1])
schema = yaml.safe_load((root / "manifests/manifest.schema.json").read_text(encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

TAKEN = [
    "{name: a}",
    "{name: a, images: [docker.io/library/debian:12, {ref: x, platforms: linux/amd64}]}",
    "{name: a, images: [{layout: ./oci, ref: team/tool:3}]}",
    "{name: a, tools: [{name: opentofu, version: 1.12}], images: }",
    "{name: a, files: ['https://f.example/x', {source: ./x, path: docs/}]}",
    "{name: a, upstreams: {'registry.example:5000': {plain_http: true}}}",
    "{name: a, npm: {packages: [x], projects: ./app, platforms: [linux/amd64]}, go: }",
]
REFUSED = [
    "[]",
    "{name: A B}",
    "{name: a, imags: [x]}",
    "{name: a, nuget: {packages: [x]}}",
    "{name: a, npm: {}}",
    "{name: a, npm: [x]}",
    "{name: a, npm: {package: [x]}}",
    "{name: a, platforms: [linux]}",
    "{name: a, platforms: []}",
    "{name: a, images: x}",
    "{name: a, images: [{ref: x, platfroms: [linux/amd64]}]}",
    "{name: a, tools: [opentofu]}",
    "{name: a, tools: [{name: opentofu}]}",
    "{name: a, files: [{url: 'https://f.example/x', source: ./x}]}",
    "{name: a, files: [{path: x}]}",
    "{name: a, files: [{url: 'https://f.example/x', sha256: abc}]}",
    "{name: a, upstreams: {h.example: {token: secret}}}",
]

failures = 0
for manifest in sorted((root / "manifests").glob("*.yaml")):
    for error in validator.iter_errors(yaml.safe_load(manifest.read_text(encoding="utf-8"))):
        print(f"{manifest.name}: {error.message} at {list(error.absolute_path)}")
        failures += 1
for text in TAKEN:
    for error in validator.iter_errors(yaml.safe_load(text)):
        print(f"{text}: {error.message}")
        failures += 1
for text in REFUSED:
    if validator.is_valid(yaml.safe_load(text)):
        print(f"{text}: was taken")
        failures += 1
print(f"{failures} failures")
sys.exit(1 if failures else 0)
