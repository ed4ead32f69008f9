# Accidents: kill -9 at any time during create and import, full disks, upstreams that fail. The same command continues.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
rounds=${ROUNDS:-12}
mkdir -p "$out" "$work/in" && cd "$work/in" || exit 1
start_registry "$work/registry"
python3 "$repo/tests/support/make_image.py" "$work/oci" app:1 --random 60000000 --random 40000000 --random 300000 >/dev/null
check "an image of 100 MB" skopeo copy -q --dest-tls-verify=false "oci:$work/oci:app:1" "docker://$registry/team/app:1"
for n in $(seq 200); do echo "file $n" >"small$n.txt"; done
{ echo "name: faults"; echo "images: [ \"$registry/team/app:1\" ]"
  echo "upstreams: { \"$registry\": { plain_http: true } }"
  echo "files:"; for n in $(seq 200); do echo "  - { source: small$n.txt, path: small/$n.txt }"; done; } >m.yaml
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)

# The undisturbed run, for its length in time and its content.
export SOURCE_DATE_EPOCH; SOURCE_DATE_EPOCH=$(date +%s)
cp -r "$near" "$work/near-reference"
check "an undisturbed create" "$airlock" --home "$work/near-reference" bundle create -m m.yaml -o "$work/reference/"

killed=0
for round in $(seq "$rounds"); do
  # Slowed down to about three seconds, so that there is something to interrupt; each round gets a little longer.
  "$airlock" --home "$near" bundle create -m m.yaml -o "$out/" --limit-rate 35M >/dev/null 2>&1 &
  pid=$!
  sleep "$(awk -v r="$round" -v n="$rounds" 'BEGIN { srand(r); printf "%.3f", 0.05 + rand() * 1.5 * r / n }')"
  kill -9 "$pid" 2>/dev/null && killed=$((killed + 1)); wait "$pid" 2>/dev/null
  [ -e "$out/faults-1.airlock" ] && break
  ls "$out" | grep -qE '^faults-1\.(airlock|v[0-9]+\.tar)$' && { failed=$((failed + 1)); echo "FAIL a killed run left a file under its final name"; }
done
check "create was killed at least five times" test "$killed" -ge 5
if [ ! -e "$out/faults-1.airlock" ]; then check "the same command continues and ends" "$airlock" --home "$near" bundle create -m m.yaml -o "$out/"; fi
check "the bundle is the same as the undisturbed one" cmp "$out/faults-1.airlock" "$work/reference/faults-1.airlock"
check "nothing partial is left" bash -c '! ls -A "$1" | grep -q partial' - "$out"

in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
in_far "$airlock" --home "$work/site-reference" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
begun=$(date +%s%N)
check "an undisturbed import" in_far "$airlock" --home "$work/site-reference" import "$out"
took=$(($(date +%s%N) - begun))
killed=0
for round in $(seq "$rounds"); do
  ip netns exec "$far" "$airlock" --home "$site" import "$out" >/dev/null 2>&1 &
  pid=$!
  sleep "$(awk -v t="$took" -v r="$round" -v n="$rounds" 'BEGIN { printf "%.3f", t / 1e9 * r / (n + 1) }')"
  kill -9 "$pid" 2>/dev/null && killed=$((killed + 1)); wait "$pid" 2>/dev/null
  # Killed before it had a database, it leaves a home that nothing was imported into.
  if in_far "$airlock" --home "$site" --json store list >"$work/list.json" 2>"$work/list.err"; then
    rows=$(jq '.generations | length' "$work/list.json")
    [ "$rows" = 0 ] || [ -e "$site/catalog/current" ] || { failed=$((failed + 1)); echo "FAIL a killed import left half a state"; }
  elif ! grep -q "nothing was imported into" "$work/list.err"; then
    failed=$((failed + 1)); echo "FAIL after a killed import the home does not open"; cat "$work/list.err"
  fi
done
check "import was killed at least twice" test "$killed" -ge 2
check "the same import continues and ends" in_far "$airlock" --home "$site" import "$out"
check "every blob is as it was written" in_far "$airlock" --home "$site" store check
check "both sites hold the same" bash -c 'diff <(cd "$1/blobs" && find . -type f | sort) <(cd "$2/blobs" && find . -type f | sort)' - "$site" "$work/site-reference"

# No space: on the target of create, and in the home of import.
mkdir -p "$work/small" && mount -t tmpfs -o size=40m tmpfs "$work/small"
check_exit 4 "create sees at once that the target is too small" "$airlock" --home "$near" bundle create -m m.yaml -o "$work/small/"
check "and leaves nothing there" bash -c '[ -z "$(ls -A "$1")" ]' - "$work/small"
in_far "$airlock" --home "$work/small/site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
check_exit 4 "import sees at once that the home is too small" in_far "$airlock" --home "$work/small/site" import "$out"
mount -o remount,size=300m "$work/small"
check "with more space the same command goes through" in_far "$airlock" --home "$work/small/site" import "$out"

# Two imports at once: one waits for nobody, and is told.
in_far "$airlock" --home "$work/site3" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
in_far "$airlock" --home "$work/site3" import "$out" >/dev/null 2>"$work/a.err" & a=$!
in_far "$airlock" --home "$work/site3" import "$out" >/dev/null 2>"$work/b.err" & b=$!
wait "$a"; sa=$?; wait "$b"; sb=$?
check "of two imports at once one or both succeed, none breaks anything" bash -c '[ "$1" = 0 ] || [ "$2" = 0 ]' - $sa $sb
check "the other says busy or nothing to do" bash -c '{ [ "$1" = 0 ] || [ "$1" = 4 ]; } && { [ "$2" = 0 ] || [ "$2" = 4 ]; }' - $sa $sb

# An upstream that is gone, needs a password, or does not have it.
stop "$registry_pid"
check_exit 1 "a registry that is not there" "$airlock" --home "$work/near4" --json bundle lock -m m.yaml -o x.lock
check_said '"code"'
start_registry "$work/registry2"
sed "s#\"[0-9.:]*/team/app:1\"#\"$registry/team/absent:1\"#; s#\"[0-9.:]*\": { plain#\"$registry\": { plain#" m.yaml >absent.yaml
check_exit 1 "an image that is not there" "$airlock" --home "$near" bundle lock -m absent.yaml -o x.lock
check_said team/absent
finish
