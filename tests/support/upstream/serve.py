#!/usr/bin/env python3
"""Answers for every host that has a folder below ROOT, over HTTP or HTTPS: serve.py ROOT --listen ADDRESS:PORT
[--tls CERTIFICATE KEY] [--log FILE]. The host is that of the request where it has a folder, else the first part of the
path, so that http://127.0.0.1:PORT/get.pulumi.com/… is https://get.pulumi.com/…. HEAD, one byte range and entity tags
are understood, since downloaders use them. The log has a line a request: time, status, host, method, path."""

import argparse
import http.server
import os
import re
import ssl
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def find(self):
        path = self.path.split("?")[0]
        if not re.fullmatch(r"(/[A-Za-z0-9_+~%@-][A-Za-z0-9._+~%@-]*|/\.well-known)+/?", path):
            return None
        host = self.headers.get("Host", "").split(":")[0]
        root = os.path.join(self.server.root, host)
        if not host or not re.fullmatch(r"[a-z0-9.-]+", host) or not os.path.isdir(root):
            root = self.server.root
        file = os.path.join(root, path.strip("/"))
        if os.path.isdir(file):
            file = os.path.join(file, "index.json")
        if "application/octet-stream" in self.headers.get("Accept", "") and os.path.isfile(file + ".octet-stream"):
            file += ".octet-stream"
        return file if os.path.isfile(file) else None

    def do_GET(self):
        file = self.find()
        if file is None:
            body = b'{"message": "Not Found"}\n'
            self.begin(404, "application/json", len(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)
            return
        with open(file, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            kind = "application/json" if source.read(1) in (b"{", b"[") else "application/octet-stream"
            tag = f'"{os.fstat(source.fileno()).st_ino:x}-{size:x}"'
            first, last, status = 0, size - 1, 200
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if self.headers.get("If-None-Match") == tag:
                self.begin(304, kind, 0)
                self.end_headers()
                return
            if wanted and self.headers.get("If-Range", tag) == tag:
                first, last = int(wanted[1]), min(int(wanted[2] or last), last)
                status = 206 if first <= last else 416
            length = last - first + 1 if status != 416 else 0
            self.begin(status, kind, length)
            self.send_header("ETag", tag)
            self.send_header("Accept-Ranges", "bytes")
            if status != 200:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}" if status == 206 else f"bytes */{size}")
            self.end_headers()
            source.seek(first)
            while self.command == "GET" and length > 0:
                block = source.read(min(length, 1 << 20))
                self.wfile.write(block)
                length -= len(block)

    do_HEAD = do_GET

    def begin(self, status, kind, length):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))

    def log_request(self, code="-", size="-"):
        host = self.headers.get("Host", "-")
        print(time.strftime("%H:%M:%S"), int(code), host, self.command, self.path, file=self.server.log, flush=True)

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--log")
    options = parser.parse_args()
    address, port = options.listen.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
    server.daemon_threads = True
    server.root = options.root
    server.log = open(options.log, "a") if options.log else sys.stderr
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        # The handshake belongs to the connection's own thread, not to the one that accepts.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"{'https' if options.tls else 'http'}://{address}:{server.server_address[1]}", flush=True)
    server.serve_forever()


try:
    main()
except KeyboardInterrupt:
    pass
