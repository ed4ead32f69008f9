#!/usr/bin/env python3
"""Makes real OCI image layouts for tests and benchmarks.

  make_image.py LAYOUT NAME:TAG --layer TAR… [--platform linux/amd64 …] [--random SIZE…] [--gzip]

Each platform gets the same layers and one small layer of its own; several platforms make an index. --random adds
layers of that many incompressible bytes each (seeded by --seed, so that two runs make the same image).
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import tarfile

CHUNK = 1 << 20


class Layout:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        index = self.path / "index.json"
        self.index = json.loads(index.read_text()) if index.exists() else {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}

    def add_stream(self, write):
        temporary = self.path / "blobs/sha256/.partial"
        digest, size = hashlib.sha256(), 0
        with open(temporary, "wb") as out:
            def put(data):
                nonlocal size
                digest.update(data)
                size += len(data)
                out.write(data)
            write(put)
        name = digest.hexdigest()
        os.replace(temporary, self.path / "blobs/sha256" / name)
        return {"digest": "sha256:" + name, "size": size}

    def add(self, data):
        return self.add_stream(lambda put: put(data))

    def add_json(self, value, media_type, **extra):
        return {"mediaType": media_type, **self.add(json.dumps(value, sort_keys=True).encode()), **extra}

    def tag(self, descriptor, name):
        entry = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}}
        self.index["manifests"] = [m for m in self.index["manifests"]
                                   if m.get("annotations", {}).get("org.opencontainers.image.ref.name") != name] + [entry]
        (self.path / "index.json").write_text(json.dumps(self.index))


def random_tar(put, size, seed):
    """A tar with one file of `size` pseudo-random bytes, written in pieces."""
    info = tarfile.TarInfo(f"data/random-{seed}")
    info.size, info.mtime = size, 1700000000
    header = info.tobuf(tarfile.GNU_FORMAT)
    put(header)
    source, left = random.Random(seed), size
    while left:
        piece = source.randbytes(min(CHUNK, left))
        put(piece)
        left -= len(piece)
    put(b"\0" * ((-size) % 512 + 1024))


def small_tar(name, text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(text), 1700000000, 0o755
        tar.addfile(info, io.BytesIO(text))
    return out.getvalue()


def layer_from(layout, write, compress):
    """The descriptor of a layer and the digest of its uncompressed form."""
    plain = hashlib.sha256()

    def stream(put):
        if not compress:
            write(lambda data: (plain.update(data), put(data)))
            return

        class Out:
            def write(self, data):
                put(bytes(data))
                return len(data)

            def flush(self):
                pass
        with gzip.GzipFile(fileobj=Out(), mode="wb", compresslevel=1, mtime=0) as packed:
            write(lambda data: (plain.update(data), packed.write(data)))
    blob = layout.add_stream(stream)
    suffix = "+gzip" if compress else ""
    return {"mediaType": f"application/vnd.oci.image.layer.v1.tar{suffix}", **blob}, "sha256:" + plain.hexdigest()


def file_writer(path):
    def write(put):
        with open(path, "rb") as source:
            while data := source.read(CHUNK):
                put(data)
    return write


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout")
    parser.add_argument("name")
    parser.add_argument("--layer", action="append", default=[])
    parser.add_argument("--random", action="append", type=int, default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--platform", action="append")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--text", default="hello from airlock's test image\n")
    parser.add_argument("--fresh", action="store_true", help="remove the layout first")
    options = parser.parse_args()
    if options.fresh:
        shutil.rmtree(options.layout, ignore_errors=True)
    layout = Layout(options.layout)
    shared = [layer_from(layout, file_writer(tar), options.gzip) for tar in options.layer]
    shared += [layer_from(layout, lambda put, s=size, n=number: random_tar(put, s, options.seed + n), False)
               for number, size in enumerate(options.random)]
    manifests = []
    for platform in options.platform or ["linux/amd64"]:
        system, architecture = platform.split("/")[:2]
        own = small_tar("etc/airlock-test", f"{options.text}{platform}\n".encode())
        layers = shared + [layer_from(layout, lambda put, data=own: put(data), options.gzip)]
        config = layout.add_json({"architecture": architecture, "os": system, "config": {"Cmd": ["/bin/cat", "/etc/airlock-test"]},
                                  "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]}},
                                 "application/vnd.oci.image.config.v1+json")
        manifests.append(layout.add_json(
            {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
             "layers": [layer for layer, _ in layers]}, "application/vnd.oci.image.manifest.v1+json",
            platform={"architecture": architecture, "os": system}))
    top = manifests[0] if len(manifests) == 1 else layout.add_json(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests},
        "application/vnd.oci.image.index.v1+json")
    layout.tag({key: value for key, value in top.items() if key != "platform"}, options.name)
    print(top["digest"])


if __name__ == "__main__":
    main()
