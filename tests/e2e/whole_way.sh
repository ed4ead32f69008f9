# The whole way: from five projects on the connected host to deployments on a side that reaches nothing outside. The
# clients are real on both sides: npm, pip, go, the Pulumi CLI with its hosts and a provider, OpenTofu with two.
. "$(dirname "$0")/lib.sh"
. tests/e2e/peers_lib.sh
only=${WHOLE_WAY_PROJECTS:-yaml typescript python go opentofu}
runners=${WHOLE_WAY_RUNNERS:-process docker}

make_far
need_peers pulumi command tofu null random
for program in node npm python3; do
  command -v "$program" >/dev/null || { skip "no $program on PATH"; finish; }
done
node_has=$(node -p 'process.versions.node.split(".")[0]')
if [ "$node_has" -lt 20 ] && [[ " $only " == *" typescript "* ]]; then
  skip "the project for TypeScript: its SDK needs Node.js 20, and this is $node_has"
  only=${only/typescript/}
fi
publish_peers
start_upstream
start_outside

# ---- the connected side -------------------------------------------------------------------------------------------
near=$work/near out=$work/out projects=$work/projects
mkdir -p "$out"
cp -r tests/data/projects "$projects"
check "tofu makes the project's lock file" outside "$peers/tofu/tofu" -chdir="$projects/opentofu" init -input=false -no-color
rm -rf "$projects/opentofu/.terraform"
stop "$outside_pid"

start_registry "$work/registry"
has_docker=0
if [[ " $runners " == *" docker "* ]]; then
  if command -v dockerd >/dev/null; then
    has_docker=1
    check "an image for jobs is made" tests/support/job_image.sh "$work/oci" job:1
    check "and pushed" skopeo copy -q --dest-tls-verify=false "oci:$work/oci:job:1" "docker://$registry/site/job:1"
    rm -rf "$work/oci"
  else
    skip "no dockerd on PATH, so no deployment in a container"
  fi
fi

{
  echo "name: whole-way"
  echo "platforms: [linux/$(go env GOARCH)]"
  echo "tools:"
  echo "  - { name: pulumi, version: $v_pulumi }"
  echo "  - { name: opentofu, version: $v_tofu, key: \"$upstream/upstream.asc\" }"
  [ $has_docker = 0 ] || echo "images: [ \"$registry/site/job:1\" ]"
  upstreams_section
  [ $has_docker = 0 ] || echo "  \"$registry\": { plain_http: true }"
} >"$work/site.yaml"

check "keys" "$airlock" --home "$near" keys init --no-passphrase
wanted=()
for project in $only; do wanted+=(--project "$projects/$project"); done
check "one bundle takes all projects" bash -c '"${@:2}" >"$1"' - "$work/create.json" \
  "$airlock" --home "$near" --json bundle create -m "$work/site.yaml" "${wanted[@]}" -o "$out/"
bundle=$(jq -r .bundle "$work/create.json" 2>/dev/null)
[ -s "$bundle" ] || { tail -n 20 "$work/check.out"; finish; }
echo "     $(jq -r '"\(.artifacts) artifacts, \(.bytes) bytes"' "$work/create.json")"
check "the plugin came without being named" grep -q "pulumi-resource-command-v$v_command" "$work/upstream-requests.log"

# ---- the far side -------------------------------------------------------------------------------------------------
# An address of its own, as a server in a site has; loopback belongs to each job itself.
site=$work/site address=10.77.0.1
ip -n "$far" addr add $address/32 dev lo
check "there is still no route out" not in_far ip route get 192.0.2.1

# (nsenter, as `ip netns exec` hides the control groups, with which the agent holds its limits.)
far_agent() { nsenter "--net=/var/run/netns/$far" "$airlock" --home "$site" agent "$@"; }
check "the site pins the root" far_airlock trust init "$out/root.json" --fingerprint "$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)"
check "import" far_airlock import "$bundle"
start "$work/serve.log" in_far "$airlock" --home "$site" serve --listen $address:8480 --tls-self-signed
serve_pid=$last_pid
url=https://$address:8480
check "the server answers" wait_for 20 in_far curl -fsSk -o /dev/null "$url/healthz"
[ "$failed" = 0 ] || { tail -n 20 "$work/serve.log"; finish; }
ca=$site/tls/ca.pem
check "its certificate is what its home says" in_far curl -fsS --cacert "$ca" -o /dev/null "$url/readyz"

digest_of() { in_far curl -fsSk "$url$1" | sha256sum | cut -d' ' -f1; }
tools=()
for name in "pulumi/$v_pulumi" "opentofu/$v_tofu"; do
  file=$(in_far curl -fsSk "$url/tools/$name/SHA256SUMS" | awk '{print $2}' | grep -E '\.(tar\.gz|zip)$' | head -n 1)
  tools+=("/tools/$name/$file $(digest_of "/tools/$name/$file")")
done
state=$work/state
mkdir -p "$state"
chmod 0777 "$state"
chmod 0755 "$work"

check "a pool is made" far_airlock pool create builders -o "$work/pool.token"
check "an agent is configured" far_airlock agent configure --url "$url" --ca "$ca" --token-file "$work/pool.token" --dir "$work/agent"
{
  echo "runners: [process$([ $has_docker = 0 ] || echo ", docker")]"
  echo "jobs: $work/jobs"
  echo "writable_paths: [\"$state\"]"
  echo "tools:"
  for tool in "${tools[@]}"; do echo "  - \"$tool\""; done
  [ $has_docker = 0 ] || printf 'docker_socket: %s\ndocker_image: "%s"\n' "$work/docker/sock" "$registry/site/job:1"
} >>"$work/agent/airlock-agent.yaml"

if [ $has_docker = 1 ]; then
  mkdir -p "$work/docker"
  # (nsenter, as `ip netns exec` hides the cgroups that the daemon needs.)
  start "$work/dockerd.log" nsenter "--net=/var/run/netns/$far" dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" \
    --pidfile "$work/docker/pid" -H "unix://$work/docker/sock" --bridge=none --iptables=false --ip6tables=false --insecure-registry "$address:8480"
  wait_for 40 docker -H "unix://$work/docker/sock" version || { has_docker=0; check "dockerd starts" false; tail -n 5 "$work/dockerd.log"; }
fi

check "the agent finds everything that it needs" far_agent check --dir "$work/agent"
start "$work/agent.log" nsenter "--net=/var/run/netns/$far" "$airlock" --home "$site" agent run --dir "$work/agent"
agent_pid=$last_pid
check "the agent runs" wait_for 20 grep -q "asks .* for work" "$work/agent.log"
[ "$failed" = 0 ] || { cat "$work/agent.log"; finish; }

# deploy RUNNER PROJECT OPERATION [FLAGS…]: one deployment, its log on stdout.
deploy() {
  local runner=$1 project=$2 operation=$3 tool=pulumi; shift 3
  local flags=(--source "$projects/$project" --pool builders --runner "$runner" --backend "file://$state" --follow)
  [ "$project" != opentofu ] || tool=tofu
  # What one job has compiled, the next need not: a program of Go links some hundred packages.
  [ "$project" != go ] || flags+=(--env "GOCACHE=$state/go-build" --env CGO_ENABLED=0)
  printf 'PULUMI_CONFIG_PASSPHRASE=a passphrase of the site\n' >"$work/secrets"
  far_airlock deploy create "$project/$runner" "$operation" --tool "$tool" --secret-env-file "$work/secrets" "${flags[@]}" "$@"
}
for runner in $runners; do
  [ "$runner" != docker ] || [ $has_docker = 1 ] || continue
  for project in $only; do
    case $project in yaml) says="hello from YAML" ;; typescript) says="hello from TypeScript" ;; python) says="hello from Python" ;;
      go) says="hello from Go" ;; *) says="hello from OpenTofu" ;; esac
    check "$runner: preview of $project" deploy "$runner" "$project" preview
    check "$runner: update of $project" deploy "$runner" "$project" update
    check_said "$says"
    check "$runner: refresh of $project" deploy "$runner" "$project" refresh
    check "$runner: destroy of $project" deploy "$runner" "$project" destroy
  done
done
check "no folder of a job is left" no_job_folder
check "the passphrase is in no log" bash -c '! grep -rqF "a passphrase of the site" "$1/agent.log" "$1/serve.log" "$2/control" 2>/dev/null' - "$work" "$site"

# ---- what is missing comes with the next bundle --------------------------------------------------------------------
if [[ " $only " == *" typescript "* ]]; then
  cp -r "$projects/typescript" "$projects/late"
  check "the project takes one more package" bash -c 'cd "$1" && npm install --silent --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved left-pad@1.3.0' - "$projects/late"
  sed -i 's/greeting-typescript/greeting-late/' "$projects/late/Pulumi.yaml"
  check "its deployment fails" not deploy process late preview
  check "the server wants what was missed" far_airlock wants -o "$work/wants.yaml"
  check "and nothing that was never asked for" bash -c 'grep -q left-pad "$1" && ! grep -qE "lodash|typescript" "$1"' - "$work/wants.yaml"
  check "the next bundle brings it" bash -c '"${@:2}" >"$1"' - "$work/create2.json" \
    "$airlock" --home "$near" --json bundle create --wants "$work/wants.yaml" -o "$out/"
  check "import of it" far_airlock import "$(jq -r .bundle "$work/create2.json")"
  check "and the deployment passes" deploy process late preview
fi

# ---- nothing gets out, and what tried is named ---------------------------------------------------------------------
leak='import urllib.request, socket
for url in ("http://telemetry.example.com/ping", "http://192.0.2.7:8125/"):
    try: urllib.request.urlopen(url, timeout=3)
    except OSError as error: print("refused:", error)'
printf '%s\n' "$leak" >"$projects/yaml/leak.py"
check "a job that tries to get out still ends" deploy process yaml preview --pre-run "python3 leak.py"
check "the attempts are shown with the deployment" far_airlock deploy show yaml/process
check_said "telemetry.example.com"
check_said "192.0.2.7"
check_said "python3"

stop "$agent_pid"
stop "$serve_pid"
finish
