# The life of keys: made on several machines, rotated, revoked, lost, renewed, reached by a command; a home that is gone.
# Every command of docs/operations/keys.md stands here, and a site without a route out takes what follows from each.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site sleeper=$work/sleeper stick=$work/stick project=$work/project
mkdir -p "$project" "$stick"
cd "$project" || exit 1
cat >site-a.yaml <<YAML
name: site-a
files:
  - { source: guide.txt, path: docs/guide.txt }
YAML
echo "edition 1" >guide.txt

a() { "$airlock" --home "$near" "$@"; }
# on MACHINE COMMAND…: a holder's own machine: a folder, and no home in it.
on() { local machine=$work/$1; shift; mkdir -p "$machine"; (cd "$machine" && AIRLOCK_HOME=$machine/no-home "$@"); }
# root_version HOME
root_version() { "$airlock" --home "$1" --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["root_version"])'; }
# key_of ROLE [N]: the keyid of the N-th key of a role in the newest root.
key_of() { a --json keys show | python3 -c 'import json,sys; d=json.load(sys.stdin); print([k["keyid"] for k in d["keys"] if k["role"]==sys.argv[1]][int(sys.argv[2])])' "$1" "${2:-0}"; }
id_of() { python3 -c 'import json,sys,hashlib; k=json.load(open(sys.argv[1]))["key"]; print(hashlib.sha256(json.dumps(k,sort_keys=True,separators=(",",":")).encode()).hexdigest())' "$1"; }
# progress: what the last `--json keys …` printed, as one line: version, complete, signatures so far.
progress() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); o=d.get("old"); print(d["version"], d["complete"], *( [str(o["signed"])+"/"+str(o["threshold"])] if o else [] ), str(d["new"]["signed"])+"/"+str(d["new"]["threshold"]))' "$work/progress.json"; }
is_progress() { [ "$(progress)" = "$1" ] || { echo "it is: $(progress)"; cat "$work/progress.json"; return 1; }; }
keys() { a --json keys "$@" >"$work/progress.json"; }
# carry MACHINE: the folder of the pending root onto that machine.
carry() { rm -rf "$work/$1/pending"; cp -r "$near/keys/pending" "$work/$1/pending"; }
pending_file() { basename "$(find "$near/keys/pending" -name '*.root.json' | sort -V | tail -n 1)"; }
# holder_signs MACHINE KEY: on that machine, with the folder that was carried there; the signature comes back.
holder_signs() {
  carry "$1" && rm -f "$work/$1/root.sig.json" &&
    on "$1" "$airlock" keys sign "pending/$(pending_file)" --key "$2" -o root.sig.json --no-progress
}
# complete_root MACHINE…: those holders sign, and their signatures are brought in.
complete_root() {
  local files=()
  for machine; do holder_signs "$machine" root.pem || return 1; files+=("$work/$machine/root.sig.json"); done
  keys accept "${files[@]}" && [ "$(json "$work/progress.json" 'd["complete"]')" = True ]
}
# ship HOME NAME: a new state, approved by two and sealed, in $stick/NAME; APPROVERS names the files of their keys.
approvers=("$work/anna/snapshot.pem" "$work/ben/snapshot.pem")
edition=1
ship() {
  local home=$1 folder=$stick/$2 bundle; shift 2
  edition=$((edition + 1)); echo "edition $edition" >guide.txt
  "$airlock" --home "$home" --json bundle create -m site-a.yaml -o "$folder/" "$@" >"$work/create.json" || return 1
  bundle=$(json "$work/create.json" 'd["bundle"]')
  [ "$(json "$work/create.json" 'd["sealed"]')" = True ] && return 0
  for key in "${approvers[@]}"; do "$airlock" --home "$home" bundle sign "$bundle" --key "$key" || return 1; done
  "$airlock" --home "$home" bundle seal "$bundle"
}
take() { in_far "$airlock" --home "$site" import "$stick/$1"; }

echo "-- made where the holders are"
for holder in anna ben carl; do
  check "$holder makes a key of root" on $holder "$airlock" keys new --role root --name $holder -o root.pem --no-passphrase
done
for holder in anna ben; do
  check "$holder makes a key to approve with" on $holder "$airlock" keys new --role snapshot --name $holder -o snapshot.pem --no-passphrase
done
check "no home is made on a holder's machine" test ! -e "$work/anna/no-home"
check_exit 2 "a key is never written over" on anna "$airlock" keys new --role root -o root.pem --no-passphrase
check_exit 2 "a key of one role is not taken for another" a keys init --no-passphrase --root "$work/anna/snapshot.pub.json"
check_exit 1 "a private key is refused where a public one belongs" a keys init --no-passphrase --root "$work/anna/root.pem"
check "keys init takes public keys, and waits for root's holders" keys init --name "Team A" --threshold 2 --no-passphrase \
  --root "$work/anna/root.pub.json" --root "$work/ben/root.pub.json" --root "$work/carl/root.pub.json" \
  --approver "$work/anna/snapshot.pub.json" --approver "$work/ben/snapshot.pub.json"
check "nothing is in force yet" test "$(json "$work/progress.json" 'd["complete"], d["pending"]["new"]["signed"], d["pending"]["new"]["threshold"]')" = "(False, 0, 2)"
check_exit 2 "no bundle is made under a root that nobody signed" a bundle create -m site-a.yaml -o "$stick/none/"
check_exit 2 "nor a second set beside it" a keys init --no-passphrase
check "keys show tells who is to sign" bash -c '"$1" --home "$2" keys show | grep -c "may still sign" | grep -qx 3' - "$airlock" "$near"
check "anna signs the first root on her machine" holder_signs anna root.pem
check "one signature of two" keys accept "$work/anna/root.sig.json"
check "it says so" is_progress "1 False 1/2"
check "carl's with openssl alone" bash -c '
  cd "$1" && cp "$2"/keys/pending/1.root.tbs . && openssl pkeyutl -sign -rawin -inkey root.pem -in 1.root.tbs -out root.sig' - "$work/carl" "$near"
check "a raw signature completes it" keys accept --keyid "$(id_of "$work/carl/root.pub.json")" "$work/carl/root.sig"
check "the first root is in force, by two of three" is_progress "1 True 2/2"
check "trust export hands it over" a trust export -o "$stick/root.json"
fingerprint=$(a --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["fingerprint"])')
for home in "$site" "$sleeper"; do
  check "a site pins it" in_far "$airlock" --home "$home" trust init "$stick/root.json" --fingerprint "$fingerprint"
done
check "a bundle that two approve" ship "$near" 1
check "goes in" take 1

echo "-- each role gets new keys"
cp -r "$near" "$work/thief"
old_timestamp=$(key_of timestamp) old_targets=$(key_of targets)
check "rotate timestamp waits for root's holders" keys rotate timestamp --reason yearly
check "it counts for the old and the new root" is_progress "2 False 0/2 0/2"
check "targets joins the same pending root" keys rotate targets
check "still version 2" is_progress "2 False 0/2 0/2"
check "keys show tells who may sign" bash -c '"$1" --home "$2" keys show | grep -c "may still sign" | grep -qx 3' - "$airlock" "$near"
check "bundles are made on under the old root meanwhile" ship "$near" 2
check "and go in" take 2
carry ben
check "the holder sees what changes, told from the bytes" bash -c 'cd "$1" && "$2" keys sign pending/2.root.json --key root.pem -o root.sig.json 2>&1 | grep -q "gone $3"' - "$work/ben" "$airlock" "$old_targets"
check_exit 3 "a stranger's key signs nothing" on ben "$airlock" keys sign pending/2.root.json --key snapshot.pem -o stranger.sig.json
check "signatures come in, in any order" complete_root carl ben
check "version 2 is in force" test "$(root_version "$near")" = 2
check "the old private keys were moved aside, not deleted" test "$(find "$near/keys/retired" -name '*.pem' | wc -l)" = 2
check "a bundle under new timestamp and targets keys" ship "$near" 3
check "goes in, although its counters began anew" take 3
check_exit 5 "a bundle from before the change is stale, and no alarm" take 2
check "ben makes a new key to approve with" on ben "$airlock" keys new --role snapshot --name ben -o snapshot-2.pem --no-passphrase
check "it takes the place of his old one" keys rotate snapshot --replace "$(id_of "$work/ben/snapshot.pub.json")" --key "$work/ben/snapshot-2.pub.json"
check "ben and carl sign" complete_root ben carl
approvers=("$work/anna/snapshot.pem" "$work/ben/snapshot-2.pem")
check "a bundle that the new key approves" ship "$near" 4
check "goes in" take 4
check "carl makes a new key of root" on carl "$airlock" keys new --role root --name carl -o root-2.pem --no-passphrase
check "it takes the place of his old one" keys rotate root --replace "$(id_of "$work/carl/root.pub.json")" --key "$work/carl/root-2.pub.json"
check "his old key counts for the old root only" bash -c '
  cp -r "$1/keys/pending" "$2/p4" && cd "$2" && "$3" keys sign p4/4.root.json --key root.pem -o old.sig.json && "$3" --home "$1" --json keys accept old.sig.json >"$4"' - "$near" "$work/carl" "$airlock" "$work/progress.json"
check "old 1 of 2, new 0 of 2" is_progress "4 False 1/2 0/2"
check "anna and ben complete it" complete_root anna ben
check "a bundle under root version 4" ship "$near" 5
check "goes in at the site" take 5
check "and at the one that slept over three roots" in_far "$airlock" --home "$sleeper" import "$stick/5"
check "which knows the newest now" bash -c 'ip netns exec "$1" "$2" --home "$3" --json trust show | grep -q "\"root_version\": 4"' - "$far" "$airlock" "$sleeper"

mv "$work/carl/root.pem" "$work/carl/root-1.pem" && cp "$work/carl/root-2.pem" "$work/carl/root.pem"

echo "-- a stolen set signs nothing that a site still takes"
thief_ship() {
  local bundle
  echo "the thief's edition" >guide.txt
  "$airlock" --home "$work/thief" --json bundle create -m site-a.yaml -o "$stick/$1/" --continue "$stick/5/site-a-5.airlock" >"$work/thief.json" || return 1
  bundle=$(json "$work/thief.json" 'd["bundle"]')
  for key in "$work/anna/snapshot.pem" "$work/ben/snapshot.pem"; do "$airlock" --home "$work/thief" bundle sign "$bundle" --key "$key" || return 1; done
  "$airlock" --home "$work/thief" bundle seal "$bundle"
}
check "the thief has a bundle with the old keys of every role" thief_ship stolen
check_exit 3 "the site refuses it" take stolen
check_exit 3 "so does the one that slept" in_far "$airlock" --home "$sleeper" import "$stick/stolen"
# Revoked, not only replaced: each role in turn.
for role in timestamp targets snapshot root; do
  before=$(root_version "$near")
  case $role in
    snapshot)
      check "anna makes another key to approve with" on anna "$airlock" keys new --role snapshot --name anna -o snapshot-2.pem --no-passphrase
      new=$work/anna/snapshot-2.pub.json gone=$(id_of "$work/anna/snapshot.pub.json") ;;
    root)
      check "dora makes a key of root" on dora "$airlock" keys new --role root --name dora -o root.pem --no-passphrase
      new=$work/dora/root.pub.json gone=$(id_of "$work/ben/root.pub.json") ;;
    *)
      check "a spare key for $role is made" bash -c 'rm -rf "$1" && mkdir "$1" && cd "$1" && "$2" keys new --role "$3" -o spare.pem --no-passphrase' - "$work/spare-$role" "$airlock" "$role"
      new=$work/spare-$role/spare.pub.json gone=$(key_of $role) ;;
  esac
  check "the spare joins $role" keys add $role "$new"
  check "and the stolen key of $role goes in the same root" keys revoke "${gone:0:12}" --reason "stolen with the notebook"
  if [ $role = root ]; then second=carl; else second=ben; fi
  check "root's holders sign" complete_root anna $second
  check "its version follows" test "$(root_version "$near")" = $((before + 1))
  case $role in timestamp | targets) install -m 600 "$work/spare-$role/spare.pem" "$near/keys/$role-9.pem" ;; esac
done
approvers=("$work/anna/snapshot-2.pem" "$work/ben/snapshot-2.pem")
check "the reason is kept beside the root" grep -rq "stolen with the notebook" "$near/keys" --include=*.review.txt
check "a bundle with what is left, against the last one" ship "$near" 6 --base "$stick/5/site-a-5.airlock"
check "goes in at the site" take 6
check "and at the other" in_far "$airlock" --home "$sleeper" import "$stick/6"

echo "-- root's own keys"
check_exit 2 "the last keys that a threshold needs are not revoked" a keys revoke "$(id_of "$work/anna/snapshot-2.pub.json")"
check "root is at version 8, anna's, carl's and dora's" test "$(root_version "$near")" = 8
rm "$work/carl/root.pem" "$work/carl/root-2.pem"
check "erik makes a key of root" on erik "$airlock" keys new --role root --name erik -o root.pem --no-passphrase
check "carl's is lost, and erik's takes its place" keys rotate root --replace "$(id_of "$work/carl/root-2.pub.json")" --key "$work/erik/root.pub.json" --reason "the token broke"
check "the two that are left sign" complete_root anna dora
check "renew wants a longer life for the same keys" keys renew --cadence quarterly
check "anna signs" holder_signs anna root.pem
check "she alone is not enough" keys accept "$work/anna/root.sig.json"
check "it waits" is_progress "10 False 1/2 1/2"
check_exit 2 "a change on top would drop her signature, and is refused" a keys rotate timestamp
check "a pending root can be dropped" a keys abandon
check "the one before it stays" test "$(root_version "$near")" = 9
check "renew once more" keys renew --cadence quarterly
check "with erik's new key" complete_root erik anna
check "the cadence is kept" bash -c '"$1" --home "$2" --json keys show | grep -q "\"cadence\": \"quarterly\""' - "$airlock" "$near"
if command -v faketime >/dev/null; then
  check "keys show asks for renewal past half of root's time" bash -c 'faketime "+600 days" "$1" --home "$2" keys show | grep -q "airlock keys renew"' - "$airlock" "$near"
  check "and not before" bash -c '! "$1" --home "$2" keys show | grep -q "airlock keys renew"' - "$airlock" "$near"
else
  skip "no faketime, so no look at a later day"
fi

echo "-- a key that a command reaches"
mkdir -p "$work/token"
check "a key in another program's hands" openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/token/timestamp.key"
openssl pkey -in "$work/token/timestamp.key" -pubout -out "$work/token/timestamp.pub.pem"
cat >"$work/token/sign" <<'SH'
#!/bin/sh
echo "signing $AIRLOCK_SIGN_TYPE $AIRLOCK_SIGN_VERSION as $AIRLOCK_SIGN_ROLE" >&2
exec openssl dgst -sha256 -sign "$(dirname "$0")/timestamp.key"
SH
chmod 700 "$work/token/sign"
check "takes the place of timestamp's" keys rotate timestamp --key "$work/token/timestamp.pub.pem" --signer-command "$work/token/sign"
check "root's holders sign" complete_root anna erik
check "a bundle whose timestamp the command signs" ship "$near" 7
check "goes in" take 7
check "keys show says how it is reached" bash -c '"$1" --home "$2" keys show | grep -q "command: .*/token/sign"' - "$airlock" "$near"
check "what the command says is shown" bash -c '
  echo another >guide.txt; "$1" --home "$2" bundle create -m site-a.yaml -o "$3/8/" && for key in "$4" "$5"; do "$1" --home "$2" bundle sign "$3/8/site-a-8.airlock" --key "$key"; done &&
  "$1" --home "$2" bundle seal "$3/8/site-a-8.airlock" 2>&1 | grep -q "signing timestamp .* as timestamp"' - "$airlock" "$near" "$stick" "${approvers[@]}"
check "and it goes in too" take 8
mv "$work/token/timestamp.key" "$work/token/away"
check "without the token nothing is sealed, and the reason is told" bash -c '
  echo more >guide.txt; "$1" --home "$2" bundle create -m site-a.yaml -o "$3/9/" && for key in "$4" "$5"; do "$1" --home "$2" bundle sign "$3/9/site-a-9.airlock" --key "$key"; done
  "$1" --home "$2" bundle seal "$3/9/site-a-9.airlock" >"$6" 2>&1; [ $? = 1 ] && grep -q "sign with the command\|signing as timestamp" "$6"' - "$airlock" "$near" "$stick" "${approvers[@]}" "$work/seal.txt"
mv "$work/token/away" "$work/token/timestamp.key"
check "with it again, the same command seals" a bundle seal "$stick/9/site-a-9.airlock"
check "and the bundle goes in" take 9
check "a holder signs a root by a command as well" bash -c '
  cd "$1" && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out rsa.key 2>/dev/null && openssl pkey -in rsa.key -pubout -out rsa.pub.pem &&
  "$2" --home "$3" keys add root rsa.pub.pem && cp -r "$3/keys/pending" . &&
  "$2" keys sign pending/12.root.json --public rsa.pub.pem --signer-command openssl --signer-command dgst --signer-command=-sha256 \
    --signer-command=-sigopt --signer-command rsa_padding_mode:pss --signer-command=-sigopt --signer-command rsa_pss_saltlen:digest \
    --signer-command=-sign --signer-command rsa.key -o rsa.sig.json && "$2" --home "$3" keys accept rsa.sig.json' - "$work/token" "$airlock" "$near"
check "the command of a listed key can be told later" bash -c '
  id=$("$1" --home "$2" --json keys show | python3 -c "import json,sys; print([k[\"keyid\"] for k in json.load(sys.stdin)[\"keys\"] if k[\"role\"]==\"timestamp\"][0])") &&
  "$1" --home "$2" keys signer "$id" -- openssl dgst -sha256 -sign "$3/timestamp.key"' - "$airlock" "$near" "$work/token"
check_exit 3 "and one that signs with another key is refused" a keys signer "$(key_of timestamp)" -- openssl dgst -sha256 -sign "$work/token/rsa.key"
check "anna and erik complete it" complete_root anna erik
module=$(find /usr/lib -name 'libsofthsm2.so' 2>/dev/null | head -n 1)
if command -v softhsm2-util >/dev/null && command -v pkcs11-tool >/dev/null && [ -n "$module" ]; then
  mkdir -p "$work/hsm/tokens"
  export SOFTHSM2_CONF=$work/hsm/softhsm2.conf
  echo "directories.tokendir = $work/hsm/tokens" >"$SOFTHSM2_CONF"
  echo 1234 >"$work/hsm/pin"
  check "a token is made" softhsm2-util --init-token --free --label airlock --so-pin 4321 --pin 1234
  check "with a key" pkcs11-tool --module "$module" --login --pin 1234 --keypairgen --key-type EC:prime256v1 --label targets --id 01
  pkcs11-tool --module "$module" --read-object --type pubkey --id 01 -o "$work/hsm/pub.der" >/dev/null 2>&1
  check "whose public half is read out" openssl pkey -pubin -inform DER -in "$work/hsm/pub.der" -out "$work/hsm/pub.pem"
  cat >"$work/hsm/sign" <<SH
#!/bin/sh
t=\$(mktemp) && openssl dgst -sha256 -binary >"\$t" &&
  pkcs11-tool --module "$module" --login --pin "\$(cat "$work/hsm/pin")" --sign --mechanism ECDSA --id 01 -i "\$t" -o "\$t.sig" >/dev/null && cat "\$t.sig"
s=\$?; rm -f "\$t" "\$t.sig"; exit \$s
SH
  chmod 700 "$work/hsm/sign"
  check "it takes the place of targets'" keys rotate targets --key "$work/hsm/pub.pem" --signer-command "$work/hsm/sign"
  check "root's holders sign" complete_root anna erik
  token=yes
  check "a bundle that the token signs" ship "$near" hsm
  check "goes in" take hsm
else
  skip "no SoftHSM2 with pkcs11-tool, so no token"
fi

echo "-- floors hold although counters began anew"
check "a copy of the home is left behind" cp -r "$near" "$work/behind"
check "a bundle" ship "$near" ahead
check "goes in" take ahead
check "and another" ship "$near" further
check "goes in" take further
check "timestamp gets a new key once more" keys rotate timestamp --no-passphrase
check "root's holders sign" complete_root anna erik
rm -rf "$work/behind/keys" && cp -r "$near/keys" "$work/behind/keys"
check "the home that fell behind makes a state under the new keys" ship "$work/behind" behind
check_exit 5 "it is older than what the site has, and refused" take behind
check "it makes another, with the serial of the newest" ship "$work/behind" behind-2
check_exit 3 "two states with one serial are an alarm" take behind-2
check "the right home goes on" ship "$near" onward
check "and its bundle goes in" take onward

echo "-- the home is gone"
last=$(json "$work/create.json" 'd["bundle"]') serial=$(json "$work/create.json" 'd["serial"]')
mkdir -p "$work/backup" && cp "$near"/keys/*.pem "$work/backup/"
cp -r "$work/token" "$work/backup/token"
mv "$near" "$work/gone"
near=$work/new-home
first=$fingerprint
check_exit 3 "a wrong paper is noticed" a keys restore "$last" --fingerprint "$(printf '0%.0s' {1..64})"
restored=()
for file in "$work/backup"/*.pem; do restored+=(--key "$file"); done
check "keys restore takes the roots from the last bundle, and private keys from the backup" a keys restore "$last" --fingerprint "$first" "${restored[@]}"
if [ -n "${token:-}" ]; then check "the command of the token is told anew" a keys signer "$(key_of targets)" -- "$work/hsm/sign"; fi
check_exit 4 "create asks for the newest bundle, since no serial may be used twice" a bundle create -m site-a.yaml -o "$stick/asked/"
check "create --continue goes on where the last one ended" ship "$near" restored --continue "$last"
check "with the next serial" test "$(json "$work/create.json" 'd["serial"]')" = $((serial + 1))
check "and the site takes it" take restored
last=$(json "$work/create.json" 'd["bundle"]')
mv "$near" "$work/gone-2"
near=$work/newest-home
check "with no backup at all, only the roots come back" bash -c '"$1" --home "$2" --json keys restore "$3" --fingerprint "$4" >"$5"' - "$airlock" "$near" "$last" "$first" "$work/restore.json"
check "it says which keys are missing" test "$(json "$work/restore.json" '"targets" in d["missing"] and "timestamp" in d["missing"]')" = True
check_exit 2 "and nothing is made without them" a bundle create -m site-a.yaml -o "$stick/nothing/" --continue "$last"
check_exit 2 "a new one wants a passphrase, or that there shall be none" a keys rotate targets --reason "the build host burnt"
check "new ones are made" keys rotate targets --no-passphrase --reason "the build host burnt"
check "for both" keys rotate timestamp --reason "the build host burnt"
check "root's holders sign" complete_root anna erik
check "create --continue goes on" ship "$near" burnt --continue "$last"
check "and the site takes it" take burnt
check "and the one that slept, over all those roots" in_far "$airlock" --home "$sleeper" import "$stick/burnt"

echo "-- all keys of root are gone, or in a thief's hands: a producer that begins anew"
lost=$near heir=$work/heir
near=$heir
approvers_before=("${approvers[@]}")
check "a new producer" "$airlock" --home "$heir" keys init --no-passphrase
check "hands over its root" "$airlock" --home "$heir" trust export -o "$stick/heir.json"
heir_print=$("$airlock" --home "$heir" --json keys show | python3 -c 'import json,sys; print(json.load(sys.stdin)["fingerprint"])')
check "makes the same channel, with the same path and other content" ship "$heir" heir
check_exit 3 "which the site does not take" take heir
near=$lost
check "the thief of the old root can still make bundles" ship "$lost" thief
remove() { in_far "$airlock" --home "$site" trust remove "${first:0:12}" "$@"; }
check_exit 2 "trust remove wants a reason" remove --yes
check_exit 1 "and a root that is pinned" in_far "$airlock" --home "$site" trust remove 0123456789ab --yes --reason x
check "the site trusts the old root no more" remove --yes --reason "root keys stolen" --ticket CHG-12
check_said "out of service: site-a"
check_exit 1 "which is gone then" remove --yes --reason again
check_exit 3 "what the thief made is not taken" take thief
check "status says so" in_far "$airlock" --home "$site" status
check_said "out of service since"
check_said "its producer's root is not pinned here, so nothing of it can be served"
newest=$(in_far "$airlock" --home "$site" --json store list | jq "[.generations[].generation] | max")
check_exit 3 "no generation of it is activated" in_far "$airlock" --home "$site" store activate "$newest"
check_said "is of a producer whose root is not pinned here"
check "the new producer's root is pinned, from paper" in_far "$airlock" --home "$site" trust init "$stick/heir.json" --fingerprint "$heir_print"
check "and its bundle goes in" take heir
check "which is what is served" bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json store list | jq "[.generations[] | select(.active)] | length")" = 1 ]' - "$far" "$airlock" "$site"
check "the log keeps who, why and under which ticket" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | jq -e "[.entries[] | select(.action == \"trust-remove\") | .detail | fromjson] | length == 1 and .[0].ticket == \"CHG-12\" and .[0].channels == [\"site-a\"]"' - "$far" "$airlock" "$site"
approvers=("${approvers_before[@]}")

echo "-- FIPS"
check "keys init --fips makes ECDSA keys" bash -c '"$1" --home "$2" keys init --fips --no-passphrase && "$1" --home "$2" --json keys show | grep -q ecdsa-sha2-nistp256 && ! "$1" --home "$2" --json keys show | grep -q ed25519' - "$airlock" "$work/fips"
check "keys rotate keeps to them" bash -c '"$1" --home "$2" keys rotate snapshot && ! "$1" --home "$2" --json keys show | grep -q ed25519' - "$airlock" "$work/fips"
echo "fips: true" >"$work/fips/airlock.yaml"
if openssl list -providers -provider fips >/dev/null 2>&1; then
  check "FIPS mode works with the provider" "$airlock" --home "$work/fips" keys show
else
  check_exit 2 "FIPS mode without the provider is a configuration error" "$airlock" --home "$work/fips" keys show
  check_said "has no FIPS provider"
  check_exit 2 "the environment cannot turn it off" env AIRLOCK_FIPS=false "$airlock" --home "$work/fips" keys show
fi
echo "fips: perhaps" >"$work/fips/airlock.yaml"
check_exit 2 "it is true or false" "$airlock" --home "$work/fips" keys show

echo "-- a person alone, with a passphrase"
echo "correct horse battery" >"$work/passphrase"
check "keys with a passphrase" "$airlock" --home "$work/alone" keys init --passphrase-file "$work/passphrase"
check_exit 2 "which is asked for" "$airlock" --home "$work/alone" keys rotate timestamp
check "a change holds at once" "$airlock" --home "$work/alone" keys rotate timestamp --passphrase-file "$work/passphrase"
check "the new key has the passphrase too" bash -c 'grep -L ENCRYPTED "$1"/keys/*.pem | (! grep .)' - "$work/alone"
check "another approver joins" "$airlock" --home "$work/alone" keys add snapshot "$work/ben/snapshot.pub.json" --threshold 2 --passphrase-file "$work/passphrase"
check "and one of two is enough again" "$airlock" --home "$work/alone" keys threshold snapshot 1 --passphrase-file "$work/passphrase"

# A key without one, in a home whose others have one: root's key is there, and signs.
mixed() { "$airlock" --home "$work/mixed" keys "$@"; }
check "another home with a passphrase" mixed init --passphrase-file "$work/passphrase"
check_exit 2 "it is asked for to open root's key" mixed rotate timestamp --no-passphrase
check "a new key gets none, and the change holds at once" mixed rotate timestamp --no-passphrase --passphrase-file "$work/passphrase"
check "under the next root" test "$("$airlock" --home "$work/mixed" --json keys show | jq .root_version)" = 2
check "one key alone is not encrypted" test "$(grep -L ENCRYPTED "$work/mixed"/keys/*.pem | wc -l)" = 1

check "one is read from a descriptor that is open already" bash -c '"$1" --home "$2" keys rotate timestamp --passphrase-fd 3 3<"$3"' - "$airlock" "$work/alone" "$work/passphrase"
check "root's key lies elsewhere" "$airlock" --home "$work/apart" keys init --passphrase-file "$work/passphrase" --split --root-key "$work/locked"
echo "battery staple" >"$work/root-passphrase"
check "and gets a passphrase of its own" bash -c 'cd "$1" && openssl pkcs8 -topk8 -in root.pem -passin "file:$2" -passout "file:$3" -out new.pem && chmod 600 new.pem && mv new.pem root.pem' - "$work/locked" "$work/passphrase" "$work/root-passphrase"
check_exit 1 "the home's does not open it" "$airlock" --home "$work/apart" keys rotate timestamp --root-key "$work/locked/root.pem" --passphrase-file "$work/passphrase"
check "its own does" "$airlock" --home "$work/apart" keys rotate timestamp --root-key "$work/locked/root.pem" --passphrase-file "$work/passphrase" --root-passphrase-file "$work/root-passphrase"

# The passphrase of the home is forgotten: its keys are lost, and root's holder puts others in their place.
apart() { "$airlock" --home "$work/apart" keys "$@" --root-key "$work/locked/root.pem" --root-passphrase-file "$work/root-passphrase" --reason "passphrase forgotten"; }
echo "another one entirely" >"$work/another"
check_exit 1 "a wrong passphrase makes no key" apart rotate targets --passphrase-file "$work/another"
check_said "--new-passphrase"
check_exit 2 "nobody gives a new one to a key that is made elsewhere" apart rotate targets --key "$work/ben/snapshot.pub.json" --new-passphrase --passphrase-file "$work/another"
for role in targets timestamp snapshot; do
  check "a new passphrase for a new key of $role" apart rotate $role --new-passphrase --passphrase-file "$work/another"
done
check "the new one opens all" "$airlock" --home "$work/apart" bundle create -m site-a.yaml -o "$stick/apart/" --passphrase-file "$work/another"
check_exit 1 "the old one does not" "$airlock" --home "$work/apart" bundle create -m site-a.yaml -o "$stick/apart/" --passphrase-file "$work/passphrase"
check "a key from elsewhere asks for no passphrase of the home" bash -c 'cd "$1" && "$2" keys new --role targets --name build -o targets-new.pem --passphrase-file "$3" && "$2" --home "$1/apart" keys rotate targets --key targets-new.pub.json >"$1/rotated.txt" && grep -q "its private half: into $1/apart/keys as targets.pem or targets-NAME.pem" "$1/rotated.txt"' - "$work" "$airlock" "$work/another"

echo "-- holders with openssl alone"
mkdir -p "$work/openssl" && cd "$work/openssl" || exit 1
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key 2>/dev/null && openssl pkey -in ec.key -pubout -out ec.pub.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out rsa.key 2>/dev/null && openssl pkey -in rsa.key -pubout -out rsa.pub.pem
other() { "$airlock" --home "$work/openssl/home" --json keys "$@" >"$work/progress.json"; }
# sign_both VERSION: the pending root, with the lines of the page.
sign_both() {
  openssl dgst -sha256 -sign ec.key -out ec.sig "home/keys/pending/$1.root.tbs" &&
    openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign rsa.key -out rsa.sig "home/keys/pending/$1.root.tbs"
}
check "keys init takes their public keys" other init --threshold 2 --no-passphrase --root ec.pub.pem --root rsa.pub.pem
id_of_scheme() { python3 -c 'import json,sys; r=json.load(open(sys.argv[1]))["signed"]; print([k for k in r["roles"]["root"]["keyids"] if r["keys"][k]["scheme"].startswith(sys.argv[2])][0])' home/keys/pending/1.root.json "$1"; }
ec_id=$(id_of_scheme ecdsa) rsa_id=$(id_of_scheme rsa)
check "ECDSA and RSA-PSS sign the first root" sign_both 1
check "the one counts" other accept --keyid "$ec_id" ec.sig
check "as one of two" is_progress "1 False 1/2"
check_exit 3 "not under the other's name" "$airlock" --home home keys accept --keyid "$rsa_id" ec.sig
check "the other completes it" other accept --keyid "$rsa_id" rsa.sig
check "by two of two" is_progress "1 True 2/2"
check "a change waits for both" other rotate timestamp
check "one signs it" sign_both 2
check "and it is brought in" other accept --keyid "$ec_id" ec.sig
check_exit 2 "another change would drop that" other rotate targets
check "unless that is wanted" other rotate targets --amend
check "it waits for both again" is_progress "2 False 0/2 0/2"
check_exit 3 "what was signed before counts no more" "$airlock" --home home keys accept --keyid "$ec_id" ec.sig
check "both sign anew" sign_both 2
check "one" other accept --keyid "$ec_id" ec.sig
check "and the other" other accept --keyid "$rsa_id" rsa.sig
check "and both changes hold" is_progress "2 True 2/2 2/2"
cd "$project" || exit 1

echo "-- keys that were made here and given away"
check "keys init --split puts root's keys apart" "$airlock" --home "$work/split" keys init --threshold 2 --split --root-key "$work/safe" --no-passphrase
check "and none of them stays" bash -c '! ls "$1"/keys/root*.pem 2>/dev/null' - "$work/split"
mv "$work/split/keys/snapshot-2.pem" "$work/given.pem"
check "a change waits where they are not at hand" bash -c '"$1" --home "$2" --json keys rotate targets >"$3"' - "$airlock" "$work/split" "$work/progress.json"
check "for two of two" is_progress "2 False 0/2 0/2"
check "one of them on a stick gives one signature" bash -c '"$1" --home "$2" --json keys renew --root-key "$3/root.pem" >"$4"' - "$airlock" "$work/split" "$work/safe" "$work/progress.json"
check "of both roots" is_progress "2 False 1/2 1/2"
check "the folder of both completes it" "$airlock" --home "$work/split" keys renew --root-key "$work/safe"
check "with the new targets key" test "$(find "$work/split/keys/retired" -name 'targets-*.pem' | wc -l)" = 1

echo "-- killed at any moment, the keys stay whole"
check "a home of its own" "$airlock" --home "$work/killed" keys init --no-passphrase
"$airlock" --home "$work/killed" trust export -o "$work/killed.json" >/dev/null
killed=0 broken=0
for i in $(seq 30); do
  "$airlock" --home "$work/killed" keys rotate timestamp >/dev/null 2>&1 &
  victim=$!
  sleep "0.$(printf %03d $((RANDOM % (i % 2 ? 80 : 900))))"  # a quiet machine needs 0.05 s for it, a busy one ten times that
  kill -9 "$victim" 2>/dev/null && killed=$((killed + 1))
  wait "$victim" 2>/dev/null
  "$airlock" --home "$work/killed" keys show >"$work/check.out" 2>&1 || { broken=$((broken + 1)); cat "$work/check.out"; }
done
echo "     ($killed of 30 were killed before they ended; root is at version $(root_version "$work/killed"))"
check "some were killed, and some changes came to pass" test "$killed" -gt 0 -a "$(root_version "$work/killed")" -gt 1
check "after each the home opens" test "$broken" = 0
check "the next change holds" "$airlock" --home "$work/killed" keys renew
check "one timestamp key is left in use" test "$(find "$work/killed/keys" -maxdepth 1 -name 'timestamp*.pem' | wc -l)" = 1
echo "after the kills" >guide.txt
check "and it signs a bundle" "$airlock" --home "$work/killed" bundle create -m site-a.yaml -o "$stick/killed/"
in_far "$airlock" --home "$work/killed-site" trust init "$work/killed.json" --fingerprint "$(python3 - "$work/killed.json" <<'PY'
import hashlib, json, sys
print(hashlib.sha256(json.dumps(json.load(open(sys.argv[1]))["signed"], sort_keys=True, separators=(",", ":")).encode()).hexdigest())
PY
)" >/dev/null 2>&1
check "that a site takes, over every root in between" in_far "$airlock" --home "$work/killed-site" import "$stick/killed"
check "help of every command has an example" bash -c '
  for words in "" add rotate revoke renew threshold new sign accept abandon signer restore show init; do
    "$1" keys $words --help | grep -qi example || { echo "no example: $words"; exit 1; }
  done' - "$airlock"
finish
