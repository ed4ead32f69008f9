#!/usr/bin/env python3
"""Disks that fill up: a command on a small tmpfs that somebody else fills at a random moment.

    full_disks.py --airlock PROGRAM --work DIR [--rounds N] [--seed S] COMMAND…

The command must end with 4, or come to its end with all that this promises; its home is whole; with room again the same command goes through. Some
rounds find the disk full from the start. A sweep frees room all the same, and a served file stays served. Needs root.
"""
import subprocess
import sys
import time

from accident_commands import COMMANDS
from accident_homes import Accidents, Airlock, Stage, accident_options, need

SIZE = 64 << 20


class Full(Accidents):
    def __init__(self, options, stage, name):
        self.small = stage.work / "small"
        self.small.mkdir(exist_ok=True)
        super().__init__(options, stage, name, COMMANDS[name](stage, self.small / "place"))

    def fill(self):
        with open(self.small / "ballast", "wb", buffering=0) as file:
            for block in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(block))
                except OSError:
                    pass

    def one(self, at_once):
        self.command.begin()
        if at_once:
            self.fill()
        process = self.stage.airlock.start(self.command.arguments())
        if not at_once:
            time.sleep(self.random.uniform(0, self.seconds))
            self.fill()
        out, err = process.communicate(timeout=300)
        need(process.returncode in (0, 4), f"exit {process.returncode}\n{out}{err}")
        need(process.returncode == 0 or "no-space" in err or "No space" in err or "full" in err or "free" in err, f"it does not say why\n{err}")
        self.hits += process.returncode == 4
        self.command.check()
        if process.returncode == 0:
            self.command.result()
        need(self.name != "sweep" or process.returncode == 0, f"a full disk cannot be swept\n{err}")
        (self.small / "ballast").unlink()
        self.go_through()

    def must_hit(self):
        return self.command.writes

    def trials(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.small], check=True)
        try:
            self.command.begin()
            begun = time.monotonic()
            self.stage.airlock.run(*self.command.arguments())
            self.seconds = time.monotonic() - begun
            for number in range(self.options.rounds):
                yield f"full disk {number}", lambda full=number % 5 == 0: self.one(full)
        finally:
            subprocess.run(["umount", "-l", self.small], check=False)

    def summary(self):
        return (f"{self.options.rounds} disks filled up, {self.hits} runs ended by it, every home whole, and with room again the same "
                "command went through")


def main():
    options = accident_options("DISKS", 8, COMMANDS).parse_args()
    stage = Stage(Airlock(options.airlock), options.work, options.seed, files=40)
    print(f"seed {options.seed}", flush=True)
    return Accidents.exit_code(Full(options, stage, name) for name in options.commands)


sys.exit(main())
