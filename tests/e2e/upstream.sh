# The local upstream behaves as the hosts whose place it takes: the real clients, told nothing but these hosts' addresses
# and a certificate authority, install from it. What other suites prove through airlock rests on this.
. "$(dirname "$0")/lib.sh"
. tests/e2e/peers_lib.sh
make_far
need_peers pulumi command tofu null random
publish_peers
start_outside

release=https://github.com/pulumi/pulumi/releases/download/v$v_pulumi
archive=$(basename "$(ls "$upstream/github.com/pulumi/pulumi/releases/download/v$v_pulumi"/*.tar.gz)")
check "the CLI's archive comes by its name" outside curl -fsS "$release/$archive" -o "$work/$archive"
check "and so does the file of checksums" outside curl -fsS "$release/pulumi-$v_pulumi-checksums.txt" -o "$work/checksums.txt"
check "which holds for it" bash -c 'cd "$1" && sha256sum -c checksums.txt' - "$work"
check "a range comes alone" outside curl -fsS -r 1000-1999 "$release/$archive" -o "$work/range"
check "and is that part" cmp -n 1000 -i 1000:0 "$work/$archive" "$work/range"
check "what is not there is 404" outside bash -c '[ "$(curl -s -o /dev/null -w "%{http_code}" https://get.pulumi.com/releases/plugins/none)" = 404 ]'

tar -xzf "$work/$archive" -C "$work"
export PULUMI_HOME=$work/pulumi-home PULUMI_SKIP_UPDATE_CHECK=true PULUMI_BACKEND_URL=file://$work PATH=$work/pulumi:$peers/tofu:$PATH
check "the CLI out of the archive knows its version" bash -c '[ "$(pulumi version)" = "v$1" ]' - "$v_pulumi"
check "it installs the plugin from where plugins are by default" outside pulumi plugin install resource command "$v_command"
check "which is there" bash -c 'pulumi plugin ls --json | jq -e ".[] | select(.name == \"command\" and .version == \"$1\")"' - "$v_command"
check "it came from the release on GitHub" grep -q "200 github.com GET /pulumi/pulumi-command/releases/download/" "$work/requests.log"
check "the newest version is found in GitHub's API" outside pulumi plugin install resource command --reinstall
check "and the plugin in the CDN's folder" outside pulumi plugin install resource command "$v_command" --reinstall --server https://get.pulumi.com/releases/plugins

tofu_release=$upstream/github.com/opentofu/opentofu/releases/download/v$v_tofu
gpg --dearmor <"$upstream/upstream.asc" >"$work/upstream.gpg" 2>/dev/null
check "OpenTofu's checksums are signed" gpgv --keyring "$work/upstream.gpg" "$tofu_release/tofu_${v_tofu}_SHA256SUMS.gpgsig" "$tofu_release/tofu_${v_tofu}_SHA256SUMS"
check "and hold" bash -c 'cd "$1" && sha256sum -c --ignore-missing "tofu_$2_SHA256SUMS"' - "$tofu_release" "$v_tofu"
cp -r tests/data/projects/opentofu "$work/project"
check "tofu init installs from its registry" outside tofu -chdir="$work/project" init -input=false -no-color
check_said "Installed hashicorp/random v$v_random (signed, key ID"
check "its lock file has the archive's digest and that of the content" bash -c '[ "$(grep -c "\"zh:" "$1")" = 2 ] && [ "$(grep -c "\"h1:" "$1")" = 2 ]' - \
  "$work/project/.terraform.lock.hcl"
echo "00" | dd of="$(ls "$upstream"/github.com/opentofu/terraform-provider-null/releases/download/v*/*.sig)" bs=1 seek=60 conv=notrunc status=none
rm -rf "$work/project/.terraform"*
check "a damaged signature is refused" not outside tofu -chdir="$work/project" init -input=false -no-color
if command -v terraform >/dev/null; then
  rm -rf "$work/project/.terraform"*
  check "terraform init installs from its own" outside env CHECKPOINT_DISABLE=1 terraform -chdir="$work/project" init -input=false -no-color
  check_said "Installed hashicorp/null v$v_null"
else
  skip "no terraform on PATH"
fi
finish
