# Old and hardened kernels: what they lack is taken away, and the same things still work. First inside airlock, one call
# after another; then by a system call filter, for the whole process and its libraries.
. "$(dirname "$0")/lib.sh"
make_far
mkdir -p "$work/in" && cd "$work/in" || exit 1
head -c 2000000 /dev/urandom >a.bin
head -c 500000 /dev/urandom >b.bin
printf 'name: old\nfiles:\n  - { source: a.bin, path: a.bin }\n' >m.yaml
printf 'name: old\nfiles:\n  - { source: a.bin, path: a.bin }\n  - { source: b.bin, path: b.bin }\n' >m2.yaml

# whole_way NAME: from keys to a file that is served.
whole_way() {
  local near=$work/near-$1 site=$work/site-$1 out=$work/out-$1
  check "$1: keys" "$airlock" --home "$near" keys init --no-passphrase
  check "$1: create" "$airlock" --home "$near" bundle create -m m.yaml -o "$out/" --volume-size 1MiB
  check "$1: pin" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
  check "$1: verify" in_far "$airlock" --home "$site" verify "$out"
  check "$1: import" in_far "$airlock" --home "$site" import "$out"
  check "$1: a second state, as a delta" "$airlock" --home "$near" bundle create -m m2.yaml -o "$out/" --base "$out/old-1.airlock"
  check "$1: is imported" in_far "$airlock" --home "$site" import "$out/old-2.airlock"
  check "$1: back" in_far "$airlock" --home "$site" store rollback
  check "$1: and forth" in_far "$airlock" --home "$site" store activate 2
  check "$1: sweep" in_far "$airlock" --home "$site" store sweep --keep 1
  check "$1: receipt" in_far "$airlock" --home "$site" store receipt -o "$work/receipt-$1.json"
  check "$1: the log is unbroken" in_far "$airlock" --home "$site" audit verify
  check "$1: status" in_far "$airlock" --home "$site" status
  check "$1: check" in_far "$airlock" --home "$site" store check
  check "$1: nothing is left over" bash -c '! find "$1" -name "*.tmp*" -o -name ".airlock-*" | grep -q .' - "$site/blobs"
  start_serve "$site"
  rm -f got.bin
  in_far curl -fsS "http://$mirror/files/a.bin" -o got.bin
  check "$1: serve" cmp got.bin a.bin
  stop "$serve_pid"
}

for without in openat2 o_tmpfile link renameat2 copy_file_range syncfs fallocate \
  openat2,o_tmpfile,link,renameat2,copy_file_range,syncfs,fallocate; do
  export AIRLOCK_WITHOUT=$without
  whole_way "$without"
done
unset AIRLOCK_WITHOUT

# filtered NAME ERROR CALLS: airlock under a filter that answers CALLS with ERROR.
real=$airlock
filtered() {
  airlock=$work/airlock-$1
  printf '#!/bin/sh\nexec "%s" %s %s "%s" "$@"\n' "$repo/tests/support/without_calls.py" "$2" "$3" "$real" >"$airlock"
  chmod +x "$airlock"
  whole_way "$1"
}
young=openat2,faccessat2,close_range,pidfd_open,io_uring_setup,landlock_create_ruleset,landlock_add_rule,landlock_restrict_self
filtered kernel-4.18 ENOSYS "$young,clone3"
filtered refused EPERM "$young,o_tmpfile,renameat2,copy_file_range,syncfs,fallocate,memfd_create,statx,unshare,sendfile"
# Where a filter refuses syncfs, each blob is synced by itself: sync() would not tell which of them is lost.
library=$work/failing_calls.so
check "the calls that are counted" cc -O1 -shared -fPIC -o "$library" "$repo/tests/support/failing_calls.c" -ldl
airlock=$real
"$airlock" --home "$work/site-synced" trust init "$work/out-refused/root.json" \
  --fingerprint "$("$airlock" --home "$work/near-refused" --json keys show | jq -r .fingerprint)" >/dev/null
check "an import without syncfs" env LD_PRELOAD="$library" FAIL_CALLS=sync FAIL_UNDER="$work/site-synced/blobs/sha256" \
  FAIL_COUNT="$work/synced" "$repo/tests/support/without_calls.py" EPERM syncfs "$real" --home "$work/site-synced" import "$work/out-refused/old-1.airlock"
check "syncs every file" bash -c '[ "$(cat "$1")" -ge "$(find "$2" -type f | wc -l)" ]' - "$work/synced" "$work/site-synced/blobs/sha256"

filtered unknown ENOSYS "$young,clone3,o_tmpfile,renameat2,copy_file_range,syncfs,fallocate,memfd_create,statx,unshare,sendfile"
finish
