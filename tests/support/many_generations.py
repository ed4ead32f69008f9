"""many_generations.py HOME COUNT ROWS: gives the newest generation of a home's airlock.db COUNT - 1 older ones beside it,
each with ROWS file rows of its own, and as many blobs as rows: what a site looks like after years."""
import hashlib
import os
import sqlite3
import sys


def main():
    home, count, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    db = sqlite3.connect(os.path.join(home, "airlock.db"))
    newest = db.execute("SELECT channel, serial, bundle_id, created, imported, head_digest, artifacts FROM generations "
                        "ORDER BY id DESC LIMIT 1").fetchone()
    channel, serial, bundle_id, created, imported, head, artifacts = newest
    contents = [hashlib.sha256(b"content %d" % n).digest() for n in range(rows * 2)]
    db.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest, 1000) for digest in contents])
    for number in range(1, count):
        cursor = db.execute(
            "INSERT INTO generations (channel, serial, bundle_id, created, imported, active, head_digest, artifacts, rows, "
            "bytes) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
            (channel, serial + number, bundle_id, created, imported, head, artifacts, rows, rows * 1000))
        db.executemany(
            "INSERT INTO files VALUES (?, 'npm', ?, ?, 'file', '', '', '', '', 'upstream-digest', 1000, ?)",
            [(cursor.lastrowid, "package-%05d/-/package-%05d-1.0.%d.tgz" % (n, n, number),
              "pkg:npm/package-%05d@1.0.%d" % (n, number), contents[n + number]) for n in range(rows)])
        last = cursor.lastrowid
    db.execute("UPDATE generations SET active=0")
    db.execute("UPDATE generations SET active=1 WHERE id=?", (last,))
    db.execute("UPDATE channels SET last_serial=?", (serial + count - 1,))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(db.execute("SELECT count(*) FROM generations").fetchone()[0], "generations,",
          db.execute("SELECT count(*) FROM files").fetchone()[0], "rows,",
          db.execute("SELECT count(*) FROM blobs").fetchone()[0], "blobs")


main()
