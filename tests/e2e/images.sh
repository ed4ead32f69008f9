# Images with everything that belongs to them, from real registries to real clients behind the gap.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out"
start_registry "$work/registry"
main_registry=$registry

rootfs=$(debian_rootfs) || exit 1
python3 tests/support/make_image.py "$work/oci" debian:12 --layer "$rootfs" --gzip --platform linux/amd64 --platform linux/arm64 >/dev/null
python3 tests/support/make_image.py "$work/oci" app:1.0 --random 5000000 --random 200000 --seed 5 --text "first" >/dev/null
push() { skopeo copy -q --all --dest-tls-verify=false "oci:$work/oci:$1" "docker://$main_registry/$2" "${@:3}"; }
check "a multi-arch image is in the registry" push debian:12 library/debian:12
check "an image is in the registry" push app:1.0 team/app:1.0
check "the same as Docker schema 2" push app:1.0 team/docker-app:1.0 --format v2s2
for version in 1.1 1.2 2.0; do
  python3 tests/support/make_image.py "$work/oci" "app:$version" --random 100000 --seed 9 --text "$version" >/dev/null
  push "app:$version" "team/app:$version"
done
index=sha256:$(skopeo inspect --raw --tls-verify=false "docker://$main_registry/library/debian:12" | sha256sum | cut -d' ' -f1)
amd64=$(skopeo inspect --raw --tls-verify=false "docker://$main_registry/library/debian:12" | jq -r '.manifests[] | select(.platform.architecture=="amd64").digest')
layers_of() { skopeo inspect --raw --tls-verify=false "docker://$main_registry/library/debian@$1" | jq -r '.layers[].digest' | sort; }
arm64=$(skopeo inspect --raw --tls-verify=false "docker://$main_registry/library/debian:12" | jq -r '.manifests[] | select(.platform.architecture=="arm64").digest')
openssl ecparam -genkey -name prime256v1 -noout -out "$work/cosign.pem" 2>/dev/null
echo '{"spdxVersion":"SPDX-2.3","name":"debian"}' >"$work/sbom.json"
check "the index is signed as cosign does" python3 tests/support/push_artifact.py "http://$main_registry" library/debian --sign "$index" --key "$work/cosign.pem"
check "a child has an SBOM as referrer (tag fallback)" python3 tests/support/push_artifact.py "http://$main_registry" library/debian --subject "$amd64" --file "$work/sbom.json"

have_go=0
if command -v go >/dev/null && (mkdir -p "$cache/bin" && cd tests/support/referrers_registry && { [ -x "$cache/bin/referrers_registry" ] || CGO_ENABLED=0 go build -o "$cache/bin/referrers_registry" .; }) >"$work/go.log" 2>&1; then
  have_go=1
  new_registry=127.0.0.1:$(free_port)
  start "$work/referrers.log" "$cache/bin/referrers_registry" "$new_registry"
  wait_for 20 curl -fsS "http://$new_registry/v2/"
  check "an image is in a registry with the referrers API" skopeo copy -q --dest-tls-verify=false "oci:$work/oci:app:1.0" "docker://$new_registry/team/signed:1"
  signed=sha256:$(skopeo inspect --raw --tls-verify=false "docker://$new_registry/team/signed:1" | sha256sum | cut -d' ' -f1)
  check "it has an SBOM as referrer" python3 tests/support/push_artifact.py "http://$new_registry" team/signed --subject "$signed" --file "$work/sbom.json"
  sbom=$(curl -fsS "http://$new_registry/v2/team/signed/referrers/$signed" | jq -r '.manifests[0].digest')
  check "which has an attestation itself" python3 tests/support/push_artifact.py "http://$new_registry" team/signed --subject "$sbom" --type application/vnd.in-toto+json --file "$work/sbom.json"
else
  skip "no Go, so no registry with the referrers API ($(tail -n 1 "$work/go.log" 2>/dev/null))"
fi

cat >"$work/images.yaml" <<YAML
name: images
platforms: [linux/amd64]
images:
  - { ref: "$main_registry/library/debian:12" }
  - { ref: "$main_registry/team/app", tags: "1.*", newest: 2 }
  - { ref: "$main_registry/team/docker-app:1.0" }
$([ $have_go = 1 ] && echo "  - { ref: \"$new_registry/team/signed:1\" }")
upstreams:
  "$main_registry": { plain_http: true }
$([ $have_go = 1 ] && echo "  \"$new_registry\": { plain_http: true }")
YAML
check "keys" "$airlock" --home "$near" keys init --no-passphrase
check "create fetches from the registries" bash -c '"$1" --home "$2" --json bundle create -m "$3/images.yaml" -o "$3/out/" >"$3/create.json"' - "$airlock" "$near" "$work"
bundle=$out/images-1.airlock
tar -tf "$bundle" >"$work/members"
carried() { grep -qF "${1#sha256:}" "$work/members"; }
check "the platform's own layer is carried" carried "$(comm -23 <(layers_of "$amd64") <(layers_of "$arm64"))"
check "the other platform's own is not" not carried "$(comm -13 <(layers_of "$amd64") <(layers_of "$arm64"))"
stop "$registry_pid"

check "sites pin the root" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" in_far "$airlock" --home "$site" import "$bundle"
start_serve "$site"
host=${main_registry/:/_}
base=http://$mirror/v2/$host
in_far curl -fsS "$base/library/debian/manifests/12" -o "$work/index.json"
check "the index is byte for byte the upstream's" test "sha256:$(sha256_of "$work/index.json")" = "$index"
check "skopeo copies the amd64 image" in_far skopeo copy -q --src-tls-verify=false "docker://$mirror/$host/library/debian:12" "dir:$work/debian"
check "its layers are the ones pushed" bash -c 'cd "$1/debian" && for f in $(ls | grep -E "^[0-9a-f]{64}$"); do [ "$(sha256sum "$f" | cut -d" " -f1)" = "$f" ] || exit 1; done' - "$work"
check "the arm64 child is absent, with a reason" bash -c 'ip netns exec "$1" curl -s "$2/library/debian/manifests/$3" | grep -q MANIFEST_UNKNOWN' - "$far" "$base" "$arm64"
check "the cosign tag came along" in_far curl -fsS -o /dev/null "$base/library/debian/manifests/${index/:/-}.sig"
check "the referrers API lists the child's SBOM" bash -c 'ip netns exec "$1" curl -fsS "$2/library/debian/referrers/$3" | jq -e ".manifests[0].artifactType == \"application/spdx+json\""' - "$far" "$base" "$amd64"
check "filtered by another type it is empty" bash -c 'ip netns exec "$1" curl -fsS "$2/library/debian/referrers/$3?artifactType=other/type" | jq -e ".manifests == []"' - "$far" "$base" "$amd64"
check "the newest two of 1.* are here" bash -c '[ "$(ip netns exec "$1" curl -fsS "$2/team/app/tags/list" | jq -c .tags)" = "[\"1.1\",\"1.2\"]" ]' - "$far" "$base"
check "Docker schema 2 keeps its media type" bash -c 'ip netns exec "$1" curl -fsSI "$2/team/docker-app/manifests/1.0" | grep -qi "content-type: application/vnd.docker.distribution.manifest.v2+json"' - "$far" "$base"
check "and skopeo takes it" in_far skopeo copy -q --src-tls-verify=false "docker://$mirror/$host/team/docker-app:1.0" "dir:$work/docker-app"
if [ $have_go = 1 ]; then
  other=http://$mirror/v2/${new_registry/:/_}
  check "an SBOM from the referrers API came along" bash -c 'ip netns exec "$1" curl -fsS "$2/team/signed/referrers/$3" | jq -e ".manifests | length == 1"' - "$far" "$other" "$signed"
  check "and what refers to the SBOM" bash -c 'ip netns exec "$1" curl -fsS "$2/team/signed/referrers/$3" | jq -e ".manifests | length == 1"' - "$far" "$other" "$sbom"
fi
check "writes are refused" bash -c '[ "$(ip netns exec "$1" curl -s -o /dev/null -w "%{http_code}" -X POST "$2/team/app/blobs/uploads/")" = 405 ]' - "$far" "$base"
check "the bundle itself is an OCI layout" bash -c 'skopeo copy -q "oci-archive:$1:$2/team/docker-app:1.0" "dir:$3/from-bundle" && [ -s "$3/from-bundle/manifest.json" ]' - "$bundle" "$main_registry" "$work"

# A real Docker daemon on the far side, its storage in our folder, its network the namespace's loopback.
mkdir -p "$work/docker"
# (nsenter, as `ip netns exec` hides the cgroups that the daemon needs.)
start "$work/dockerd.log" nsenter "--net=/var/run/netns/$far" dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" --pidfile "$work/docker/pid" \
  -H "unix://$work/docker/sock" --bridge=none --iptables=false --ip6tables=false --storage-driver=vfs
if wait_for 40 docker -H "unix://$work/docker/sock" version; then
  check "docker pulls the image" docker -H "unix://$work/docker/sock" pull -q "$mirror/$host/library/debian:12"
  check "docker runs it" bash -c 'docker -H "unix://$1/docker/sock" run --rm --network none "$2/$3/library/debian:12" cat /etc/airlock-test | grep -q linux/amd64' - "$work" "$mirror" "$host"
else
  check "dockerd starts" false; tail -n 5 "$work/dockerd.log"
fi
finish
