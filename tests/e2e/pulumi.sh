# Plugins of Pulumi: from the hosts that publish them to the real CLI, on a side that reaches nothing outside.
. "$(dirname "$0")/lib.sh"
. tests/e2e/peers_lib.sh
make_far
need_peers pulumi command
publish_peers
start_upstream
near=$work/near site=$work/site arch=$(go env GOARCH)
plugin=pulumi-resource-command-v$v_command-linux-$arch.tar.gz
release=$upstream/github.com/pulumi/pulumi-command/releases/download/v$v_command
cp -r tests/data/projects/yaml "$work/project"

# manifest FILE SECTION…: the section's lines, and how the local upstream is reached.
manifest() {
  local file=$1; shift
  { echo "name: plugins"; echo "platforms: [linux/$arch]"; printf '%s\n' "$@"; upstreams_section; } >"$file"
}
create() { "$airlock" --home "$near" bundle create "$@"; }
row() { grep -F "\"path\":\"plugins/$plugin\"" "$1"; }

# ---- the connected side -------------------------------------------------------------------------------------------
check "keys" "$airlock" --home "$near" keys init --no-passphrase
manifest "$work/m.yaml" "pulumi:" "  projects: [./project]" "  cli: $v_pulumi"
check "the project and the CLI are locked" "$airlock" --home "$near" bundle lock -m "$work/m.yaml" -o "$work/m.lock"
check "the plugin is the one that the project's program uses" row "$work/m.lock"
check "its digest is that of the release's file, not the SHA-1 beside it" grep -F "$(sha256_of "$release/$plugin")" <(row "$work/m.lock")
check "and counts as upstream's word" grep -F '"verified":"upstream-digest"' <(row "$work/m.lock")
check "the CLI is the tool" grep -F "\"path\":\"pulumi/$v_pulumi/" "$work/m.lock"
check "a bundle" create -m "$work/m.yaml" -o "$work/1.airlock"
manifest "$work/hosts.yaml" "files: []"
check "the working tree says so itself" create -m "$work/hosts.yaml" --project "$work/project" --dry-run
check_said "Pulumi.yaml"
manifest "$work/newest.yaml" "pulumi: { plugins: [command] }"
check "without a version it is the newest" "$airlock" --home "$near" bundle lock -m "$work/newest.yaml" -o "$work/newest.lock"
check "which the lock says" row "$work/newest.lock"

# ---- the far side -------------------------------------------------------------------------------------------------
"$airlock" --home "$near" trust export -o "$work/root.json" >/dev/null
check "the site pins the root" far_airlock trust init "$work/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" far_airlock import "$work/1.airlock"
check "a certificate for the mirror" far_airlock tls 127.0.0.1 -o "$work/tls-site"
check_exit 2 "is made once" far_airlock tls 127.0.0.1 -o "$work/tls-site"
ca=$work/tls-site/ca.pem
start "$work/serve.log" in_far "$airlock" -v --home "$site" serve --listen 127.0.0.1:8480 --tls-cert "$work/tls-site/cert.pem" \
  --tls-key "$work/tls-site/key.pem" --tls-ca "$ca"
url=https://127.0.0.1:8480
check "the mirror answers" wait_for 20 in_far curl -fsS --cacert "$ca" -o /dev/null "$url/healthz"
check "and gives out its authority" cmp <(in_far curl -fsSk "$url/setup/ca.pem") "$ca"

check "the CLI comes by the layout of its own host" in_far curl -fsS --cacert "$ca" -o "$work/cli.tar.gz" \
  "$url/pulumi/sdk/$(basename "$(ls "$upstream"/get.pulumi.com/releases/sdk/*.tar.gz)")"
check "with the newest version's name" test "$(in_far curl -fsS --cacert "$ca" "$url/pulumi/sdk/latest-version")" = "$v_pulumi"
mkdir -p "$work/cli" "$work/state" && tar -xzf "$work/cli.tar.gz" -C "$work/cli"
far_airlock client show --url "$url" --ca "$ca" --ecosystem pulumi | grep '^export ' >"$work/env.sh"
# client COMMAND…: with what `client show` says, a home and a state of its own, and nothing of this host's settings.
client() {
  in_far env -i HOME="$work/user" PULUMI_HOME="$work/pulumi" PULUMI_BACKEND_URL="file://$work/state" PULUMI_CONFIG_PASSPHRASE=x \
    PATH="$work/cli/pulumi:/usr/bin:/bin" bash -c '. "$1" && shift && exec "$@"' - "$work/env.sh" "$@"
}
check "it is the version that was asked for" test "$(client pulumi version)" = "v$v_pulumi"
check "the CLI installs the plugin by name" client pulumi plugin install resource command "$v_command"
check "which came from the mirror" grep -F "GET /pulumi/plugins/$plugin\" 200" "$work/serve.log"
rm -rf "$work/pulumi/plugins"
check "a stack" client pulumi -C "$work/project" stack init dev
check "preview gets the plugin by itself" client pulumi -C "$work/project" preview --stack dev --non-interactive
check_said "Installing plugin command-$v_command"
check "up" client pulumi -C "$work/project" up --yes --stack dev --non-interactive
check "destroy" client pulumi -C "$work/project" destroy --yes --stack dev --non-interactive

# One rule for every plugin that is here, and for every kind of address that a package may name.
rm -rf "$work/pulumi/plugins"
for path in $(in_far curl -fsS --cacert "$ca" "$url/pulumi/" | jq -r '.files[].path | select(endswith(".tar.gz"))'); do
  [[ $path =~ ^plugins/pulumi-([a-z]+)-(.+)-v([0-9][^-]*)-linux- ]]
  check "the overrides lead to $path" client pulumi plugin install "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" --exact
done
for server in github://api.github.com/acme github://git.acme.example/acme/own gitlab://gitlab.acme.example/1 https://dl.acme.example/x; do
  check "and so with the server $server" client pulumi plugin install resource command "$v_command" --reinstall --server "$server"
done

# ---- what is missed comes with the next bundle --------------------------------------------------------------------
check "a plugin that is not here is an error" not client pulumi plugin install converter demo 1.0.0
check_said "404"
check "the miss is a wish" wait_for 10 bash -c '"$1" --home "$2" wants | grep -F "converter demo@1.0.0"' - "$airlock" "$site"
far_airlock wants -o "$work/wants.yaml" >/dev/null
demo=$upstream/github.com/pulumi/pulumi-converter-demo/releases/download/v1.0.0
demo_file=pulumi-converter-demo-v1.0.0-linux-$arch.tar.gz
mkdir -p "$demo" "$work/demo" && printf '#!/bin/sh\n' >"$work/demo/pulumi-converter-demo" && chmod +x "$work/demo/pulumi-converter-demo"
tar -C "$work/demo" -czf "$demo/$demo_file" pulumi-converter-demo
echo "$(sha256_of "$demo/$demo_file")  $demo_file" >"$demo/pulumi-converter-demo_1.0.0_checksums.txt"
manifest "$work/how.yaml" "pulumi: { projects: [./project], cli: $v_pulumi }"
check "the list makes the next bundle" create -m "$work/how.yaml" --wants "$work/wants.yaml" --base "$work/1.airlock" -o "$work/2.airlock"
check "import of what was missing" far_airlock import "$work/2.airlock"
check "now it is there" client pulumi plugin install converter demo 1.0.0

# ---- what must not pass -------------------------------------------------------------------------------------------
manifest "$work/demo.yaml" "pulumi: { plugins: [\"converter demo@1.0.0\"] }"
echo "$(printf x | sha256sum | cut -d' ' -f1)  $demo_file" >"$demo/pulumi-converter-demo_1.0.0_checksums.txt"
check_exit 3 "a file that its checksums do not fit is refused" create -m "$work/demo.yaml" -o "$work/bad.airlock"
check "and nothing is left of the bundle" not test -e "$work/bad.airlock"
manifest "$work/none.yaml" "pulumi: { plugins: [command@99.0.0] }"
check_exit 1 "a version that nobody has is told" create -m "$work/none.yaml" -o "$work/bad.airlock"
check_said "get.pulumi.com"
manifest "$work/git.yaml" "pulumi: { plugins: [\"x@1.0.0 server=git://git.example/x\"] }"
check_exit 2 "a source that cannot be carried is told" create -m "$work/git.yaml" -o "$work/bad.airlock"
finish
