"""Alters the TUF repository of a bundle as whoever holds some of its keys could, and puts it back into a bundle.

usage: edit.py ALTERATION METADATA-DIR KEYS      ALTERATION: one-approval, twice, borrowed, foreign-root, skipped-root
       edit.py flip FILE
       edit.py repack BUNDLE METADATA-DIR OUT    the bundle with these files in the place of its own

KEYS is what `airlock --json keys show` printed; signatures are made with the openssl command, Ed25519 only."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile


def canonical(value):
    """OLPC canonical JSON of what airlock writes: ASCII member names, integers, no control characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(key_file, message):
    with tempfile.NamedTemporaryFile() as file:  # openssl takes Ed25519 messages from real files only
        file.write(message)
        file.flush()
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(key_file), "-in", file.name]
        return subprocess.run(command, check=True, capture_output=True).stdout.hex()


def write(path, document):
    document["signatures"].sort(key=lambda signature: signature["keyid"])
    path.write_text(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Repository:
    def __init__(self, folder, keys):
        self.folder = pathlib.Path(folder)
        self.keys = json.loads(pathlib.Path(keys).read_text())["keys"]

    def newest(self, role):
        return max(self.folder.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))

    def signers(self, role):
        return [key for key in self.keys if key["role"] == role and key["file"]]

    def reseal(self):
        """What the thief of the timestamp key alone can do: vouch for the snapshot as it is now."""
        path, snapshot = self.folder / "timestamp.json", self.newest("snapshot").read_bytes()
        document = json.loads(path.read_text())
        meta = document["signed"]["meta"]["snapshot.json"]
        meta["length"], meta["hashes"] = len(snapshot), {"sha256": hashlib.sha256(snapshot).hexdigest()}
        message = canonical(document["signed"])
        document["signatures"] = [{"keyid": key["keyid"], "sig": sign(key["file"], message)}
                                  for key in self.signers("timestamp")]
        write(path, document)

    def change_approvals(self, change):
        path = self.newest("snapshot")
        document = json.loads(path.read_text())
        if len(document["signatures"]) < 2:
            sys.exit("the snapshot has fewer than two approvals to begin with")
        change(document["signatures"])
        write(path, document)
        self.reseal()

    def next_root(self, version, keys_of):
        document = json.loads(self.newest("root").read_text())
        document["signed"]["version"] = version
        message = canonical(document["signed"])
        document["signatures"] = [{"keyid": key["keyid"], "sig": sign(keys_of(key), message)}
                                  for key in self.signers("root")]
        write(self.folder / "2.root.json", document)


def stranger(_key):
    path = pathlib.Path(tempfile.mkdtemp()) / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True, capture_output=True)
    return path


def borrow(signatures):
    signatures[1] = dict(signatures[0], keyid=signatures[1]["keyid"])


ALTERATIONS = {
    "one-approval": lambda repository: repository.change_approvals(lambda list_: list_.pop()),
    "twice": lambda repository: repository.change_approvals(lambda list_: list_.__setitem__(1, dict(list_[0]))),
    "borrowed": lambda repository: repository.change_approvals(borrow),
    "foreign-root": lambda repository: repository.next_root(2, stranger),
    "skipped-root": lambda repository: repository.next_root(3, lambda key: key["file"]),
}


def flip(path):
    """Another digit in the first digest of the file: still JSON, still of the same length."""
    data = bytearray(pathlib.Path(path).read_bytes())
    at = data.index(b'"sha256": "') + len(b'"sha256": "')
    data[at] = ord("0") if data[at] != ord("0") else ord("1")
    pathlib.Path(path).write_bytes(data)


BLOCK = 512


def padded(size):
    return (size + BLOCK - 1) // BLOCK * BLOCK


def header(template, name, size):
    block = bytearray(template)
    block[0:100] = name.encode().ljust(100, b"\0")
    block[124:136] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def repack(bundle, folder, out):
    data = pathlib.Path(bundle).read_bytes()
    before, after, room, at = [], b"", None, 0
    while data[at:at + BLOCK].strip(b"\0"):
        block = data[at:at + BLOCK]
        name = block[:100].rstrip(b"\0").decode()
        size = int(block[124:135], 8)
        content = data[at + BLOCK:at + BLOCK + size]
        if name == "metadata/room":
            room, after = size, data[at + BLOCK + padded(size):]
            break
        before.append((name, block, content))
        at += BLOCK + padded(size)
    template = before[0][1]
    files = {f"metadata/{path.name}": path.read_bytes() for path in pathlib.Path(folder).iterdir()}
    shipment = files.pop("metadata/shipment.dsse.json")
    files.pop("metadata/room", None)  # where tar unpacked it
    kept = [(name, content) for name, _, content in before if not name.startswith("metadata/")]
    members = kept + sorted(files.items()) + [("metadata/shipment.dsse.json", shipment)]
    text = b"".join(header(template, name, len(content)) + content.ljust(padded(len(content)), b"\0")
                    for name, content in members)
    room += at - len(text)  # the head keeps its length
    if room < 0:
        sys.exit("the head has no room for these files")
    text += header(template, "metadata/room", room) + bytes(padded(room))
    pathlib.Path(out).write_bytes(text + after)


if __name__ == "__main__":
    if sys.argv[1] == "flip":
        flip(sys.argv[2])
    elif sys.argv[1] == "repack":
        repack(*sys.argv[2:5])
    else:
        ALTERATIONS[sys.argv[1]](Repository(sys.argv[2], sys.argv[3]))
