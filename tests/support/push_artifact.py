#!/usr/bin/env python3
"""Pushes an OCI artifact to a registry over HTTP, as supply-chain tools do.

  push_artifact.py http://HOST:PORT REPO --subject sha256:… --type application/spdx+json --file sbom.json
  push_artifact.py http://HOST:PORT REPO --sign sha256:… --key key.pem

The first form makes a referrer (a manifest with `subject`); where the registry answers without OCI-Subject, the
referrers tag is written too, as the distribution specification asks of clients. The second makes a signature as
cosign lays it out: tag `sha256-HEX.sig`, a simple-signing payload, its ECDSA signature in an annotation.
Prints the digest of the manifest.
"""
import argparse
import base64
import hashlib
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def call(method, url, data=None, **headers):
    request = urllib.request.Request(url, data=data, method=method,
                                     headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.headers, answer.read()


class Repository:
    def __init__(self, registry, name):
        self.registry, self.base = registry, f"{registry}/v2/{name}"

    def blob(self, data, media_type):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        _, headers, _ = call("POST", f"{self.base}/blobs/uploads/", b"")
        place = urllib.parse.urljoin(self.base, headers["Location"])
        join = "&" if "?" in place else "?"
        call("PUT", f"{place}{join}digest={digest}", data, Content_Type="application/octet-stream")
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, value, reference=None):
        data = json.dumps(value).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        _, headers, _ = call("PUT", f"{self.base}/manifests/{reference or digest}", data,
                             Content_Type=value["mediaType"])
        return {"mediaType": value["mediaType"], "digest": digest, "size": len(data)}, headers

    def get_manifest(self, reference):
        try:
            _, headers, body = call("GET", f"{self.base}/manifests/{reference}", Accept=f"{MANIFEST}, {INDEX}")
            return headers["Content-Type"], body
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None, None
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("registry")
    parser.add_argument("repository")
    parser.add_argument("--subject")
    parser.add_argument("--type", default="application/spdx+json")
    parser.add_argument("--file")
    parser.add_argument("--sign")
    parser.add_argument("--key")
    options = parser.parse_args()
    repository = Repository(options.registry, options.repository)
    empty = repository.blob(b"{}", "application/vnd.oci.empty.v1+json")
    if options.sign:
        payload = json.dumps({"critical": {"identity": {"docker-reference": options.repository},
                                           "image": {"docker-manifest-digest": options.sign},
                                           "type": "cosign container image signature"}, "optional": None}).encode()
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", options.key], input=payload,
                                   capture_output=True, check=True).stdout
        layer = repository.blob(payload, "application/vnd.dev.cosign.simplesigning.v1+json")
        layer["annotations"] = {"dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()}
        descriptor, _ = repository.manifest({"schemaVersion": 2, "mediaType": MANIFEST,
                                             "config": {**empty, "mediaType": "application/vnd.oci.image.config.v1+json"},
                                             "layers": [layer]}, options.sign.replace(":", "-") + ".sig")
        print(descriptor["digest"])
        return
    content_type, subject = repository.get_manifest(options.subject)
    with open(options.file, "rb") as source:
        layer = repository.blob(source.read(), options.type)
    descriptor, headers = repository.manifest({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": options.type, "config": empty, "layers": [layer],
        "subject": {"mediaType": content_type, "digest": options.subject, "size": len(subject)},
        "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}})
    if not headers.get("OCI-Subject"):
        tag = options.subject.replace(":", "-")
        _, old = repository.get_manifest(tag)
        index = json.loads(old) if old else {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        index["manifests"].append({**descriptor, "artifactType": options.type})
        repository.manifest(index, tag)
    print(descriptor["digest"])


if __name__ == "__main__":
    main()
