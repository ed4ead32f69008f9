"""File systems in files, and the disk that can fail (fault_disk.py), mounted; for the suites of accidents. Needs root."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

SIZE = 48 << 20  # bytes


def tool(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Mounted:
    """A file system in a file, mounted through a loop device."""

    def __init__(self, file, place, options=""):
        self.place = place
        place.mkdir(exist_ok=True)
        self.loop = tool("losetup", "--show", "-f", file)
        try:
            tool("mount", *(["-o", options] if options else []), self.loop, place)
        except RuntimeError:
            tool("losetup", "-d", self.loop)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        tool("umount", "-l", self.place) if self.lazily else tool("umount", self.place)
        tool("losetup", "-d", self.loop)

    lazily = False


class FaultDisk:
    def __init__(self, image, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "fuse").mkdir(parents=True)
        program = pathlib.Path(__file__).with_name("fault_disk.py")
        self.process = subprocess.Popen([sys.executable, program, image, folder / "fuse", folder / "control"])
        self.file = folder / "fuse" / "disk"
        until = time.monotonic() + 30
        while not ((folder / "control").exists() and os.path.ismount(folder / "fuse")):
            if self.process.poll() is not None:
                raise RuntimeError(f"fault_disk.py ended with {self.process.returncode}")
            if time.monotonic() > until:
                self.process.kill()
                raise RuntimeError(f"fault_disk.py has not mounted {folder / 'fuse'} after 30 s")
            time.sleep(0.02)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(folder / "control"))
        self.lines = self.socket.makefile("rw")

    def ask(self, *command):
        self.lines.write(json.dumps(command) + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline() or "null")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.write('["quit"]\n')
        self.lines.flush()
        self.process.wait()


MAKERS = {"ext4": ("mkfs.ext4", "-q", "-F", "-J", "size=4"), "vfat": ("mkfs.vfat",)}


def make_image(file, fill, mount_point, kind="ext4"):
    """A file system of that kind with what `fill` puts into `mount_point` while it is mounted there."""
    with open(file, "wb") as image:
        image.truncate(SIZE)
    tool(*MAKERS[kind], file)
    with Mounted(file, mount_point):
        fill()


def can_mount(kind, folder):
    """Whether this kernel knows that kind of file system."""
    folder.mkdir()
    try:
        make_image(folder / "image", lambda: None, folder / "mounted", kind)
    except RuntimeError as error:
        if "unknown filesystem type" not in str(error):
            raise
        return False
    finally:
        shutil.rmtree(folder)
    return True


def is_sound(file, mount_point):
    """Whether the file system itself is, once its journal was played back."""
    with Mounted(file, mount_point):
        pass
    return subprocess.run(["e2fsck", "-fn", str(file)], capture_output=True, check=False).returncode == 0


def mend_fat(file):
    """What a person does with a stick that was pulled out; 1 means that something was mended."""
    done = subprocess.run(["fsck.vfat", "-a", str(file)], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise RuntimeError(f"fsck.vfat: {done.stdout}{done.stderr}")
