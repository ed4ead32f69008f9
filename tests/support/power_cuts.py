#!/usr/bin/env python3
"""Power cuts and failing disks under a command: ext4 on a loop device on fault_disk.py.

    power_cuts.py --airlock PROGRAM --work DIR [--rounds N] [--seed S] COMMAND…

Cuts: a command runs once while the disk records every write and flush; somebody else syncs a file of his own now and then,
so that the file system commits at odd moments. Then, N times: the disk as it may be after a cut at a random record is
mounted, its home must be whole, and the same command must go through. What a command that ended with 0 has said must be on
the disk after every cut that comes later.

Failures: N/5 times the disk fails one write or flush while the command runs. It must not say that it is done when it is not; once
the disk is mended the same command goes through, and holds after a cut.
"""
import os
import shutil
import sys
import threading
import time

from accident_commands import COMMANDS
from accident_disks import FaultDisk, Mounted, is_sound, make_image
from accident_homes import Accidents, Airlock, Stage, accident_options, need

OPTIONS = ("", "noauto_da_alloc", "nodelalloc", "data=writeback,noauto_da_alloc", "commit=1")


class Somebody:
    """Writes a file of his own on the same disk, and syncs it."""

    def __init__(self, file, chance):
        self.file, self.chance, self.stop = file, chance, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.stop.wait(self.chance.uniform(0.002, 0.05)):
            with open(self.file, "w") as file:
                file.write(str(time.time()))
                file.flush()
                try:
                    os.fsync(file.fileno())
                except OSError:
                    return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class Cuts(Accidents):
    """`hits` are the disks that failed under the command."""

    def __init__(self, options, stage, name):
        self.disk_folder, self.mounted = stage.work / "disk", stage.work / "mounted"
        self.base, self.cut = stage.work / "base.img", stage.work / "cut.img"
        super().__init__(options, stage, name, COMMANDS[name](stage, self.mounted / "place"))
        self.recordings = 0

    def keep(self, place):
        shutil.copy(self.cut, f"{place}.img")

    def make_base(self):
        make_image(self.base, self.command.begin, self.mounted)

    def go(self):
        return self.stage.airlock.status_of(*self.command.arguments())

    def record(self, disk):
        """One run to its end; the number of records until it said that it was done."""
        disk.ask("record")
        with Mounted(disk.file, self.mounted, self.random.choice(OPTIONS)):
            with Somebody(self.mounted / "other", self.random):
                status, said = self.go()
                done = disk.ask("mark")
                need(status == 0, f"exit {status}\n{said}")
                self.command.end()
        return done, disk.ask("mark")

    def one_cut(self, disk, at, done):
        disk.ask("cut", at, self.random.randrange(1 << 30), str(self.cut))
        with Mounted(self.cut, self.mounted):
            if at >= done:
                self.command.holds()
                return
            self.command.check()
            self.go_through()

    def cuts(self):
        """All rounds, in a few recordings."""
        left = self.wanted
        while left > 0:
            some = min(left, 20)
            left -= some
            self.make_base()
            with FaultDisk(self.base, self.disk_folder) as disk:
                done, total = self.record(disk)
                self.recordings += 1
                for number in range(some):
                    at = done if number == 0 else self.random.randint(0, total)
                    yield (f"recording {self.recordings}, cut after {at} of {total} records ({done} when it said done)",
                           lambda at=at: self.one_cut(disk, at, done))

    def writes_of_a_run(self):
        self.make_base()
        with FaultDisk(self.base, self.disk_folder) as disk:
            self.record(disk)
            records = disk.ask("records")
        return {"write": records.count("w"), "flush": records.count("f")}

    def one_failure(self, kind, at):
        self.make_base()
        with FaultDisk(self.base, self.disk_folder) as disk:
            with Mounted(disk.file, self.mounted) as mounted:
                disk.ask("fail", kind, at, self.random.choice((1, 3)))
                status, said = self.go()
                hit = disk.ask("hits")
                disk.ask("mend")
                need(status in (0, 1, 4), f"exit {status}\n{said}")
                again = status
                if status != 0:
                    again, more = self.go()  # the same command on the same disk, if that can still be written
                mounted.lazily = True
                done = disk.ask("mark")
            if hit == 0:
                return
            for _ in range(2):
                disk.ask("cut", done, self.random.randrange(1 << 30), str(self.cut))
                if not is_sound(self.cut, self.mounted):
                    return  # what failed was the file system's own, and is for its own check to mend
                with Mounted(self.cut, self.mounted):
                    if again == 0:
                        self.command.holds()
                    else:
                        self.command.check()
                        self.go_through()
        self.hits += 1

    def failures(self):
        counts = self.writes_of_a_run()
        tries, wanted = 0, max(2, self.wanted // 5)
        while self.hits < wanted and tries < 5 * wanted:
            tries += 1
            kind = self.random.choice(("write", "write", "flush"))
            at = self.random.randint(1, max(1, counts[kind] // 2))  # somebody else's are among them, who is not there now
            yield f"{kind} {at} failed", lambda kind=kind, at=at: self.one_failure(kind, at)

    def trials(self):
        yield from self.cuts()
        yield from self.failures()

    def summary(self):
        return (f"{self.wanted} power cuts in {self.recordings} recorded runs, {self.hits} disks that failed once; every home "
                "whole, every result the same")


def main():
    options = accident_options("CUTS", 20, COMMANDS).parse_args()
    stage = Stage(Airlock(options.airlock), options.work, options.seed, files=60)
    print(f"seed {options.seed}", flush=True)
    return Accidents.exit_code(Cuts(options, stage, name) for name in options.commands)


sys.exit(main())
