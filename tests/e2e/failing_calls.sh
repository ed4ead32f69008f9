# Full disks and calls that fail (tests/support/failing_calls.py, full_disks.py): each kind of read, write, sync, rename, … of
# a command fails at CALLS places, 2 unless told, 0 for every one; DISKS disks fill up under each command, 4; SEED repeats a
# run. Then a file that may not grow, and a mirror that cannot write what it is asked to remember.
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null && export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"
make_far
unset AIRLOCK_HOME
library=$work/failing_calls.so
commands=${COMMANDS:-create import activate sweep restore restore-near ship revoke verify}
check "the calls that fail are built" cc -O1 -shared -fPIC -o "$library" "$repo/tests/support/failing_calls.c" -ldl
python3 "$repo/tests/support/failing_calls.py" --airlock "$airlock" --library "$library" --work "$work/calls" --rounds "${CALLS:-2}" \
  $commands 2>&1 | tee "$work/calls.log"
count_python "$work/calls.log" "${PIPESTATUS[0]}"
python3 "$repo/tests/support/full_disks.py" --airlock "$airlock" --work "$work/disks" --rounds "${DISKS:-4}" $commands 2>&1 | tee "$work/disks.log"
count_python "$work/disks.log" "${PIPESTATUS[0]}"

# A limit of the user's on the size of files, in KiB: the same as a full disk, but for the reason.
stage=$work/disks
limited() { local kib=$1; shift; (ulimit -f "$kib"; "$@"); }
cp -r "$stage/near" "$work/near" && mkdir "$work/out"
create=("$airlock" --home "$work/near" bundle create -m "$stage/input/m2.yaml" -o "$work/out/" --volume-size 2000000)
check_exit 1 "create: a file that may not grow" limited 600 "${create[@]}"
check_said "File too large"
check "create: without the limit the same command goes through" "${create[@]}"
cp -r "$stage/site1" "$work/site"
check_exit 1 "import: a file that may not grow" limited 600 "$airlock" --home "$work/site" import "$stage/m2"
check_said "File too large"
check "import: without the limit the same command goes through" "$airlock" --home "$work/site" import "$stage/m2"

# The mirror: what it cannot note costs no answer, and it notes again when it can.
real=$airlock
airlock=$work/airlock-failing
db=$work/site/mirror.db
cat >"$airlock" <<SH
#!/bin/sh
exec env LD_PRELOAD="$library" FAIL_CALLS=write,sync,truncate FAIL_AT=1 FAIL_ON=always FAIL_WITH=28 \\
  FAIL_UNDER="$db:$db-wal:$db-shm:$db-journal" "$real" "\$@"
SH
chmod +x "$airlock"
start_serve "$work/site"
path=$(basename "$(find "$stage/input" -name 'b*' -size +100k | head -n 1)")
check "serve: a file is served while notes cannot be written" in_far curl -fsS "http://$mirror/files/$path" -o "$work/got"
check "serve: whole" cmp "$work/got" "$stage/input/$path"
check "serve: what is missing is 404" bash -c '[ "$(ip netns exec "$1" curl -s -o /dev/null -w "%{http_code}" "$2")" = 404 ]' - "$far" "http://$mirror/npm/absent-package"
check "serve: it says that it could not note it" wait_for 20 grep -q "could not be noted" "$work/serve.log"
check "serve: and serves on" in_far curl -fsS "http://$mirror/files/$path" -o "$work/got"
stop "$serve_pid"
airlock=$real
start_serve "$work/site"
in_far curl -s -o /dev/null "http://$mirror/npm/absent-package"
check "serve: it notes again when it can" wait_for 20 bash -c '"$1" --home "$2" wants | grep -q absent-package' - "$airlock" "$work/site"
stop "$serve_pid"
finish
