# The first hour as the README tells it: init, create, inspect, hand over, pin, verify, import, serve, fetch.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site stick=$work/stick project=$work/project
mkdir -p "$project" "$stick"
cd "$project" || exit 1

echo "the operations guide" >guide.txt
python3 "$repo/tests/support/make_image.py" "$work/oci" tool:1 --random 3000000 >/dev/null
cat >airlock.yaml <<YAML
name: site-a
platforms: [linux/amd64]
images:
  - { layout: $work/oci, ref: "registry.example:5000/team/tool:1", from: "tool:1" }
files:
  - { source: guide.txt, path: docs/guide.txt }
YAML

check "airlock says its version" "$airlock" --version
check "help of every command has an example" bash -c '
  for words in "" init "keys init" "keys show" "bundle lock" "bundle create" "bundle inspect" "bundle diff" "bundle compare" \
    "bundle sign" "bundle seal" "bundle approve" "bundle extract" "bundle explain" "bundle verify" "bundle import" verify import "trust init" "trust show" "trust export" \
    push "store list" "store rollback" "store sweep" "store check" serve "client show" "ecosystem list" status wants explain; do
    text=$("$1" $words --help 2>&1) || { echo "no help: $words"; exit 1; }
    [ -z "$words" ] || grep -qi "example" <<<"$text" || { echo "no example: $words"; exit 1; }
  done' - "$airlock"
check "keys init makes a complete set" "$airlock" --home "$near" keys init --name "Team A" --no-passphrase
check_exit 2 "keys init refuses an existing set" "$airlock" --home "$near" keys init --no-passphrase
check "keys are readable by their owner only" bash -c '[ -z "$(find "$1" -name "*.pem" -perm /077)" ]' - "$near/keys"
check "trust export writes the public root" "$airlock" --home "$near" trust export -o "$stick/root.json"
check "bundle lock pins every file" "$airlock" --home "$near" bundle lock -m airlock.yaml
check "the lock stands beside the manifest" test -s airlock.lock
check "bundle lock again changes nothing" bash -c 'cp airlock.lock before && "$1" --home "$2" bundle lock -m airlock.yaml && cmp before airlock.lock' - "$airlock" "$near"
check "create --dry-run writes nothing" bash -c '"$1" --home "$2" bundle create -m airlock.yaml -o "$3/" --dry-run && [ -z "$(ls "$3" | grep -v root.json)" ]' - "$airlock" "$near" "$stick"
check "create makes the set to carry" bash -c '"$1" --home "$2" --json bundle create -m airlock.yaml -o "$3/" >create.json' - "$airlock" "$near" "$stick"
check "create says where and what" test "$(json create.json 'd["serial"], d["sealed"], d["format"]')" = "(1, True, 1)"
bundle=$stick/site-a-1.airlock
check "the bundle is where it says" test -s "$bundle"
check "sha256sum -c accepts the set" bash -c 'cd "$1" && sha256sum -c site-a-1.sha256' - "$stick"
check "tar lists it" tar -tf "$bundle"
check "bytes are written once, the head's room twice" test "$(json create.json 'd["bytes_written"] <= d["bytes"] + 4 * 2**20')" = True
check "inspect shows it to a person" bash -c '"$1" bundle inspect "$2" >shown.txt && ! grep FAILED shown.txt' - "$airlock" "$bundle"
check "inspect says that one person approved" bash -c '"$1" bundle inspect "$2" | grep -qi "one person"' - "$airlock" "$bundle"
check "inspect writes one self-contained page" bash -c '"$1" bundle inspect "$2" --html page.html && grep -q site-a page.html && ! grep -qE "(src|href)=\"?(https?:)?//" page.html' - "$airlock" "$bundle"
check "inspect --json is one object" bash -c '"$1" --json bundle inspect "$2" | python3 -c "import json,sys; d=json.load(sys.stdin); assert d[\"format\"] == 1"' - "$airlock" "$bundle"
check "verify on the near side uses this home's root" "$airlock" --home "$near" verify "$bundle"

fingerprint=$("$airlock" --home "$near" --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["fingerprint"])')
check_exit 3 "import without a pinned root is refused" in_far "$airlock" --home "$site" import "$stick"
check_exit 3 "a wrong fingerprint pins nothing" in_far "$airlock" --home "$site" trust init "$stick/root.json" --fingerprint "$(printf '0%.0s' {1..64})"
check "trust init pins the root" in_far "$airlock" --home "$site" trust init "$stick/root.json" --fingerprint "$fingerprint"
check "trust show names it" bash -c 'ip netns exec "$1" "$2" --home "$3" --json trust show | grep -q "$4"' - "$far" "$airlock" "$site" "$fingerprint"
(cd "$site" && find . -type f -exec sha256sum {} + | sort) >before.txt
check "verify accepts it" in_far "$airlock" --home "$site" --json verify "$stick"
check "verify leaves no trace" bash -c 'diff before.txt <(cd "$1" && find . -type f -exec sha256sum {} + | sort)' - "$site"
mkdir -p "$work/medium" && mount --bind "$stick" "$work/medium" && mount -o remount,ro,bind "$work/medium"
check "import works from a read-only medium" bash -c 'ip netns exec "$1" "$2" --home "$3" --json import "$4" >"$5/import.json"' - "$far" "$airlock" "$site" "$work/medium" "$work"
check "import says what is new" test "$(json "$work/import.json" 'd["generation"], d["blobs_present"]')" = "(1, 0)"
check "import writes at most 1.05 of the new bytes" test "$(json "$work/import.json" "d['bytes_written']")" -le $(($(stat -c %s "$bundle") * 105 / 100))
check_exit 0 "the same bundle again is nothing to do" in_far "$airlock" --home "$site" import "$stick"

start_serve "$site"
check "healthz answers" in_far curl -fsS "http://$mirror/healthz"
check "readyz answers" in_far curl -fsS "http://$mirror/readyz"
in_far curl -fsS "http://$mirror/files/docs/guide.txt" -o got.txt
check "a file comes back as it was" cmp got.txt guide.txt
check "HEAD tells its length" bash -c '[ "$(ip netns exec "$1" curl -fsSI "http://$2/files/docs/guide.txt" | tr -d "\r" | sed -n "s/^[Cc]ontent-[Ll]ength: //p")" = "$(stat -c %s guide.txt)" ]' - "$far" "$mirror"
check "Range gives a part" bash -c '[ "$(ip netns exec "$1" curl -fsS -r 4-13 "http://$2/files/docs/guide.txt")" = operations ]' - "$far" "$mirror"
check "skopeo fetches the image" in_far skopeo copy --preserve-digests --src-tls-verify=false "docker://$mirror/registry.example_5000/team/tool:1" "oci:$work/got:1"
check "the image has the digest that was bundled" bash -c '[ "$(skopeo inspect --raw "oci:$1/got:1" | sha256sum)" = "$(skopeo inspect --raw "oci:$1/oci:tool:1" | sha256sum)" ]' - "$work"
check "what is missing is a 404 that says so" bash -c '[ "$(ip netns exec "$1" curl -s -o /dev/null -w "%{http_code}" "http://$2/files/absent")" = 404 ]' - "$far" "$mirror"
wanted() { far_airlock wants --all | grep -q absent; }
check "and is remembered in wants" wait_for 10 wanted
check "client show names the mirror" bash -c 'ip netns exec "$1" "$2" --home "$3" client show --url "http://$4" | grep -q "$4"' - "$far" "$airlock" "$site" "$mirror"
check "store list shows the generation" in_far "$airlock" --home "$site" store list
check "store check finds every blob as it was" in_far "$airlock" --home "$site" store check
check "status is well" in_far "$airlock" --home "$site" status

# The next state: one file changed. Only that is fetched; the site gets a delta.
echo "the operations guide, second edition" >guide.txt
check "a second create takes what the first holds from there" bash -c '"$1" --home "$2" --json bundle create -m airlock.yaml -o "$3/" --base "$4" >create2.json' - "$airlock" "$near" "$stick" "$bundle"
check "the delta leaves out what the base holds" test "$(stat -c %s "$stick/site-a-2.airlock")" -lt 2900000
check "diff says what changed" bash -c '"$1" bundle diff "$2/site-a-1.airlock" "$2/site-a-2.airlock" | grep -q guide' - "$airlock" "$stick"
check "the delta goes in" in_far "$airlock" --home "$site" import "$stick/site-a-2.airlock"
check "the mirror serves the new state without a restart" bash -c '[ "$(ip netns exec "$1" curl -fsS "http://$2/files/docs/guide.txt")" = "the operations guide, second edition" ]' - "$far" "$mirror"
check_exit 5 "the older bundle again is stale, not an alarm" in_far "$airlock" --home "$site" import "$bundle"
check "rollback serves the state before" bash -c 'ip netns exec "$1" "$2" --home "$3" store rollback && [ "$(ip netns exec "$1" curl -fsS "http://$4/files/docs/guide.txt")" = "the operations guide" ]' - "$far" "$airlock" "$site" "$mirror"
check "extract gives one file out of a bundle" bash -c '"$1" bundle extract "$2" docs/guide.txt -o out.txt && [ "$(cat out.txt)" = "the operations guide" ]' - "$airlock" "$bundle"
check "extract gives an image as a layout" bash -c '"$1" bundle extract "$2" registry.example:5000/team/tool:1 -o "$3/extracted" && skopeo inspect --raw "oci:$3/extracted" >/dev/null' - "$airlock" "$bundle" "$work"
check "explain says whose a digest is" bash -c '"$1" bundle explain "$2" "sha256:$(printf "the operations guide\n" | sha256sum | cut -d" " -f1)" | grep -q guide' - "$airlock" "$bundle"
stop "$serve_pid"
check "the audit log's chain holds" in_far "$airlock" --home "$site" audit verify
finish
