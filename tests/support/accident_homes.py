"""What the suites of accidents share: homes and bundles to have accidents with, and what must hold after each.

A Stage makes, once, a near home that is about to write its second bundle, and sites in every state that a command begins
from; each round works on a copy. `whole()` is the judge after an accident, `same_site()` and `same_folder()` after the
same command went through. Accidents runs the rounds of one command.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

TEMPORARY = (".tmp", ".new", ".partial")
CHANGING = ("airlock.db-wal", "airlock.db-shm", "lock")  # there or not, whether or not something went wrong


class Wrong(Exception):
    """Something that no accident may leave behind."""


def accident_options(variable, rounds, commands=()):
    """A parser of what every suite of accidents takes; the environment's `variable` says how many rounds, else `rounds`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--airlock", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get(variable, rounds)))
    parser.add_argument("--seed", default=os.environ.get("SEED") or str(random.SystemRandom().randrange(1_000_000)))
    if commands:
        parser.add_argument("commands", nargs="+", choices=[*commands])
    return parser


def need(condition, text):
    if not condition:
        raise Wrong(text)


class Airlock:
    """Runs the program, in order or to its death."""

    def __init__(self, program, library=None):
        self.program, self.library = str(program), library

    def start(self, arguments, fail=None, **more):
        environment = dict(os.environ)
        if fail:
            environment |= {"LD_PRELOAD": str(self.library)} | {"FAIL_" + k.upper(): str(v) for k, v in fail.items()}
        return subprocess.Popen([self.program, *map(str, arguments)], env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def run(self, *arguments, expect=(0,), fail=None, **more):
        process = self.start(arguments, fail, **more)
        out, err = process.communicate(timeout=600)
        need(process.returncode in expect, f"{' '.join(map(str, arguments))}: exit {process.returncode}\n{out}{err}")
        return out

    def json(self, *arguments, **more):
        return json.loads(self.run("--json", *arguments, **more))

    def status_of(self, *arguments, fail=None, **more):
        process = self.start(arguments, fail, **more)
        out, err = process.communicate(timeout=600)
        return process.returncode, out + err

    def killed_after(self, seconds, arguments):
        """True when the command was still running."""
        process = self.start(arguments)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder):
    folder = pathlib.Path(folder)
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def temporary_files(folder):
    """What a run that ended badly left for the next to clear away."""
    names = files_below(folder)
    return {n for n in names if n.endswith(TEMPORARY) or "/incoming/" in n or os.path.basename(n).startswith(".")}


def rows_of(home, table, leave=()):
    # A copy: to read a database with a log beside it SQLite writes there, and the disk may be full or read-only.
    with tempfile.TemporaryDirectory() as folder:
        for name in ("airlock.db", "airlock.db-wal"):
            if pathlib.Path(home, name).exists():
                shutil.copy(pathlib.Path(home, name), folder)
        database = sqlite3.connect(f"{folder}/airlock.db")
        try:
            database.row_factory = sqlite3.Row
            rows = [{k: row[k] for k in row.keys() if k not in leave} for row in database.execute(f"SELECT * FROM {table}")]
        finally:
            database.close()
    return sorted(rows, key=repr)


def served(home):
    """What the mirror would serve: each file of the current catalog, its blob read and hashed."""
    current = pathlib.Path(home, "catalog", "current")
    if not current.exists():
        return {}
    number = int(current.read_text())
    database = sqlite3.connect(f"file:{home}/catalog/{number}.db?immutable=1", uri=True)
    need(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the catalog is damaged")
    need(database.execute("SELECT value FROM info WHERE key='number'").fetchone() == (str(number),), "the catalog has another number")
    rows = database.execute("SELECT ecosystem, path, kind, length, sha256 FROM files").fetchall()
    database.close()
    result = {}
    for ecosystem, path, kind, length, sha256 in rows:
        result[ecosystem, path] = (kind, sha256)
        if sha256 and kind not in ("known", "withheld"):
            blob = pathlib.Path(home, "blobs", "sha256", sha256.hex()[:2], sha256.hex())
            need(blob.is_file(), f"{ecosystem} {path} is served, but its blob {sha256.hex()} is not there")
            need(blob.stat().st_size == length and digest(blob) == sha256.hex(), f"the blob of {ecosystem} {path} is damaged")
    return result


def same_folder(one, other, leave=()):
    names, others = files_below(one) - set(leave), files_below(other) - set(leave)
    need(names == others, f"files that differ: {sorted(names ^ others)}")
    for name in names:
        need(digest(pathlib.Path(one, name)) == digest(pathlib.Path(other, name)), f"{name} differs")


def same_state(home, reference):
    """Numbers of catalogs and the log may tell of what happened on the way."""
    for table, leave in (("generations", ("imported", "last_active")), ("files", ()), ("blobs", ()), ("producer_roots", ()),
                         ("roles", ()), ("channels", ()), ("aliases", ()), ("withheld", ("since",)), ("imported", ())):
        need(rows_of(home, table, leave) == rows_of(reference, table, leave), f"the table {table} is not what it should be")
    need(served(home) == served(reference), "something else is served")


def same_site(home, reference):
    """The same state and the same files."""
    same_state(home, reference)

    def lasting(folder):
        return {n for n in files_below(folder) if not n.startswith("catalog/") and n not in CHANGING}

    need(lasting(home) == lasting(reference), f"files that differ: {sorted(lasting(home) ^ lasting(reference))}")
    left = temporary_files(home)
    need(not left, f"left over: {sorted(left)}")
    need(len(files_below(pathlib.Path(home, "catalog"))) <= 4, "old catalogs gather")


class Stage:
    """Templates below `work`: near, site0 (pinned), site1 (bundle 1), site2 (bundles 1 and 2); media m1 and m2."""

    def __init__(self, airlock, work, seed, files=150, image=None):
        self.airlock, self.work = airlock, pathlib.Path(work)
        self.random = random.Random(seed)
        self.files, self.image = files, image
        os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(time.time())))
        self.input = self.work / "input"
        self.input.mkdir(parents=True, exist_ok=True)
        self.near = self.work / "near"
        airlock.run("--home", self.near, "keys", "init", "--no-passphrase")
        names = self.make_files("a", files)
        self.manifest(1, names)
        self.manifest(2, names[files // 3:] + self.make_files("b", files // 3))
        self.create(self.near, 1, self.work / "m1")
        self.reference_near = self.work / "near2"
        shutil.copytree(self.near, self.reference_near)
        self.create(self.reference_near, 2, self.work / "m2")
        fingerprint = airlock.json("--home", self.near, "keys", "show")["fingerprint"]
        for number in (0, 1, 2):
            site = self.work / f"site{number}"
            if number == 0:
                airlock.run("--home", site, "trust", "init", self.work / "m1" / "root.json", "--fingerprint", fingerprint)
            else:
                shutil.copytree(self.work / f"site{number - 1}", site)
                airlock.run("--home", site, "import", self.work / f"m{number}")
        self.swept = self.work / "swept"  # site2 without what generation 1 alone needs
        shutil.copytree(self.work / "site2", self.swept)
        airlock.run("--home", self.swept, "store", "sweep", "--keep", "1")
        self.states = [served(self.work / f"site{number}") for number in (0, 1, 2)]
        need(self.states[1] and self.states[2] and self.states[1] != self.states[2], "the stage is not what it should be")

    def make_files(self, prefix, count):
        sizes = [self.random.randrange(0, 9000) for _ in range(count)]
        sizes[0], sizes[1], sizes[2] = 2_700_000, 1_100_000, 400_000  # one that is cut, and some that take their time
        for number, size in enumerate(sizes):
            (self.input / f"{prefix}{number}").write_bytes(self.random.randbytes(size))
        return [f"{prefix}{number}" for number in range(count)]

    def manifest(self, number, names):
        text = "name: accident\nfiles:\n" + "".join(f"  - {{ source: {n}, path: {n} }}\n" for n in names)
        if self.image and number == 2:
            registry = self.image.split("/")[0]
            text += f'images: [ "{self.image}" ]\nupstreams: {{ "{registry}": {{ plain_http: true }} }}\n'
        (self.input / f"m{number}.yaml").write_text(text)

    def create_command(self, home, number, out):
        return ["--home", home, "bundle", "create", "-m", self.input / f"m{number}.yaml", "-o", f"{out}/", "--volume-size", "2000000"]

    def create(self, home, number, out):
        pathlib.Path(out).mkdir(exist_ok=True)
        self.airlock.run(*self.create_command(home, number, out))

    def whole(self, home, states):
        """After an accident: everything answers, one of `states` is served whole, and the log is unbroken."""
        seen = served(home)
        found = [n for n in states if seen == self.states[n]]
        need(found, "what is served is none of the states that it may be")
        if pathlib.Path(home, "airlock.db").exists():
            self.airlock.run("--home", home, "store", "list", expect=(0, 1) if 0 in states else (0,))
            self.airlock.run("--home", home, "status", expect=(0, 5) if 0 not in states else (0, 1, 5))
            self.airlock.run("--home", home, "audit", "verify", expect=(0, 1) if 0 in states else (0,))
        return found[0]


class Accidents:
    """The rounds of accidents of one command. A suite says in `trials` what they are, counts in `hits` those that met
    something, and sums up in `summary`."""

    goes_on = False  # after something wrong

    def __init__(self, options, stage, name, command):
        self.options, self.stage, self.name, self.command = options, stage, name, command
        self.random = random.Random(f"{options.seed}-{name}")
        self.wanted = max(1, round(options.rounds * command.share))
        self.hits, self.failed = 0, False

    def trials(self):
        """Yields what names an accident, and a function that has it and raises Wrong."""
        raise NotImplementedError

    def summary(self):
        raise NotImplementedError

    def must_hit(self):
        return True

    def keep(self, place):
        """Puts aside what shows that something went wrong."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.command.place, place)

    def go_through(self):
        """The same command again, unless it came to its end though nobody was told; then all is as it should be."""
        if not self.command.is_done():
            self.stage.airlock.run(*self.command.arguments())
        self.command.end()

    def attempt(self, label, trial):
        try:
            trial()
            return True
        except Wrong as wrong:
            self.failed = True
            print(f"FAIL {self.name}: {label} (--seed {self.options.seed}): {wrong}", flush=True)
            self.keep(self.stage.work / f"wrong-{self.name}-{label.replace(' ', '-')}")
            return False

    def all_trials(self):
        trials = self.trials()
        try:
            for label, trial in trials:
                if not self.attempt(label, trial) and not self.goes_on:
                    return
        finally:
            trials.close()
        need(self.failed or self.hits > 0 or not self.must_hit(), "no accident hit anything")

    def run(self):
        """True when all went well, which it says in one line."""
        begun = time.monotonic()
        if self.attempt("as a whole", self.all_trials) and not self.failed:
            print(f"ok   {self.name}: {self.summary()} ({time.monotonic() - begun:.0f} s)", flush=True)
        return not self.failed

    @staticmethod
    def exit_code(suites):
        """Runs all, and says what scripts/e2e counts."""
        results = [suite.run() for suite in suites]
        print(f"{results.count(True)} passed, {results.count(False)} failed")
        return 0 if results and all(results) else 1
