# One approved state for many sites: receipts, need lists, ship, a diode, revocation and blocks; with real clients on the
# far side.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near near2=$work/near2 out=$work/out
mkdir -p "$out"
at() { local home=$1; shift; in_far "$airlock" --home "$work/$home" "$@"; }
near_airlock() { "$airlock" --home "$near" "$@"; }

# ---- two producers -------------------------------------------------------------------------------------------------
has_npm=0 has_pip=0
command -v npm >/dev/null && command -v jq >/dev/null && has_npm=1
python3 -m venv "$work/venv" >/dev/null 2>&1 && has_pip=1
[ $has_npm = 1 ] || skip "no npm"
[ $has_pip = 1 ] || skip "no venv"
python3 "$repo/tests/support/make_image.py" "$work/oci" app:1 --random 2000000 >/dev/null
state() { # state N: the manifest of the Nth state; each has one more file, of 300 kB
  local n=$1 i
  mkdir -p "$work/files"
  {
    echo "name: north"
    echo "platforms: [linux/amd64]"
    echo "images:"
    echo "  - { layout: $work/oci, ref: \"registry.example:5000/team/app:1\", from: \"app:1\" }"
    [ $has_npm = 0 ] || echo "npm: { packages: [\"left-pad@1.3.0\"] }"
    [ $has_pip = 0 ] || echo "pypi: { packages: [\"six==1.16.0\"] }"
    echo "files:"
    for i in $(seq "$n"); do
      [ -e "$work/files/$i" ] || head -c 300000 /dev/urandom >"$work/files/$i"
      echo "  - { source: files/$i, path: data/$i.bin }"
    done
  } >"$work/north.yaml"
}
create() { # create N [ARGUMENT…]
  local n=$1; shift
  state "$n"
  near_airlock --json bundle create -m "$work/north.yaml" -o "$out/" "$@" >"$work/create.json"
}
pin() { # pin HOME NEAR ROOT
  at "$1" trust init "$3" --fingerprint "$("$airlock" --home "$2" --json keys show | python3 -c 'import json, sys; print(json.load(sys.stdin)["fingerprint"])')"
}
check "keys of the first producer" near_airlock keys init --no-passphrase
check "keys of the second producer" "$airlock" --home "$near2" keys init --no-passphrase
check "the first state" create 1
echo "from the second producer" >"$work/other.txt"
echo "name: other" >"$work/other.yaml"
echo "files: [ { source: other.txt, path: other/guide.txt } ]" >>"$work/other.yaml"
mkdir -p "$work/out2"
check "the second producer's bundle" "$airlock" --home "$near2" bundle create -m "$work/other.yaml" -o "$work/out2/"

# ---- one store, two channels of two producers ----------------------------------------------------------------------
check "site one pins the first root" pin one "$near" "$out/root.json"
check "site one pins the second root" pin one "$near2" "$work/out2/root.json"
check "both are imported" at one import "$out/north-1.airlock" "$work/out2/other-1.airlock"
start_serve "$work/one"
got() { in_far curl -fsS "http://$mirror/files/$1"; }
same() { [ "$(got "data/$1.bin" | sha256sum)" = "$(sha256sum <"$work/files/$1")" ]; }
check "the first producer's file is served" same 1
check "the second producer's file is served" bash -c '[ "$(ip netns exec "$1" curl -fsS "http://$2/files/other/guide.txt")" = "from the second producer" ]' - "$far" "$mirror"
pull() { in_far skopeo inspect --tls-verify=false "docker://$mirror/registry.example_5000/team/app:1"; }
check "the image is served" pull
mkdir -p "$work/app" "$work/far-home"
client() { (cd "$work/app" && . "$work/client/env.sh" && unset NODE_EXTRA_CA_CERTS && in_far env HOME="$work/far-home" npm_config_cache="$work/far-cache-$RANDOM" npm_config_globalconfig=/dev/null "$@"); }
check "clients are configured" at one client write --url "http://$mirror" --dir "$work/client"
npm_install() { rm -rf "$work/app"; mkdir -p "$work/app"; client npm install --no-audit --no-fund left-pad@1.3.0; }
pip_install() { rm -rf "$work/pip"; client "$work/venv/bin/pip" install --no-cache-dir --target "$work/pip" six==1.16.0; }
[ $has_npm = 0 ] || check "npm installs" npm_install
[ $has_pip = 0 ] || check "pip installs" pip_install

# ---- a site that skipped three bundles -----------------------------------------------------------------------------
for site in two three four; do check "site $site pins the root" pin $site "$near" "$out/root.json"; done
check "site two has the first state" at two import "$out/north-1.airlock"
check "site three has the first state" at three import "$out/north-1.airlock"
for n in 2 3 4; do check "state $n" create $n --base "$out/north-$((n - 1)).airlock"; done
check "site one follows" at one import "$out/north-2.airlock" "$out/north-3.airlock" "$out/north-4.airlock"
check "site three has the second" at three import "$out/north-2.airlock"
check "state 5, a delta on 4" create 5 --base "$out/north-4.airlock"
check_exit 4 "site two lacks the base of 5" at two import "$out/north-5.airlock"
check_said "bundle ship BUNDLE --base need-north-5.json"
need=$work/two/receipts/need-north-5.json
check "and says in a list what it needs" test -s "$need"
mkdir -p "$work/sent"
check "ship sends exactly that" bash -c '"$1" --home "$2" --json bundle ship "$3" --base "$4" -o "$5/" >"$6"' - "$airlock" "$near" "$out/north-5.airlock" "$need" "$work/sent" "$work/ship.json"
check "with the same approval" test "$(json "$work/ship.json" "d['bundle_id'], d['shipment'], d['kind']")" = "('$(json "$work/create.json" 'd["bundle_id"]')', 2, 'delta')"
missing=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["missing"]))' "$need")
check "as many blobs as are missing ($missing)" test "$(json "$work/ship.json" "d['blobs_included']")" = "$missing"
check "none of them fetched" test "$(json "$work/ship.json" "d['bytes_fetched']")" = 0
check "the set can be checked by common tools" bash -c 'cd "$1" && sha256sum -c north-5-s2.sha256' - "$work/sent"
check "verify accepts it" at two verify "$work/sent/north-5-s2.airlock"
check "the import continues with both" at two import "$work/sent/north-5-s2.airlock" "$out/north-5.airlock"
check "nothing is missing" at two store check
check "site two is at serial 5" bash -c 'ip netns exec "$1" "$2" --home "$3" --json status | python3 -c "import json, sys; assert json.load(sys.stdin)[\"channels\"][0][\"serial\"] == 5"' - "$far" "$airlock" "$work/two"

# ---- three sites at different stages, one sending ------------------------------------------------------------------
check "state 6" create 6 --base "$out/north-5.airlock"
for site in one two three; do check "receipt of site $site" at $site store receipt -o "$work/$site.receipt"; done
check "one sending for three sites" bash -c '"$1" --home "$2" --json bundle ship "$3/north-6.airlock" --base "$4/one.receipt" --base "$4/two.receipt" --base "$4/three.receipt" --volume-size 400000 -o "$4/sent6/" >"$4/ship6.json"' - "$airlock" "$near" "$out" "$work"
check "it leaves out what every one has" test "$(json "$work/ship6.json" "d['blobs_omitted'] >= 3, d['kind'], len(d['volumes']) >= 3")" = "(True, 'delta', True)"
for site in one two three; do
  check "site $site takes it" at $site import "$work/sent6"
  check "site $site is whole" at $site store check
done
check "site one serves the new file" same 6
check "and an old one" same 2

# ---- withheld there, and wanted after all --------------------------------------------------------------------------
unwanted=sha256:$(sha256_of "$work/files/2")
check "site seven pins the root" pin seven "$near" "$out/root.json"
check "site seven has the first state" at seven import "$out/north-1.airlock"
check "of the second it withholds a file" at seven import "$out/north-2.airlock" --withhold "$unwanted" --reason "licence"
check "its receipt" at seven store receipt -o "$work/seven.receipt"
check "without what is no business of the other side" bash -c 'jq ".blocked = [] | .revoked = []" "$1" >"$2"' - "$work/seven.receipt" "$work/seven.short"
check "a sending by it" bash -c '"$1" --home "$2" --json bundle ship "$3/north-2.airlock" --base "$4/seven.short" -o "$4/sent7/" >"$4/ship7.json"' - "$airlock" "$near" "$out" "$work"
check "leaves the file out" test "$(json "$work/ship7.json" "d['kind'], d['blobs_included']")" = "('metadata', 0)"
check "one that has what is withheld" bash -c '"$1" --home "$2" --json bundle ship "$3/north-2.airlock" --base "$4/seven.receipt" --include-withheld -o "$4/sent7b/" >"$4/ship7.json"' - "$airlock" "$near" "$out" "$work"
check "has nothing else" test "$(json "$work/ship7.json" "d['kind'], d['blobs_included']")" = "('delta', 1)"
check "the site releases it" at seven import "$work/sent7b" --release "$unwanted" --reason "the licence was bought"
check "and withholds nothing any more" bash -c 'ip netns exec "$1" "$2" --home "$3/seven" store receipt -o "$3/seven.after" && jq -e ".withheld == []" "$3/seven.after"' - "$far" "$airlock" "$work"
check "nor lacks anything" at seven store check

# ---- a site that never sends anything back, behind a diode ----------------------------------------------------------
check "everything, without a base" near_airlock bundle ship "$out/north-6.airlock" --volume-size 700000 -o "$work/sent6/"
mkdir -p "$work/diode" "$work/staging"
cp "$work"/sent6/north-6-s3.* "$work/staging/"
start "$work/watch.log" in_far "$airlock" --home "$work/four" --json import --watch "$work/diode"
watch_pid=$last_pid
# serial_of SITE: of its channel, 0 where nothing was taken in yet.
serial_of() { at "$1" --json status >"$work/status.json" && json "$work/status.json" '(d["channels"] or [{"serial": 0}])[0]["serial"]'; }
at_serial() { [ "$(serial_of "$1")" = "$2" ]; }
volumes=("$work"/staging/north-6-s3.v*.tar)
# Volumes first and under other names, the last one before the others; half a head; one volume twice, one not at all.
cp "${volumes[-1]}" "$work/diode/drop-0001"
head -c 60000 "$work/staging/north-6-s3.airlock" >"$work/diode/drop-0002"
for ((i = 0; i < ${#volumes[@]} - 2; ++i)); do cp "${volumes[$i]}" "$work/diode/drop-1$i"; done
cp "${volumes[0]}" "$work/diode/drop-again"
# A bundle of somebody whom this site does not know: once it was refused, so was or waits all that arrived before it.
cp "$work/out2/other-1.airlock" "$work/diode/unknown-1"
check "the folder was looked at" wait_for 40 grep -q "unknown-1 was refused (untrusted)" "$work/watch.log"
check "nothing is taken of half a head" at_serial four 0
cp "$work/staging/north-6-s3.airlock" "$work/diode/drop-0002.tmp" && mv "$work/diode/drop-0002.tmp" "$work/diode/drop-0002"
check "it says which volume it waits for" wait_for 40 grep -q "waiting: missing of bundle 'north' 6" "$work/watch.log"
cut=$(stat -c %s "${volumes[-2]}")
head -c $((cut / 2)) "${volumes[-2]}" >"$work/diode/drop-late"
cp "$work/out2/other-1.airlock" "$work/diode/unknown-2"
check "the folder was looked at again" wait_for 40 grep -q "unknown-2 was refused (untrusted)" "$work/watch.log"
check "nothing is taken of half a volume" at_serial four 0
cat "${volumes[-2]}" >"$work/diode/drop-late"
check "once all of it has arrived it is taken" wait_for 60 at_serial four 6
cp "$work/staging/north-6-s3.airlock" "$work/diode/under-another-name"
cp "$out/north-1.airlock" "$work/diode/old"
check "what is older is refused, and said" wait_for 60 grep -q "old was refused (rollback)" "$work/watch.log"
check "status tells of the watcher" bash -c 'ip netns exec "$1" "$2" --home "$3" --json status | python3 -c "import json, sys; assert any(s[\"service\"] == \"watch\" for s in json.load(sys.stdin)[\"services\"])"' - "$far" "$airlock" "$work/four"
stop "$watch_pid"
check "each import is a line of JSON, and so is each refusal" bash -c 'grep "^{" "$1" | python3 -c "import json, sys; d = [json.loads(l) for l in sys.stdin]; assert all(j[\"format\"] == 1 for j in d) and any(b[\"outcome\"] == \"imported\" for j in d for b in j.get(\"bundles\", [])) and any(j.get(\"error\", {}).get(\"code\") == \"rollback\" for j in d)"' - "$work/watch.log"
check "the refusal is in the audit log" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | python3 -c "import json, sys; assert any(e[\"action\"] == \"import-refused\" for e in json.load(sys.stdin)[\"entries\"])"' - "$far" "$airlock" "$work/four"
check "the same again changed nothing" bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json store list | python3 -c "import json, sys; print(len(json.load(sys.stdin)[\"generations\"]))")" = 1 ]' - "$far" "$airlock" "$work/four"
check "site four is whole" at four store check

# ---- statements alone ----------------------------------------------------------------------------------------------
check "a renewal without a byte" bash -c '"$1" --home "$2" --json bundle ship "$3/north-6.airlock" --metadata -o "$4/renewed/" >"$4/renew.json"' - "$airlock" "$near" "$out" "$work"
check "it is small and new" test "$(json "$work/renew.json" "d['kind'], d['new_timestamp'], d['bytes'] < 600000, d['blobs_included']")" = "('metadata', True, True, 0)"
check "site one takes it" at one import "$work/renewed"

# ---- revocation ----------------------------------------------------------------------------------------------------
file=$(sha256sum "$work/files/3" | cut -d' ' -f1)
check_exit 2 "a revocation needs a reason" near_airlock bundle revoke "sha256:$file" -o "$work/revoked/"
items=("sha256:$file")
[ $has_npm = 0 ] || items+=("pkg:npm/left-pad@1.3.0")
check "revoke" near_airlock bundle revoke "${items[@]}" --reason "a malicious release" -o "$work/revoked/"
check "inspect shows it" bash -c '"$1" bundle inspect "$2/revoked/north-7.airlock" | grep -q "a malicious release"' - "$airlock" "$work"
check "it is served until the bundle arrives" same 3
check "the revocation is imported" at one import "$work/revoked"
denied() { [ "$(in_far curl -s -o "$work/denied" -w '%{http_code}' "http://$mirror/files/$1")" = 403 ] && grep -q "$2" "$work/denied"; }
check "the file is not served, and the client is told why" denied data/3.bin "a malicious release"
check "others are" same 2
if [ $has_npm = 1 ]; then
  check_exit 1 "npm does not get the package" npm_install
  check_said "a malicious release"
fi
check "a rollback does not bring it back" at one store rollback
check "the old state is served without it" denied data/3.bin "a malicious release"
check "activating the first state neither" at one store activate 1
[ $has_npm = 0 ] || check_exit 1 "npm does not get it there either" npm_install
check "the newest again" at one store activate "$(in_far "$airlock" --home "$work/one" --json store list | python3 -c 'import json, sys; print(max(g["generation"] for g in json.load(sys.stdin)["generations"] if g["channel"] == "north"))')"
check "the receipt lists it" bash -c 'ip netns exec "$1" "$2" --home "$3/one" store receipt -o "$3/after.receipt" && python3 -c "import json, sys; assert \"north sha256:$4\" in json.load(open(sys.argv[1]))[\"revoked\"]" "$3/after.receipt"' - "$far" "$airlock" "$work" "$file"
check_exit 3 "what is revoked is not extracted" at one bundle extract "$out/north-6.airlock" data/3.bin -o "$work/extracted"
check_exit 3 "an older state is not sent again" near_airlock bundle ship "$out/north-6.airlock" -o "$work/late/"
check_exit 3 "a state that still asks for it is not made" create 7
check_said "take them out of the manifest"

# Where two people have to approve, a revocation is a draft first.
near3=$work/near3
check "keys of a producer with two approvers" "$airlock" --home "$near3" keys init --no-passphrase --threshold 2
sed 's/name: other/name: third/' "$work/other.yaml" >"$work/third.yaml"
check "its state" "$airlock" --home "$near3" bundle create -m "$work/third.yaml" -o "$work/out3/"
officer=$work/officer.pem
mv "$(find "$near3/keys" -name '*snapshot*2*.pem' | head -n 1)" "$officer"
check "revoke with one of two keys" bash -c '"$1" --home "$2" --json bundle revoke file:other/guide.txt --reason "wrong edition" -o "$3/revoked3/" >"$3/revoke3.json"' - "$airlock" "$near3" "$work"
check "leaves a draft" test "$(json "$work/revoke3.json" "d['sealed'], d['approvals'], d['threshold']")" = "(False, 1, 2)"
check "status of that home tells who must act" "$airlock" --home "$near3" status
check_said "1 of 2 people have approved it"
draft=$work/revoked3/third-2.airlock
check_exit 4 "which cannot be sealed yet" "$airlock" --home "$near3" bundle seal "$draft"
check "the second approves" "$airlock" --home "$near3" bundle sign "$draft" --key "$officer"
check "and it is sealed" "$airlock" --home "$near3" bundle seal "$draft"
check "site five pins that root" pin five "$near3" "$work/out3/root.json"
check "site five takes the state, then the revocation" at five import "$work/out3/third-1.airlock" "$draft"
check "and blocks nothing else" bash -c 'ip netns exec "$1" "$2" --home "$3/five" --json block --list | python3 -c "import json, sys; d = json.load(sys.stdin); assert len(d[\"revoked\"]) == 1 and d[\"revoked\"][0][\"reason\"] == \"wrong edition\" and not d[\"blocked\"]"' - "$far" "$airlock" "$work"

# ---- block ---------------------------------------------------------------------------------------------------------
check "block an image" at one block oci:registry.example:5000/team/app:1 --reason "CVE-2026-1234" --ticket INC-7
check_exit 1 "it cannot be pulled" pull
check_said "CVE-2026-1234"
check "block by digest what is not here" at one block "sha256:$(printf '0%.0s' {1..64})" --reason "seen elsewhere"
if [ $has_pip = 1 ]; then
  check "block a Python package" at one block pypi:six --reason "under investigation"
  check_exit 1 "pip does not get it" pip_install
  check_said "403"
  check "the page says why" bash -c 'ip netns exec "$1" curl -fsS "http://$2/pypi/simple/six/" | grep -q "data-yanked=\"blocked on this side: under investigation\""' - "$far" "$mirror"
fi
check "block --list shows all" at one block --list
check_said "INC-7"
stop "$serve_pid"
start_serve "$work/one"
check_exit 1 "a restart does not lift it" pull
check "a sweep keeps what is blocked" at one store sweep --keep 1
check "status counts them" at one status
check_said "revoked by producers"
check "unblock" at one unblock oci:registry.example:5000/team/app:1 --reason "patched"
check "it can be pulled again" pull
if [ $has_pip = 1 ]; then
  check "unblock the package" at one unblock pypi:six
  check "pip gets it again" pip_install
fi
check_exit 1 "what is not blocked cannot be unblocked" at one unblock npm:nothing

# ---- a channel that is no longer wanted ----------------------------------------------------------------------------
check_exit 2 "a channel goes out of service with a reason" at one store deactivate other
check_exit 1 "and by a name that is here" at one store deactivate no-such-channel --reason x
check "out of service" at one store deactivate other --reason "moved to north" --ticket CHG-31
check_exit 22 "nothing of it is served, without a restart" got other/guide.txt
check "the other channel is" same 2
check "the same again changes nothing" at one store deactivate other --reason "another word"
check_said "moved to north"
check "store list says so" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store list | python3 -c "import json, sys; assert all(g[\"out_of_service\"] == (g[\"channel\"] == \"other\") for g in json.load(sys.stdin)[\"generations\"])"' - "$far" "$airlock" "$work/one"
check "status says so, and is well" at one status
check_said "out of service since"
check "a sweep frees it" at one store sweep --keep 9
check "the store is whole" at one store check
other=$(in_far "$airlock" --home "$work/one" --json store list | python3 -c 'import json, sys; print(*[g["generation"] for g in json.load(sys.stdin)["generations"] if g["channel"] == "other"])')
check_exit 4 "its content has to be brought again" at one store activate "$other"
check "its bundle is taken in, and not served" at one import "$work/out2/other-1.airlock"
check_said "is out of service here"
check_exit 22 "which it is not" got other/guide.txt
check "until it is activated" at one store activate "$other"
check_said "in service again"
check "then it is served" got other/guide.txt
check "the log tells of it" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | python3 -c "import json, sys; d = [json.loads(e[\"detail\"]) for e in json.load(sys.stdin)[\"entries\"] if e[\"action\"] == \"deactivate\"]; assert len(d) == 1 and d[0][\"ticket\"] == \"CHG-31\" and d[0][\"reason\"] == \"moved to north\""' - "$far" "$airlock" "$work/one"
check "the audit log's chain holds" at one audit verify
check "and bears out its own receipt" at one audit verify --receipt "$work/one.receipt"
check_exit 2 "a receipt of another site is a mistake, no alarm" at one audit verify --receipt "$work/two.receipt"
check_said "another home"
check_exit 1 "a home that is misspelt is no healthy one" at onne status

# ---- taken in now, served later ------------------------------------------------------------------------------------
stop "$serve_pid"
check "site six pins the root" pin six "$near" "$out/root.json"
check "site six has the first state" at six import "$out/north-1.airlock"
check "the next is taken in and held" at six import --hold "$out/north-2.airlock"
check_said "next: airlock store activate 2"
start_serve "$work/six"
check "the state before is served" same 1
absent() { [ "$(in_far curl -s -o /dev/null -w '%{http_code}' "http://$mirror/files/$1")" = 404 ]; }
check "the held one is not" absent data/2.bin
check "activate" at six store activate 2
check "now it is" wait_for 20 same 2
check "the log has both" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | jq -e "[.entries[].action] | index(\"import\") and index(\"activate\")"' - "$far" "$airlock" "$work/six"
finish
