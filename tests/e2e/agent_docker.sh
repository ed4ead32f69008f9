# Jobs in containers: a real Docker daemon on the far side, an image from the mirror by its digest.
# Needs root, dockerd, and `terraform` or `tofu` on PATH, else one is built.
. "$(dirname "$0")/lib.sh"
make_far
tool=$(command -v tofu || command -v terraform || { peers=$(scripts/peers tofu) && echo "$peers/tofu/tofu"; })
[ -n "$tool" ] || { echo "skip: neither tofu nor terraform on PATH, nor a Go to build tofu with"; finish; }
command -v dockerd >/dev/null || { echo "skip: no dockerd on PATH"; finish; }
kind=$(basename "$tool")
near=$work/near site=$work/site state=$work/state project=$work/project docker=$work/docker
mkdir -p "$state" "$project" "$docker" "$work/root"
chmod 0777 "$state"; chmod 0755 "$work"
echo 'output "greeting" { value = "hello from a container" }' >"$project/main.tf"

# An image of this host's own programs and the libraries that they need.
programs=(sh bash cat chmod cp env id ls mkdir rm sed seq sleep sort tar gzip "$tool")
for program in "${programs[@]}"; do
  path=$(readlink -f "$(command -v "$program")")
  { echo "$path"; ldd "$path" 2>/dev/null | grep -oE '/[^ ]+' ; } | while read -r file; do
    mkdir -p "$work/root$(dirname "$file")" && cp -Ln "$file" "$work/root$file"
  done
  mkdir -p "$work/root/bin" && ln -sf "$path" "$work/root/bin/$(basename "$program")"
done
mkdir -p "$work/root/etc" "$work/root/tmp" "$work/root/proc" "$work/root/dev"
tar -C "$work/root" -cf "$work/root.tar" . && rm -rf "$work/root"
check "an image is made" python3 tests/support/make_image.py "$work/oci" job:1 --layer "$work/root.tar"
mkdir -p "$work/greet" && printf '#!/bin/sh\necho greetings from a tool\n' >"$work/greet/greet" && chmod 755 "$work/greet/greet"
tar -C "$work" -czf "$work/greet.tar.gz" greet
tar -C "$project" -czf "$work/app.tar.gz" main.tf
cat >"$work/site.yaml" <<YAML
name: site
platforms: [linux/amd64]
images:
  - { layout: "$work/oci", ref: "site/job:1" , from: "job:1" }
files:
  - { source: "$work/greet.tar.gz", path: team/greet.tar.gz }
  - { source: "$work/app.tar.gz", path: team/app.tar.gz }
YAML
check "keys" "$airlock" --home "$near" keys init --no-passphrase
check "a bundle" "$airlock" --home "$near" bundle create -m "$work/site.yaml" -o "$work/out/"
far_airlock() { timeout 90 ip netns exec "$far" "$airlock" --home "$site" "$@"; }
check "trust" far_airlock trust init "$work/out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | grep -oE '"fingerprint": "[^"]+"' | cut -d'"' -f4)"
check "import" far_airlock import "$work/out/"
start_serve "$site"
image=$mirror/docker.io/site/job
digest=$(in_far curl -fsSI -H 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' "http://$mirror/v2/docker.io/site/job/manifests/1" | tr -d '\r' | sed -n 's/^docker-content-digest: //Ip')
check "the mirror has it" test -n "$digest"

# (nsenter, as `ip netns exec` hides the cgroups that the daemon needs.)
start "$work/dockerd.log" nsenter "--net=/var/run/netns/$far" dockerd --data-root "$docker/data" --exec-root "$docker/exec" --pidfile "$docker/pid" \
  -H "unix://$docker/sock" --bridge=none --iptables=false --ip6tables=false
engine() { command docker -H "unix://$docker/sock" "$@"; }
check "dockerd starts" wait_for 60 engine version
check "a pool is made" far_airlock pool create builders -o "$work/token"
check "the agent is configured" far_airlock agent configure --url "http://$mirror" --token-file "$work/token" --dir "$work/agent"
cat >>"$work/agent/airlock-agent.yaml" <<YAML
jobs: $work/jobs
writable_paths: ["$state"]
runners: [docker]
docker_socket: $docker/sock
docker_image: site/job@$digest
processes: 100
tools: ["/files/team/greet.tar.gz $(sha256_of "$work/greet.tar.gz")"]
memory: 256MiB
grace: 2s
YAML
check "the agent finds what it needs, the image too" in_far "$airlock" --home "$site" agent check --dir "$work/agent"
start_agent() {
  start_again "$work/agent.log" nsenter "--net=/var/run/netns/$far" "$airlock" -v --home "$site" agent run --dir "$work/agent"
  agent_pid=$last_pid
}
start_agent
deploy() {
  local stack=$1 operation=$2; shift 2
  far_airlock deploy create "$stack" "$operation" --tool "$kind" --runner docker --pool builders --backend "file://$state" --source "$project" "$@"
}
keep() { cp "$work/check.out" "$work/kept.out"; }
kept_has() { grep -qE -- "$1" "$work/kept.out"; }
for operation in preview update refresh destroy; do
  check "$operation" deploy app/one $operation --follow
done
check "by the image's usual name and digest" deploy app/name preview --follow --image "docker.io/site/job@$digest" --pre-run 'cat /proc/self/status /etc/resolv.conf; id'
keep
check "without capabilities" kept_has '^CapBnd:.0000000000000000'
check "without new privileges" kept_has '^NoNewPrivs:.1'
check "as the job's user" kept_has '^uid=64123'
check "an archive of the mirror, and a tool of it" far_airlock deploy create app/mirror preview --tool "$kind" --runner docker --pool builders \
  --source mirror:/files/team/app.tar.gz --pre-run greet --follow
check_said "greetings from a tool"
check_exit 1 "an image that is not here is named" deploy app/none preview --follow --image "docker.io/site/none@$digest"
check_said "site/none"

cat >"$project/out.sh" <<'SH'
for to in tcp/192.0.2.7/443 tcp/2001:4860::8888/443 tcp/169.254.169.254/80 tcp/telemetry.example.com/443 udp/192.0.2.53/53; do
  bash -c "echo hello >/dev/$to" && echo "LEAK $to" || echo "refused $to"
done
SH
check "a job that tries to get out still ends" deploy app/out preview --follow --pre-run 'sh out.sh 2>&1'
keep
check "each was tried" kept_has '^refused tcp/telemetry'
check "it does not get out" not kept_has LEAK.tcp
check "the attempts are shown" far_airlock deploy show app/out
for text in 192.0.2.7 2001:4860::8888 169.254.169.254 telemetry.example.com 192.0.2.53; do check_said "$text"; done
check_exit 1 "a fork bomb ends with its job" deploy app/bomb preview --follow --timeout 8s --pre-run 'bomb() { bomb | bomb & }; bomb; sleep 60'
check_exit 1 "a job that ignores signals is ended" deploy app/deaf preview --follow --timeout 3s --pre-run 'trap "" INT TERM; while :; do sleep 1; done'

started() { far_airlock deploy logs "$1" 2>/dev/null | grep -q "^[^─]*$2"; }
started_or_tell() {
  wait_for 30 started "$@" || { far_airlock deploy show "$1"; far_airlock deploy logs "$1"; return 1; }
}
check "another is queued" deploy app/agent preview --pre-run "echo begun; sleep 301.$$"
check "another job runs" started_or_tell app/agent begun
kill -9 "$agent_pid"; wait "$agent_pid" 2>/dev/null
check "its container outlives a killed agent" test -n "$(engine ps -q)"
start_agent
check "and not the next one" wait_for 30 bash -c '[ -z "$(docker -H "$1" ps -aq)" ]' - "unix://$docker/sock"
check "which works on" deploy app/again preview --follow
kill "$agent_pid"; wait "$agent_pid"
check "no container is left" test -z "$(engine ps -aq)"
check "no folder of a job is left" no_job_folder
finish
