#!/usr/bin/env python3
"""Publishes the programs that scripts/peers built, as files in the layout of the hosts that publish the originals:
make.py PEERS OUT. Each folder of OUT is a host; serve.py answers for all of them. OUT/upstream.asc is the OpenPGP key
that everything here is signed with; it is made anew each time and its private half is thrown away."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


def versions():
    lines = subprocess.run([REPOSITORY / "scripts/peers", "--versions"], check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in lines.split())


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def write_json(path, value):
    return write(path, json.dumps(value, indent=2) + "\n")


def digest(path, algorithm="sha256"):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def tar_gz(path, members):
    """members: name in the archive -> file, or bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 1, raw, 0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, source in members.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o644 if isinstance(source, bytes) else 0o755
            info.size = len(source) if isinstance(source, bytes) else source.stat().st_size
            with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
                tar.addfile(info, file)
    return path


def zipped(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, source in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100644 if isinstance(source, bytes) else 0o100755) << 16
            with archive.open(info, "w") as target:
                target.write(source) if isinstance(source, bytes) else shutil.copyfileobj(open(source, "rb"), target)
    return path


def copied(path, *folders):
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        os.link(path, folder / path.name)


class Signer:
    def __init__(self, home):
        self.command = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
        subprocess.run([*self.command, "--quick-gen-key", "Upstream of the tests <upstream@tests.invalid>", "rsa3072", "sign", "never"], check=True)
        listed = subprocess.run([*self.command, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True).stdout
        self.key_id = next(line.split(":")[4] for line in listed.splitlines() if line.startswith("pub:"))
        self.public = subprocess.run([*self.command, "--armor", "--export"], check=True, capture_output=True, text=True).stdout

    def sign(self, path, ending):
        subprocess.run([*self.command, "--detach-sign", "-o", f"{path}{ending}", path], check=True)


NOTICE = b"See the project's own page for its licence.\n"


def pulumi(peers, out, version):
    folder = out / "get.pulumi.com/releases/sdk"
    archive = tar_gz(folder / f"pulumi-v{version}-linux-{'x64' if ARCH == 'amd64' else ARCH}.tar.gz",
                     {f"pulumi/{file.name}": file for file in sorted((peers / "pulumi").iterdir())})
    sums = write(folder / f"pulumi-{version}-checksums.txt", f"{digest(archive)}  {archive.name}\n")
    release = out / f"github.com/pulumi/pulumi/releases/download/v{version}"
    copied(archive, release)
    copied(sums, release)
    write(release / "SHA512SUMS", f"{digest(archive, 'sha512')}  {archive.name}\n")
    write(out / "www.pulumi.com/latest-version", version + "\n")
    github_release(out, "pulumi/pulumi", version)


def plugin(peers, out, name, version):
    release = out / f"github.com/pulumi/pulumi-{name}/releases/download/v{version}"
    archive = tar_gz(release / f"pulumi-resource-{name}-v{version}-linux-{ARCH}.tar.gz",
                     {"LICENSE": NOTICE, f"pulumi-resource-{name}": peers / f"plugins/{name}/pulumi-resource-{name}"})
    # As recent releases have it: SHA-1, with "./" before the names.
    write(release / f"pulumi-{name}_{version}_checksums.txt", f"{digest(archive, 'sha1')}  ./{archive.name}\n")
    copied(archive, out / "get.pulumi.com/releases/plugins")
    github_release(out, f"pulumi/pulumi-{name}", version)


def github_release(out, repository, version):
    """What GitHub's API says about a release whose files are there already."""
    base = f"https://api.github.com/repos/{repository}/releases"
    files = sorted((out / f"github.com/{repository}/releases/download/v{version}").iterdir())
    assets = [{"id": number, "name": file.name, "size": file.stat().st_size, "url": f"{base}/assets/{number}",
               "digest": f"sha256:{digest(file)}", "content_type": "application/octet-stream", "state": "uploaded",
               "browser_download_url": f"https://github.com/{repository}/releases/download/v{version}/{file.name}"}
              for number, file in enumerate(files, 1)]
    release = {"id": 1, "url": f"{base}/1", "tag_name": f"v{version}", "name": f"v{version}", "draft": False,
               "prerelease": False, "assets": assets}
    folder = out / f"api.github.com/repos/{repository}/releases"
    write_json(folder / "latest", release)
    write_json(folder / f"tags/v{version}", release)
    write_json(folder / "index.json", [release])
    for asset, file in zip(assets, files):
        write_json(folder / f"assets/{asset['id']}", asset)
        # With `Accept: application/octet-stream` that address gives the file itself.
        os.link(file, folder / f"assets/{asset['id']}.octet-stream")


def opentofu(peers, out, version, signer):
    release = out / f"github.com/opentofu/opentofu/releases/download/v{version}"
    archive = zipped(release / f"tofu_{version}_linux_{ARCH}.zip", {"LICENSE": NOTICE, "tofu": peers / "tofu/tofu"})
    sums = write(release / f"tofu_{version}_SHA256SUMS", f"{digest(archive)}  {archive.name}\n")
    signer.sign(sums, ".gpgsig")
    github_release(out, "opentofu/opentofu", version)


def provider(peers, out, name, version, signer):
    """hashicorp/NAME as both registries have it: OpenTofu's points at releases on GitHub, Terraform's at HashiCorp's host."""
    program = peers / f"providers/terraform-provider-{name}_v{version}_x5"
    stem = f"terraform-provider-{name}_{version}"
    places = {"registry.opentofu.org": (f"github.com/opentofu/terraform-provider-{name}/releases/download/v{version}", ".sig"),
              "registry.terraform.io": (f"releases.hashicorp.com/terraform-provider-{name}/{version}", f".{signer.key_id[-8:]}.sig")}
    for host, (place, ending) in places.items():
        archive = zipped(out / place / f"{stem}_linux_{ARCH}.zip", {"LICENSE.txt": NOTICE, program.name: program})
        sums = write(out / place / f"{stem}_SHA256SUMS", f"{digest(archive)}  {archive.name}\n")
        signer.sign(sums, ending)
        write_json(out / host / ".well-known/terraform.json", {"modules.v1": "/v1/modules/", "providers.v1": "/v1/providers/"})
        base = out / host / "v1/providers/hashicorp" / name
        write_json(base / "versions", {"id": f"hashicorp/{name}", "warnings": None, "versions": [
            {"version": version, "protocols": ["5.0"], "platforms": [{"os": "linux", "arch": ARCH}]}]})
        write_json(base / version / "download/linux" / ARCH, {
            "protocols": ["5.0"], "os": "linux", "arch": ARCH, "filename": archive.name,
            "download_url": f"https://{place}/{archive.name}", "shasum": digest(archive),
            "shasums_url": f"https://{place}/{sums.name}", "shasums_signature_url": f"https://{place}/{sums.name}{ending}",
            "signing_keys": {"gpg_public_keys": [{
                "key_id": signer.key_id, "ascii_armor": signer.public, "trust_signature": "", "source": "Tests",
                "source_url": "https://tests.invalid/"}]}})


def main():
    peers, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    version = versions()
    with tempfile.TemporaryDirectory() as home:
        signer = Signer(home)
        write(partial / "upstream.asc", signer.public)
        if (peers / ".pulumi").exists():
            pulumi(peers, partial, version["pulumi"])
        if (peers / ".command").exists():
            plugin(peers, partial, "command", version["command"])
        if (peers / ".tofu").exists():
            opentofu(peers, partial, version["tofu"], signer)
        for name in ("null", "random"):
            if (peers / f".{name}").exists():
                provider(peers, partial, name, version[name], signer)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)


main()
