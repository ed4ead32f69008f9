# kill -9 at random points of create, import, activate, sweep, restore (of both homes), ship and revoke
# (tests/support/kill_rounds.py): KILLS of each, 15 unless told; SEED repeats a run. On tmpfs, where there is one, since what is
# asked is order and not durability.
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null && export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"
check "the calls that kill are built" cc -O1 -shared -fPIC -o "$work/failing_calls.so" "$repo/tests/support/failing_calls.c" -ldl
start_registry "$work/registry"
python3 "$repo/tests/support/make_image.py" "$work/oci" app:1 --random 1500000 --random 300000 --random 20000 >/dev/null
check "an image to fetch" skopeo copy -q --dest-tls-verify=false "oci:$work/oci:app:1" "docker://$registry/team/app:1"
unset AIRLOCK_HOME
python3 "$repo/tests/support/kill_rounds.py" --airlock "$airlock" --library "$work/failing_calls.so" --work "$work/kills" \
  --image "$registry/team/app:1" ${COMMANDS:-create import activate sweep restore restore-near ship revoke} 2>&1 | tee "$work/kills.log"
count_python "$work/kills.log" "${PIPESTATUS[0]}"
finish
