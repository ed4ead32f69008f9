# The stock TUF client for JavaScript reads a bundle's metadata as any repository's, and refuses what was altered for the
# reason for which airlock refuses it.
. "$(dirname "$0")/lib.sh"
for tool in node npm; do command -v $tool >/dev/null || { skip "no $tool on PATH"; finish; }; done
tools=$repo/tests/support/tufjs
oracle=$cache/tufjs-$(sha256_of "$tools/package-lock.json" | cut -c1-16)
if [ ! -e "$oracle/done" ]; then
  mkdir -p "$oracle" && cp "$tools"/package*.json "$oracle/"
  check "tuf-js comes from the registry that npm is configured with" bash -c 'cd "$1" && npm ci --ignore-scripts --no-audit --no-fund && touch done' - "$oracle"
fi
export NODE_PATH=$oracle/node_modules
make_far
near=$work/near site=$work/site stick=$work/stick
mkdir -p "$work/project" "$stick"
cd "$work/project" || exit 1

echo "the operations guide" >guide.txt
python3 "$repo/tests/support/make_image.py" "$work/oci" tool:1 --random 300000 >/dev/null
cat >airlock.yaml <<YAML
name: site-a
platforms: [linux/amd64]
images:
  - { layout: $work/oci, ref: "registry.example:5000/team/tool:1", from: "tool:1" }
files:
  - { source: guide.txt, path: docs/guide.txt }
YAML
check "two approvers' keys" "$airlock" --home "$near" keys init --no-passphrase --threshold 2
"$airlock" --home "$near" --json keys show >"$work/keys.json"
cp -a "$near" "$work/late-near"  # the same producer, who once sent a bundle that has expired since
check "a first state" "$airlock" --home "$near" bundle create -m airlock.yaml -o "$stick/"
echo "the operations guide, second edition" >guide.txt
check "a second state" "$airlock" --home "$near" bundle create -m airlock.yaml -o "$stick/"
check "an old state" env SOURCE_DATE_EPOCH=$(($(date +%s) - 400 * 86400)) "$airlock" --home "$work/late-near" bundle create -m airlock.yaml -o "$work/late/"
first=$stick/site-a-1.airlock second=$stick/site-a-2.airlock

# unpack BUNDLE NAME: what stands in its head becomes a repository under the served folder.
unpack() { rm -rf "$work/www/$2" && mkdir -p "$work/www/$2" && tar -xf "$1" -C "$work/www/$2" metadata targets; }
mkdir -p "$work/www"
port=$(free_port)
start "$work/http.log" in_far python3 -m http.server "$port" --bind 127.0.0.1 --directory "$work/www"
wait_for 20 in_far curl -fsS "http://127.0.0.1:$port/"

# new_client NAME: a client that pinned the first root. ask CLIENT REPOSITORY [TARGET…]
new_client() { rm -rf "$work/clients/$1" && mkdir -p "$work/clients/$1/metadata" "$work/clients/$1/targets" && cp "$work/www/first/metadata/1.root.json" "$work/clients/$1/metadata/root.json"; }
ask() {
  local client=$work/clients/$1 url=http://127.0.0.1:$port/$2; shift 2
  in_far node "$tools/client.js" "$client/metadata" "$url/metadata/" "$client/targets" "$url/targets/" "$@"
}
refused() { ! ask "$@" || { echo "it was accepted"; return 1; }; }
# A finding of `airlock verify --json` with this code, among its errors.
finds() { json "$work/verify.json" "'$1' in [f['code'] for f in d['findings']]" | grep -qx True; }

unpack "$first" first; unpack "$second" second
new_client plain
check "tuf-js accepts the first state and downloads its catalogs" ask plain first descriptor.json SHA256SUMS oci/catalog/00.jsonl file/catalog/00.jsonl
check "what it downloaded is what was signed" bash -c 'cd "$1/targets" && for f in *; do sha256sum <"$f" | cut -d" " -f1 | xargs -I{} find "$2/targets" -name "{}.*" | grep -q . || exit 1; done && [ "$(ls | wc -l)" = 4 ]' - "$work/clients/plain" "$work/www/first"
check "and the second one after it" ask plain second descriptor.json file/catalog/00.jsonl
check "the catalog tells the new content" grep -q "$(sha256_of guide.txt)" "$work/clients/plain/targets/file%2Fcatalog%2F00.jsonl"
new_client late
check "a client that sleeps through a state takes the second at once" ask late second SHA256SUMS

# altered NAME EXIT CODE TEXT [CLIENT]: the repository of that name is refused by tuf-js with the text, and the bundle made
# of it by airlock with the code.
altered() {
  local name=$1 want=$2 code=$3 text=$4 client=${5:-fresh}
  new_client fresh
  check "$name: tuf-js refuses" refused "$client" "$name" file/catalog/00.jsonl
  check_said "$text"
  [ -e "$work/$name.airlock" ] || python3 "$tools/edit.py" repack "$second" "$work/www/$name/metadata" "$work/$name.airlock"
  check_exit "$want" "$name: airlock refuses" bash -c '"$@" >"$0"' "$work/verify.json" in_far_airlock_verify "$work/$name.airlock"
  check "$name: as '$code'" finds "$code"
}
cat >"$work/in_far_airlock_verify" <<SH
#!/bin/sh
exec ip netns exec "$far" "$airlock" --home "$site" --json verify "\$1"
SH
chmod +x "$work/in_far_airlock_verify"; PATH=$work:$PATH

check "the site pins the root" in_far "$airlock" --home "$site" trust init "$work/www/first/metadata/1.root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["fingerprint"])')"
unpack "$second" same
python3 "$tools/edit.py" repack "$second" "$work/www/same/metadata" "$work/same.airlock"
check "a bundle that is put together again is the same" cmp "$work/same.airlock" "$second"

for name in one-approval twice borrowed foreign-root skipped-root; do
  unpack "$second" "$name"
  check "$name: altered" python3 "$tools/edit.py" "$name" "$work/www/$name/metadata" "$work/keys.json"
done
altered one-approval 3 untrusted "snapshot was signed by 1/2 keys"
altered twice 3 tampered "multiple signatures found for keyid"
altered borrowed 3 untrusted "snapshot was signed by 1/2 keys"
altered foreign-root 3 untrusted "root was signed by 0/2 keys"
altered skipped-root 3 tampered "Expected version 2, got 3"

unpack "$second" flipped
flipped=$(basename "$(ls "$work"/www/flipped/metadata/*.targets.json)")
check "flipped: altered" python3 "$tools/edit.py" flip "$work/www/flipped/metadata/$flipped"
altered flipped 3 tampered "Expected hash"

unpack "$second" mixed
cp "$work"/www/first/metadata/1.targets.json "$work/www/mixed/metadata/$flipped"
altered mixed 3 tampered "Unable to load targets error Error: Expected "

# The state before, shown to those who have the second already.
check "the site takes the second state" in_far "$airlock" --home "$site" import "$second"
cp -a "$work/www/first" "$work/www/replayed"; cp "$first" "$work/replayed.airlock"
altered replayed 5 rollback "is less than current version" plain
check "airlock import refuses it too" bash -c '"$@" >"$0" 2>&1; [ $? = 5 ]' "$work/check2.out" ip netns exec "$far" "$airlock" --home "$site" import "$work/replayed.airlock"

# Freshly pinned, and shown what has expired.
site=$work/site-late
check "another site pins the root" in_far "$airlock" --home "$site" trust init "$work/www/first/metadata/1.root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["fingerprint"])')"
sed -i "s#--home .* --json#--home $site --json#" "$work/in_far_airlock_verify"
unpack "$work/late/site-a-1.airlock" expired; cp "$work/late/site-a-1.airlock" "$work/expired.airlock"
altered expired 5 expired "timestamp.json is expired"

# A target that differs, under metadata that nobody touched.
unpack "$second" target
target=$(ls "$work"/www/target/targets/file/catalog/*.jsonl)
sed -i 's/guide/guise/' "$target"
new_client fresh
check "tuf-js refuses a target that differs" refused fresh target file/catalog/00.jsonl
check_said "Expected hash"

# Three encoders, one canonical form.
roles=("$work"/www/second/metadata/*.root.json "$work"/www/second/metadata/timestamp.json "$work"/www/second/metadata/[0-9]*.snapshot.json "$work"/www/second/metadata/[0-9]*.{targets,oci,file}.json)
check "@tufjs/canonical-json reads every role" bash -c 'node "$@" >"$0"' "$work/canonical.node" "$tools/canonical.js" "${roles[@]}"
check "the root's fingerprint is that of its canonical form there" test "$(head -n 1 "$work/canonical.node")" = "$(json "$work/keys.json" 'd["fingerprint"]')"
vectors=$repo/tests/data/trust/canonical_vectors.json
expected() { python3 -c 'import json,sys; [print(v["canonical_hex"]) for v in json.load(open(sys.argv[1]))["vectors"]]' "$vectors"; }
expected >"$work/vectors.airlock"  # airlock's unit tests compare its own encoder with these
node "$tools/canonical.js" --vectors "$vectors" >"$work/vectors.node"
# JavaScript sorts member names by UTF-16 unit: the one vector with a name beyond U+FFFF must differ, and no other.
check "@tufjs/canonical-json agrees on every vector with ASCII names" bash -c '[ "$(diff "$1" "$2" | grep -c "^<")" = 1 ] && [ "$(wc -l <"$1")" -gt 20 ]' - "$work/vectors.airlock" "$work/vectors.node"
if /usr/bin/python3 -c 'import securesystemslib' 2>/dev/null; then
  check "securesystemslib verifies every signature" bash -c '/usr/bin/python3 "$@" >"$0"' "$work/canonical.python" "$tools/canonical.py" "${roles[0]}" "${roles[@]}"
  check "and has the same canonical form of every role" cmp "$work/canonical.node" "$work/canonical.python"
  check "and of every vector" bash -c '/usr/bin/python3 "$1" --vectors "$2" | cmp - "$3"' - "$tools/canonical.py" "$vectors" "$work/vectors.airlock"
else
  skip "no python3-securesystemslib"
fi
stop "$last_pid"
finish
