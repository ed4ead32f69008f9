"""A registry on loopback whose answers are broken in one way each, for what no real registry does on demand.

fault_npm_registry.py PORT: package `swapped` has a tarball of other bytes than its integrity says, `html` is answered by
a sign-in page, `half` breaks off, `other` is another package's document, `chain` needs what does not exist.
"""
import base64
import hashlib
import http.server
import json
import sys

port = int(sys.argv[1])


def document(name, content=b"tarball", **more):
    version = {"name": name, "version": "1.0.0", **more}
    version["dist"] = {
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
        "tarball": f"http://127.0.0.1:{port}/{name}/-/{name}-1.0.0.tgz",
    }
    return {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body, content_type="application/json", length=None):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = self.path.strip("/").split("/")[0]
        if self.path.endswith(".tgz"):
            self.answer(b"other bytes", "application/octet-stream")
        elif name == "html":
            self.answer(b"<!DOCTYPE html><title>Sign in</title>", "text/html")
        elif name == "half":
            body = json.dumps(document("half")).encode()
            self.answer(body[: len(body) // 2])
        elif name == "other":
            self.answer(json.dumps(document("another")).encode())
        elif name == "chain":
            self.answer(json.dumps(document("chain", dependencies={"link": "^1"})).encode())
        elif name == "link":
            self.answer(json.dumps(document("link", dependencies={"swapped": "^9"})).encode())
        elif name == "swapped":
            self.answer(json.dumps(document("swapped")).encode())
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
