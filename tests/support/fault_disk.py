#!/usr/bin/env python3
"""A disk that can fail: a file `disk` in a FUSE mount, to put a loop device and a file system on.

    fault_disk.py IMAGE MOUNT_POINT CONTROL_SOCKET

It begins with the content of IMAGE, keeps everything in memory, and records each write and each flush in order. Over the
socket comes one JSON list a line, and one is answered:

    ["record"]                     forget what was recorded; what is on the disk now is the beginning
    ["mark"]                       -> the number of records so far
    ["records"]                    -> what was recorded, "w" for a write and "f" for a flush
    ["cut", N, SEED, FILE]         writes to FILE what the disk may hold when power fails after N records: all that was
                                   written before the last flush, and any part of what came after it, in blocks
    ["fail", KIND, N, HOW_MANY]    the N-th read, write or flush from now fails with EIO, and HOW_MANY in all; -1: all
    ["hits"]                       -> how many have failed since
    ["mend"]                       nothing fails any more
    ["quit"]

The protocol is the kernel's (linux/fuse.h); no library is needed. Needs root.
"""
import ctypes
import errno
import json
import os
import random
import socket
import struct
import sys
import threading

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, \
    INTERRUPT, DESTROY, BATCH_FORGET = 1, 2, 3, 4, 14, 15, 16, 17, 18, 20, 25, 26, 27, 28, 29, 34, 36, 38, 42
HEADER = struct.Struct("<IIQQIIII")
ANSWER = struct.Struct("<IiQ")
BLOCK = 4096
LARGEST_WRITE = 1 << 20
DIRECT_IO = 1
BIG_WRITES, MAX_PAGES, PARALLEL_DIRECT_WRITES = 1 << 5, 1 << 22, 1 << 6


class Disk:
    def __init__(self, content):
        self.now = bytearray(content)
        self.lock = threading.Lock()
        self.beginning, self.records = bytes(content), []
        self.kind, self.skip, self.left, self.hits = "", 0, 0, 0

    def fails(self, kind):
        if kind != self.kind and self.kind != "any":
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left == 0:
            return False
        self.left -= 1 if self.left > 0 else 0
        self.hits += 1
        return True

    def read(self, offset, size):
        with self.lock:
            return -errno.EIO if self.fails("read") else bytes(self.now[offset:offset + size])

    def write(self, offset, data):
        with self.lock:
            if self.fails("write"):
                return -errno.EIO
            if offset + len(data) > len(self.now):
                return -errno.ENOSPC
            self.now[offset:offset + len(data)] = data
            self.records.append((offset, bytes(data)))
            return len(data)

    def flush(self):
        with self.lock:
            if self.fails("flush"):
                return -errno.EIO
            self.records.append(None)
            return 0

    def after_a_cut(self, count, seed):
        chance = random.Random(seed)
        content = bytearray(self.beginning)
        records = self.records[:count]
        flushed = max((i + 1 for i, record in enumerate(records) if record is None), default=0)
        for record in records[:flushed]:
            if record:
                content[record[0]:record[0] + len(record[1])] = record[1]
        kept = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for offset, data in records[flushed:]:
            for at in range(0, len(data), BLOCK):
                if chance.random() < kept:
                    block = data[at:at + BLOCK]
                    content[offset + at:offset + at + len(block)] = block
        return content

    def obey(self, command):
        verb, *rest = command
        with self.lock:
            if verb == "record":
                self.beginning, self.records = bytes(self.now), []
            elif verb == "mark":
                return len(self.records)
            elif verb == "records":
                return "".join("f" if record is None else "w" for record in self.records)
            elif verb == "cut":
                with open(rest[2], "wb") as file:
                    file.write(self.after_a_cut(rest[0], rest[1]))
            elif verb == "fail":
                (self.kind, self.skip, self.left), self.hits = (rest[0], rest[1] - 1, rest[2]), 0
            elif verb == "hits":
                return self.hits
            elif verb == "mend":
                self.kind, self.left = "", 0
            else:
                raise ValueError(verb)
        return True


def attributes(node, size):
    mode = 0o40755 if node == 1 else 0o100600
    return struct.pack("<6Q10I", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, BLOCK, 0)


class Server:
    def __init__(self, disk, device):
        self.disk, self.device = disk, device

    def answer(self, unique, result):
        error, body = (result, b"") if isinstance(result, int) else (0, result)
        try:
            os.write(self.device, ANSWER.pack(ANSWER.size + len(body), error, unique) + body)
        except FileNotFoundError:
            pass  # the kernel gave it up, as it does at an unmount

    def entry(self, node):
        return attributes(node, len(self.disk.now) if node == 2 else 0)

    def handle(self, opcode, node, body):
        if opcode == INIT:
            major, minor, read_ahead, flags = struct.unpack_from("<4I", body)
            return struct.pack("<4I2H2I2HI7I", 7, min(minor, 38), read_ahead, flags & (BIG_WRITES | MAX_PAGES), 16, 12, LARGEST_WRITE, 1,
                               LARGEST_WRITE // BLOCK, 0, 0, *([0] * 7))
        if opcode == LOOKUP:
            return struct.pack("<4Q2I", 2, 1, 3600, 3600, 0, 0) + self.entry(2) if body.rstrip(b"\0") == b"disk" else -errno.ENOENT
        if opcode in (GETATTR, SETATTR):
            return struct.pack("<QII", 3600, 0, 0) + self.entry(node)
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, DIRECT_IO if opcode == OPEN else 0, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.disk.read(offset, size)
        if opcode == WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            written = self.disk.write(offset, body[40:40 + size])
            return written if written < 0 else struct.pack("<II", written, 0)
        if opcode == FSYNC:
            return self.disk.flush()
        if opcode == STATFS:
            return struct.pack("<5Q4I", 1 << 20, 1 << 20, 1 << 20, 9, 9, BLOCK, 255, BLOCK, 0) + bytes(24)
        if opcode in (FLUSH, RELEASE, RELEASEDIR, ACCESS, DESTROY):
            return 0
        return b"" if opcode == READDIR else -errno.ENOSYS

    def run(self):
        while True:
            try:
                request = os.read(self.device, LARGEST_WRITE + 4096)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                return  # ENODEV: unmounted
            _, opcode, unique, node, *_ = HEADER.unpack_from(request)
            if opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
                self.answer(unique, self.handle(opcode, node, request[HEADER.size:]))


def listen(path, disk, mount_point):
    control = socket.socket(socket.AF_UNIX)
    control.bind(path)
    control.listen()
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        connection, _ = control.accept()
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                command = json.loads(line)
                if command == ["quit"]:
                    libc.umount2(mount_point.encode(), 2)  # lazily
                    os._exit(0)
                lines.write(json.dumps(disk.obey(command)) + "\n")
                lines.flush()


def main():
    image, mount_point, control = sys.argv[1:]
    with open(image, "rb") as file:
        disk = Disk(file.read())
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"fault_disk", mount_point.encode(), b"fuse", 6, options) != 0:
        raise OSError(ctypes.get_errno(), "cannot mount " + mount_point)
    threading.Thread(target=listen, args=(control, disk, mount_point), daemon=True).start()
    Server(disk, device).run()


main()
