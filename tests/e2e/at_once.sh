# Two commands at once on one home: one has the lock, the other is told who, and nothing of either is lost.
. "$(dirname "$0")/lib.sh"
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/in" && cd "$work/in" || exit 1
unset AIRLOCK_HOME
mkdir many
for number in $(seq 3000); do echo "$number" >"many/$number"; done  # for a sweep that takes a while
for number in 1 2; do
  head -c 40000000 /dev/urandom >"big$number.bin"
  printf 'name: at-once\nfiles:\n  - { source: big%s.bin, path: big.bin }\n' "$number" >"m$number.yaml"
done
echo "  - { source: many, path: many }" >>m1.yaml
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
check "a first bundle" "$airlock" --home "$near" bundle create -m m1.yaml -o "$out/"
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
"$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
check "is imported" "$airlock" --home "$site" import "$out"

# hold LOCK COMMAND…: starts it, and stops it in the middle, as soon as it has the lock; sets $held.
hold() {
  local lock=$1 until=$((SECONDS + 20 * patience)); shift
  "$@" >"$work/held.log" 2>&1 &
  held=$!
  while [ "$(cat "$lock" 2>/dev/null)" != "$held" ]; do
    kill -0 "$held" && [ "$SECONDS" -lt "$until" ] || return 1
  done
  kill -STOP "$held"
}
go_on() { kill -CONT "$held"; wait "$held"; }
# is_told NAME COMMAND…: it ends with 4, and says whom to wait for.
is_told() {
  local name=$1; shift
  check_exit 4 "$name is told to wait" "$@"
  check_said "process $held ("
}

create=("$airlock" --home "$near" bundle create -m m2.yaml -o "$out/")
check "a create is under way" hold "$near/channels/at-once/lock" "${create[@]}"
is_told "a second create of the same channel" "${create[@]}"
check "the first ends well" go_on
check "with a whole bundle" "$airlock" --home "$site" verify "$out/at-once-2.airlock"

check "an import is under way" hold "$site/lock" "$airlock" --home "$site" import "$out"
is_told "a second import" "$airlock" --home "$site" import "$out"
is_told "a sweep" "$airlock" --home "$site" store sweep
is_told "an activate" "$airlock" --home "$site" store activate 1
check "who only looks is not" "$airlock" --home "$site" store list
check "and what is served is the state before" bash -c '[ "$(cat "$1/catalog/current")" = 1 ]' - "$site"
check "the import ends well" go_on
check "its state is served" bash -c '[ "$(cat "$1/catalog/current")" = 2 ]' - "$site"
check "every blob is right" "$airlock" --home "$site" store check
check "and the log is unbroken" "$airlock" --home "$site" audit verify

check "a sweep is under way" hold "$site/lock" "$airlock" --home "$site" store sweep --keep 1
is_told "an import" "$airlock" --home "$site" import "$out"
check "the sweep ends well" go_on
check "what is served is whole" "$airlock" --home "$site" store check
finish
