# Volumes: over the gap under other names, in two folders, one stick at a time; presets; a FAT file system.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/in" && cd "$work/in" || exit 1
for number in 1 2 3 4 5; do head -c 900000 /dev/urandom >"file$number.bin"; done
head -c 5000000 /dev/urandom >large.bin
{ echo "name: vol"; echo "files:"; for f in *.bin; do echo "  - { source: $f, path: $f }"; done; } >m.yaml
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
check "create with volumes" bash -c '"$1" --home "$2" --json bundle create -m m.yaml -o "$3/" --volume-size 2000000 >create.json' - "$airlock" "$near" "$out"
check "no volume is larger than asked" bash -c '[ -z "$(find "$1" -name "*.tar" -size +2000000c)" ]' - "$out"
check "every volume is a tar of its own" bash -c 'for v in "$1"/*.tar; do tar -tf "$v" >/dev/null || exit 1; done' - "$out"
check "sha256sum -c accepts all" bash -c 'cd "$1" && sha256sum -c vol-1.sha256' - "$out"
in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null

mkdir -p "$work/stick1" "$work/stick2"
number=0
for volume in "$out"/vol-1.v*.tar; do
  number=$((number + 1))
  cp "$volume" "$work/stick$((number % 2 + 1))/GW$((1000 - number)).DAT"
done
cp "$out/vol-1.airlock" "$work/stick1/HEAD.BIN"
check_exit 4 "the first stick alone is incomplete" in_far "$airlock" --home "$site" import "$work/stick1/HEAD.BIN"
check "from two folders, under other names" in_far "$airlock" --home "$site" import "$work/stick1/HEAD.BIN" --volumes "$work/stick2"
start_serve "$site"
for f in *.bin; do
  in_far curl -fsS "http://$mirror/files/$f" -o "$work/got" && check "$f came whole" cmp "$work/got" "$f"
done
stop "$serve_pid"

# One stick at a time: whole blobs are kept from each. (A blob that is cut needs all its parts at hand.)
{ echo "name: sticks"; echo "files:"; for f in file*.bin; do echo "  - { source: $f, path: $f }"; done; } >sticks.yaml
check "a second bundle, of whole blobs" "$airlock" --home "$near" bundle create -m sticks.yaml -o "$work/sticks/" --volume-size 2000000
in_far "$airlock" --home "$work/site2" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
mkdir "$work/first" "$work/second"
cp "$work/sticks/sticks-1.airlock" "$work/sticks/sticks-1.v001.tar" "$work/first/"
cp "$work/sticks/sticks-1.airlock" "$work/sticks/"sticks-1.v00[2-9].tar "$work/second/"
check_exit 4 "one stick at a time: the first" in_far "$airlock" --home "$work/site2" import "$work/first"
check "one stick at a time: the second completes it" in_far "$airlock" --home "$work/site2" import "$work/second"

truncate -s 64M "$work/fat.img" && mkfs.vfat "$work/fat.img" >/dev/null && mkdir "$work/fat"
if mount -o loop "$work/fat.img" "$work/fat" 2>/dev/null; then
  check "a FAT stick gets volumes by itself" bash -c '"$1" --home "$2" --json bundle create -m m.yaml -o "$3/" >fat.json' - "$airlock" "$near" "$work/fat"
  check "and says which" bash -c 'ls "$1"/*.v001.tar' - "$work/fat"
  umount "$work/fat" && mount -o loop,ro "$work/fat.img" "$work/fat"
  check "it imports from there, read-only" in_far "$airlock" --home "$work/site2" import "$work/fat"
else
  skip "this kernel mounts no FAT image"
fi
check_exit 2 "an unknown size" "$airlock" --home "$near" bundle create -m m.yaml -o "$out/" --volume-size huge
finish
