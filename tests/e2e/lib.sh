# What every end-to-end suite shares: places, processes that are stopped by their id, a far side without a route out,
# and checks that count. Sourced by bash; a suite ends with `finish`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
repo=$PWD
airlock=${AIRLOCK:-$repo/build/release/airlock}
work=$(mktemp -d "${TMPDIR:-/tmp}/airlock-e2e.XXXXXX")
cache=${AIRLOCK_TEST_CACHE:-$HOME/.cache/airlock-tests}
far=airlock-far-$$
passed=0 failed=0 skipped=0
patience=3  # a busy machine has so many times the seconds that a quiet one needs
export AIRLOCK_HOME=$work/home
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY

# Whatever still runs of this suite, politely, then not; a stopped one goes on, since it takes no other signal until then.
end_children() {
  local pid children left=$((50 * patience))
  mapfile -t children < <(jobs -p)
  for pid in "${children[@]}"; do kill "$pid" 2>/dev/null; kill -CONT "$pid" 2>/dev/null; done
  for pid in "${children[@]}"; do
    while kill -0 "$pid" 2>/dev/null && [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1; done
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
}
cleanup() {
  local status=$?
  [ "$BASHPID" = $$ ] || return  # a child that was ended before it became what it was started for
  end_children
  ip netns list 2>/dev/null | grep -q "^$far\b" && ip netns delete "$far"
  while read -r mounted; do umount -l "$mounted" 2>/dev/null; done < <(awk -v w="$work/" 'index($2, w) == 1 {print $2}' /proc/mounts | tac)
  if [ "${KEEP:-}" = 1 ]; then echo "kept: $work" >&2; else rm -rf --one-file-system "$work"; fi
  return $status
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# check NAME COMMAND…: the command must succeed; its output is shown only when it does not.
check() {
  local name=$1; shift
  if "$@" >"$work/check.out" 2>&1; then
    passed=$((passed + 1)); echo "ok   $name"
  else
    local status=$?
    failed=$((failed + 1)); echo "FAIL $name (exit $status: $*)"; tail -n 60 "$work/check.out" | sed 's/^/     /'
  fi
}

# check_exit CODE NAME COMMAND…: the command must end with just that exit code.
check_exit() {
  local want=$1 name=$2; shift 2
  "$@" >"$work/check.out" 2>&1
  local got=$?
  if [ "$got" = "$want" ]; then
    passed=$((passed + 1)); echo "ok   $name"
  else
    failed=$((failed + 1)); echo "FAIL $name (exit $got, wanted $want: $*)"; tail -n 30 "$work/check.out" | sed 's/^/     /'
  fi
}
# said TEXT: the last check printed it. check_said TEXT counts that as a check of its own.
said() { grep -qF -- "$1" "$work/check.out"; }
check_said() {
  if said "$1"; then passed=$((passed + 1)); echo "ok   it says '$1'"; else
    failed=$((failed + 1)); echo "FAIL it does not say '$1'"; tail -n 30 "$work/check.out" | sed 's/^/     /'; fi
}

# count_python LOG STATUS: adds what a program of tests/support counted: lines that begin with `ok ` or `FAIL `. One that ended
# badly and named no failure, or counted nothing, has failed.
count_python() {
  local good bad
  good=$(grep -c '^ok ' "$1"); bad=$(grep -c '^FAIL ' "$1")
  if [ "$bad" = 0 ] && { [ "$2" != 0 ] || [ "$good" = 0 ]; }; then
    bad=1
    echo "FAIL the program of ${1##*/} ended with $2 after $good ok"
  fi
  passed=$((passed + good)); failed=$((failed + bad))
}

# skip REASON: something cannot be tried on this machine. It counts as neither passed nor failed; scripts/e2e shows it at its end.
skip() { skipped=$((skipped + 1)); echo "skip: $*"; }

# Where something failed, what ran beside it says why.
show_logs() {
  local log
  for log in "$work"/*.log; do
    [ -s "$log" ] && { echo "---- the end of ${log##*/}"; tail -n 25 "$log" | cut -c1-300; }
  done
  return 0
}
finish() {
  [ "$failed" = 0 ] || show_logs
  echo "$passed passed, $failed failed"; [ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]; exit $?
}

# The far side: a network namespace with loopback and nothing else.
make_far() {
  ip netns add "$far" && ip -n "$far" link set lo up || { echo "cannot make a network namespace (root is needed)"; exit 1; }
  check "the far side has no route out" not in_far ip route get 192.0.2.1
}
in_far() { ip netns exec "$far" "$@"; }
not() { ! "$@"; }

# start LOG COMMAND…: in the background; its process id is in $last_pid. start_again keeps what the log has.
start() { : >"$1"; start_again "$@"; }
start_again() {
  local log=$1; shift
  # A function would run in a shell of its own, and stopping that leaves the program behind.
  if [ "$1" = in_far ]; then set -- ip netns exec "$far" "${@:2}"; fi
  "$@" >>"$log" 2>&1 &
  last_pid=$!
}
stop() { kill "$1" 2>/dev/null; wait "$1" 2>/dev/null; return 0; }

# wait_for SECONDS COMMAND…: until it succeeds. The seconds are those of a quiet machine.
wait_for() {
  local left=$(($1 * 10 * patience)); shift
  while ! "$@" >/dev/null 2>&1; do
    left=$((left - 1)); [ "$left" -gt 0 ] || { echo "gave up waiting for: $*" >&2; return 1; }
    sleep 0.1
  done
}

# within SECONDS COMMAND…: ends a program that takes longer; seconds as above.
within() { timeout "$(($1 * patience))" "${@:2}"; }

# Agents keep their jobs in a folder of their own below $work/jobs.
no_job_folder() { test -d "$work/jobs" && [ -z "$(find "$work/jobs" -mindepth 2 -print -quit)" ]; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# far_airlock ARGUMENT…: the program on the far side, on the home that the suite calls $site.
far_airlock() { in_far "$airlock" --home "$site" "$@"; }

# start_registry FOLDER: Debian's docker-registry on loopback; sets $registry to host:port.
start_registry() {
  local port; port=$(free_port)
  mkdir -p "$1"
  cat >"$1/config.yml" <<YAML
version: 0.1
log: { level: warn, accesslog: { disabled: false } }
storage: { filesystem: { rootdirectory: $1/data }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
YAML
  start "$1/log" docker-registry serve "$1/config.yml"
  registry_pid=$last_pid
  registry=127.0.0.1:$port
  wait_for 20 curl -fsS "http://$registry/v2/"
}

# start_serve HOME [FLAGS…]: the mirror on the far side; sets $mirror to host:port.
start_serve() {
  local home=$1; shift
  start "$work/serve.log" in_far "$airlock" --home "$home" serve --listen 127.0.0.1:8480 "$@"
  serve_pid=$last_pid
  mirror=127.0.0.1:8480
  wait_for 20 in_far curl -sS -o /dev/null "http://$mirror/healthz"
}

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2], {"d": d}))' "$@"; }

# debian_rootfs: a minimal Debian root file system as a tar, made once with debootstrap from the host's own mirror.
debian_rootfs() {
  local tar=$cache/debian-rootfs.tar
  mkdir -p "$cache"
  (
    flock 9  # another suite may be at it
    [ ! -s "$tar" ] || exit 0
    echo "making a Debian root file system (once; kept in the cache)" >&2
    tests/support/debian_root.sh "$cache/rootfs" || exit 1
    tar -C "$cache/rootfs" --sort=name --mtime=@1700000000 --numeric-owner --exclude=./dev --exclude=./proc --exclude=./sys -cf "$tar.partial" . &&
      mv "$tar.partial" "$tar" && rm -rf --one-file-system "$cache/rootfs"
  ) 9>"$cache/.debian-rootfs.lock" || return 1
  echo "$tar"
}
