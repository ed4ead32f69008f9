"""The same as canonical.js with Debian's python3-securesystemslib, which also verifies every signature of every role
(run it with Debian's own python). usage: canonical.py --vectors FILE | canonical.py ROOT FILE…"""
import hashlib
import json
import sys

from securesystemslib import keys
from securesystemslib.formats import encode_canonical


def main(arguments):
    if arguments[0] == "--vectors":
        for vector in json.load(open(arguments[1]))["vectors"]:
            print(encode_canonical(json.loads(vector["json"])).encode().hex())
        return 0
    root, known, bad = json.load(open(arguments[0]))["signed"], {}, 0
    known.update(root["keys"])
    for name in arguments[1:]:
        known.update(json.load(open(name))["signed"].get("delegations", {}).get("keys", {}))
    for name in arguments[1:]:
        document = json.load(open(name))
        canonical = encode_canonical(document["signed"]).encode()
        print(hashlib.sha256(canonical).hexdigest())
        good = [s for s in document["signatures"]
                if keys.verify_signature(dict(known[s["keyid"]], keyid=s["keyid"]), s, canonical)]
        if not document["signatures"] or len(good) != len(document["signatures"]):
            print(f"{name}: {len(good)} of {len(document['signatures'])} signatures verify", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
