# Push into a registry that is already there on the far side, twice, and read it back with other clients.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out"
python3 tests/support/make_image.py "$work/oci" app:1 --random 3000000 --platform linux/amd64 --platform linux/arm64 >/dev/null
python3 tests/support/make_image.py "$work/oci" single:1 --random 300000 --seed 3 >/dev/null
cat >"$work/m.yaml" <<YAML
name: push
platforms: [linux/amd64, linux/arm64]
images:
  - { layout: $work/oci, ref: "registry.example/team/app:1", from: "app:1" }
  - { layout: $work/oci, ref: "registry.example/team/single:1", from: "single:1" }
YAML
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
check "create from a layout" "$airlock" --home "$near" bundle create -m "$work/m.yaml" -o "$out/"
in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)" >/dev/null
check "import" in_far "$airlock" --home "$site" import "$out"
mkdir -p "$work/registry"
printf 'version: 0.1\nlog: { level: warn }\nstorage: { filesystem: { rootdirectory: %s/registry/data } }\nhttp: { addr: "127.0.0.1:5000" }\n' "$work" >"$work/registry/config.yml"
start "$work/registry/log" in_far docker-registry serve "$work/registry/config.yml"
wait_for 20 in_far curl -fsS http://127.0.0.1:5000/v2/
check "push --dry-run sends nothing" bash -c 'ip netns exec "$1" "$2" --home "$3" --json push oci=http://127.0.0.1:5000/site --dry-run && [ "$(ip netns exec "$1" curl -fsS http://127.0.0.1:5000/v2/_catalog | jq -c .repositories)" = "[]" ]' - "$far" "$airlock" "$site"
check "push" bash -c 'ip netns exec "$1" "$2" --home "$3" --json push oci=http://127.0.0.1:5000/site >"$4/push.json"' - "$far" "$airlock" "$site" "$work"
check "it pushed both" test "$(json "$work/push.json" "d['destinations'][0]['pushed']")" -ge 2
check "push again finds everything there" bash -c 'ip netns exec "$1" "$2" --home "$3" --json push oci=http://127.0.0.1:5000/site | jq -e ".destinations[0] | .pushed == 0 and .bytes_sent == 0 and .present >= 2"' - "$far" "$airlock" "$site"
check "push --check is content" in_far "$airlock" --home "$site" push oci=http://127.0.0.1:5000/site --check
repository=$(in_far curl -fsS http://127.0.0.1:5000/v2/_catalog | jq -r '.repositories[] | select(endswith("team/app"))')
check "skopeo reads it back" in_far skopeo copy -q --all --preserve-digests --src-tls-verify=false "docker://127.0.0.1:5000/$repository:1" "oci:$work/back:1"
check "with the same digest" bash -c '[ "$(skopeo inspect --raw "oci:$1/back:1" | sha256sum)" = "$(skopeo inspect --raw "oci:$1/oci:app:1" | sha256sum)" ]' - "$work"
check_exit 1 "a registry that is not there" in_far "$airlock" --home "$site" push oci=http://127.0.0.1:5999/site
finish
