# For suites that run the real pulumi and tofu: the programs of scripts/peers, and the upstream that publishes them.
# Sourced after lib.sh.

# need_peers NAME…: builds what is not in the cache; sets $peers to the folder and $v_NAME to each version. Where this
# machine cannot build them, the suite ends here, and what it says is that it was skipped.
need_peers() {
  local status=0 line
  peers=$(scripts/peers "$@" 2>"$work/peers.log") || status=$?
  if [ "$status" = 3 ]; then skip "$(tail -n 1 "$work/peers.log")"; finish; fi
  if [ "$status" != 0 ]; then tail -n 20 "$work/peers.log"; failed=$((failed + 1)); finish; fi
  while read -r line; do declare -g "v_${line%%=*}=${line#*=}"; done < <(scripts/peers --versions)
}

# publish_peers: those programs in the layout of the hosts that publish the originals; sets $upstream, a folder of hosts,
# which is this suite's own.
publish_peers() {
  upstream=$work/upstream
  check "the programs are published" python3 tests/support/upstream/make.py "$peers" "$upstream"
}
upstream_hosts() { (cd "$upstream" && for host in */; do echo "${host%/}"; done); }

# start_upstream: all of those hosts on this side's loopback, without TLS, for an `upstreams` section; sets $upstream_url.
start_upstream() {
  local port; port=$(free_port)
  start "$work/upstream.log" python3 tests/support/upstream/serve.py "$upstream" --listen "127.0.0.1:$port" --log "$work/upstream-requests.log"
  upstream_url=http://127.0.0.1:$port
  wait_for 20 curl -fsS -o /dev/null "$upstream_url/upstream.asc"
}
upstreams_section() {
  local host
  echo "upstreams:"
  for host in $(upstream_hosts); do echo "  $host: { url: \"$upstream_url/$host\" }"; done
}

# start_outside: the same hosts under their own names, with TLS on port 443, for real clients; outside COMMAND…: runs one
# that resolves those names and trusts their authority. Both in the far side's namespace, which has no other way out.
start_outside() {
  local host
  tests/support/upstream/certificate.sh "$work/tls" $(upstream_hosts)
  { echo "127.0.0.1 localhost"; for host in $(upstream_hosts); do echo "127.0.0.1 $host"; done; } >"$work/hosts"
  start "$work/outside.log" in_far python3 tests/support/upstream/serve.py "$upstream" --listen 127.0.0.1:443 \
    --tls "$work/tls/server.pem" "$work/tls/server.key" --log "$work/requests.log"
  outside_pid=$last_pid
  wait_for 20 outside curl -fsS -o /dev/null https://github.com/pulumi/pulumi/releases/download/v$v_pulumi/SHA512SUMS
}
outside() {
  in_far unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - "$work/hosts" \
    env -u PULUMI_ACCESS_TOKEN -u GITHUB_TOKEN SSL_CERT_FILE="$work/tls/ca.pem" CURL_CA_BUNDLE="$work/tls/ca.pem" "$@"
}
