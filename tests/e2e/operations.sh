# The operator at three in the morning: backup and restore of both homes, floors after a loss, who fetched what, the
# log, the clock, one screen of health.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site stick=$work/stick safe=$work/safe
mkdir -p "$work/in" "$stick" "$safe" && cd "$work/in" || exit 1
make_state() { # make_state TEXT: a bundle of the next serial on the stick
  echo "$1" >guide.txt
  printf 'name: site-a\nfiles:\n  - { source: guide.txt, path: docs/guide.txt }\n' >m.yaml
  "$airlock" --home "$near" bundle create -m m.yaml -o "$stick/" >/dev/null
}
at_site() { in_far "$airlock" --home "$site" "$@"; }
served() { in_far curl -fsS "http://$mirror/files/docs/guide.txt"; }
# put_back FOLDER: the site's home as it was copied before, like a snapshot of its machine.
put_back() { rm -rf --one-file-system "$site" && cp -a "$1" "$site"; }

"$airlock" --home "$near" keys init --no-passphrase >/dev/null
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
for n in 1 2 3; do make_state "state $n"; done
in_far "$airlock" --home "$site" trust init "$stick/root.json" --fingerprint "$fingerprint" >/dev/null
check "import says what belongs on paper" at_site import "$stick/site-a-1.airlock" --ticket CHG-1
check_said "floor     site-a:1,root=1,snapshot="
check_said "audit     2:"
check "the log has ticket, medium, file and policy" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | jq -e ".entries[-1].detail | fromjson | .ticket == \"CHG-1\" and .file == \"site-a-1.airlock\" and .medium.mount_point != null and has(\"policy_sha256\")"' - "$far" "$airlock" "$site"
check "under sudo it has both users" bash -c 'SUDO_USER=alice ip netns exec "$1" "$2" --home "$3" store activate 1 --reason "both users" --ticket INC-1 && ip netns exec "$1" "$2" --home "$3" --json audit | jq -e ".entries[-1] | (.user | contains(\"alice\")) and (.detail | fromjson | .ticket == \"INC-1\" and .reason == \"both users\")"' - "$far" "$airlock" "$site"

# Who fetched it.
start_serve "$site"
check "the mirror serves it" served
echo "state 1" >guide1
names_the_client() {
  at_site --json store who "$(sha256_of guide1)" |
    jq -e '.contents[0].fetched[0] | .client == "127.0.0.1" and .count >= 1 and .path == "/files/docs/guide.txt"'
}
check "store who names the client, by digest" wait_for 10 names_the_client
check "and by path, with its generations" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store who docs/guide.txt | jq -e ".contents[0].generations[0].serial == 1 and .contents[0].served and .clients == 1"' - "$far" "$airlock" "$site"
check "--since leaves out who came before" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store who docs/guide.txt --since 2999-01-01 | jq -e ".clients == 0"' - "$far" "$airlock" "$site"
check_exit 1 "what is not here is not found" at_site store who no-such-thing

# The log of one night.
check "the log since a day" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit --since "$(date -d yesterday +%F)" | jq -e ".entries | length > 0"' - "$far" "$airlock" "$site"
check "nothing since a day that has not come" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit --since 2999-01-01 | jq -e ".entries == []"' - "$far" "$airlock" "$site"
check "a sweep that only looks" bash -c 'find "$3/blobs" -type f | sort >"$4" && ip netns exec "$1" "$2" --home "$3" store sweep --dry-run && find "$3/blobs" -type f | sort | cmp - "$4"' - "$far" "$airlock" "$site" "$work/blobs.list"
check_said "would free"

# Backup while it serves, destroy, restore: the far home.
check "backup while the server runs" at_site backup "$safe/far.tar"
check "it is for its owner only" test "$(stat -c %a "$safe/far.tar")" = 600
check "it is a plain tar" tar -tf "$safe/far.tar"
check "without keys there is no secret in it" bash -c '! tar -tf "$1" | grep -E "\.pem$|secrets.key|admin.token"' - "$safe/far.tar"
check_exit 2 "a backup replaces no other" at_site backup "$safe/far.tar"
check "one with keys and content" at_site backup "$safe/far-whole.tar" --keys --with-blobs
check_said SECRET
check "it has the key of the secrets" bash -c 'tar -tf "$1" | grep -qx control/secrets.key' - "$safe/far-whole.tar"
check "the second bundle" at_site import "$stick/site-a-2.airlock"
cp "$site/receipts/site-a-2.json" "$work/receipt-2.json"
paper=$(at_site --json trust show | jq -r '.audit | "\(.number):\(.head[0:32])"')
check_exit 4 "a restore into a home that is served is refused" at_site restore "$safe/far.tar" --replace
stop "$serve_pid"
check_exit 2 "and into one that is in use" at_site restore "$safe/far.tar"
check_exit 3 "another file than the one on paper is refused" at_site restore "$safe/far.tar" --replace --sha256 "$(printf '0%.0s' {1..64})"
rm -rf --one-file-system "$site"
check "restore into nothing, with the last receipt" at_site restore "$safe/far.tar" --sha256 "$(sha256_of "$safe/far.tar")" --receipt "$work/receipt-2.json" --reason drill
check_said "are not here"
check_exit 5 "a receipt that knows more keeps what was lost from coming in again" bash -c 'cp -a "$1" "$1.copy" && ip netns exec "$2" "$3" --home "$1.copy" trust floor --floor site-a:4 && ip netns exec "$2" "$3" --home "$1.copy" import "$4/site-a-2.airlock"' - "$site" "$far" "$airlock" "$stick"
check "status tells of the restore" bash -c 'ip netns exec "$1" "$2" --home "$3" status | grep -q "out of a backup"' - "$far" "$airlock" "$site"
check "the log accounts for what was lost" at_site audit verify --receipt "$work/receipt-2.json" --head "$paper"
check_said "accounts for the loss"
check "the newest bundle comes in" at_site import "$stick/site-a-2.airlock"
check "and everything is here" at_site store check
check "status is well" at_site status
check "the log is whole" at_site audit verify
check "the need list names what was lacking" test -s "$site/receipts/need-site-a-1.json"
check "the connected side sends that" "$airlock" --home "$near" bundle ship "$stick/site-a-1.airlock" --base "$site/receipts/need-site-a-1.json" -o "$work/needed/"
check_said "serial 3 of 'site-a' is newer"
start_serve "$site" --mirror-only
check "the restored site serves" test "$(served)" = "state 2"
stop "$serve_pid"

# What deployments need comes from the safe.
check "restore, with the key of the secrets from the safe" in_far "$airlock" --home "$work/site-keys" restore "$safe/far.tar" --keys-from "$safe/far-whole.tar" --floor "site-a:2,root=1"
check "it is the same" bash -c 'tar -xOf "$1" control/secrets.key | cmp - "$2/control/secrets.key"' - "$safe/far-whole.tar" "$work/site-keys"

# The whole backup serves at once, and --replace puts aside what is there.
check "restore over it" at_site restore "$safe/far-whole.tar" --replace --floor "site-a:2,root=1"
check "what was there lies aside" bash -c 'ls -d "$1"/before-restore-*/airlock.db' - "$site"
start_serve "$site"
check "and is served at once" test "$(served)" = "state 1"
stop "$serve_pid"
check "the third bundle comes in" at_site import "$stick/site-a-3.airlock"
cp -a "$site" "$work/site-back"
check "back to the state before" in_far "$airlock" --home "$work/site-back" store rollback --reason "app 4.2 fails" --ticket INC-812
check "which is served" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store list | jq -e "[.generations[] | select(.active) | .serial] == [1]"' - "$far" "$airlock" "$work/site-back"

# Killed at any moment, a restore leaves the old or the new.
cp -a "$site" "$work/before-kills"
# At a random part of the time that it takes here.
begun=$(date +%s%N); at_site restore "$safe/far-whole.tar" --replace >/dev/null; took=$((($(date +%s%N) - begun) / 1000))
killed=0 bad=0 round=0
while [ "$round" -lt "${ROUNDS:-15}" ] || { [ "$killed" -lt 3 ] && [ "$round" -lt 100 ]; }; do
  round=$((round + 1))
  put_back "$work/before-kills"
  ip netns exec "$far" "$airlock" --home "$site" restore "$safe/far-whole.tar" --replace >/dev/null 2>&1 &
  pid=$!
  sleep "$(awk -v r="$round" -v t="$took" 'BEGIN { srand(r); printf "%.4f", rand() * t / 1000000 }')"
  kill -9 "$pid" 2>/dev/null && killed=$((killed + 1)); wait "$pid" 2>/dev/null
  serial=$(at_site --json store list 2>/dev/null | jq -r '[.generations[] | select(.active) | .serial][0]')
  case "$serial" in 1 | 3) ;; *) [ -e "$site/.restore/ready" ] && at_site restore "$safe/far-whole.tar" --replace >/dev/null 2>&1 && [ "$(at_site --json store list | jq -r '[.generations[] | select(.active) | .serial][0]')" = 1 ] || bad=$((bad + 1)) ;; esac
done
check "restore was killed at least three times" test "$killed" -ge 3
check "and left the old or the new each time" test "$bad" = 0
put_back "$work/before-kills"

# A snapshot of the machine is put back: nothing in it knows; what was kept elsewhere does.
cp -a "$site" "$work/snapshot"
make_state "state 4"
check "a fourth bundle" at_site import "$stick/site-a-4.airlock"
cp "$site/receipts/site-a-4.json" "$work/receipt-4.json"
put_back "$work/snapshot"
check_exit 3 "the receipt shows that the log was cut off" at_site audit verify --receipt "$work/receipt-4.json"
check "a floor from the receipt" at_site trust floor --receipt "$work/receipt-4.json" --reason "snapshot put back"
check "which the log accounts for from now on" at_site audit verify --receipt "$work/receipt-4.json"
check "the newest state comes in again" at_site import "$stick/site-a-4.airlock"

# The disk lost blobs, and the medium of the newest bundle is not at hand at once.
cp -a "$site" "$work/site-lossy"
lossy() { in_far "$airlock" --home "$work/site-lossy" "$@"; }
blob_of() { local sum; sum=$(echo "$1" | sha256sum | cut -d' ' -f1); echo "$work/site-lossy/blobs/sha256/${sum:0:2}/$sum"; }
check "everything is whole before" lossy store check
echo "STATE 3" >"$(blob_of "state 3")"
rm "$(blob_of "state 4")"
check_exit 3 "a check finds what is damaged and what is gone" lossy store check
check_said "airlock bundle import --salvage"
check_exit 4 "an older bundle brings what it has" lossy bundle import --salvage "$stick/site-a-3.airlock" --ticket OPS-9
check_said "docs/guide.txt"
check_said "here again: 1"
check "the damaged file is whole" test "$(cat "$(blob_of "state 3")")" = "state 3"
check "and the newest state is active as before" bash -c 'ip netns exec "$1" "$2" --home "$3" --json store list | jq -e "[.generations[] | select(.active) | .serial] == [4]"' - "$far" "$airlock" "$work/site-lossy"
check "a folder of bundles brings the rest" lossy bundle import --salvage "$stick/"
check "everything is here again" lossy store check
check "a second time there is nothing to do" lossy bundle import --salvage "$stick/"
check_said "nothing to do"
check "the log has it, with the ticket" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | jq -e "[.entries[] | select(.action == \"salvage\")] | length == 2 and (.[0].detail | fromjson | .blobs == 1 and .ticket == \"OPS-9\")"' - "$far" "$airlock" "$work/site-lossy"
check "and is whole" lossy audit verify
rm -rf --one-file-system "$work/site-lossy"

# All state is lost, and no backup: a new pin with a floor from paper.
put_back "$work/snapshot"
rm -rf --one-file-system "$site"
check "trust init with a floor" at_site trust init "$stick/root.json" --fingerprint "$fingerprint" --floor site-a:4,root=1
check_exit 5 "nothing older comes in" at_site import "$stick/site-a-3.airlock"
check "the newest does" at_site import "$stick/site-a-4.airlock"

# A floor with a digit too many.
check "a floor is raised" at_site trust floor --floor site-a:170,root=1,snapshot=170 --reason "from paper"
make_state "state 5"
check_exit 5 "no bundle is new enough" at_site import "$stick/site-a-5.airlock"
check_exit 2 "to lower it wants a reason" at_site trust floor --lower site-a:4
check "it is lowered" at_site trust floor --lower site-a:17 --reason "a digit too many" --ticket OPS-7
check "with more numbers" at_site trust floor --lower site-a:4,root=1,snapshot=4 --reason "the receipt was altered"
check "trust show tells of it" bash -c 'ip netns exec "$1" "$2" --home "$3" trust show | grep -q "the floor was lowered"' - "$far" "$airlock" "$site"

# The clock: two months ahead during an import, then right again. Without faketime the import is an ordinary one.
ahead=() && command -v faketime >/dev/null && ahead=(faketime "+60 days")
check "an import while the clock is far ahead" in_far "${ahead[@]}" "$airlock" --home "$site" import "$stick/site-a-5.airlock"
make_state "state 6"
if [ ${#ahead[@]} -gt 0 ]; then
  check_exit 5 "a clock that was once ahead stops imports" at_site import "$stick/site-a-6.airlock"
  check_said "trust reset-clock"
  check_exit 5 "status says so" at_site status
  check_said "airlock trust reset-clock --reason TEXT"
  check_exit 2 "an administrator resets it, with a reason" at_site trust reset-clock --ticket OPS-7
  check "and a ticket" at_site trust reset-clock --reason "battery changed" --ticket OPS-7
else
  skip "no faketime, so no clock that is ahead"
fi
check "and the import goes on" at_site import "$stick/site-a-6.airlock"
check_exit 0 "status is well again" at_site status
if [ ${#ahead[@]} -gt 0 ]; then
  # On the connected side: what was made then is of a day that has not come; the next one is right.
  cp -a "$near" "$work/near-ahead" && cp -a "$site" "$work/site-ahead"
  echo "made ahead" >guide.txt
  check "a bundle while the clock is far ahead" "${ahead[@]}" "$airlock" --home "$work/near-ahead" bundle create -m m.yaml -o "$work/ahead/"
  echo "made after it" >guide.txt
  check "the next with the clock right" "$airlock" --home "$work/near-ahead" bundle create -m m.yaml -o "$work/ahead/"
  check_exit 5 "the first is refused" in_far "$airlock" --home "$work/site-ahead" import "$work/ahead/site-a-7.airlock"
  check_said "the bundle was made on"
  check "the next is taken" in_far "$airlock" --home "$work/site-ahead" import "$work/ahead/site-a-8.airlock"
  check "its status is well" in_far "$airlock" --home "$work/site-ahead" status
fi

# A statement that expired, and no courier before morning.
old=$(($(date +%s) - 100 * 86400))
check "an old bundle of another producer" bash -c 'export SOURCE_DATE_EPOCH=$4; "$1" --home "$2" keys init --no-passphrase && "$1" --home "$2" bundle create -m m.yaml -o "$3/"' - "$airlock" "$work/near-old" "$work/old" "$old"
in_far "$airlock" --home "$work/site-old" trust init "$work/old/root.json" --fingerprint "$("$airlock" --home "$work/near-old" --json keys show | jq -r .fingerprint)" >/dev/null
check_exit 5 "its timestamp has expired" in_far "$airlock" --home "$work/site-old" import "$work/old/site-a-1.airlock"
check_said "--accept-expired"
check_exit 2 "to take it all the same wants a reason" in_far "$airlock" --home "$work/site-old" import "$work/old/site-a-1.airlock" --accept-expired
check "with one it is taken" in_far "$airlock" --home "$work/site-old" import "$work/old/site-a-1.airlock" --accept-expired --reason "no courier before morning"
check "and the log has it" bash -c 'ip netns exec "$1" "$2" --home "$3" --json audit | grep -q "no courier before morning"' - "$far" "$airlock" "$work/site-old"

# A block whose run was killed before the switch of the catalog.
current=$(cat "$site/catalog/current")
check "a block" at_site block file:docs/guide.txt --reason drill
echo "$current" >"$site/catalog/current"
check_exit 5 "status says that it is not in force" at_site status
check_said "not in force"
start_serve "$site" --mirror-only
check_exit 22 "a server that starts puts it in force" served
check_exit 0 "and status is well" at_site status
check "the same while it serves, unblocked" at_site unblock file:docs/guide.txt
check "is served again" served
stop "$serve_pid"

# The near home: destroyed, restored, and no serial is used twice.
check "backup of the near home" "$airlock" --home "$near" backup "$safe/near.tar"
check "one with keys for the safe" "$airlock" --home "$near" backup "$safe/near-keys.tar" --keys
check_said "no passphrase"
make_state "state 7"
rm -rf --one-file-system "$near"
check "restore, with the keys from the safe" "$airlock" --home "$near" restore "$safe/near.tar" --keys-from "$safe/near-keys.tar"
check "the root is the same" test "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)" = "$fingerprint"
mkdir -p "$work/out"
check_exit 4 "create does not guess which serial is free" "$airlock" --home "$near" bundle create -m m.yaml -o "$work/out/"
check_said "--continue"
echo "state 8" >guide.txt
check "with the newest bundle it goes on" "$airlock" --home "$near" bundle create -m m.yaml -o "$work/out/" --continue "$stick/site-a-7.airlock"
check "after the serial that was lost" test -s "$work/out/site-a-8.airlock"
check "and the site takes it" at_site import "$work/out/site-a-8.airlock"
check "later ones need no flag" bash -c 'echo "state 9" >guide.txt && "$1" --home "$2" bundle create -m m.yaml -o "$3/"' - "$airlock" "$near" "$work/out"
rm -rf --one-file-system "$near"
check "a receipt of the site says how far it came" "$airlock" --home "$near" restore "$safe/near-keys.tar" --receipt "$site/receipts/site-a-8.json"
check_said "wants bundle 8"
check_exit 4 "an older bundle is not enough" "$airlock" --home "$near" bundle create -m m.yaml -o "$work/out2/" --continue "$stick/site-a-7.airlock"
finish
