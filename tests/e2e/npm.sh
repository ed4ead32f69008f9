# Packages of npm: from the registry that this host's npm is configured with to npm, pnpm and yarn behind the gap.
. "$(dirname "$0")/lib.sh"
for tool in node npm jq; do command -v $tool >/dev/null || { skip "no $tool on PATH"; finish; }; done
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/app" "$work/bare/lib"
near_npm() { (cd "$1" && shift && npm --cache "$work/near-cache" --ignore-scripts --no-audit --no-fund "$@"); }

# A project with a lock, which names hosts that are neither here nor there.
cat >"$work/app/package.json" <<'JSON'
{"name":"app","version":"1.0.0","dependencies":{"is-odd":"^3.0.0","aliased":"npm:left-pad@1.3.0","@parcel/watcher":"^2.5.0"},
 "devDependencies":{"chokidar":"^3.6.0"}}
JSON
check "the project is locked by npm itself" near_npm "$work/app" install --package-lock-only
node - "$work/app/package-lock.json" <<'JS'
const fs = require('fs'), file = process.argv[2], lock = JSON.parse(fs.readFileSync(file));
let n = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  if (!place || entry.link) continue;
  const name = entry.name || place.slice(place.lastIndexOf('node_modules/') + 13);
  entry.resolved = `https://registry${n++ % 2}.site.example/${name}/-/${name.split('/').pop()}-${entry.version}.tgz`;
}
fs.writeFileSync(file, JSON.stringify(lock, null, 2));
JS
check "its lock names other hosts" grep -q 'registry1.site.example' "$work/app/package-lock.json"
# One without a lock, with an override.
cat >"$work/bare/package.json" <<'JSON'
{"name":"bare","version":"1.0.0","dependencies":{"is-even":"1.0.0","own":"file:./lib"},"overrides":{"is-number":"3.0.0"}}
JSON
echo '{"name":"own","version":"1.0.0"}' >"$work/bare/lib/package.json"
cat >"$work/npm.yaml" <<YAML
name: npm
platforms: [linux/amd64]
npm:
  packages: ["left-pad", "ms@^2.1", "pnpm@^10", "@yarnpkg/cli-dist@^4", "yarn@^1"]
  projects: [./app, ./bare]
YAML
check "keys" "$airlock" --home "$near" keys init --no-passphrase
check "the folders are found as projects" "$airlock" --home "$near" bundle create --project "$work/app" --dry-run -o "$work/dry/"
check_said "package-lock.json: npm"
check "lock" "$airlock" --home "$near" bundle lock -m "$work/npm.yaml"
check "every tarball is pinned by sha512" bash -c '! grep "\"kind\":\"file\"" "$1" | grep -v "\"pin\":\"sha512:"' - "$work/npm.lock"
check "the musl and macOS variants are named only" bash -c 'for p in linux-x64-musl darwin-arm64; do grep "watcher-$p/-/" "$1" | grep -q "\"kind\":\"known\"" || exit 1; done' - "$work/npm.lock"
check "the variant for this platform is carried" bash -c 'grep "watcher-linux-x64-glibc/-/" "$1" | grep -q "\"kind\":\"file\""' - "$work/npm.lock"
check "create from the lock" "$airlock" --home "$near" bundle create --lock "$work/npm.lock" -o "$out/"
bundle=$out/npm-1.airlock

site_of() { in_far env HOME="$work/far-home" "$@"; }
mkdir -p "$work/far-home"
check "the site pins the root" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" in_far "$airlock" --home "$site" import "$bundle"
start_serve "$site"
check "the client's settings are written" in_far "$airlock" --home "$site" client write --url "http://$mirror" --dir "$work/client" --ecosystem npm
# far_npm FOLDER ARGUMENT…: with those settings, an empty home and an empty cache.
far_run() { local folder=$1; shift; (cd "$folder" && . "$work/client/env.sh" && unset NODE_EXTRA_CA_CERTS && site_of env npm_config_cache="$work/far-cache" npm_config_globalconfig=/dev/null "$@"); }
mkdir -p "$work/far-app" "$work/far-bare" "$work/far-new" "$work/far-bad" "$work/far-pnpm" "$work/far-yarn"
cp "$work"/app/package*.json "$work/far-app/"
check "npm ci with a lock that names other hosts" far_run "$work/far-app" npm ci
check "the alias is there" grep -q '"name": "left-pad"' "$work/far-app/node_modules/aliased/package.json"
check "the native variant is there and loads" far_run "$work/far-app" node -e 'require("@parcel/watcher")'
check "the others are not" bash -c '[ "$(ls "$1/node_modules/@parcel" | grep -c "^watcher-")" = 1 ]' - "$work/far-app"
cp -r "$work/bare/package.json" "$work/bare/lib" "$work/far-bare/"
check "npm install without a lock, with an override" far_run "$work/far-bare" npm install
check "the override holds" bash -c '[ "$(jq -r .version "$1/node_modules/is-number/package.json")" = 3.0.0 ]' - "$work/far-bare"
echo '{"name":"new","version":"1.0.0"}' >"$work/far-new/package.json"
check "npm install of packages by name" far_run "$work/far-new" npm install left-pad ms @parcel/watcher
check "npm view" far_run "$work/far-new" npm view left-pad version
check_said "1.3.0"
check "npm ping" far_run "$work/far-new" npm ping
check "npm dist-tag ls" far_run "$work/far-new" npm dist-tag ls ms
check "npm search" far_run "$work/far-new" npm search left
check_said "left-pad"
check_exit 1 "npm audit gives no false all-clear" far_run "$work/far-new" npm audit
cp "$work/far-new/package.json" "$work/far-pnpm/"
check "pnpm comes from the mirror and installs" far_run "$work/far-pnpm" npx --yes pnpm@10 add left-pad ms @parcel/watcher
check "what it installed is there" test -f "$work/far-pnpm/node_modules/left-pad/package.json"
mkdir -p "$work/far-yarn1"
for folder in far-yarn far-yarn1; do echo '{"name":"fresh","version":"1.0.0"}' >"$work/$folder/package.json"; done
touch "$work/far-yarn/yarn.lock"
check "yarn 4 comes from the mirror and installs" far_run "$work/far-yarn" env YARN_ENABLE_GLOBAL_CACHE=0 YARN_NODE_LINKER=node-modules npx --yes --package @yarnpkg/cli-dist yarn add left-pad is-odd
check "what it installed is there" test -f "$work/far-yarn/node_modules/is-odd/package.json"
check "yarn 1 does too" far_run "$work/far-yarn1" env YARN_CACHE_FOLDER="$work/yarn1-cache" npx --yes yarn@1 add left-pad is-odd
check "what it installed is there" test -f "$work/far-yarn1/node_modules/is-odd/package.json"

# Every address in every document is this mirror's.
jq -r 'select(.kind == "meta") | .path' "$work/npm.lock" | sed 's#/[^/]*$##' | sort -u >"$work/names"
check "no document names another host" bash -c 'while read -r name; do for accept in application/json application/vnd.npm.install-v1+json; do
  ip netns exec "$1" curl -fsS -H "Accept: $accept" "$2/${name/\//%2f}" | jq -er ".name as \$n | .versions[].dist.tarball" | grep -v "^$2/" && exit 1; done; done <"$3"; [ -s "$3" ]' - "$far" "http://$mirror/npm" "$work/names"

# Wrong integrity is refused by the client on the far side …
jq '(.packages["node_modules/is-odd"].integrity) = "sha512-" + ("A" * 86) + "=="' "$work/app/package-lock.json" >"$work/far-bad/package-lock.json"
cp "$work/app/package.json" "$work/far-bad/"
check_exit 1 "npm refuses another integrity" far_run "$work/far-bad" npm ci --cache "$work/far-bad-cache"
check_said "EINTEGRITY"
# … and by airlock on the near side, wherever it stands.
printf 'name: bad\nplatforms: [linux/amd64]\nnpm: { projects: [./far-bad] }\n' >"$work/bad.yaml"
check_exit 3 "a lock whose integrity is not the registry's is refused" "$airlock" --home "$near" bundle lock -m "$work/bad.yaml"
fault_port=$(free_port)
start "$work/fault.log" python3 tests/support/fault_npm_registry.py "$fault_port"
wait_for 20 curl -fsS "http://127.0.0.1:$fault_port/swapped"
from_fault() { printf 'name: fault\nplatforms: [linux/amd64]\nnpm: { packages: ["%s"] }\nupstreams: { npm: { url: "http://127.0.0.1:%s" } }\n' "$1" "$fault_port" >"$work/fault.yaml"; "$airlock" --home "$near" bundle create -m "$work/fault.yaml" -o "$work/fault-out/"; }
mkdir -p "$work/fault-out"
check_exit 3 "a tarball of other bytes is refused" from_fault swapped
check "and leaves no bundle" bash -c '! ls "$1"/*.airlock 2>/dev/null' - "$work/fault-out"
check_exit 1 "a sign-in page is no registry" from_fault html
check_said "no JSON"
check_exit 1 "half a document" from_fault half
check_exit 1 "another package's document" from_fault other
check_exit 1 "a closure that cannot be satisfied" from_fault chain
check_said "the manifest → chain@1.0.0 → link@1.0.0 → swapped@^9"

# What is missing appears in the wants, and comes with the next bundle.
check_exit 1 "a package that is not here" far_run "$work/far-new" npm install is-windows
check_said "not in any imported bundle"
wanted() { far_airlock wants | grep -q is-windows; }
check "is remembered" wait_for 10 wanted
check "the wants are written" in_far "$airlock" --home "$site" wants -o "$work/wants.yaml"
check "the next bundle brings them" "$airlock" --home "$near" bundle create --wants "$work/wants.yaml" --base "$bundle" -o "$out/"
check "import of the second" in_far "$airlock" --home "$site" import "$out/npm-2.airlock"
check "now it installs" far_run "$work/far-new" npm install is-windows --prefer-online
check "and what was here before still does" far_run "$work/far-app" npm ci
finish
