#!/usr/bin/env python3
"""Each call fails once: a command with one read, write, sync, rename, … that the system refuses.

    failing_calls.py --airlock PROGRAM --library FAILING_CALLS.so --work DIR [--rounds N] [--seed S] COMMAND…

For each kind of call and each error, one run for each of N calls of the command, chosen at random, the first and the last
among them; N is 3 unless told, and 0 means every call. Those that read fail on what the command reads from outside as well,
once and from there on; without all of it no command may end well. The command must say what failed, with the exit code that
belongs to it, or must come to its whole result in spite of it, before it is run again; no failed sync is ever passed over.
Afterwards the home is whole and the same command goes through.
"""
import errno
import sys

from accident_commands import COMMANDS
from accident_homes import Accidents, Airlock, Stage, Wrong, accident_options, need

EXIT_IO, EXIT_NO_SPACE = 1, 4
FAILURES = [(kind, errno.EIO) for kind in ("write", "read", "open", "list", "sync", "rename", "link", "unlink", "mkdir", "truncate")]
FAILURES += [(kind, errno.ENOSPC) for kind in ("write", "open", "sync", "rename", "link", "mkdir", "truncate")] + [("write", "short"), ("write", "full")]
SAID = {errno.EIO: ("Input/output error", "disk I/O error", "unable to open database file", "I/O error"),
        errno.ENOSPC: ("No space left", "disk is full", "no-space", "has not enough room", "disk I/O error", "unable to open")}
# What may fail without ending the command: the result does not depend on it, and a warning or the next run makes up for it.
READING = ("read", "open", "list")
DISPENSABLE = ("read", "open", "list", "unlink", "link", "rename", "mkdir", "truncate", "write")


class Calls(Accidents):
    goes_on = True

    def __init__(self, options, stage, name):
        super().__init__(options, stage, name, COMMANDS[name](stage, stage.work / "failing"))
        self.refused, self.counts = 0, {}

    def count(self, kind, places):
        if (kind, *places) not in self.counts:
            self.command.begin()
            counted = self.stage.work / "counted"
            self.stage.airlock.run(*self.command.arguments(), fail=self.fail(kind, places) | {"count": counted})
            self.counts[kind, *places] = int(counted.read_text())
        return self.counts[kind, *places]

    def fail(self, kind, places):
        return {"calls": kind, "under": ":".join(map(str, places))}

    def chosen(self, count):
        if self.options.rounds == 0 or count <= self.options.rounds:
            return range(1, count + 1)
        middle = self.random.sample(range(2, count), max(0, self.options.rounds - 2))
        return sorted({1, count, *middle})

    def one(self, kind, error, places, at):
        self.command.begin()
        said_by_library = self.stage.work / "said"
        said_by_library.unlink(missing_ok=True)
        lasting = {"full": errno.ENOSPC, "gone": errno.EIO}  # from this call on
        how = {"with": lasting[error], "on": "always"} if error in lasting else {"with": error}
        status, said = self.stage.airlock.status_of(*self.command.arguments(),
                                                    fail=self.fail(kind, places) | {"at": at, "said": said_by_library} | how)
        call = said_by_library.read_text().split("\n")[0] if said_by_library.exists() else ""
        if not call:
            return  # threads took another order, and there was one call less
        self.hits += 1
        try:
            self.judge(kind, lasting.get(error, errno.ENOSPC if error == "short" else error), call, error == "gone" and at == 1,
                       status, said)
        except Wrong as wrong:
            raise Wrong(f"{call}: {wrong}") from None

    def log_keeps_it(self, call):
        """SQLite moves its log, which is synced, into the database at the end; where that fails, the log stays."""
        log = self.command.home / "airlock.db-wal"
        return call.endswith("/airlock.db") and log.exists() and log.stat().st_size > 0

    @staticmethod
    def is_page_of_database(kind, call, said):
        """SQLite takes a page that cannot be read for a damaged one."""
        return kind == "read" and call.endswith(".db") and "disk image is malformed" in said

    def judge(self, kind, error, call, needed, status, said):
        if status == 0:
            need(kind in DISPENSABLE or "warning" in said or self.log_keeps_it(call), f"was passed over\n{said}")
            need(not needed, f"nothing of it was read, and yet it is well\n{said}")
            self.command.check()
            self.command.result()
            if self.command.is_done():
                return
        else:
            self.refused += 1
            need(status in (EXIT_IO, EXIT_NO_SPACE), f"exit {status}\n{said}")
            need(any(text in said for text in SAID[error]) or self.is_page_of_database(kind, call, said), f"the message does not say why\n{said}")
            need(status == EXIT_NO_SPACE or error != errno.ENOSPC or "disk I/O error" in said, f"exit {status} for a full disk\n{said}")
            self.command.check()
        self.stage.airlock.run(*self.command.arguments())
        self.command.end()

    def trials(self):
        self.command.begin()
        places, sources = self.command.places(), self.command.sources()
        failures = [(kind, error, places) for kind, error in FAILURES]
        failures += [(kind, error, sources) for kind in READING for error in (errno.EIO, "gone") if sources]
        for kind, error, where in failures:
            if self.options.only and kind not in self.options.only:
                continue
            for at in self.chosen(self.count(kind, where)):
                yield (f"{kind} {at} with {errno.errorcode.get(error, error)}{' of a source' if where is sources else ''}",
                       lambda k=kind, e=error, w=where, n=at: self.one(k, e, w, n))

    def summary(self):
        return (f"{self.hits} runs with one call that failed, {self.refused} ended by it, every home whole, and the same command went "
                "through")


def main():
    parser = accident_options("CALLS", 3, COMMANDS)  # rounds: places of each kind of call, 0 for every one
    parser.add_argument("--library", required=True)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    stage = Stage(Airlock(options.airlock, options.library), options.work, options.seed, files=12)
    print(f"seed {options.seed}", flush=True)
    return Accidents.exit_code(Calls(options, stage, name) for name in options.commands)


sys.exit(main())
