#!/usr/bin/env python3
"""kill -9 at random points of a command, over and over; run by tests/e2e/kills.sh.

    kill_rounds.py --airlock PROGRAM --library FAILING_CALLS.so --work DIR [--rounds N] [--seed S] [--image REF] COMMAND…

COMMAND is create, import, activate or sweep. Half of the rounds kill from outside after a random part of the time
that the command takes; the other half kill the process just before a random one of its calls that change something. After
each kill the home must be whole; then the same command must go through, with the same result as where nothing happened.
Prints a line for each command that ends in `ok` or names the round and the seed to see it again.
"""
import random
import shutil
import signal
import sys
import time

from accident_commands import CHANGES, COMMANDS, MORE_COMMANDS
from accident_homes import Airlock, Stage, Wrong, accident_options, exit_code, need, temporary_files


class Rounds:
    def __init__(self, options, stage, name):
        self.stage, self.options, self.name = stage, options, name
        self.command = (COMMANDS | MORE_COMMANDS)[name](stage, stage.work / "round")
        self.random = random.Random(f"{options.seed}-{name}")

    def measure(self):
        """Seconds and calls of a run that nothing happens to, the longer of two."""
        self.seconds = 0.0
        counted = self.stage.work / "counted"
        for _ in range(2):
            self.command.begin()
            begun = time.monotonic()
            self.stage.airlock.run(*self.command.arguments())
            self.seconds = max(self.seconds, time.monotonic() - begun)
        self.command.end()
        self.command.begin()
        self.stage.airlock.run(*self.command.arguments(), fail=self.fail({"count": counted}))
        self.calls = int(counted.read_text())

    def fail(self, more):
        return {"calls": CHANGES, "under": ":".join(map(str, self.command.places()))} | more

    def kill_once(self):
        """One kill, of one kind or the other; False when the command was faster."""
        if self.random.random() < 0.5:
            return self.stage.airlock.killed_after(self.random.uniform(0, self.seconds), self.command.arguments())
        at = self.random.randint(1, self.calls)
        status, said = self.stage.airlock.status_of(*self.command.arguments(), fail=self.fail({"at": at, "with": "kill"}))
        need(status in (0, -signal.SIGKILL), f"before call {at}: exit {status}\n{said}")
        return status != 0

    def run(self):
        self.measure()
        killed, in_time, left_most = 0, 0, 0
        number = 0
        while killed < self.options.rounds:
            number += 1
            self.command.begin()
            try:
                # A third of the homes has the same accident up to three times before the command may finish.
                for _ in range(self.random.choice((1, 1, 2, 3))):
                    if self.kill_once():
                        killed += 1
                    else:
                        in_time += 1
                    self.command.check()
                    left = sum(len(temporary_files(place)) for place in self.command.places())
                    left_most = max(left_most, left)
                    if self.command.is_done():
                        break
                if not self.command.is_done():
                    self.stage.airlock.run(*self.command.arguments())
                self.command.end()
            except Wrong as wrong:
                keep = self.stage.work / f"wrong-{self.name}-{number}"
                shutil.rmtree(keep, ignore_errors=True)
                shutil.copytree(self.command.place, keep)
                print(f"FAIL {self.name}: home {number} (--seed {self.options.seed}): {wrong}")
                return False
        print(f"ok   {self.name}: killed {killed} times in {number} homes ({in_time} runs were faster), of {self.seconds * 1000:.0f} ms "
              f"and {self.calls} calls; every home whole, every result the same; at most {left_most} files to clear away")
        return True


def main():
    parser = accident_options("KILLS", 15)
    parser.add_argument("--library", required=True)
    parser.add_argument("--image")
    parser.add_argument("commands", nargs="+", choices=[*COMMANDS, *MORE_COMMANDS])
    options = parser.parse_args()
    stage = Stage(Airlock(options.airlock, options.library), options.work, options.seed, image=options.image)
    print(f"seed {options.seed}", flush=True)
    return exit_code([Rounds(options, stage, name).run() for name in options.commands])


sys.exit(main())
