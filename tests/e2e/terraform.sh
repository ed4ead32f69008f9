# Providers of OpenTofu and Terraform: from their registries, with signatures and lock files, to the real clients on a side
# that reaches nothing outside.
. "$(dirname "$0")/lib.sh"
. tests/e2e/peers_lib.sh
make_far
need_peers pulumi tofu null random
publish_peers
start_upstream
start_outside
near=$work/near site=$work/site arch=$(go env GOARCH) tofu=$peers/tofu/tofu
gpg_home=$work/gpg
mkdir -m 700 "$gpg_home"
signer=$(gpg --homedir "$gpg_home" --with-colons --show-keys "$upstream/upstream.asc" 2>/dev/null | awk -F: '$1 == "fpr" {print $10; exit}')
stranger=$(printf 'A%.0s' {1..40})

# manifest FILE LINE…: these lines, and how the local upstream is reached.
manifest() {
  local file=$1; shift
  { echo "name: providers"; echo "platforms: [linux/$arch]"; printf '%s\n' "$@"; upstreams_section; } >"$file"
}
create() { "$airlock" --home "$near" bundle create "$@"; }

# ---- the connected side -------------------------------------------------------------------------------------------
cp -r tests/data/projects/opentofu "$work/project"
check "tofu locks the project against its own registry" outside "$tofu" -chdir="$work/project" init -input=false -no-color
rm -rf "$work/project/.terraform"
stop "$outside_pid"
cp "$work/project/.terraform.lock.hcl" "$work/upstream.lock.hcl"

check "keys" "$airlock" --home "$near" keys init --no-passphrase
manifest "$work/m.yaml" "terraform:" "  projects: [./project]" "  providers: [hashicorp/null]" "  tool: both" \
  "  signers: [\"hashicorp $signer\"]" "tools: [{ name: opentofu, version: $v_tofu, key: upstream/upstream.asc, key_fingerprint: $signer }]"
check "a bundle with what the project and its lock file say" create -m "$work/m.yaml" -o "$work/1.airlock"
manifest "$work/hosts.yaml" "files: []"
check "the working tree says so itself" create -m "$work/hosts.yaml" --project "$work/project" --dry-run
check_said ".terraform.lock.hcl"
check "look into it" "$airlock" --home "$near" --json bundle inspect "$work/1.airlock"
manifest "$work/lock.yaml" "terraform: { projects: [./project] }"
check "the registry is the lock file's where nothing else is said" "$airlock" --home "$near" bundle lock -m "$work/lock.yaml" -o "$work/m.lock"
check "so only its providers are there" not grep -F registry.terraform.io "$work/m.lock"
check "their signatures are proved" grep -F '"verified":"upstream-signature"' <(grep "terraform-provider-null_${v_null}_linux" "$work/m.lock")
check "and that the tool's checksums are signed" grep -F '"verified":"upstream-signature"' <("$airlock" --home "$near" bundle lock -m "$work/m.yaml" -o "$work/all.lock" >/dev/null 2>&1; grep "tofu_${v_tofu}_linux" "$work/all.lock")

# ---- the far side -------------------------------------------------------------------------------------------------
"$airlock" --home "$near" trust export -o "$work/root.json" >/dev/null
check "the site pins the root" far_airlock trust init "$work/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" far_airlock import "$work/1.airlock"
check "a certificate for the mirror" far_airlock tls 127.0.0.1 mirror.site.example -o "$work/tls-site"
ca=$work/tls-site/ca.pem
start "$work/serve.log" in_far "$airlock" -v --home "$site" serve --listen 127.0.0.1:8480 --tls-cert "$work/tls-site/cert.pem" \
  --tls-key "$work/tls-site/key.pem" --tls-ca "$ca"
url=https://127.0.0.1:8480
check "the mirror answers" wait_for 20 in_far curl -fsS --cacert "$ca" -o /dev/null "$url/healthz"
check "client settings are written" far_airlock client write --url "$url" --ca "$ca" --ecosystem terraform --dir "$work/clients"

# client COMMAND…: with the environment that was written, and nothing of this host's settings.
client() {
  in_far env -i HOME="$work/user" PATH="$(dirname "$tofu"):/usr/local/bin:/usr/bin:/bin" \
    bash -c '. "$1" && shift && exec "$@"' - "$work/clients/env.sh" "$@"
}
fresh() { rm -rf "$work/project/.terraform" "$work/project/.terraform.lock.hcl" "$work/project"/*.tfstate*; }
init() { client "$1" -chdir="$work/project" init -input=false -no-color; }

check "tofu init with the lock file of the outside" init tofu
check "leaves it as it was" cmp "$work/project/.terraform.lock.hcl" "$work/upstream.lock.hcl"
check "apply" client tofu -chdir="$work/project" apply -auto-approve -input=false -no-color
check_said "hello from OpenTofu"
check "destroy" client tofu -chdir="$work/project" destroy -auto-approve -input=false -no-color
fresh
check "tofu init without a lock file" init tofu
check "locks the same hash of what is in the archive" grep -F "$(grep -o 'h1:[^"]*' "$work/upstream.lock.hcl" | head -n 1)" "$work/project/.terraform.lock.hcl"
check "a lock file for a platform can be made against the mirror" client tofu -chdir="$work/project" providers lock \
  -net-mirror="$url/tf/providers/" -platform="linux_$arch"
sed -i 's/"h1:[^"]*"/"h1:47DEQpj8HBSa+\/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="/; s/"zh:[0-9a-f]*"/"zh:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"/' "$work/project/.terraform.lock.hcl"
rm -rf "$work/project/.terraform"
check "other hashes in a lock file are refused by the client" not init tofu
fresh
if command -v terraform >/dev/null; then
  check "terraform init finds its own" init terraform
  check "and plans" client terraform -chdir="$work/project" plan -input=false -no-color
  check "from its own registry's folder" grep -F "GET /tf/providers/registry.terraform.io/hashicorp/null/$v_null.json\" 200" "$work/serve.log"
  fresh
else
  skip "no terraform on PATH"
fi
check "without the site's authority nothing is taken" not client env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt tofu -chdir="$work/project" init -input=false
fresh
mkdir "$work/module" && printf 'module "x" {\n  source = "hashicorp/consul/aws"\n}\n' >"$work/module/main.tf"
check "a module of the public registry ends at the mirror" not client tofu -chdir="$work/module" init -input=false -no-color
check_said "cannot be found"
check "which was asked" grep -F "GET /tf/v1/registry.opentofu.org/modules/hashicorp/consul/aws/versions\" 404" "$work/serve.log"

# ---- what is missed comes with the next bundle --------------------------------------------------------------------
other=$work/second
"$airlock" --home "$other" keys init --no-passphrase >/dev/null 2>&1
manifest "$work/part.yaml" "terraform: { providers: [hashicorp/null] }"
sed -i 's/^name: .*/name: part/' "$work/part.yaml"
check "a bundle without one provider" "$airlock" --home "$other" bundle create -m "$work/part.yaml" -o "$work/part.airlock"
"$airlock" --home "$other" trust export -o "$work/other.json" >/dev/null
part() { in_far "$airlock" --home "$work/part-site" "$@"; }
part trust init "$work/other.json" --fingerprint "$("$airlock" --home "$other" --json keys show | jq -r .fingerprint)" >/dev/null 2>&1
check "another site takes it" part import "$work/part.airlock"
start "$work/part.log" in_far "$airlock" --home "$work/part-site" serve --listen 127.0.0.1:8481 --tls-cert "$work/tls-site/cert.pem" --tls-key "$work/tls-site/key.pem"
wait_for 20 in_far curl -fsS --cacert "$ca" -o /dev/null https://127.0.0.1:8481/healthz
part client write --url https://127.0.0.1:8481 --ca "$ca" --ecosystem terraform --dir "$work/part-clients" >/dev/null
part_init() { in_far env -i HOME="$work/user" PATH=/usr/bin:/bin bash -c '. "$1" && exec "$2" -chdir="$3" init -input=false -no-color' - "$work/part-clients/env.sh" "$tofu" "$work/project"; }
check "init fails for what is not there" not part_init
check "the miss is a wish" wait_for 10 bash -c '"$1" --home "$2" wants | grep -F "registry.opentofu.org/hashicorp/random"' - "$airlock" "$work/part-site"
part wants -o "$work/wants.yaml" >/dev/null
check "the list makes the next bundle" "$airlock" --home "$other" bundle create -m "$work/part.yaml" --wants "$work/wants.yaml" --base "$work/part.airlock" -o "$work/part2.airlock"
check "import of what was missing" part import "$work/part2.airlock"
check "now init passes" part_init
fresh

# ---- what must not pass -------------------------------------------------------------------------------------------
bad() { create -m "$1" -o "$work/bad.airlock"; }
null=$(ls -d "$upstream"/github.com/opentofu/terraform-provider-null/releases/download/v*)
sums=$null/terraform-provider-null_${v_null}_SHA256SUMS
manifest "$work/null.yaml" "terraform: { providers: [hashicorp/null] }"
manifest "$work/pinned.yaml" "terraform: { providers: [hashicorp/null], signers: [\"hashicorp/null $stranger\"] }"
check_exit 3 "another signer than the pinned one is refused" bad "$work/pinned.yaml"
check_said "$signer"
manifest "$work/tool.yaml" "tools: [{ name: opentofu, version: $v_tofu, key: upstream/upstream.asc, key_fingerprint: $stranger }]"
check_exit 3 "so it is for a tool" bad "$work/tool.yaml"
cp "$work/upstream.lock.hcl" "$work/project/.terraform.lock.hcl"
sed -i 's/"zh:[0-9a-f]*"/"zh:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"/' "$work/project/.terraform.lock.hcl"
check_exit 3 "an archive that the lock file does not have is refused" bad "$work/lock.yaml"
fresh
mv "$sums.sig" "$work/sig"
check_exit 3 "unsigned where signed is promised is refused" bad "$work/null.yaml"
cp "$work/sig" "$sums.sig" && printf '\0' | dd of="$sums.sig" bs=1 seek=60 conv=notrunc status=none
check_exit 3 "a damaged signature is refused" bad "$work/null.yaml"
cp "$work/sig" "$sums.sig" && cp "$sums" "$work/sums" && sed -i 's/^[0-7]/f/; t; s/^[89a-f]/0/' "$sums"
check_exit 3 "changed checksums are refused" bad "$work/null.yaml"
cp "$work/sums" "$sums"
archive=$(ls "$null"/*.zip)
cp "$archive" "$work/archive.zip" && printf 'x' >>"$archive"
check_exit 3 "a changed archive is refused" bad "$work/null.yaml"
check_said "$(sha256_of "$work/archive.zip")"
cp "$work/archive.zip" "$archive"
manifest "$work/range.yaml" "terraform: { providers: [\"hashicorp/null@~> 77.0\"] }"
check_exit 1 "a constraint that nothing satisfies is told" bad "$work/range.yaml"
check_said "$v_null"
echo "<html>sign in</html>" >"$upstream/registry.opentofu.org/v1/providers/hashicorp/null/versions"
check_exit 1 "a registry that answers HTML is told" bad "$work/null.yaml"
check "no bad bundle is left" not test -e "$work/bad.airlock"
finish
