#!/usr/bin/env python3
"""The medium goes away in the middle of an import from it or a create onto it, and comes back.

    pulled_media.py --airlock PROGRAM --work DIR [--rounds N] [--seed S] import|create…

Under an import it goes in one of four ways: the device answers nothing but errors (fault_disk.py); its file system is unmounted
lazily; the device is cut off behind an eighth; its volumes are taken off it. Under a create in two: the device answers nothing
but errors, and is mended, or it is cut off, and another stick takes its place. Each way with ext4 and with FAT, as sticks have
it. The command must end with 1 or 4 and say so, or be through already; the home is whole; then the same command goes through.
Needs root.
"""
import os
import shutil
import sys
import time

from accident_commands import COMMANDS, Create
from accident_disks import MAKERS, SIZE, FaultDisk, Mounted, can_mount, make_image, mend_fat
from accident_homes import Accidents, Airlock, Stage, accident_options, need


class Pulled(Accidents):
    def __init__(self, options, stage, name, command, medium):
        super().__init__(options, stage, name, command)
        self.medium = medium
        self.images = {kind: stage.work / f"{name}-{kind}.img" for kind in options.kinds}
        self.use("ext4")
        self.rounds = 0

    def use(self, kind):
        self.kind, self.image = kind, self.images[kind]

    def fill(self):
        """What is on the medium before."""

    def mounted(self, device):
        return Mounted(device, self.medium, self.mount_options)

    def start(self):
        return self.stage.airlock.start(self.command.arguments())

    def pause(self):
        time.sleep(self.random.uniform(0, self.seconds))

    def judge(self, process):
        out, err = process.communicate(timeout=300)
        need(process.returncode in (0, 1, 4), f"exit {process.returncode}\n{out}{err}")
        need(process.returncode == 0 or "error" in err, f"it says nothing\n{err}")
        self.hits += process.returncode != 0
        return process.returncode

    def ways(self):
        raise NotImplementedError

    def trials(self):
        self.medium.mkdir()
        for kind, image in self.images.items():
            make_image(image, self.fill, self.medium, kind)
        copy = self.stage.work / "whole.img"
        shutil.copy(self.image, copy)
        with self.mounted(copy):
            self.command.begin()
            begun = time.monotonic()
            process = self.start()
            out, err = process.communicate()
            need(process.returncode == 0, f"where nothing happens: exit {process.returncode}\n{out}{err}")
            self.seconds = time.monotonic() - begun
        ways = self.ways()
        for self.rounds in range(1, self.options.rounds + 1):
            turn, at = divmod(self.rounds - 1, len(ways))
            self.use(self.options.kinds[turn % len(self.options.kinds)])
            yield f"{ways[at].__name__} with {self.kind}, round {self.rounds}", ways[at]

    def summary(self):
        return (f"{self.rounds} media pulled out, {self.hits} runs ended by it, every home whole, and with the medium back the same "
                "command went through")


class PulledImport(Pulled):
    mount_options = "ro"

    def __init__(self, options, stage):
        super().__init__(options, stage, "import", COMMANDS["import"](stage, stage.work / "place"), stage.work / "m2")
        self.kept = stage.work / "m2.kept"

    def trials(self):
        os.rename(self.medium, self.kept)
        try:
            yield from super().trials()
        finally:
            shutil.rmtree(self.medium)
            os.rename(self.kept, self.medium)

    def fill(self):
        shutil.copytree(self.kept, self.medium, dirs_exist_ok=True)

    def ways(self):
        return [self.dead_device, self.unmounted, self.cut_off, self.taken_away]

    def judge(self, process):
        super().judge(process)
        self.command.check()

    def again(self):
        self.stage.airlock.run(*self.command.arguments())
        self.command.end()

    def dead_device(self):
        self.command.begin()
        with FaultDisk(self.image, self.stage.work / "disk") as disk:
            with self.mounted(disk.file):
                disk.ask("fail", "any", self.random.randint(1, 40), -1)
                self.judge(self.start())
                disk.ask("mend")
            with self.mounted(disk.file):
                self.again()

    def unmounted(self):
        self.command.begin()
        with self.mounted(self.image) as mounted:
            mounted.lazily = True
            process = self.start()
            self.pause()
        self.judge(process)
        with self.mounted(self.image):
            self.again()

    def cut_off(self):
        self.command.begin()
        copy = self.stage.work / "cut.img"
        shutil.copy(self.image, copy)
        with self.mounted(copy):
            process = self.start()
            self.pause()
            os.truncate(copy, SIZE // 8)
            self.judge(process)
        with self.mounted(self.image):
            self.again()

    def taken_away(self):
        self.command.begin()
        self.fill()
        process = self.start()
        self.pause()
        for file in sorted(self.medium.glob("*.tar")):
            file.unlink()
        self.judge(process)
        self.fill()
        self.again()
        for file in self.medium.iterdir():
            file.unlink()


class CreateOnStick(Create):
    def begin(self):
        super().begin()
        self.out = self.stage.work / "stick" / "out"
        self.out.mkdir()


class PulledCreate(Pulled):
    mount_options = ""

    def __init__(self, options, stage):
        super().__init__(options, stage, "create", CreateOnStick(stage, stage.work / "place"), stage.work / "stick")

    def ways(self):
        return [self.dead_device, self.cut_off]

    def dead_device(self):
        with FaultDisk(self.image, self.stage.work / "disk") as disk:
            with self.mounted(disk.file):
                self.command.begin()
                os.sync()
                disk.ask("fail", "any", self.random.randint(1, 60), -1)
                status = self.judge(self.start())
                disk.ask("mend")
            if self.kind == "vfat":
                mend_fat(disk.file)
            with self.mounted(disk.file):
                self.command.check()
                self.command.end() if status == 0 else self.go_through()

    def cut_off(self):
        copy = self.stage.work / "cut.img"
        shutil.copy(self.image, copy)
        with self.mounted(copy):
            self.command.begin()
            os.sync()
            process = self.start()
            self.pause()
            os.truncate(copy, SIZE // 8)
            status = self.judge(process)
        self.command.check()  # of the home: nothing can be read of that stick
        if status == 0:
            need(self.command.is_done(), "it ended well, and its home does not know what it made")
            return
        shutil.copy(self.image, copy)
        with self.mounted(copy):
            self.command.out.mkdir()
            self.command.check()
            self.go_through()


KINDS = {"import": PulledImport, "create": PulledCreate}


def main():
    options = accident_options("PULLS", 12, KINDS).parse_args()
    stage = Stage(Airlock(options.airlock), options.work, options.seed)
    options.kinds = [kind for kind in MAKERS if can_mount(kind, options.work / "trial")]
    for kind in set(MAKERS) - set(options.kinds):
        print(f"skip: no {kind} in this kernel, so no such medium is pulled out", flush=True)
    print(f"seed {options.seed}", flush=True)
    return Accidents.exit_code(KINDS[name](options, stage) for name in options.commands)


sys.exit(main())
