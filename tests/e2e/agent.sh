# The agent against a real control plane: what jobs do, what they cannot do, and what is left when either end is killed.
# Needs root for the far side; `terraform` or `tofu` on PATH for the jobs' last step, else one is built.
. "$(dirname "$0")/lib.sh"
make_far
tool=$(command -v tofu || command -v terraform || { peers=$(scripts/peers tofu) && echo "$peers/tofu/tofu"; })
[ -n "$tool" ] || { echo "skip: neither tofu nor terraform on PATH, nor a Go to build tofu with"; finish; }
kind=$(basename "$tool")
site=$work/site state=$work/state project=$work/project
mkdir -p "$site" "$state" "$project" "$work/agent"
chmod 0777 "$state"; chmod 0755 "$work"
cat >"$project/main.tf" <<'TF'
output "greeting" { value = "hello from the far side" }
TF

# An address of the far side's own: a job has a loopback of its own.
address=10.77.0.1
ip -n "$far" addr add $address/32 dev lo
ip -n "$far" addr add fd77::1/128 dev lo
url=http://$address:8480
printf '127.0.0.1 localhost\n%s server.site.example\n127.0.0.1 local.site.example sneaky.site.example\n' $address >"$work/hosts"
far_airlock() { timeout 90 ip netns exec "$far" "$airlock" --home "$site" "$@"; }
start_server() {
  start_again "$work/serve.log" in_far "$airlock" -v --home "$site" serve --listen $address:8480
  serve_pid=$last_pid
  wait_for 20 in_far curl -fsS -o /dev/null "$url/healthz"
}
# (nsenter, as `ip netns exec` hides the cgroups that limit jobs.)
start_agent() {
  # Not through the function: a shell in between would be what is killed.
  start_again "$work/agent.log" nsenter "--net=/var/run/netns/$far" unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - \
    "$work/hosts" "$airlock" -v --home "$site" agent run --dir "$work/agent" "$@"
  agent_pid=$last_pid
}
start_server
check "a pool is made" far_airlock pool create builders -o "$work/token"
check "the agent is configured" far_airlock agent configure --url $url --token-file "$work/token" --dir "$work/agent"
cat >>"$work/agent/airlock-agent.yaml" <<YAML
jobs: $work/jobs
writable_paths: ["$state"]
host_paths: ["$(dirname "$(readlink -f "$tool")")"]
env_forward_allowlist: [SITE_TOKEN]
networks: ["local.site.example:8093"]
processes: 200
memory: 512MiB
grace: 2s
YAML
with_hosts() {
  nsenter "--net=/var/run/netns/$far" unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - "$work/hosts" "$@"
}
check "the agent finds what it needs" with_hosts "$airlock" --home "$site" agent check --dir "$work/agent"
export SITE_TOKEN=forwarded-secret-value
start_agent

# keep: what the last check printed, before the next one overwrites it.
keep() { cp "$work/check.out" "$work/kept.out"; }
kept_has() { grep -qE -- "$1" "$work/kept.out"; }

# deploy STACK OPERATION [FLAGS…]
deploy() {
  local stack=$1 operation=$2; shift 2
  far_airlock deploy create "$stack" "$operation" --tool "$kind" --pool builders --backend "file://$state" --source "$project" "$@"
}
show() { far_airlock deploy show "$@"; }
create() {
  local stack=$1; shift
  far_airlock deploy create "$stack" preview --tool "$kind" --pool builders --source "$project" "$@"
}
started() { far_airlock deploy logs "$1" 2>/dev/null | grep -q "^[^─]*$2"; }
status_is() { far_airlock --json deploy show "$1" | grep -q "\"state\": \"$2\""; }
# What is known of a deployment that did not come to where it was expected: its records, its log, what agents asked.
tell() {
  far_airlock deploy show "$1"
  far_airlock deploy logs "$1"
  echo "---- what agents asked of the server"
  grep -F ' /api/deployments/' "$work/serve.log" | tail -n 15
  echo "---- the agent"
  tail -n 10 "$work/agent.log"
}
# comes_to SECONDS STACK COMMAND…: waits until the command succeeds, which is about this deployment.
comes_to() {
  local seconds=$1 stack=$2; shift 2
  wait_for "$seconds" "$@" || { tell "$stack"; return 1; }
}

# ---- what works ----------------------------------------------------------------------------------------------------
for operation in preview update refresh destroy; do
  check "$operation" deploy app/one $operation --follow
done
check "the update's state is on the site" test -s "$state/default/app/one.tfstate"
check "variables of one command reach the next" deploy app/vars preview --follow --pre-run 'echo NAME=value-of-it >>$AIRLOCK_ENV' --pre-run 'echo "got $NAME"'
check_said "got value-of-it"
check "the environment is the agent's alone" deploy app/env preview --follow --pre-run 'env | sort'
keep
check "the environment was shown" kept_has '^PULUMI_HOME=/job/home/.pulumi'
check "no variable of the host leaks" not kept_has '^(AIRLOCK_HOME|OLDPWD|SUDO_.*|XDG_.*|TERM)='
git -c init.defaultBranch=main init -q "$work/repo" && cp "$project/main.tf" "$work/repo/" && git -C "$work/repo" add . &&
  git -C "$work/repo" -c user.name=a -c user.email=a@example.com commit -qm one && git -C "$work/repo" update-server-info
start "$work/git.log" in_far python3 -m http.server --bind $address --directory "$work/repo" 8090
wait_for 20 in_far curl -fsS -o /dev/null http://$address:8090/
check "git over an internal address" far_airlock deploy create app/git preview --tool "$kind" --pool builders \
  --backend "file://$state" --source "http://$address:8090/.git" --follow
check_said "at commit"

# ---- what is refused, and seen -------------------------------------------------------------------------------------
cat >"$project/out.py" <<'PY'
import os, socket, sys, urllib.request
def attempt(what, work):
    try: work(); print("LEAK", what)
    except Exception as error: print("refused", what, type(error).__name__)
def connect(family, kind, address):
    def work():
        s = socket.socket(family, kind); s.settimeout(5); s.connect(address); s.send(b"x"); s.recv(1)
    return work
attempt("name", lambda: socket.getaddrinfo("telemetry.example.com", 443))
attempt("v4", connect(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.7", 443)))
attempt("v6", connect(socket.AF_INET6, socket.SOCK_STREAM, ("2001:4860::8888", 443)))
attempt("udp", connect(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.53", 53)))
attempt("metadata", connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80)))
attempt("other port", connect(socket.AF_INET, socket.SOCK_STREAM, (sys.argv[1], 22)))
os.environ["http_proxy"] = "http://192.0.2.8:3128"
attempt("proxy", lambda: urllib.request.urlopen("http://example.com/", timeout=5))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet", lambda: socket.socket(17, socket.SOCK_RAW))
for path in ("/var/run/docker.sock", "/run/systemd/private", "/run/dbus/system_bus_socket", "/run/nscd/socket"):
    attempt(path, lambda: socket.socket(socket.AF_UNIX).connect(path))
PY
check "a job that tries every way out still ends" deploy app/out preview --follow --pre-run "python3 out.py $address"
check_said "refused vsock"
keep
check "each was tried" test "$(grep -c '^refused' "$work/kept.out")" = 14
check "none of them leads out" not kept_has LEAK
check "the attempts are shown" show app/out
for text in telemetry.example.com 192.0.2.7 2001:4860::8888 192.0.2.53 169.254.169.254 192.0.2.8 python3; do check_said "$text"; done
start "$work/allowed.log" in_far python3 -m http.server --bind $address --directory "$project" 8091
start "$work/allowed6.log" in_far python3 -m http.server --bind fd77::1 --directory "$project" 8092
start "$work/local.log" in_far python3 -m http.server --bind 127.0.0.1 --directory "$project" 8093
wait_for 20 in_far curl -fsS -o /dev/null "http://$address:8091/"
wait_for 20 in_far curl -fsS -o /dev/null "http://127.0.0.1:8093/"
wait_for 20 in_far curl -fsS -o /dev/null "http://[fd77::1]:8092/"
check "what the deployment allows is reached" deploy app/allow preview --follow --allow "$address:8091" --allow '[fd77::]/64' \
  --pre-run "curl -fsS http://$address:8091/main.tf && curl -fsS 'http://[fd77::1]:8092/main.tf'"
check "by name too, also where the name is the agent's own host" deploy app/names preview --follow --allow server.site.example:8091 \
  --pre-run "curl -fsS http://server.site.example:8091/main.tf && curl -fsS http://local.site.example:8093/main.tf"
cat >"$project/halfway.py" <<'PY'
import socket, sys
for _ in range(300):
    s = socket.socket(); s.setblocking(False); s.connect_ex((sys.argv[1], int(sys.argv[2]))); s.close()
PY
check "app/halfway is queued" create app/halfway --allow "$address:8091" --pre-run "python3 halfway.py $address 8091; echo begun; sleep 300"
check "a job gives up connections half way" comes_to 40 app/halfway started app/halfway begun
few_open() { kill -0 "$agent_pid" && [ "$(ls "/proc/$agent_pid/fd" | wc -l)" -lt 150 ]; }
check "the agent keeps none of them open" comes_to 15 app/halfway few_open
check "it is cancelled" far_airlock deploy cancel app/halfway
check "its end is known" comes_to 30 app/halfway status_is app/halfway cancelled
check_exit 1 "a deployment cannot ask for the agent's own host" deploy app/host preview --follow --allow 127.0.0.1:8093
check_said "networks"
check_exit 1 "nor by a name that leads there" deploy app/host preview --follow --allow sneaky.site.example:8093 --pre-run "curl -fsS http://sneaky.site.example:8093/"
check_exit 1 "a name opens no other port" deploy app/port preview --follow --allow server.site.example:8091 \
  --pre-run "curl -fsS http://server.site.example:8091/main.tf >/dev/null && curl -fsS http://server.site.example:8092/"

# ---- bad input -----------------------------------------------------------------------------------------------------
printf 'PASSWORD=correct-horse-battery\n' >"$work/secrets"
check "secrets are masked, also in pieces" deploy app/mask preview --follow --secret-env-file "$work/secrets" \
  --pre-run 'printf "%s" "${PASSWORD%-battery}"; sleep 0.3; echo "-battery"; echo "$SITE_TOKEN" | sed "s/value/value/"; printf "%s" "$PASSWORD" | base64'
keep
check "they are shown as masked" kept_has '^\[secret\]'
check "the secrets are in no log" not kept_has 'correct-horse-battery|forwarded-secret-value|Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5'
check_exit 1 "a fork bomb ends with its job" deploy app/bomb preview --follow --timeout 8s --pre-run 'bomb() { bomb | bomb & }; bomb; sleep 60'
check_exit 1 "a job that ignores signals is ended" deploy app/deaf preview --follow --timeout 2s --pre-run 'trap "" INT TERM; while :; do sleep 1; done'
check_said "killed"
check_exit 1 "a job that eats memory is ended" deploy app/memory preview --follow --pre-run 'python3 -c "x = bytearray(2 << 30)"'
check "a read-only tree goes with its job" deploy app/tree preview --follow --pre-run 'mkdir -p a/b/c && touch a/b/c/d && chmod -R a-w a && chmod 0 a/b'
check "a log of many lines arrives whole" deploy app/log preview --follow --pre-run 'seq 1 30000'
keep
check "to its last line, none missing" test "$(grep -cE '^[0-9]+$' "$work/kept.out")" = 30000
check "no folder of a job is left" no_job_folder
group=airlock-job-$(printf %s "$work/agent" | sha256sum | cut -c1-12)
check "no control group of a job is left" bash -c '! find /sys/fs/cgroup -maxdepth 4 -name "$1-*" 2>/dev/null | grep -q .' - "$group"

# ---- cancel, and both ends killed ----------------------------------------------------------------------------------
check "app/cancel is queued" create app/cancel --pre-run 'echo begun; sleep 300'
check "a job runs" comes_to 20 app/cancel started app/cancel begun
check "it is cancelled" far_airlock deploy cancel app/cancel
check "its end is known" comes_to 30 app/cancel status_is app/cancel cancelled

check "app/server is queued" create app/server --pre-run 'echo begun; sleep 6; echo after-the-server'
check "another runs" comes_to 20 app/server started app/server begun
kill -9 "$serve_pid"; wait "$serve_pid" 2>/dev/null
start_server
check "what it said while the server was away arrives" comes_to 40 app/server started app/server after-the-server

check "app/agent is queued" create app/agent --pre-run "echo begun; sleep 301.$$"
check "a third runs" comes_to 40 app/agent started app/agent begun
kill -9 "$agent_pid"; wait "$agent_pid" 2>/dev/null
check "its processes end with the agent" wait_for 10 not pgrep -f "[s]leep 301[.]$$"
start_agent
check "the next agent ends it as lost" comes_to 40 app/agent started app/agent "was killed"
check "and removes its folder" wait_for 20 no_job_folder
check "it works on" deploy app/again preview --follow

# ---- the agent killed at any moment, from the claim to the last word ------------------------------------------------
# Milliseconds from `deploy create`; a job of a few hundred is met in each of its steps.
ended() { far_airlock --json deploy show "$1" | grep -qE "\"state\": \"(succeeded|failed|lost|cancelled)\""; }
bad=0 ended_well=0
for delay in 0 40 80 120 160 200 250 300 400 500 650 800; do
  far_airlock --json deploy create app/moment update --tool "$kind" --pool builders --backend "file://$state" --source "$project" --pre-run "echo begun; sleep 0.1$$" >"$work/create.out" 2>&1 ||
    { bad=$((bad + 1)); cat "$work/create.out"; }
  sleep "$(awk -v d="$delay" 'BEGIN { print d / 1000 }')"
  kill -9 "$agent_pid"; wait "$agent_pid" 2>/dev/null
  start_agent
  comes_to 90 app/moment ended app/moment || bad=$((bad + 1))
  status_is app/moment succeeded && ended_well=$((ended_well + 1))
done
echo "     of 12 deployments whose agent was killed, $ended_well succeeded all the same"
check "each deployment comes to an end, whenever its agent was killed" test $bad = 0
check "no job's folder is left" wait_for 20 no_job_folder
check "no process of a job is left" wait_for 10 not pgrep -f "[s]leep 0[.]1$$"
check "it works on after all that" deploy app/after preview --follow

# ---- the first signal drains ---------------------------------------------------------------------------------------
check "app/drain is queued" create app/drain --pre-run 'echo begun; sleep 4; echo finished'
check "a job runs while the agent is told to stop" comes_to 20 app/drain started app/drain begun
kill "$agent_pid"; wait "$agent_pid"; ended=$?
check "the agent ends well" test $ended = 0
check "the job came to its end" comes_to 0 app/drain started app/drain finished

# ---- an agent that is not root -------------------------------------------------------------------------------------
mkdir -p "$work/plain" "$work/plain-jobs"
install -m 600 "$work/token" "$work/plain/token"
cat >"$work/plain/airlock-agent.yaml" <<YAML
url: $url
token_file: $work/plain/token
jobs: $work/plain-jobs
host_paths: ["$(dirname "$(readlink -f "$tool")")"]
YAML
chown -R 64200:64200 "$work/plain" "$work/plain-jobs"
as_nobody() {
  in_far unshare --mount bash -c 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"' - \
    setpriv --reuid 64200 --regid 64200 --clear-groups --bounding-set -all env HOME="$work/plain" "$airlock" --home "$work/plain" "$@"
}
if in_far setpriv --reuid 64200 --regid 64200 --clear-groups unshare --user true 2>/dev/null; then
  check "an agent without root can contain jobs" as_nobody agent check --dir "$work/plain"
  check "app/plain is queued" create app/plain --pre-run 'id -u'
  check "and runs them" as_nobody agent run --once --dir "$work/plain"
  check "to their end" comes_to 0 app/plain status_is app/plain succeeded
else
  echo "skip: this kernel lets only root make user namespaces"
fi

# ---- controls taken away -------------------------------------------------------------------------------------------
check_exit 1 "without the right to make namespaces nothing runs" in_far setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
  "$airlock" --home "$site" agent run --once --dir "$work/agent"
check_said "mount namespace"
check_exit 1 "without TUN devices nothing runs" in_far unshare --mount bash -c 'mount -t tmpfs none /dev/net && exec "$@"' - \
  "$airlock" --home "$site" agent run --once --dir "$work/agent"
check_said "TUN device"
finish
