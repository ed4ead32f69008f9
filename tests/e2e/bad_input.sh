# Bad input of every kind: a clear error, the right exit code, nothing lost or half visible.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/in" && cd "$work/in" || exit 1
head -c 3000000 /dev/urandom >big.bin; echo one >small.txt
cat >good.yaml <<'YAML'
name: bad-input
files:
  - { source: big.bin, path: big.bin }
  - { source: small.txt, path: small.txt }
YAML
"$airlock" --home "$near" keys init --no-passphrase >/dev/null

# Manifests: exit 2, with line and column, and the word that was meant.
mistake() {  # NAME TEXT EXPECTED…
  printf '%s' "$2" >bad.yaml
  check_exit 2 "manifest: $1" "$airlock" --home "$near" bundle lock -m bad.yaml -o bad.lock
  local expected
  for expected in "${@:3}"; do check_said "$expected"; done
  check "manifest: $1: no lock was left" test ! -e bad.lock
}
mistake "a misspelt key" $'name: x\nimagse:\n  - a\n' "bad.yaml:2:1" "images"
mistake "a misspelt option" $'name: x\nfiles:\n  - { souce: a, path: b }\n' "bad.yaml:3" "source"
mistake "no name" $'files: []\n' "name"
mistake "a bad name" $'name: "Not A Name"\n' "bad.yaml:1"
mistake "a key twice" $'name: x\nname: y\n' "bad.yaml:2"
mistake "not YAML" $'name: [x\n' "bad.yaml"
mistake "a tab" $'name: x\nfiles:\n\t- a\n' "bad.yaml:3"
mistake "a wrong platform" $'name: x\nplatforms: [linux/amd46]\n' "amd64"
mistake "an anchor" $'name: &a x\n' "bad.yaml:1"
mistake "a digest that is none" $'name: x\nfiles:\n  - { source: small.txt, path: s, sha256: abc }\n' "bad.yaml:3"
mistake "a path that leaves" $'name: x\nfiles:\n  - { source: small.txt, path: ../../etc/passwd }\n' "bad.yaml:3"
mistake "a file that is not there" $'name: x\nfiles:\n  - { source: absent.txt, path: s }\n' "absent.txt"
mistake "an ecosystem of another release" $'name: x\nrubygems: [rails]\n' "bad.yaml:2"
cp good.yaml other.yaml && sed -i 's/small.txt, path: small.txt/small.txt, path: small.txt, sha256: '"$(printf 'a%.0s' {1..64})"'/' other.yaml
cat >conflict.yaml <<YAML
name: bad-input
files:
  - { source: small.txt, path: small.txt, sha256: $(printf 'b%.0s' {1..64}) }
YAML
check_exit 2 "two manifests that contradict each other" "$airlock" --home "$near" bundle lock -m other.yaml -m conflict.yaml -o bad.lock
check_said other.yaml
check_said conflict.yaml
check_exit 2 "an unknown flag" "$airlock" bundle create --manifets good.yaml
check_exit 2 "an unknown command suggests one" "$airlock" bundle crate
check_said "create"
check_exit 2 "an error with --json is one object" "$airlock" --json bundle lock -m bad.yaml
check "with its code" bash -c '"$1" --json bundle lock -m absent.yaml 2>/dev/null | jq -e ".format == 1 and (.error.code | length > 0)"' - "$airlock"

# Locks.
check "a good lock" "$airlock" --home "$near" bundle lock -m good.yaml -o good.lock
sed 's/"format":1/"format":99/' good.lock >bad.lock
check_exit 2 "a lock of a newer format" "$airlock" --home "$near" bundle create --lock bad.lock -o "$out/x.airlock"
head -c 100 good.lock >bad.lock
check_exit 2 "half a lock" "$airlock" --home "$near" bundle create --lock bad.lock -o "$out/x.airlock"

# A file that changed between lock and create.
echo two >small.txt
check_exit 3 "content that changed since the lock" "$airlock" --home "$near" bundle create --lock good.lock -m good.yaml -o "$out/x.airlock"
check "left no bundle" test ! -e "$out/x.airlock"
echo one >small.txt

# Bundles.
check "a good bundle" "$airlock" --home "$near" bundle create -m good.yaml -o "$out/" --volume-size 1MiB
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
volumes=("$out"/bad-input-1.v*.tar)
check "it has at least three volumes" test ${#volumes[@]} -ge 3
unchanged() { in_far "$airlock" --home "$1" --json store list | jq -e '.generations == []'; }
variant() { rm -rf "$work/v" && mkdir "$work/v" && cp "$out"/bad-input-1.* "$work/v/"; }
for number in "${!volumes[@]}"; do
  name=$(basename "${volumes[$number]}")
  variant; rm "$work/v/$name"
  check_exit 4 "without $name: incomplete" in_far "$airlock" --home "$site" import "$work/v"
  check_exit 4 "without $name: verify says so too" in_far "$airlock" --home "$site" verify "$work/v"
  variant; truncate -s -70000 "$work/v/$name"
  check_exit 4 "$name cut off: incomplete" in_far "$airlock" --home "$site" import "$work/v"
  variant; python3 - "$work/v/$name" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(300000); byte = f.read(1); f.seek(300000); f.write(bytes([byte[0] ^ 1]))
PY
  check_exit 3 "$name with one bit flipped: refused" in_far "$airlock" --home "$site" import "$work/v"
  check "nothing became visible" unchanged "$site"
done
variant; mv "$work/v/bad-input-1.v001.tar" "$work/v/renamed by a gateway.bin"
check "verify accepts volumes under other names" in_far "$airlock" --home "$site" verify "$work/v"
"$airlock" --home "$work/near2" keys init --no-passphrase >/dev/null
check "a bundle of somebody else" "$airlock" --home "$work/near2" bundle create -m good.yaml -o "$work/foreign/" --volume-size 1MiB
check_exit 3 "a bundle of an unknown producer is refused" in_far "$airlock" --home "$site" import "$work/foreign"
variant; cp "$work/foreign/bad-input-1.v001.tar" "$work/v/bad-input-1.v001.tar"
# A store that has nothing yet: the bundle before left its whole blobs in the first one.
in_far "$airlock" --home "$site-fresh" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
check_exit 4 "a foreign volume in place of ours is never taken" in_far "$airlock" --home "$site-fresh" import "$work/v"
check_said "volume 1 of ${#volumes[@]}"
check "nothing became visible" unchanged "$site-fresh"
# not_taken CODE NAME: by neither command.
not_taken() {
  check_exit "$1" "$2: verify" in_far "$airlock" --home "$site" verify "$work/junk.airlock"
  check_exit "$1" "$2: import" in_far "$airlock" --home "$site" import "$work/junk.airlock"
}
: >"$work/junk.airlock"
not_taken 4 "an empty file is a bundle that was cut off"
echo "this is no bundle" >"$work/junk.airlock"
not_taken 1 "a text is no bundle"
check_said "is not an airlock bundle"
check "the good one goes in after all of that" in_far "$airlock" --home "$site" import "$out"

# Deltas and their bases.
echo three >small.txt
check "a second state as delta" "$airlock" --home "$near" bundle create -m good.yaml -o "$out/delta/" --base "$out/bad-input-1.airlock"
in_far "$airlock" --home "$work/empty-site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
check_exit 4 "a delta without its base" in_far "$airlock" --home "$work/empty-site" import "$out/delta"
check "writes what is needed" bash -c 'ls "$1"/receipts/need-*.json | grep -q .' - "$work/empty-site"
check "and shows nothing" unchanged "$work/empty-site"
check "with its base it goes in" in_far "$airlock" --home "$site" import "$out/delta"
check_exit 5 "the older one again is stale" in_far "$airlock" --home "$site" import "$out"
check_exit 0 "the same one again is nothing to do" in_far "$airlock" --home "$site" import "$out/delta"

# A home that lost its memory must not start again at 1.
mkdir "$work/near-forgot" && cp -r "$near/keys" "$work/near-forgot/"
check_exit 2 "a home that forgot its channels" "$airlock" --home "$work/near-forgot" bundle create -m good.yaml -o "$out/"
check_said "continue that channel with --continue $out/bad-input-1.airlock"
finish
