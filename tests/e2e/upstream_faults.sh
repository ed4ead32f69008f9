# A host of files that is broken in one way after another (tests/support/fault_upstream.py), under a real `bundle create`:
# what can be got over is got over, the rest is a clear error, leaves no bundle, and the same command goes through once the
# host is mended. docs/development.md lists what the unit tests cover of the same.
. "$(dirname "$0")/lib.sh"
near=$work/near out=$work/out
mkdir -p "$out" "$work/in" && cd "$work/in" || exit 1
port=$(free_port)
start "$work/upstream.log" python3 "$repo/tests/support/fault_upstream.py" "$port"
wait_for 20 curl -fsS "http://127.0.0.1:$port/seen"
for file in big small; do curl -fsS "http://127.0.0.1:$port/plain/$file.bin" -o "$file.bin"; done
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
export TOKEN_OF_TEST=a-secret-of-this-test

# manifest FOLDER [pinned]: both files below that folder, with their digests or without.
manifest() {
  echo "name: $1${2:-}"
  echo "upstreams: { \"127.0.0.1:$port\": { token_env: TOKEN_OF_TEST, plain_http: true } }"
  echo "files:"
  for file in big small; do
    echo "  - { url: \"http://127.0.0.1:$port/$1/$file.bin\", path: $file.bin${2:+, sha256: $(sha256_of $file.bin)} }"
  done
}
# make FOLDER [pinned]: a bundle of it.
make() { manifest "$1" "${2:-}" >"$1.yaml"; timeout 400 "$airlock" --home "$near" bundle create -m "$1.yaml" -o "$out/"; }
# holds FOLDER [pinned]: the bundle has just these bytes.
holds() {
  local file
  for file in big small; do
    rm -f "$work/got"
    "$airlock" --home "$near" bundle extract "$out/$1${2:-}-1.airlock" "$file.bin" -o "$work/got" || return 1
    cmp "$work/got" "$file.bin" || return 1
  done
}
no_bundle() { [ -z "$(find "$out" -name "$1*.airlock")" ]; }
mend() { curl -fsS "http://127.0.0.1:$port/mend?$1" >/dev/null; }

for folder in again seconds date short norange away; do
  for pinned in "" pinned; do
    check "$folder ${pinned:-unpinned}: got over" make $folder $pinned
    check "$folder ${pinned:-unpinned}: with the right bytes" holds $folder $pinned
  done
done
check "nobody came before the time that Retry-After named" bash -c '[ -z "$(curl -fsS "$1")" ]' - "http://127.0.0.1:$port/early"
check "credentials were sent to the host they are for" bash -c 'curl -fsS "$1" | grep -q "^127.0.0.1:"' - "http://127.0.0.1:$port/seen"
check "and not across the redirect" bash -c '! curl -fsS "$1" | grep -q "^localhost"' - "http://127.0.0.1:$port/seen"

# fails CODE FOLDER PINNED TEXT: an error with that text, no bundle, and the same command after mending.
fails() {
  check_exit "$1" "$2 ${3:-unpinned}: is refused" make "$2" "$3"
  check_said "$4"
  check "$2 ${3:-unpinned}: and the secret is not told" not said "$TOKEN_OF_TEST"
  check "$2 ${3:-unpinned}: no bundle" no_bundle "$2${3:-}"
}
mended() {
  mend "$1"
  check "$1 ${2:-unpinned}: mended, the same command goes through" make "$1" "$2"
  check "$1 ${2:-unpinned}: with the right bytes" holds "$1" "$2"
}
fails 1 later "" "1000000"
mended later ""
fails 1 page pinned "HTML page"
mended page pinned
# is_one_version FILE: every whole line of 16 bytes numbers the same answer.
is_one_version() {
  python3 -c 'import sys; d = open(sys.argv[1], "rb").read(); n = {d[i:i + 16] for i in range(0, len(d) - 15, 16)}; print("of answers", *sorted(n)[:9]); sys.exit(len(n) != 1)' "$1"
}
# one_or_none FOLDER: without a digest nothing says which version is right; a file of two must not come of it.
one_or_none() {
  make "$1" >"$work/make.out" 2>&1
  local status=$? file
  cat "$work/make.out"
  case $status in
    0)
      for file in big small; do
        rm -f "$work/one"
        "$airlock" --home "$near" bundle extract "$out/$1-1.airlock" "$file.bin" -o "$work/one" && is_one_version "$work/one" || return 1
      done ;;
    1 | 3) [ ! -e "$out/$1-1.airlock" ] ;;
    *) return 1 ;;
  esac
}
for folder in changing sly bare; do check "$folder unpinned: one version, or an error and no bundle" one_or_none $folder; done
fails 3 changing pinned "is not what was resolved"
mended changing pinned
fails 3 sly pinned "is not what was resolved"
mended sly pinned
fails 3 bare pinned "is not what was resolved"
mended bare pinned
fails 1 wrong pinned "/wrong/big.bin: it "
mended wrong pinned
check_exit 1 "a redirect in a circle is refused" make loop pinned
check_said "redirect"

# A body without an end, where there is room for its beginning only.
mkdir "$work/small" && mount -t tmpfs -o size=96m tmpfs "$work/small"
cp -r "$near" "$work/small/near"
manifest endless >endless.yaml
check_exit 4 "endless: ends where the room ends" timeout 300 "$airlock" --home "$work/small/near" bundle create -m endless.yaml -o "$work/small/"
check "endless: and gives it back" bash -c '[ "$(df --output=avail -B1 "$1" | tail -n 1)" -gt 90000000 ]' - "$work/small"
mend endless
check "endless: mended, the same command goes through" "$airlock" --home "$work/small/near" bundle create -m endless.yaml -o "$work/small/"

# Ten bytes a second are no transfer. It takes the stall timeout times the tries until that is said: some minutes.
if [ "${TRICKLE:-}" = 1 ]; then
  fails 1 trickle pinned "moved for"
  mended trickle pinned
else
  skip "a host that trickles (TRICKLE=1; the unit tests have it with a short timeout)"
fi
finish
