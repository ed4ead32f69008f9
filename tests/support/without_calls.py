#!/usr/bin/env python3
"""Runs a command on a kernel that refuses some system calls, as old kernels and hardened hosts do.

    without_calls.py ENOSYS|EPERM NAME[,NAME...] COMMAND...

A seccomp filter answers the named calls with that error; `o_tmpfile` stands for openat with that flag. The command and
all that it starts live with it, libraries included.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

LATER = {  # calls since 5.1 have one number everywhere
    "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437, "faccessat2": 439,
    "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
}
MACHINES = {
    "x86_64": (0xC000003E, {"openat": 257, "copy_file_range": 326, "syncfs": 306, "fallocate": 285, "renameat2": 316,
                            "memfd_create": 319, "statx": 332, "unshare": 272, "sendfile": 40}),
    "aarch64": (0xC00000B7, {"openat": 56, "copy_file_range": 285, "syncfs": 267, "fallocate": 47, "renameat2": 276,
                             "memfd_create": 279, "statx": 291, "unshare": 97, "sendfile": 71}),
}
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
O_TMPFILE_BIT = 0o20000000
NUMBER, MACHINE, THIRD_ARGUMENT = 0, 4, 16 + 2 * 8  # offsets in struct seccomp_data


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def filter_program(names: list[str], error: int) -> bytes:
    machine, numbers = MACHINES[platform.machine()]
    numbers = numbers | LATER
    program = [instruction(LOAD, MACHINE), instruction(EQUAL, machine, 1, 0), instruction(RETURN, KILL),
               instruction(LOAD, NUMBER)]
    for name in names:
        if name != "o_tmpfile":
            program += [instruction(EQUAL, numbers[name], 0, 1), instruction(RETURN, FAIL | error)]
    if "o_tmpfile" in names:
        program += [instruction(EQUAL, numbers["openat"], 0, 3), instruction(LOAD, THIRD_ARGUMENT),
                    instruction(ANY_BIT, O_TMPFILE_BIT, 0, 1), instruction(RETURN, FAIL | error)]
    return b"".join([*program, instruction(RETURN, ALLOW)])


def install(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, with_filter = 38, 22, 2
    fields = Program(len(program) // 8, program)
    for arguments in ((no_new_privileges, 1, 0, 0, 0), (set_seccomp, with_filter, ctypes.byref(fields))):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    error, names, command = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    install(filter_program(names, getattr(errno, error)))
    os.execvp(command[0], command)


main()
