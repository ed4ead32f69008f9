# Distribution 3, the registry of today, on both sides: an image is taken out of one, and pushed into another. Its program
# is built from its Go module, once.
. "$(dirname "$0")/lib.sh"
make_far
program=$cache/bin/distribution-3.0.0
if ! command -v go >/dev/null; then skip "no Go on PATH, so no Distribution 3"; finish; fi
if [ ! -x "$program" ]; then
  mkdir -p "$cache/bin"
  if ! GOBIN=$work/bin CGO_ENABLED=0 go install github.com/distribution/distribution/v3/cmd/registry@v3.0.0 >"$work/go.log" 2>&1; then
    skip "Distribution 3 cannot be built here ($(tail -n 1 "$work/go.log"))"; finish
  fi
  mv "$work/bin/registry" "$program"
fi
near=$work/near site=$work/site out=$work/out
mkdir -p "$out"

# start_distribution FOLDER PORT [WRAPPER…]
start_distribution() {
  local folder=$1 port=$2; shift 2
  mkdir -p "$folder"
  printf 'version: 0.1\nlog: { level: warn }\nstorage: { filesystem: { rootdirectory: %s/data } }\nhttp: { addr: "127.0.0.1:%s" }\n' \
    "$folder" "$port" >"$folder/config.yml"
  OTEL_TRACES_EXPORTER=none start "$folder/log" "$@" "$program" serve "$folder/config.yml"
  wait_for 20 "$@" curl -fsS "http://127.0.0.1:$port/v2/"
}
port=$(free_port)
start_distribution "$work/registry" "$port"
registry=127.0.0.1:$port
python3 tests/support/make_image.py "$work/oci" app:1 --random 3000000 --platform linux/amd64 --platform linux/arm64 >/dev/null
python3 tests/support/make_image.py "$work/docker" old:1 --random 300000 --seed 3 >/dev/null
check "a multi-arch image is in Distribution 3" skopeo copy -q --all --preserve-digests --dest-tls-verify=false "oci:$work/oci:app:1" "docker://$registry/team/app:1"
check "and one of Docker schema 2" skopeo copy -q --format v2s2 --dest-tls-verify=false "oci:$work/docker:old:1" "docker://$registry/team/old:1"
check "one has a signature beside it" python3 tests/support/push_artifact.py "http://$registry" team/old \
  --subject "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$registry/team/old:1" | sha256sum | cut -d' ' -f1)" --file "$work/registry/config.yml"
cat >"$work/m.yaml" <<YAML
name: distribution
platforms: [linux/amd64, linux/arm64]
images: [ { ref: "$registry/team/app:1", referrers: true }, { ref: "$registry/team/old:1", referrers: true } ]
upstreams: { "$registry": { plain_http: true } }
YAML
check "keys" "$airlock" --home "$near" keys init --no-passphrase
check "a bundle is made from it" "$airlock" --home "$near" bundle create -m "$work/m.yaml" -o "$out/"
check "the site pins the root" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" in_far "$airlock" --home "$site" import "$out"

start_distribution "$work/inside" 5000 in_far
check "push into the site's own" in_far "$airlock" --home "$site" push oci=http://127.0.0.1:5000/site
check "which then holds everything" in_far "$airlock" --home "$site" push oci=http://127.0.0.1:5000/site --check
for image in app old; do
  repository=$(in_far curl -fsS http://127.0.0.1:5000/v2/_catalog | jq -r ".repositories[] | select(endswith(\"team/$image\"))")
  check "$image has the digest that it had outside" bash -c '[ "$(ip netns exec "$1" skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:5000/$2:1" | sha256sum)" = "$(skopeo inspect --raw --tls-verify=false "docker://$3/team/$4:1" | sha256sum)" ]' - "$far" "$repository" "$registry" "$image"
  check "$image can be pulled whole" in_far skopeo copy -q --all --src-tls-verify=false "docker://127.0.0.1:5000/$repository:1" "oci:$work/back-$image:1"
done
finish
