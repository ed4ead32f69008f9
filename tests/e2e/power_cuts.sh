# Power cuts, failing disks and media that are pulled out, with a real file system on a disk of our own making
# (tests/support/fault_disk.py): CUTS of each command, 10 unless told; PULLS media, 8; SEED repeats a run.
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null && export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"
unset AIRLOCK_HOME
if [ ! -e /dev/fuse ] || ! losetup -f >/dev/null 2>&1; then
  skip "no FUSE or no loop devices here"
  finish
fi
python3 "$repo/tests/support/power_cuts.py" --airlock "$airlock" --work "$work/cuts" --rounds "${CUTS:-10}" \
  ${COMMANDS:-create import activate sweep restore restore-near ship revoke} 2>&1 | tee "$work/cuts.log"
count_python "$work/cuts.log" "${PIPESTATUS[0]}"
python3 "$repo/tests/support/pulled_media.py" --airlock "$airlock" --work "$work/media" --rounds "${PULLS:-8}" \
  import create 2>&1 | tee "$work/media.log"
count_python "$work/media.log" "${PIPESTATUS[0]}"
finish
