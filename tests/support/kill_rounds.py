#!/usr/bin/env python3
"""kill -9 at random points of a command, over and over; run by tests/e2e/kills.sh.

    kill_rounds.py --airlock PROGRAM --library FAILING_CALLS.so --work DIR [--rounds N] [--seed S] [--image REF] COMMAND…

COMMAND is one of those of accident_commands.py. Half of the rounds kill from outside after a random part of the time
that the command takes; the other half kill the process just before a random one of its calls that change something. After
each kill the home must be whole; then the same command must go through, with the same result as where nothing happened.
Prints a line for each command that ends in `ok` or names the round and the seed to see it again.
"""
import signal
import sys
import time

from accident_commands import CHANGES, COMMANDS
from accident_homes import Accidents, Airlock, Stage, accident_options, need, temporary_files


class Rounds(Accidents):
    def __init__(self, options, stage, name):
        super().__init__(options, stage, name, COMMANDS[name](stage, stage.work / "round"))
        self.homes, self.in_time, self.left_most = 0, 0, 0

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

    def one_home(self):
        self.command.begin()
        # A third of the homes has the same accident up to three times before the command may finish.
        for _ in range(self.random.choice((1, 1, 2, 3))):
            if self.kill_once():
                self.hits += 1
            else:
                self.in_time += 1
            self.command.check()
            self.left_most = max(self.left_most, sum(len(temporary_files(place)) for place in self.command.places()))
            if self.command.is_done():
                break
        self.go_through()

    def trials(self):
        self.measure()
        while self.hits < self.wanted:
            self.homes += 1
            yield f"home {self.homes}", self.one_home

    def summary(self):
        return (f"killed {self.hits} times in {self.homes} homes ({self.in_time} runs were faster), of {self.seconds * 1000:.0f} ms "
                f"and {self.calls} calls; every home whole, every result the same; at most {self.left_most} files to clear away")


def main():
    parser = accident_options("KILLS", 15, COMMANDS)
    parser.add_argument("--library", required=True)
    parser.add_argument("--image")
    options = parser.parse_args()
    stage = Stage(Airlock(options.airlock, options.library), options.work, options.seed, image=options.image)
    print(f"seed {options.seed}", flush=True)
    return Accidents.exit_code(Rounds(options, stage, name) for name in options.commands)


sys.exit(main())
