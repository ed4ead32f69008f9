#!/usr/bin/env python3
"""The medium goes away in the middle of an import, and comes back.

    pulled_media.py --airlock PROGRAM --work DIR [--rounds N] [--seed S]

It goes in one of four ways: the device answers nothing but errors (fault_disk.py); its file system is unmounted under the import;
the device is cut off behind its first half; its volumes are taken off it. The import must end with 1 or 4 and say so, or be through
already; the site is whole; once the medium is back the same command goes through. Needs root.
"""
import os
import random
import shutil
import sys
import time

from accident_commands import COMMANDS
from accident_disks import SIZE, FaultDisk, Mounted, make_image
from accident_homes import Airlock, Stage, Wrong, accident_options, need


class Pulled:
    def __init__(self, options, stage):
        self.options, self.stage = options, stage
        self.random = random.Random(f"{options.seed}-pulled")
        self.medium, self.image = stage.work / "m2", stage.work / "medium.img"
        self.command = COMMANDS["import"](stage, stage.work / "place")
        self.ended = 0

    def start(self):
        self.command.begin()
        return self.stage.airlock.start(self.command.arguments())

    def pause(self):
        time.sleep(self.random.uniform(0, self.seconds))

    def judge(self, process):
        out, err = process.communicate(timeout=300)
        need(process.returncode in (0, 1, 4), f"exit {process.returncode}\n{out}{err}")
        need(process.returncode == 0 or "error" in err, f"it says nothing\n{err}")
        self.ended += process.returncode != 0
        self.command.check()

    def again(self):
        self.stage.airlock.run(*self.command.arguments())
        self.command.end()

    def dead_device(self):
        with FaultDisk(self.image, self.stage.work / "disk") as disk:
            with Mounted(disk.file, self.medium, "ro"):
                disk.ask("fail", "any", self.random.randint(1, 40), -1)
                self.judge(self.start())
                disk.ask("mend")
            with Mounted(disk.file, self.medium, "ro"):
                self.again()

    def unmounted(self):
        with Mounted(self.image, self.medium, "ro") as mounted:
            mounted.lazily = True
            process = self.start()
            self.pause()
        self.judge(process)
        with Mounted(self.image, self.medium, "ro"):
            self.again()

    def cut_off(self):
        copy = self.stage.work / "cut.img"
        shutil.copy(self.image, copy)
        with Mounted(copy, self.medium, "ro"):
            process = self.start()
            self.pause()
            os.truncate(copy, SIZE // 8)
            self.judge(process)
        with Mounted(self.image, self.medium, "ro"):
            self.again()

    def taken_away(self):
        shutil.copytree(self.stage.work / "m2.kept", self.medium, dirs_exist_ok=True)
        process = self.start()
        self.pause()
        for file in sorted(self.medium.glob("*.tar")):
            file.unlink()
        self.judge(process)
        shutil.copytree(self.stage.work / "m2.kept", self.medium, dirs_exist_ok=True)
        self.again()
        for file in self.medium.iterdir():
            file.unlink()

    def run(self):
        os.rename(self.medium, self.stage.work / "m2.kept")
        self.medium.mkdir()
        make_image(self.image, lambda: shutil.copytree(self.stage.work / "m2.kept", self.medium, dirs_exist_ok=True), self.medium)
        with Mounted(self.image, self.medium, "ro"):
            begun = time.monotonic()
            process = self.start()
            need(process.wait() == 0, "an import that nothing happens to")
            self.seconds = time.monotonic() - begun
        ways = [self.dead_device, self.unmounted, self.cut_off, self.taken_away]
        for number in range(self.options.rounds):
            way = ways[number % len(ways)]
            try:
                way()
            except Wrong as wrong:
                print(f"FAIL {way.__name__}, round {number} (--seed {self.options.seed}): {wrong}")
                return False
        print(f"ok   import: {self.options.rounds} media pulled out, {self.ended} imports ended by it, every site whole, and with the medium "
              "back the same command went through")
        return True


def main():
    options = accident_options("PULLS", 12).parse_args()
    print(f"seed {options.seed}", flush=True)
    return 0 if Pulled(options, Stage(Airlock(options.airlock), options.work, options.seed)).run() else 1


sys.exit(main())
