# The site's policy and its scanner, on both sides: what is refused, what is taken all the same, what is remembered.
. "$(dirname "$0")/lib.sh"
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/in" "$work/bin" "$site" && cd "$work/in" || exit 1

# The test file of scanners, which does not stand in this one: scanners would refuse this suite.
printf '%s' 'K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*' | tr 'A-Za-z' 'N-ZA-Mn-za-m' >"$work/eicar"
cat >"$work/bin/filter" <<SH
#!/bin/sh
# A filter: refuses the test file and archives that are broken.
echo "\$AIRLOCK_PATH" >>"$work/calls"
[ ! -e "$work/slow" ] || sleep 5
case "\$AIRLOCK_PATH" in
  *.xz) xz -t - || { echo "a broken archive"; exit 1; } ;;
  *) if grep -qaF -f "$work/eicar"; then echo "Eicar-Test-Signature FOUND"; exit 1; fi ;;
esac
exit 0
SH
cat >"$work/bin/files" <<SH
#!/bin/sh
echo "\$#" >>"$work/batches"
if grep -laF -f "$work/eicar" "\$@"; then exit 1; fi
exit 0
SH
chmod 755 "$work/bin/filter" "$work/bin/files"
calls() { wc -l <"$work/calls"; }

echo one >one.txt; echo two >two.txt; cp "$work/eicar" tool.com
head -c 4000000 /dev/urandom | xz -1 >good.xz; head -c 20000 good.xz >broken.xz
manifest() {  # NAME FILE…
  local file; printf 'name: %s\nfiles:\n' "$1"
  for file in "${@:2}"; do printf '  - { source: %s, path: "data/%s" }\n' "$file" "$file"; done
}
manifest scanned one.txt two.txt good.xz >clean.yaml
manifest scanned one.txt tool.com good.xz >bad.yaml
"$airlock" --home "$near" keys init --no-passphrase >/dev/null

# Create.
printf 'scan: { command: ["%s"], version: "1" }\n' "$work/bin/filter" >"$near/policy.yaml"
check_exit 3 "create refuses what the scanner refuses" "$airlock" --home "$near" bundle create -m bad.yaml -o "$out/bad.airlock"
check_said "data/tool.com"
check_said "Eicar-Test-Signature FOUND"
check "no bundle was made" test ! -e "$out/bad.airlock"
check_exit 3 "and with --json it says so in one object" bash -c '"$@" >"$0" 2>/dev/null' "$work/json" "$airlock" --json --home "$near" bundle create -m bad.yaml -o "$out/bad.airlock"
check "with its code" jq -e '.error.code == "scan-refused"' "$work/json"
check "a clean bundle is made" "$airlock" --home "$near" bundle create -m clean.yaml -o "$out/"
check "and tells that it was scanned" bash -c '"$1" bundle inspect "$2" --json | jq -e "[.attachments[].kind] | index(\"scan-report\")"' - "$airlock" "$out/scanned-1.airlock"
before=$(calls); echo three >three.txt; manifest scanned one.txt two.txt good.xz three.txt >more.yaml
check "the next one, with a file more" "$airlock" --home "$near" bundle create -m more.yaml --base "$out/scanned-1.airlock" -o "$out/"
check "only the new file is scanned" test "$(($(calls) - before))" = 1
printf 'scan: { command: ["%s"] }\n' "$work/bin/absent" >"$near/policy.yaml"
check_exit 1 "a scanner that is not there stops create" "$airlock" --home "$near" bundle create -m clean.yaml -o "$out/absent.airlock"
check_said "came to no verdict"

# Bundles of a producer that does not scan.
rm "$near/policy.yaml"
manifest unscanned one.txt tool.com good.xz broken.xz >unscanned.yaml
check "a bundle that nobody scanned" "$airlock" --home "$near" bundle create -m unscanned.yaml -o "$out/"
check "its root is pinned" bash -c '"$1" --home "$2" trust export -o "$3/root.json" --json | jq -r .fingerprint >"$3/fp" && "$1" --home "$4" trust init "$3/root.json" --fingerprint "$(cat "$3/fp")"' - "$airlock" "$near" "$work" "$site"

# Import.
bundle=$out/unscanned-1.airlock
printf 'scan: { command: ["%s"], version: "1" }\n' "$work/bin/filter" >"$site/policy.yaml"
check_exit 3 "import refuses what the scanner refuses" "$airlock" --home "$site" import "$bundle"
check_said "data/tool.com"
check_said "data/broken.xz"
check_said "--withhold"
check "nothing is visible" not test -e "$site/catalog/current"
check "the refused file is not on the disk" not grep -rlaF -f "$work/eicar" "$site/blobs"
before=$(calls)
check_exit 3 "the same command is refused again" "$airlock" --home "$site" import "$bundle"
check "without scanning anything twice" test "$(calls)" = "$before"
check_exit 3 "--rescan asks anew" "$airlock" --home "$site" import "$bundle" --rescan
check "about every file" test "$(calls)" -ge "$((before + 4))"
check_exit 3 "--withhold of one leaves the other refused" "$airlock" --home "$site" import "$bundle" --withhold "sha256:$(sha256_of tool.com)" --reason "scanner"
check "--withhold of both takes the rest" "$airlock" --home "$site" import "$bundle" --withhold "sha256:$(sha256_of tool.com)" --withhold "sha256:$(sha256_of broken.xz)" --reason "the scanner refuses them"
check "the report of one file is kept" bash -c '"$1" --home "$2" store scans "$3" | grep -F "Eicar-Test-Signature FOUND"' - "$airlock" "$site" "sha256:$(sha256_of tool.com)"
check "the audit log holds the refusal" bash -c 'python3 - "$1/airlock.db" <<"PY"
import sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute("SELECT detail FROM audit WHERE action = ?", ("scan-refused",)).fetchall()
assert rows and "Eicar-Test-Signature" in rows[0][0], rows
PY' - "$site"
check "receipts list what is withheld" bash -c 'jq -e "(.withheld | length) == 2" "$1"/receipts/unscanned-1.json' - "$site"

# By policy, in batches by path, and where the file system has no hard links.
for without in "" link; do
  other=$work/site-batch$without; mkdir -p "$other"; : >"$work/batches"
  "$airlock" --home "$other" trust init "$work/root.json" --fingerprint "$(cat "$work/fp")" >/dev/null 2>&1
  printf 'scan: { command: ["%s"], batch: 100, at: [import], on_refusal: withhold }\n' "$work/bin/files" >"$other/policy.yaml"
  check "a policy that withholds takes the rest${without:+, without hard links}" bash -c '"$@" >"$0" 2>/dev/null' "$work/json" env AIRLOCK_WITHOUT="$without" "$airlock" --home "$other" import "$bundle" --json
  check "and reports it" jq -e '.bundles[0].withheld == 1 and .bundles[0].scan.withheld[0].path == "data/tool.com"' "$work/json"
  check "one call for all, and one for each after the refusal" test "$(head -n 1 "$work/batches")" -gt 3 -a "$(wc -l <"$work/batches")" -gt 4
  check "no names of blobs are left" test ! -e "$other/scan"
done

# Killed in the middle of a scan: the same command goes on.
killed=$work/site-killed; mkdir -p "$killed"
"$airlock" --home "$killed" trust init "$work/root.json" --fingerprint "$(cat "$work/fp")" >/dev/null 2>&1
printf 'scan: { command: ["%s"], version: "1", on_refusal: withhold, timeout: 60s }\n' "$work/bin/filter" >"$killed/policy.yaml"
touch "$work/slow"; : >"$work/calls"
start "$work/killed.log" "$airlock" --home "$killed" import "$bundle"; victim=$last_pid
check "the scan has begun" wait_for 20 test -s "$work/calls"
kill -9 "$victim"; wait "$victim" 2>/dev/null
rm "$work/slow"
check "nothing is visible after a kill" not test -e "$killed/catalog/current"
check "the same command goes on" "$airlock" --home "$killed" import "$bundle"
check "and everything is there" "$airlock" --home "$killed" store check

# New signatures: everything that is served is shown again.
check "nothing new is found by the same scanner" "$airlock" --home "$site" store check --scan
sed -i 's/exit 0$/if [ "$AIRLOCK_PATH" = data\/one.txt ]; then echo "New.Signature FOUND"; exit 1; fi; exit 0/' "$work/bin/filter"
printf 'scan: { command: ["%s"], version: "2" }\n' "$work/bin/filter" >"$site/policy.yaml"
check_exit 3 "new signatures find what is served" "$airlock" --home "$site" store check --scan
check_said "New.Signature FOUND"
check_said "airlock block"
check_exit 3 "the same bundle is refused now" "$airlock" --home "$site" import "$bundle"
check "until what was found is withheld" "$airlock" --home "$site" import "$bundle" --withhold "sha256:$(sha256_of one.txt)" --reason "new signatures"
check "after which the store is clean" "$airlock" --home "$site" store check --scan

# The policy itself.
check "the policy in effect is shown with its places" bash -c '"$1" --home "$2" trust policy --json | jq -e "[.values[] | select(.key == \"scan.version\")][0].origin | endswith(\"policy.yaml:1:$3\")"' - "$airlock" "$site" "$(($(awk '{print index($0, "\"2\"")}' "$site/policy.yaml")))"
limited() {  # CODE NAME POLICY EXPECTED
  local home=$work/site-limited; rm -rf "$home"; mkdir -p "$home"
  "$airlock" --home "$home" trust init "$work/root.json" --fingerprint "$(cat "$work/fp")" >/dev/null 2>&1
  printf '%s\n' "$3" >"$home/policy.yaml"
  check_exit "$1" "$2" "$airlock" --home "$home" import "$bundle"
  check_said "$4"
  check "$2: nothing was taken" test ! -e "$home/blobs/sha256"
}
limited 3 "a bundle beyond a size" 'limits: { blob: 1MiB }' "data/good.xz"
limited 3 "a bundle of too many files" 'limits: { files: 2 }' "takes 2 at most"
limited 3 "a path outside of a channel's namespaces" 'namespaces: { unscanned: ["file:data/*.txt"] }' "file:data/good.xz"
limited 3 "a channel without namespaces" 'namespaces: { other: [file] }' "may bring nothing"
limited 3 "a threshold below the floor" 'minimum_threshold: { snapshot: 2 }' "snapshot"
limited 2 "a misspelt policy" 'limts: { blob: 1 }' "did you mean 'limits'"
chmod 666 "$work/site-limited/policy.yaml"
check_exit 2 "a policy that others can write" "$airlock" --home "$work/site-limited" import "$bundle"
check_said "chmod go-w"

# A real scanner, where there is one with signatures.
if command -v clamscan >/dev/null && [ -n "$(ls /var/lib/clamav/*.c?d 2>/dev/null)" ]; then
  clam=$work/site-clam; mkdir -p "$clam"
  "$airlock" --home "$clam" trust init "$work/root.json" --fingerprint "$(cat "$work/fp")" >/dev/null 2>&1
  cat >"$clam/policy.yaml" <<'YAML'
scan:
  command: [clamscan, --no-summary, "-"]
  files_command: [clamscan, --no-summary]
  batch: 100
  version_command: [clamscan, --version]
YAML
  check_exit 3 "ClamAV refuses the test file" "$airlock" --home "$clam" import "$bundle"
  check_said "data/tool.com"
else
  skip "ClamAV: clamscan with signatures is not installed here"
fi
finish
