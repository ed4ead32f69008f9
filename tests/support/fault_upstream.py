"""A host of files on loopback that is broken in one way for each folder, and stops being so when it is told.

fault_upstream.py PORT: every folder serves `big.bin` (20 MiB, so that it is fetched in parts) and `small.bin`, but
    /again/     answers each first request with 429, without Retry-After
    /seconds/   answers with 429 and `Retry-After: 2` until two seconds have passed since the first of these answers;
                /date/ the same with a date
    /later/     429 with a Retry-After of eleven days, until mended
    /short/     breaks off in the middle of every first answer
    /norange/   answers every range with the whole
    /changing/  has other content and another entity tag in every answer, until mended
    /sly/       the same with one entity tag
    /bare/      the same with no validator at all, neither ETag nor Last-Modified
    /wrong/     answers a range with another one, until mended
    /away/      redirects to the same file under the name `localhost`
    /loop/      redirects to itself
    /page/      answers with a sign-in page and 200, until mended
    /trickle/   sends ten bytes a second, until mended
    /endless/   a body without length and without end, until mended
The changing contents are lines of 16 bytes, all the same, that number the answer.
GET /mend?FOLDER mends it; GET /seen says, a line each, which requests came with an Authorization: HOST PATH; GET /early,
which came before the time that a Retry-After had named: PATH.
"""
import email.utils
import http.server
import itertools
import math
import random
import sys
import threading
import time

port = int(sys.argv[1])
CONTENT = {"big.bin": random.Random(1).randbytes(20 << 20), "small.bin": random.Random(2).randbytes(5000)}
answers = itertools.count(1)
mended, asked, opens, early, authorized, lock = set(), {}, {}, [], [], threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def plain(self, text, status=200, **fields):
        self.send_response(status)
        fields = {"Content_Type": "text/plain", "Content_Length": str(len(text))} | fields
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def file(self, content, tag='"one"', ranges=True, shift=0, cut=False):
        first, last, status = 0, len(content) - 1, 200
        wanted = self.headers.get("Range", "")
        if ranges and wanted.startswith("bytes=") and self.headers.get("If-Range", tag) == tag:
            begin, _, end = wanted[6:].partition("-")
            first, last, status = int(begin), min(int(end) if end else last, last), 206
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(last - first + 1))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first + shift}-{last + shift}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        body = content[first:last + 1]
        self.wfile.write(body[:len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while "trickle" not in mended:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)
        self.close_connection = True

    def pour(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while self.command == "GET" and "endless" not in mended:
            self.wfile.write(bytes(1 << 16))
        self.close_connection = True

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/mend":
            mended.add(query)
            return self.plain("")
        if path == "/early":
            return self.plain("\n".join(early))
        if path == "/seen":
            return self.plain("\n".join(authorized))
        folder, _, name = path[1:].partition("/")
        content = CONTENT.get(name.split("/")[-1])
        with lock:
            if self.headers.get("Authorization"):
                authorized.append(f"{self.headers['Host']} {path}")
            # Of 429 each range has its first answer; what breaks off does so once a file.
            key = (path, self.command, self.headers.get("Range") if folder != "short" else None)
            count = asked[key] = asked.get(key, 0) + 1
            wait = None
            if folder in ("seconds", "date"):
                now = time.time()
                # A date has whole seconds.
                opened = opens.setdefault(key, now + 2 if folder == "seconds" else math.ceil(now) + 2)
                if now < opened:
                    wait = "2" if folder == "seconds" else email.utils.formatdate(opened, usegmt=True)
                    if count > 1:
                        early.append(path)
        if content is None:
            return self.plain("not here", 404)
        if wait:
            return self.plain("too many", 429, Retry_After=wait)
        if folder == "again" and count == 1:
            return self.plain("too many", 429)
        if folder == "away" and not self.headers["Host"].startswith("localhost"):
            return self.plain("", 302, Location=f"http://localhost:{port}{path}")
        if folder == "loop":
            return self.plain("", 302, Location=path)
        if folder not in mended:
            if folder == "later":
                return self.plain("quota", 429, Retry_After="1000000")
            if folder in ("changing", "sly", "bare"):
                number = next(answers)
                tag = {"changing": f'"{number}"', "sly": '"one"', "bare": None}[folder]
                return self.file((b"%015d\n" % number * (len(content) // 16 + 1))[:len(content)], tag)
            if folder == "wrong":
                return self.file(content, shift=1)
            if folder == "page":
                return self.plain("<!DOCTYPE html><title>Sign in</title>", Content_Type="text/html")
            if folder == "trickle" and self.command == "GET":
                return self.drip()
            if folder == "endless":
                return self.pour()
        tag = None if folder == "bare" else '"one"'
        return self.file(content, tag, ranges=folder != "norange", cut=folder == "short" and count == 1)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


Server(("127.0.0.1", port), Handler).serve_forever()
