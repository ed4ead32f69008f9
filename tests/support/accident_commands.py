"""The commands that the suites of accidents run: how each begins, what must hold after an accident, and what at the end."""
import json
import shutil

import accident_homes
from accident_homes import need, same_folder, same_site, same_state, served

CHANGES = "write,sync,rename,link,unlink,mkdir,truncate,open"  # calls of failing_calls.c that change something


class Command:
    """One command with a home to run it in: `begin` makes that anew, `check` judges after a kill, `result` after status 0,
    whatever went wrong on the way, and `end` at the end, when nothing is left of that."""

    writes = False  # more than a full disk has room for
    share = 1.0  # of the rounds that a suite was asked for

    def __init__(self, stage, place):
        self.stage, self.place = stage, place
        self.home = place / "home"

    def begin(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        shutil.copytree(self.template, self.home)

    def arguments(self):
        raise NotImplementedError

    def places(self):
        return [self.home]

    def sources(self):
        """What it reads from outside its places."""
        return []

    def result(self):
        """All that status 0 promises. Files for the next run to clear away may be left."""
        raise NotImplementedError

    def holds(self):
        """After a cut that came later than the end of the command."""
        self.end()

    def is_done(self):
        """True when the command came to its end, though nobody was told; where it may not be given once more."""
        return False


class Create(Command):
    writes = True

    def begin(self):
        self.template = self.stage.near
        super().begin()
        self.out = self.place / "out"
        self.out.mkdir()

    def arguments(self):
        return self.stage.create_command(self.home, 2, self.out)

    def places(self):
        return [self.home, self.out]

    def sources(self):
        return [self.stage.input]

    def check(self):
        head = self.out / "accident-2.airlock"
        if head.exists():  # it has its name only when all of it is there
            self.stage.airlock.run("--home", self.stage.work / "site1", "verify", head)
        self.stage.airlock.run("--home", self.home, "keys", "show")

    def is_done(self):
        channel = self.home / "channels" / "accident"
        return (channel / "last.airlock").exists() and not (channel / "run" / "run.json").exists() and self.serial() == 2

    def serial(self):
        return json.loads((self.home / "channels" / "accident" / "bundles.json").read_text())["bundles"][0]["serial"]

    def result(self):
        same_folder(self.out, self.stage.work / "m2", accident_homes.temporary_files(self.out))
        need(self.serial() == 2, "the home does not know what it made")

    def end(self):
        same_folder(self.out, self.stage.work / "m2")
        left = accident_homes.temporary_files(self.home)
        need(not left, f"left over: {sorted(left)}")
        # The list of bundles names the folder that each was written to. What is left of a run that has ended is no run, and goes
        # with the next.
        leave = {n for n in accident_homes.files_below(self.home) if n.startswith("channels/accident/run/")}
        same_folder(self.home, self.stage.reference_near, leave | {"channels/accident/bundles.json", "channels/accident/lock", "channels/accident/last.lock"})


class Import(Command):
    writes = True

    def begin(self):
        self.template = self.stage.work / "site1"
        super().begin()

    def arguments(self):
        return ["--home", self.home, "import", self.stage.work / "m2"]

    def sources(self):
        return [self.stage.work / "m2"]

    def check(self):
        self.stage.whole(self.home, (1, 2))

    def result(self):
        same_state(self.home, self.stage.work / "site2")

    def end(self):
        same_site(self.home, self.stage.work / "site2")


class Activate(Command):
    def begin(self):
        self.template = self.stage.work / "site2"
        super().begin()

    def arguments(self):
        return ["--home", self.home, "store", "activate", "1"]

    def check(self):
        self.stage.whole(self.home, (1, 2))
        if self.stage.random.random() < 0.3:
            # Whatever comes next, what is served then is there.
            self.stage.airlock.run("--home", self.home, "store", "sweep", "--keep", "2")
            self.stage.whole(self.home, (1, 2))

    def result(self):
        need(served(self.home) == self.stage.states[1], "generation 1 is not served")
        need([(r["id"], r["active"]) for r in accident_homes.rows_of(self.home, "generations")] == [(1, 1), (2, 0)],
             "generation 1 is not the active one")

    def end(self):
        self.result()
        self.stage.airlock.run("--home", self.home, "store", "check")


class Sweep(Command):
    def begin(self):
        self.template = self.stage.work / "site2"
        super().begin()

    def arguments(self):
        return ["--home", self.home, "store", "sweep", "--keep", "1"]

    def check(self):
        self.stage.whole(self.home, (2,))

    def holds(self):
        self.check()  # files of which no row speaks may come back; the next sweep takes them
        self.stage.airlock.run(*self.arguments())
        self.end()

    def result(self):
        same_state(self.home, self.stage.swept)

    def end(self):
        same_site(self.home, self.stage.swept)


class Restoring(Command):
    """A backup of a home with both bundles over a home that has the first."""

    def begin(self):
        self.template = self.before()
        self.backup = self.stage.work / self.backup_name
        if not self.backup.exists():
            self.make_backup()
        super().begin()

    def before(self):
        raise NotImplementedError

    def make_backup(self):
        raise NotImplementedError

    def arguments(self):
        return ["--home", self.home, "restore", self.backup, "--replace"]

    def sources(self):
        return [self.backup]


class Restore(Restoring):
    """That of the site, content included."""

    writes, backup_name = True, "site2.tar"

    def before(self):
        return self.stage.work / "site1"

    def make_backup(self):
        # Of a copy, since a backup is told of in the log.
        copy = self.stage.work / "site2-to-back-up"
        shutil.copytree(self.stage.work / "site2", copy)
        self.stage.airlock.run("--home", copy, "backup", self.backup, "--with-blobs")

    def check(self):
        status, said = self.stage.airlock.status_of("--home", self.home, "status")
        if status == 4 and "restore" in said:
            return  # all was ready: every command but restore refuses the home until that has ended
        self.stage.whole(self.home, (1, 2))

    def result(self):
        need(self.stage.whole(self.home, (2,)) == 2, "the backup is not what is served")

    def end(self):
        self.result()
        self.stage.airlock.run("--home", self.home, "store", "check")


class RestoreNear(Restoring):
    """That of the near home, keys included."""

    share, backup_name = 0.4, "near2.tar"

    def before(self):
        return self.stage.near

    def make_backup(self):
        self.stage.airlock.run("--home", self.stage.reference_near, "backup", self.backup, "--keys")

    def check(self):
        status, said = self.stage.airlock.status_of("--home", self.home, "--json", "keys", "show")
        if status == 4 and "restore" in said:
            return  # as above
        need(status == 0, f"the keys cannot be shown: exit {status}\n{said}")
        of = self.reference(2) if self.serial() == 2 else self.reference(1)
        same_folder(self.home / "keys", of / "keys")
        need((self.home / "channels" / "accident" / "last.airlock").read_bytes()
             == (of / "channels" / "accident" / "last.airlock").read_bytes(), "the channel is neither that of the backup nor the old one")

    def reference(self, number):
        return self.stage.reference_near if number == 2 else self.stage.near

    def serial(self):
        return json.loads((self.home / "channels" / "accident" / "bundles.json").read_text())["bundles"][0]["serial"]

    def result(self):
        self.check()
        need(self.serial() == 2, "the backup is not what is there")

    def end(self):
        self.result()
        status, said = self.stage.airlock.status_of(*self.stage.create_command(self.home, 2, self.place / "more"))
        need(status == 4 and "--continue" in said, f"a restored home guesses which serial is free: exit {status}\n{said}")


class Sending(Command):
    """A command that makes one more bundle of what the near home has: it must be the same one whatever happened on the way."""

    writes = True

    def begin(self):
        self.template = self.stage.reference_near
        super().begin()
        self.out = self.place / "out"
        self.out.mkdir()
        if not self.reference().exists():
            home = self.stage.work / f"near-for-{self.name}"
            shutil.copytree(self.template, home)
            self.reference().mkdir()
            self.stage.airlock.run(*self.command(home, self.reference()))

    def reference(self):
        return self.stage.work / f"made-by-{self.name}"

    def arguments(self):
        return self.command(self.home, self.out)

    def places(self):
        return [self.home, self.out]

    def check(self):
        for head in self.out.glob("*.airlock"):  # it has its name only when all of it is there
            self.stage.airlock.run("--home", self.stage.work / self.site, "verify", head)
        self.stage.airlock.run("--home", self.home, "keys", "show")

    def result(self):
        same_folder(self.out, self.reference(), accident_homes.temporary_files(self.out))

    def end(self):
        same_folder(self.out, self.reference())
        left = accident_homes.temporary_files(self.home)
        need(not left, f"left over: {sorted(left)}")


class Ship(Sending):
    name, site = "ship", "site1"

    def command(self, home, out):
        return ["--home", home, "bundle", "ship", self.stage.work / "m2" / "accident-2.airlock",
                "--base", self.stage.work / "m1" / "accident-1.airlock", "-o", f"{out}/"]

    def sources(self):
        return [self.stage.work / "m1", self.stage.work / "m2"]

    def is_done(self):
        """Given once more, it would make one more sending."""
        return (self.out / "accident-2-s2.sha256").exists() and not (self.home / "channels" / "accident" / "ship" / "run.json").exists()


class Revoke(Sending):
    name, site = "revoke", "site2"

    def command(self, home, out):
        return ["--home", home, "bundle", "revoke", "file:b0", "--reason", "a bad day", "-o", f"{out}/"]

    def is_done(self):
        """Given once more, it would say that all of this is revoked already."""
        bundles = json.loads((self.home / "channels" / "accident" / "bundles.json").read_text())["bundles"]
        return bundles[0]["serial"] == 3 and (self.out / "accident-3.sha256").exists()


class Verify(Command):
    """It changes nothing, and says the same afterwards."""

    def begin(self):
        self.template = self.stage.work / "site1"
        super().begin()

    def arguments(self):
        return ["--home", self.home, "verify", self.stage.work / "m2" / "accident-2.airlock"]

    def sources(self):
        return [self.stage.work / "m2"]

    def check(self):
        same_folder(self.home, self.template, accident_homes.CHANGING)

    def result(self):
        self.check()

    def end(self):
        self.check()


COMMANDS = {"create": Create, "import": Import, "activate": Activate, "sweep": Sweep, "restore": Restore,
            "restore-near": RestoreNear, "ship": Ship, "revoke": Revoke,
            "verify": Verify}
