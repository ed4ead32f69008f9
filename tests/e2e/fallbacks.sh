# Old and hardened kernels: what they lack is taken away, and the same things still work.
. "$(dirname "$0")/lib.sh"
make_far
mkdir -p "$work/in" && cd "$work/in" || exit 1
head -c 2000000 /dev/urandom >a.bin
printf 'name: old\nfiles:\n  - { source: a.bin, path: a.bin }\n' >m.yaml
for without in openat2 o_tmpfile copy_file_range syncfs fallocate openat2,o_tmpfile,copy_file_range,syncfs,fallocate; do
  export AIRLOCK_WITHOUT=$without
  near=$work/near-$without site=$work/site-$without out=$work/out-$without
  check "$without: keys" "$airlock" --home "$near" keys init --no-passphrase
  check "$without: create" "$airlock" --home "$near" bundle create -m m.yaml -o "$out/" --volume-size 1MiB
  check "$without: pin" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
  check "$without: import" in_far "$airlock" --home "$site" import "$out"
  check "$without: check" in_far "$airlock" --home "$site" store check
  check "$without: nothing is left over" bash -c '! find "$1" -name "*.tmp*" -o -name ".airlock-*" | grep -q .' - "$site/blobs"
  start_serve "$site"
  in_far curl -fsS "http://$mirror/files/a.bin" -o got.bin
  check "$without: serve" cmp got.bin a.bin
  stop "$serve_pid"
done
finish
