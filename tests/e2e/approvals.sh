# Two people on different machines approve what crosses: detached, in a copy of the head, with openssl alone, beside a
# burnt medium; and everything that must not count as an approval.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out anna=$work/anna bernd=$work/bernd
mkdir -p "$out" "$work/in" "$anna" "$bernd" && cd "$work/in" || exit 1
head -c 300000 /dev/urandom >one.bin
head -c 300000 /dev/urandom >two.bin
{ echo "name: pair"; echo "files:"; echo "  - { source: one.bin, path: one.bin }"; } >m.yaml

# The builder keeps neither approver's key.
"$airlock" --home "$near" keys init --threshold 2 --no-passphrase >/dev/null
mv "$near/keys/snapshot.pem" "$anna/key.pem"
mv "$near/keys/snapshot-2.pem" "$bernd/key.pem"
"$airlock" --home "$near" trust export -o "$work/root.json" >/dev/null
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
build() { "$airlock" --home "$near" --json bundle "$@"; }
as_anna() { "$airlock" --home "$anna/home" --json bundle "$@"; }
as_bernd() { "$airlock" --home "$bernd/home" --json bundle "$@"; }
approvals_of() { "$airlock" --json bundle inspect "$1" | jq -r '"\(.approvers | length) of \(.approvals_needed) \(.sealed)"'; }
is() { [ "$("${@:2}")" = "$1" ]; }

mkdir -p "$near/people"
openssl pkey -in "$anna/key.pem" -pubout -out "$near/people/anna.pem"

check "create leaves a draft that nobody has approved" build create -m m.yaml -o "$out/"
draft=$out/pair-1.airlock
check "and says so" is "0 of 2 false" approvals_of "$draft"
check "the form names who has not approved it" grep -qE "not yet +anna, key" "$out/pair-1.txt"
check_exit 4 "seal asks for the people" build seal "$draft"
check_said "0 of 2"
check "the head alone goes to the approvers" build extract "$draft" --head -o "$work/pair-1.head"
head_sum=$(sha256_of "$work/pair-1.head")
check "and holds no payload" test "$(stat -c %s "$work/pair-1.head")" -lt 100000
check_exit 2 "extract does not guess what is wanted" build extract "$draft" -o "$work/x"

# Whom an approver trusts.
check_exit 3 "without a root of his own nobody approves" as_anna sign "$work/pair-1.head" --key "$anna/key.pem" --detached -o "$work/anna.sig.json"
check_exit 3 "nor with a wrong fingerprint" as_anna sign "$work/pair-1.head" --key "$anna/key.pem" --fingerprint "$(printf 'a%.0s' {1..64})" --detached -o "$work/anna.sig.json"
check "nothing was written" test ! -e "$work/anna.sig.json"
check "with the root from paper it works" as_anna sign "$work/pair-1.head" --key "$anna/key.pem" --fingerprint "$fingerprint" --yes --detached -o "$work/anna.sig.json"
check_said "a draft: 0 of 2 people have approved it"
check "the file names role, version, key, scheme and bundle" jq -e '.role == "snapshot" and .version == 1 and .channel == "pair" and .serial == 1 and .signatures[0].scheme == "ed25519" and (.payload_sha256 | length == 64)' "$work/anna.sig.json"
check "the head was left alone" is "$head_sum" sha256_of "$work/pair-1.head"
check "her file beside it counts" is "1 of 2 false" approvals_of "$work/pair-1.head"
check_exit 2 "it is not written over" as_bernd sign "$work/pair-1.head" --key "$bernd/key.pem" --root "$work/root.json" --detached -o "$work/anna.sig.json"
check_exit 4 "one is not enough" build seal "$draft" "$work/anna.sig.json"
check_said "1 of 2"
check "what was good is kept" is "1 of 2 false" approvals_of "$draft"

# Reading what would be signed is not agreeing to it.
cat >"$work/pager.py" <<'PY'
import os, pty, subprocess, sys
ours, theirs = pty.openpty()  # a person is there, but what is asked goes to a pipe
sys.exit(subprocess.run(sys.argv[1:], stdin=theirs, stderr=subprocess.PIPE).returncode)
PY
check_exit 2 "a review that goes into a pager signs nothing" python3 "$work/pager.py" "$airlock" --home "$anna/home" \
  bundle sign "$work/pair-1.head" --key "$anna/key.pem" --root "$work/root.json" --detached -o "$work/paged.json"
check "nothing was written" test ! -e "$work/paged.json"
check_exit 2 "the bytes to sign are not written over a key" as_anna sign "$work/pair-1.head" --root "$work/root.json" --tbs -o "$anna/key.pem"
check_exit 2 "nor is a page" "$airlock" bundle inspect "$work/pair-1.head" --html "$anna/key.pem"
check "the key is still one" openssl pkey -in "$anna/key.pem" -noout

# The second approver has openssl and nothing else.
check "the bytes to sign" as_bernd sign "$work/pair-1.head" --root "$work/root.json" --tbs -o "$bernd/tbs"
check "their SHA-256 is the bundle id" is "$("$airlock" --json bundle inspect "$draft" | jq -r .bundle_id)" sha256_of "$bernd/tbs"
check "openssl signs them" openssl pkeyutl -sign -rawin -inkey "$bernd/key.pem" -in "$bernd/tbs" -out "$bernd/tbs.sig"
check "the signature becomes an approval" as_bernd sign "$work/pair-1.head" --root "$work/root.json" --signature "$bernd/tbs.sig" --detached -o "$work/bernd.sig.json"
echo other >"$bernd/other" && openssl pkeyutl -sign -rawin -inkey "$bernd/key.pem" -in "$bernd/other" -out "$bernd/other.sig"
check_exit 3 "one over other bytes does not" as_bernd sign "$work/pair-1.head" --root "$work/root.json" --signature "$bernd/other.sig" --detached -o "$work/none"
check_exit 4 "the same person twice is one" build seal "$draft" "$work/anna.sig.json" "$work/anna.sig.json"
check "sealed with both, in any order" build seal "$draft" "$work/bernd.sig.json" "$work/anna.sig.json"
check "two people approved it" is "2 of 2 true" approvals_of "$draft"
check "inspect says so" bash -c '"$1" bundle inspect "$2" | grep -q "2 people approved this, 2 were needed"' - "$airlock" "$draft"
check_exit 2 "a sealed one takes no more" build sign "$draft" --key "$anna/key.pem"
in_far "$airlock" --home "$site" trust init "$work/root.json" --fingerprint "$fingerprint" >/dev/null
check "the site takes it" in_far "$airlock" --home "$site" import "$out"

# The next state, burnt before anybody approved it: the medium cannot be written.
echo "  - { source: two.bin, path: two.bin }" >>m.yaml
mkdir -p "$work/disc" "$work/dvd" "$work/stick" "$work/desk"
check "the next draft" build create -m m.yaml -o "$work/disc/" --volume-size 400000
mount --bind "$work/disc" "$work/dvd" && mount -o remount,ro,bind "$work/dvd"
burnt=$work/dvd/pair-2.airlock
(cd "$work/dvd" && sha256sum -- *) >"$work/before.sums"
check_exit 4 "the site says that it is a draft" in_far "$airlock" --home "$site" import "$work/dvd"
check_said "0 of 2 people have approved it"
cd "$work/desk" || exit 1
"$airlock" --home "$anna/home" trust init "$work/root.json" --fingerprint "$fingerprint" >/dev/null
check "anna can approve in a file that goes another way" as_anna sign "$burnt" --against "$draft" --key "$anna/key.pem" --detached -o "$work/anna-2.json"
check "anna approves from the disc, with the root that she pinned" as_anna sign "$burnt" --key "$anna/key.pem" --against "$draft"
check_said "against pair 1, the state before this one: 1 added, 0 removed"
check "her approval lies in the working directory" test -s pair-2.approval
check "bernd's comes into the same file" as_bernd sign "$burnt" --key "$bernd/key.pem" --root "$work/root.json"
check "it holds both" jq -e '(.signatures | length) == 2 and has("seal") == false' pair-2.approval
cp pair-2.approval "$work/stick/unsealed"
check "inspect counts what lies elsewhere" bash -c '"$1" bundle inspect "$2" --volumes "$3" | grep -q "2 people approved this, 2 were needed; it is not sealed yet"' - "$airlock" "$burnt" "$work/stick"
check_exit 4 "approved is not sealed" in_far "$airlock" --home "$site" import "$work/dvd" "$work/stick"
check_said "2 of 2 people have approved it"
check "seal writes into it too" build seal "$burnt"
check "it holds the seal" jq -e '.seal.timestamp and .seal.shipment' pair-2.approval
check "the disc is as it was" bash -c 'cd "$1" && sha256sum -c "$2"' - "$work/dvd" "$work/before.sums"

# What is found beside it, and hinders nothing.
refused() { # CODE NAME EXIT…: alone beside the disc it is refused so
  rm -rf "$work/bad" && mkdir "$work/bad" && cp "$work/hostile" "$work/bad/$1"
  check_exit "$2" "$3" in_far "$airlock" --home "$site" import "$burnt" --volumes "$work/bad"
}
sed 's/"sig": "./"sig": "0/' pair-2.approval >"$work/hostile"
cmp -s "$work/hostile" pair-2.approval && sed 's/"sig": "./"sig": "1/' pair-2.approval >"$work/hostile"
refused changed 3 "a changed signature is refused"
cp "$work/hostile" "$work/stick/00-changed"
head -c 400 pair-2.approval >"$work/hostile"
refused cut 4 "a cut-off file is incomplete"
cp "$work/hostile" "$work/stick/01-cut"
cp pair-2.approval "$work/hostile" && truncate -s 13000000 "$work/hostile"
refused large 4 "one that is far too large is passed over"
cp "$work/hostile" "$work/stick/02-large"
cp "$work/anna.sig.json" "$work/hostile"
refused foreign 4 "one of another bundle is passed over"
cp "$work/hostile" "$work/stick/03-foreign"
python3 - pair-2.approval >"$work/hostile" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
one = d["signatures"][0]
d["signatures"] = sorted((dict(one, keyid="%064x" % i) for i in range(63)), key=lambda s: s["keyid"]) + [dict(one, keyid="f" * 64)]
print(json.dumps(d, indent=2))
PY
refused many 3 "64 signatures by one key are refused"
cp "$work/hostile" "$work/stick/04-many"
python3 - pair-2.approval >"$work/hostile" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
d["signatures"] = d["signatures"][:1]
print(json.dumps(d, indent=2))
PY
refused fewer 3 "a seal with one of its approvals gone is refused"
cp "$work/hostile" "$work/stick/05-fewer"
rm -f "$work/stick/unsealed"
cp pair-2.approval "$work/stick/B0000042.BIN"
check "verify finds the good one under any name" in_far "$airlock" --home "$site" verify "$work/dvd" --volumes "$work/stick"
check "import takes disc and stick" in_far "$airlock" --home "$site" import "$work/dvd" "$work/stick"
check "the state is here" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store list | grep -q pair' - "$far" "$airlock" "$site"
check "the head that is kept holds approvals and seal" bash -c 'ip netns exec "$1" "$2" --home "$3" store check' - "$far" "$airlock" "$site"
check_exit 0 "again is nothing to do" in_far "$airlock" --home "$site" import "$work/dvd" "$work/stick/B0000042.BIN"
check_exit 1 "approvals alone are no bundle" in_far "$airlock" --home "$site" import "$work/stick/B0000042.BIN"
umount "$work/dvd"

# Keys for tokens and FIPS: ECDSA with openssl.
ec=$work/ec
"$airlock" --home "$ec" keys init --threshold 2 --fips --no-passphrase >/dev/null
check "keys show tells of both approvers' keys in one home" "$airlock" --home "$ec" keys show
check_said "one person's word"
mv "$ec/keys/snapshot-2.pem" "$work/ec.pem"
check "and is content when one of them is moved" is false bash -c '"$1" --home "$2" --json keys show | jq .one_home_approves' - "$airlock" "$ec"
cd "$work/in" || exit 1
check "a bundle of an ECDSA producer" "$airlock" --home "$ec" bundle create -m m.yaml -o "$work/ec-out/"
check "openssl signs with ECDSA" bash -c '"$1" --home "$2" bundle sign "$3" --tbs -o "$4/ec.tbs" && openssl dgst -sha256 -sign "$4/ec.pem" -out "$4/ec.sig" "$4/ec.tbs" && "$1" --home "$2" bundle sign "$3" --signature "$4/ec.sig"' - "$airlock" "$ec" "$work/ec-out/pair-1.airlock" "$work"
check "and it is sealed" "$airlock" --home "$ec" bundle seal "$work/ec-out/pair-1.airlock"
check "and verifies" "$airlock" --home "$ec" verify "$work/ec-out/pair-1.airlock"
mkdir "$work/ec-in" && cp m.yaml ./*.bin "$work/ec-in/" && echo later >>"$work/ec-in/one.bin"
check "a later bundle" "$airlock" --home "$ec" bundle create -m "$work/ec-in/m.yaml" -o "$work/ec-out/"
openssl pkey -in "$work/ec.pem" -pubout -out "$work/ec.pub.pem"
sign_by() { # KEY: bundle sign by a command that signs with KEY, as for ec.pub.pem
  "$airlock" --home "$ec" bundle sign "$work/ec-out/pair-2.airlock" --yes --public "$work/ec.pub.pem" --signer-command openssl \
    --signer-command dgst --signer-command=-sha256 --signer-command=-sign --signer-command "$1"
}
check_exit 3 "a command that signs with another key approves nothing" sign_by "$ec/keys/snapshot.pem"
check_exit 2 "nor does one whose key is not named" "$airlock" --home "$ec" bundle sign "$work/ec-out/pair-2.airlock" --yes --signer-command true
check_exit 2 "a key and a command exclude each other" "$airlock" --home "$ec" bundle sign "$work/ec-out/pair-2.airlock" --yes --key "$work/ec.pem" \
  --public "$work/ec.pub.pem" --signer-command true
check "it is as it was" is "1 of 2 false" approvals_of "$work/ec-out/pair-2.airlock"
check "an approver signs by a command" sign_by "$work/ec.pem"
check "which counts" is "2 of 2 false" approvals_of "$work/ec-out/pair-2.airlock"
check "and it is sealed too" "$airlock" --home "$ec" bundle seal "$work/ec-out/pair-2.airlock"

# The site's own people: two of three officers have to agree before anything is served.
guarded=$work/guarded
in_far "$airlock" --home "$guarded" trust init "$work/root.json" --fingerprint "$fingerprint" >/dev/null 2>&1
mkdir -p "$guarded/approvers" "$work/officers"
for name in xenia yusuf zoe stranger; do
  (umask 077 && openssl genpkey -algorithm ed25519 -out "$work/officers/$name.pem" 2>/dev/null)
  [ "$name" = stranger ] || openssl pkey -in "$work/officers/$name.pem" -pubout -out "$guarded/approvers/$name.pem"
done
echo "local_approvals: 2" >"$guarded/policy.yaml"
officer() { in_far "$airlock" --home "$guarded" --json bundle approve "$out" --key "$work/officers/$1.pem" "${@:2}"; }
take() { in_far "$airlock" --home "$guarded" --json import "$out" "$@"; }
check_exit 4 "import waits for the site's officers" take
check_said "approval-missing"
check_said "0 of 2 officers"
check "nothing is served" bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json store list | jq ".generations | length")" = 0 ]' - "$far" "$airlock" "$guarded"
check "an officer agrees" officer xenia --ticket CHG-1 -o "$work/officers/xenia.approval.json"
check_exit 4 "one is not enough" take --volumes "$work/officers"
check_said "1 of 2 officers"
check_exit 3 "a stranger's key is refused" officer stranger
check_exit 4 "the same officer twice is one" bash -c 'cp "$1/xenia.approval.json" "$1/again" && ip netns exec "$2" "$3" --home "$4" import "$5" --volumes "$1"' - "$work/officers" "$far" "$airlock" "$guarded" "$out"
python3 - "$work/officers" <<'PY'
import base64, json, sys
folder = sys.argv[1]
good = json.load(open(folder + "/xenia.approval.json"))
def put(name, envelope): open(folder + "/" + name, "w").write(json.dumps(envelope, indent=1) + "\n")
other = json.loads(base64.b64decode(good["payload"]))
other["bundle_id"] = "a" * 64
put("00-other-state", dict(good, payload=base64.b64encode((json.dumps(other, indent=2) + "\n").encode()).decode()))
one = good["signatures"][0]
put("01-many", dict(good, signatures=[one] + [dict(one, keyid="%064x" % i) for i in range(63)]))
open(folder + "/02-cut", "w").write(json.dumps(good, indent=1)[:200])
open(folder + "/03-large", "w").write(json.dumps(good, indent=1) + " " * 100000)
PY
check_exit 4 "neither bent ones nor many signatures of one key make a second" take --volumes "$work/officers"
check_said "1 of 2 officers"
cat >"$work/officers/zoe" <<'SH'
#!/bin/sh
# Ed25519 is signed from a file.
[ "$AIRLOCK_SIGN_ROLE" = officer ] || exit 1
bytes=$(mktemp) && cat >"$bytes" && openssl pkeyutl -sign -rawin -inkey "$(dirname "$0")/zoe.pem" -in "$bytes"
rm -f "$bytes"
SH
chmod 700 "$work/officers/zoe"
check "another officer agrees by a command, kept in the site's home" in_far "$airlock" --home "$guarded" --json bundle approve "$out" \
  --public "$guarded/approvers/zoe.pem" --signer-command "$work/officers/zoe"
check "the same command goes on" take --volumes "$work/officers"
check_said '"zoe"'
check "the audit log names them" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | grep -q xenia' - "$far" "$airlock" "$guarded"
check "it is served" bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json store list | jq ".generations | length")" = 1 ]' - "$far" "$airlock" "$guarded"
check "what they signed is kept" test "$(find "$guarded/approvals" -type f | wc -l)" = 2
echo "local_approvals: 4" >"$guarded/policy.yaml"
check_exit 2 "a policy that nobody can meet is a mistake" take

# What expired: the site's officers have to agree to that as well.
if command -v faketime >/dev/null; then
  later=$work/later
  in_far "$airlock" --home "$later" trust init "$work/root.json" --fingerprint "$fingerprint" >/dev/null 2>&1
  mkdir -p "$later/approvers" && cp "$guarded/approvers/xenia.pem" "$later/approvers/"
  echo "expired_approvals: 1" >"$later/policy.yaml"
  in_100_days() { in_far faketime "+100 days" "$airlock" --home "$later" "$@"; }
  check_exit 5 "an expired bundle is not approved" in_100_days bundle approve "$out" --key "$work/officers/xenia.pem"
  check_exit 4 "nor taken without an officer" in_100_days import "$out" --accept-expired --reason "no courier"
  check "an officer accepts that it expired" in_100_days bundle approve "$out" --key "$work/officers/xenia.pem" --accept-expired
  check_said "1 of 1 officers"
  check "then it is taken" in_100_days import "$out" --accept-expired --reason "no courier"
else
  skip "no faketime, so no look at what expired"
fi

# A second maker, with keys of his own, who pinned the first one's root: he goes on from what the first one made.
cd "$work/in" || exit 1
cp "$work/desk/pair-2.approval" "$work/disc/"
second=$work/second third=$work/third
for home in "$second" "$third"; do
  "$airlock" --home "$home" keys init --no-passphrase >/dev/null 2>&1
done
"$airlock" --home "$second" trust init "$work/root.json" --fingerprint "$fingerprint" >/dev/null 2>&1
check "the first maker's next state" build create -m m.yaml --lock "$work/disc/pair-2.lock" -o "$work/made-a/"
export SOURCE_DATE_EPOCH; SOURCE_DATE_EPOCH=$(date -d "$("$airlock" --json bundle inspect "$work/made-a/pair-3.airlock" | jq -r .created)" +%s)
check "the second maker's, from the first one's last head" "$airlock" --home "$second" --json bundle create -m m.yaml --lock "$work/disc/pair-2.lock" --continue "$work/disc/pair-2.airlock" -o "$work/made-b/"
check "compare says that they made the same" "$airlock" --json bundle compare "$work/made-a/pair-3.airlock" "$work/made-b/pair-3.airlock"
check_said '"same": true'
check_exit 3 "without the first one's root he cannot go on" "$airlock" --home "$third" bundle create -m m.yaml --continue "$draft" -o "$work/made-c/"
cp m.yaml other.yaml && echo "  - { source: two.bin, path: three.bin }" >>other.yaml
check "a maker who puts something else in" "$airlock" --home "$second" --json bundle create -m other.yaml -o "$work/made-d/"
check_exit 1 "is told apart" "$airlock" --json bundle compare "$work/made-a/pair-3.airlock" "$work/made-d/pair-4.airlock"
unset SOURCE_DATE_EPOCH

# One person with a threshold of one: said plainly.
one=$work/one
"$airlock" --home "$one" keys init --no-passphrase >/dev/null
check "one person's bundle" "$airlock" --home "$one" bundle create -m m.yaml -o "$work/one-out/"
check "inspect says that it was one" bash -c '"$1" bundle inspect "$2" | grep -q "one person approved this"' - "$airlock" "$work/one-out/pair-1.airlock"
check "the transfer form too" grep -q "one person approved this" "$work/one-out/pair-1.txt"
check "and its page" grep -q "one person approved this" "$work/one-out/pair-1.html"

# A person with paper and no pinned root: the prompt takes the newest root's, and the whole number that of an earlier one.
renewed=$work/renewed
"$airlock" --home "$renewed" keys init --threshold 2 --no-passphrase >/dev/null
first_paper=$("$airlock" --home "$renewed" --json keys show | jq -r .fingerprint)
check "another root follows the first" "$airlock" --home "$renewed" keys renew
newest_paper=$("$airlock" --home "$renewed" --json keys show | jq -r .fingerprint)
check "with another fingerprint" test "$first_paper" != "$newest_paper"
mkdir -p "$work/renewed-keys" && mv "$renewed"/keys/snapshot*.pem "$work/renewed-keys/"
check "a draft under it" "$airlock" --home "$renewed" bundle create -m m.yaml -o "$work/renewed-out/"
cat >"$work/person.py" <<'PY'
import os, pty, re, sys
paper, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said, answered = b"", 0
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:  # the command has ended
        break
    if not more:
        break
    said += more
    asked = re.findall(rb"Group (\d+) of 16 of the fingerprint, from your paper:", said)
    for group in asked[answered:]:
        first = (int(group) - 1) * 4
        os.write(terminal, paper[first:first + 4].encode() + b"\n")
    answered = len(asked)
sys.stdout.buffer.write(said)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PY
signs() { "$airlock" --home "$work/no-home" bundle sign "$work/renewed-out/pair-1.airlock" --key "$work/renewed-keys/snapshot.pem" --yes --detached "$@"; }
typed() {
  python3 "$work/person.py" "$1" "$airlock" --home "$work/no-home" bundle sign "$work/renewed-out/pair-1.airlock" \
    --key "$work/renewed-keys/snapshot.pem" --yes --detached -o "$2"
}
check_exit 3 "two groups of an earlier root's paper sign nothing" typed "$first_paper" "$work/typed-first.approval"
check_said "give all of its 64 digits with --fingerprint"
check "nothing was written" test ! -e "$work/typed-first.approval"
check "all of its digits do" signs --fingerprint "$first_paper" -o "$work/first.approval"
check "two groups of the newest one's do" typed "$newest_paper" "$work/typed-newest.approval"
check "and signed" test -s "$work/typed-newest.approval"
finish
