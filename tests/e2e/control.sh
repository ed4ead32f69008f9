# The control plane as its users and its agents see it: the command line, curl in place of an agent, and a server that is
# killed at every step.
. "$(dirname "$0")/lib.sh"
. tests/e2e/peers_lib.sh
make_far
site=$work/site
export AIRLOCK_AGENT_LEASE=3s
a() { in_far "$airlock" --home "$site" "$@"; }
api() { in_far curl -sS -H "Authorization: token $(cat "$site/control/admin.token")" "$@"; }
status_of() { in_far curl -sS -o /dev/null -w '%{http_code}' "$@"; }
up() { start_serve "$site" >/dev/null; }
kill_serve() { kill -9 "$serve_pid" 2>/dev/null; wait "$serve_pid" 2>/dev/null; sleep 0.2; }
# again: the server dies without a word and comes back on the same home.
again() { kill_serve; up; }

# An agent by hand. poll NAME WAIT: the status is in $code, the claim in $work/claim, its parts in $id and $job.
poll() {
  code=$(in_far curl -sS -o "$work/claim" -w '%{http_code}' -H "Authorization: token $pool_token" \
    "http://$mirror/api/deployments/poll?hostname=$1&pid=17&platform=linux/amd64&version=1&instance=${1}00000000&runners=process,docker&wait=$2")
  [ "$code" = 200 ] || return 0
  id=$(jq -r .deploymentID "$work/claim"); job=$(jq -r .jobToken "$work/claim")
}
say() { in_far curl -sS -o "$work/answer" -w '%{http_code}' -H "Authorization: token $job" -d "$2" "http://$mirror/api/deployments/$id/$1"; }
line() { printf '{"step":%s,"offset":%s,"lines":[{"timestamp":"2026-07-01T12:00:00.5Z","line":"%s\\n"}]}' "$@"; }
step() { printf '{"steps":[{"step":%s,"name":"%s","status":"%s","started":"2026-07-01T12:00:00Z"}]}' "$@"; }
state() { a --json deploy show "$1" | jq -r .deployment.airlock.state; }
is() { [ "$1" = "$2" ] || { echo "it is '$1', not '$2'"; return 1; }; }
in_state() { is "$(state "$1")" "$2"; }

for command in "pool create" "pool list" "pool show" "pool delete" "pool token create" "pool token list" "pool token revoke" \
    "deploy create" "deploy list" "deploy show" "deploy logs" "deploy cancel" "deploy settings get" "deploy settings set" "deploy token create"; do
  check "help of $command has an example" bash -c '"$1" help $2 | grep -q "^Example"' - "$airlock" "$command"
done
check_exit 1 "without a server the home is named" a pool list
check_said "no server runs on the home"
up
check "the home keeps its keys to itself" is "$(stat -c %a "$site/control" "$site/control/admin.token" "$site/control/secrets.key" | tr '\n' ' ')" "700 600 600 "
check_exit 4 "a second server on the home is refused" within 20 ip netns exec "$far" "$airlock" --home "$site" serve --listen 127.0.0.1:0
check_said "another \`airlock serve\` runs on the home"
kill_serve
check_exit 1 "without a server the home's token goes nowhere" a pool list
check_said "no server runs on the home"
up; stop "$serve_pid"
check "a server that ends takes its address along" test ! -e "$site/control/server.json"
up
check "without a token nothing is told" is "$(status_of "http://$mirror/api/orgs/default/agent-pools")" 401
check "the mirror is open as before" is "$(status_of "http://$mirror/healthz")" 200
check_exit 2 "there is no pool to deploy to yet" a deploy create shop/prod update
check "pool create" a pool create prod -o "$work/pool.token"
check "its token is a private file" is "$(stat -c %a "$work/pool.token")" 600
pool_token=$(cat "$work/pool.token")
check_exit 2 "a name is taken once" a pool create prod
check "the second token" bash -c 'ip netns exec "$1" "$2" --home "$3" --json pool token create prod | jq -r .token >"$4"' - "$far" "$airlock" "$site" "$work/second.token"
check_exit 2 "there is no third" a pool token create prod
check_exit 2 "a stack has two names or three" a deploy create prod update
check_exit 2 "an operation that is none" a deploy create shop/prod explode

# A deployment with a folder and secrets, run by hand and followed.
mkdir -p "$work/infra/.git" "$work/infra/sub"; echo 'name: shop' >"$work/infra/Pulumi.yaml"; echo x >"$work/infra/sub/a"; echo no >"$work/infra/.git/config"
printf '# cloud\nCLOUD_KEY=hunter2-cloud\n' >"$work/secret.env"
echo '{"operationContext":{"environmentVariables":{"FROM_SETTINGS":{"secret":"hunter2-settings"}}},"airlock":{"networks":["db.site.example:5432"]}}' >"$work/settings.json"
check "deploy settings set" a deploy settings set shop/prod "$work/settings.json"
check "settings are read back without the secret" bash -c 'ip netns exec "$1" "$2" --home "$3" deploy settings get shop/prod | tee "$4/settings.out" | grep -q ciphertext && ! grep -q hunter2 "$4/settings.out"' - "$far" "$airlock" "$site" "$work"
check "and merged from stdin" bash -c 'echo "{\"airlock\":{\"tool\":\"pulumi\"}}" | ip netns exec "$1" "$2" --home "$3" deploy settings set shop/prod --merge' - "$far" "$airlock" "$site"
a --json deploy create shop/prod update --source "$work/infra" --env PLAIN=yes --secret-env-file "$work/secret.env" --pre-run 'make ready' --timeout 10m >"$work/made.json"
check "deploy create" is "$(jq -r .version "$work/made.json")" 1
first=$(jq -r .id "$work/made.json")
check "it waits" in_state "$first" queued
poll one 5
check "an agent is given it" is "$id" "$first"
check "with the secrets in plain" is "$(jq -r '[.job.environment[] | select(.secret) | .value] | sort | join(" ")' "$work/claim")" "hunter2-cloud hunter2-settings"
check "and the rest of the job" is "$(jq -r '[.job.preRunCommands[0], .job.networks[0], .job.operation, .job.limits.timeoutSeconds] | map(tostring) | join("|")' "$work/claim")" "make ready|db.site.example:5432|update|600"
check "it is taken up" is "$(say lease '{}')" 200
in_far curl -sS -o "$work/source.tgz" -H "Authorization: token $job" "http://$mirror/api/deployments/$id/source"
check "the folder arrives with its digest" is "$(sha256_of "$work/source.tgz")" "$(jq -r .job.source.sha256 "$work/claim")"
check "what no job needs was left out" is "$(tar -tzf "$work/source.tgz" | sort | tr '\n' ' ')" "Pulumi.yaml sub/ sub/a "
start "$work/follow.log" ip netns exec "$far" "$airlock" --home "$site" deploy logs "$first" -f
follower=$last_pid
say steps "$(step 0 Setup running)" >/dev/null; say logs "$(line 0 0 first)" >/dev/null
check "a line is seen while the job runs" wait_for 10 grep -q first "$work/follow.log"
renew() { while in_far curl -sS -o /dev/null -f -H "Authorization: token $job" -d '{}' "http://$mirror/api/deployments/$id/lease"; do sleep 1; done; }
renew & renewing=$!
say refused '{"offset":0,"attempts":[{"timestamp":"2026-07-01T12:00:00Z","step":0,"target":"leak.example","port":443,"protocol":"tcp","process":"curl"}]}' >/dev/null
say logs "$(line 0 1 second)" >/dev/null; say steps "$(step 0 Setup succeeded)" >/dev/null
check "it completes" is "$(say complete '{"result":"succeeded"}')" 200
check "so the follower ends well" wait "$follower"
stop "$renewing"
check "having seen all of it" bash -c 'grep -A2 Setup "$1" | tr "\n" " " | grep -q "first second"' - "$work/follow.log"
check "the leak is shown with the deployment" bash -c 'ip netns exec "$1" "$2" --home "$3" deploy show shop/prod | grep -q "leak.example:443 .*curl"' - "$far" "$airlock" "$site"
check "no secret lies in the home in plain" bash -c '! grep -rqa hunter2 "$1"' - "$site/control"
check "none is in the server's log" bash -c '! grep -q hunter2 "$1"' - "$work/serve.log"
check "no token lies in the home but the local user's" bash -c '! grep -rqaF "$2" "$1"' - "$site/control" "$pool_token"
head -c 3000000 /dev/urandom >"$work/infra/large.bin"
check "a larger folder" a deploy create shop/dev preview --source "$work/infra" --no-inherit
check "and again" a deploy create shop/dev preview --source "$work/infra" --no-inherit
rm "$work/infra/large.bin"; a deploy cancel shop/dev@1 >/dev/null; a deploy cancel shop/dev@2 >/dev/null
a --json deploy create shop/prod update --source "$work/infra" >"$work/made.json"
check "an unchanged folder is stored once" is "$(find "$site/control/sources" -type f | wc -l)" 2
check "cancel in the queue" a deploy cancel shop/prod
check_exit 1 "its log says how it ended" a deploy logs shop/prod@2
check_said "cancelled by local"
follow_and_cancel() {
  ip netns exec "$far" "$airlock" --home "$site" deploy create shop/prod update --follow & follower=$!
  wait_for 20 a deploy cancel shop/prod@3 && wait "$follower"
}
check_exit 1 "create --follow ends with 1 where nothing came of it" follow_and_cancel
check_said "cancelled by local"

# kill -9 of the server at each step of an agent's work: nothing is lost, nothing runs twice.
a --json deploy create shop/prod update >"$work/made.json"; made=$(jq -r .id "$work/made.json")
again
check "killed after create: it is still there" in_state "$made" queued
poll one 5
again
check "killed after the claim: it can still be taken up" is "$(say lease '{}')" 200
again
check "killed after the lease began: it is renewed" is "$(say lease '{}')" 200
say steps "$(step 0 Setup running)" >/dev/null; say logs "$(line 0 0 one)" >/dev/null
again
say logs "$(line 0 0 one)" >/dev/null; say logs "$(line 0 1 two)" >/dev/null
check "killed after a log: each line is there once" is "$(api "http://$mirror/api/stacks/default/shop/prod/deployments/$made/logs?job=0&step=0" | jq -c '[.lines[].line]')" '["one\n","two\n"]'
poll two 0
check "nobody else is given it" is "$code" 204
id=$made
check "it completes" is "$(say complete '{"result":"succeeded"}')" 200
again
check "killed after complete: it stays so" in_state "$made" succeeded
check "and saying it again is no error" is "$(say complete '{"result":"succeeded"}')" 200
check "the lease is gone" is "$(say lease '{}')" 409

# An offer whose answer never arrived, an agent that vanishes, one that comes late.
a --json deploy create shop/prod update >"$work/made.json"; made=$(jq -r .id "$work/made.json")
poll one 5; again
check "an offer that nobody took up is offered again" wait_for 20 bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json deploy show "$4" | jq -r .deployment.airlock.state)" = queued ]' - "$far" "$airlock" "$site" "$made"
check "the first cannot begin it any more" is "$(say lease '{}')" 409
poll two 5
check "the second can" is "$(say lease '{}')" 200
say steps "$(step 0 Setup running)" >/dev/null
check "it vanishes, and the update is lost" wait_for 20 bash -c '[ "$(ip netns exec "$1" "$2" --home "$3" --json deploy show "$4" | jq -r .deployment.airlock.state)" = lost ]' - "$far" "$airlock" "$site" "$made"
check "it comes late and has to stop" is "$(say complete '{"result":"succeeded"}')" 409
check "its words say so" grep -q "not yours any more" "$work/answer"
check "its log is taken all the same" is "$(say logs "$(line 0 0 late)")" 200
check_exit 1 "people are told" a deploy logs "$made"
check_said "vanished"
poll one 0
check "no update runs twice by itself" is "$code" 204

# Tokens: a held poll ends when its token is revoked.
token_id=$(a --json pool token list prod | jq -r '.tokens[] | select(.lastUsed > 0) | .id')
in_far curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: token $pool_token" \
  "http://$mirror/api/deployments/poll?hostname=held-agent&pid=1&platform=x&version=1&instance=0123456789&runners=process&wait=25" >"$work/held" & held=$!
is_held() { a pool show prod | grep -q held-agent; }
check "a poll is held" wait_for 10 is_held
check "pool token revoke" a pool token revoke prod "$token_id"
wait "$held"
check "the poll that was held is refused" is "$(cat "$work/held")" 401
poll one 0
check "and every later one" is "$code" 401
pool_token=$(cat "$work/second.token")
poll one 0
check "the other token works on" is "$code" 204
check "deploy token create" a deploy token create alice -o "$work/alice.token"
check "a user elsewhere needs url and token" bash -c 'ip netns exec "$1" "$2" --home "$4/elsewhere" deploy list --url "http://$3" --token-file "$4/alice.token" | grep -q shop/prod' - "$far" "$airlock" "$mirror" "$work"
check_exit 2 "the url alone is not enough" in_far "$airlock" --home "$work/elsewhere" deploy list --url "http://$mirror"

# Chaos: two agents take what comes while the server is killed again and again. Whoever was let in writes it down.
rounds=${ROUNDS:-30}
agent() {
  local name=$1 token=$2 claim id job status
  while [ ! -e "$work/enough" ]; do
    claim=$(ip netns exec "$far" curl -sS -H "Authorization: token $token" "http://$mirror/api/deployments/poll?hostname=$name&pid=1&platform=x&version=1&instance=${name}00000000&runners=process&wait=2" 2>/dev/null) || { sleep 0.05; continue; }
    id=$(jq -r '.deploymentID // empty' <<<"$claim" 2>/dev/null); [ -n "$id" ] || continue
    job=$(jq -r .jobToken <<<"$claim")
    status=000
    for _ in $(seq 40); do
      status=$(ip netns exec "$far" curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: token $job" -d '{}' "http://$mirror/api/deployments/$id/lease" 2>/dev/null)
      [ "$status" = 000 ] && { sleep 0.05; continue; }
      break
    done
    [ "$status" = 200 ] || continue
    echo "$id" >>"$work/ran.$name"
    for _ in $(seq 60); do
      status=$(ip netns exec "$far" curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: token $job" -d '{"result":"succeeded"}' "http://$mirror/api/deployments/$id/complete" 2>/dev/null)
      [ "$status" = 000 ] || break
      sleep 0.05
    done
  done
}
agent left "$pool_token" & left=$!
agent right "$pool_token" & right=$!
create_all() {
  local n
  for n in $(seq "$rounds"); do
    for _ in $(seq 20); do a -q --json deploy create "chaos/s$((n % 4))" update >"$work/one.json" 2>/dev/null && { jq -r .id "$work/one.json" >>"$work/made.all"; break; }; sleep 0.1; done
  done
}
create_all & creator=$!
for _ in $(seq 12); do sleep 0.6; again; done
wait "$creator"
none_open() { [ "$(a --json deploy list --count 100 | jq '[.deployments[] | select(.projectName == "chaos") | select(.airlock.state == "queued" or .airlock.state == "offered" or .airlock.state == "running")] | length')" = 0 ]; }
check "every deployment comes to an end" wait_for 60 none_open
touch "$work/enough"; wait "$left" "$right"
made=$(sort -u "$work/made.all" | wc -l)
check "every one was made in the end" is "$made" "$rounds"
# More may be known: one was kept, and the server died before it could say so.
check "all that was made is known" test "$(a --json deploy list --count 100 | jq '[.deployments[] | select(.projectName == "chaos") | .id] | unique | length')" -ge "$made"
check "each that answered was kept" bash -c 'ip netns exec "$1" "$2" --home "$3" --json deploy list --count 100 | jq -r ".deployments[].id" | sort >"$4/known"; sort -u "$4/made.all" | comm -23 - "$4/known" | grep -q . && exit 1; true' - "$far" "$airlock" "$site" "$work"
check "none ran twice" bash -c '[ "$(sort "$1"/ran.* | uniq -d | wc -l)" = 0 ]' - "$work"
check "both agents had a part in it" bash -c '[ -s "$1/ran.left" ] && [ -s "$1/ran.right" ]' - "$work"

# The API's public shapes, as a client sees them that was not written here.
need_peers pulumi
pulumi=$peers/pulumi/pulumi
mkdir -p "$work/project" && printf 'name: lat\nruntime: yaml\n' >"$work/project/Pulumi.yaml" && cd "$work/project" || exit 1
export PULUMI_HOME=$work/pulumi PULUMI_SKIP_UPDATE_CHECK=true
PULUMI_ACCESS_TOKEN=$(cat "$site/control/admin.token"); export PULUMI_ACCESS_TOKEN
p() { within 60 ip netns exec "$far" "$pulumi" "$@"; }
check "pulumi login" p login "http://$mirror"
check "pulumi whoami" bash -c '[ "$(ip netns exec "$1" "$2" whoami)" = local ]' - "$far" "$pulumi"
a deploy settings set lat/s "$work/settings.json" >/dev/null
# run FLAGS…: `pulumi deployment run`, its log followed, while an agent by hand ends it with $1.
run_remote() {
  local result=$1 client
  p deployment run update https://git.site.example/a.git --git-branch main --stack default/lat/s --env-secret KEY=hunter2-remote \
    --suppress-stream-logs=false --non-interactive >"$work/remote.out" 2>&1 & client=$!
  poll one 20 && say lease '{}' && say steps "$(step 0 Setup running)" && say logs "$(line 0 0 'from the setup')" &&
    say steps "$(step 0 Setup succeeded)" && say steps "$(step 1 'pulumi update' running)" && say logs "$(line 1 0 'from the update')" &&
    say complete "{\"result\":\"$result\",\"message\":\"as told\"}"
  wait "$client"
}
check "pulumi deployment run ends well with its deployment" run_remote succeeded
check "having shown the whole log" bash -c 'grep -q "from the setup" "$1" && grep -q "from the update" "$1"' - "$work/remote.out"
check "its secret reached the agent, and the settings with it" is "$(jq -r '[.job.environment[] | select(.secret) | .value] | sort | join(" ")' "$work/claim")" "hunter2-remote hunter2-settings"
check "it fails with its deployment" not run_remote failed
check "pulumi deployment ls" bash -c 'ip netns exec "$1" "$2" deployment ls --stack default/lat/s | tee "$3/ls.out" | grep -qi failed' - "$far" "$pulumi" "$work"
check "pulumi deployment get" p deployment get "$id" --stack default/lat/s
has_the_update() { p deployment log "$id" --all --stack default/lat/s | grep -q "from the update"; }
check "pulumi deployment log" has_the_update
a --json deploy create lat/s update --no-inherit >"$work/made.json"
check "pulumi deployment cancel" p deployment cancel "$(jq -r .id "$work/made.json")" --stack default/lat/s --yes
check "it is cancelled" in_state "$(jq -r .id "$work/made.json")" cancelled
check "pulumi deployment settings edit" p deployment settings edit --stack default/lat/s --env EDITED=1 --secret-env MORE=hunter2-more --git-url https://git.site.example/b.git --branch main
check "what it set is kept beside what was there" bash -c 'ip netns exec "$1" "$2" --home "$3" deploy settings get lat/s | jq -e ".operationContext.environmentVariables | .EDITED == \"1\" and .MORE.ciphertext and .FROM_SETTINGS.ciphertext"' - "$far" "$airlock" "$site"
check "pulumi deployment settings get" bash -c 'ip netns exec "$1" "$2" deployment settings get --stack default/lat/s | grep -q EDITED' - "$far" "$pulumi"
check "still no secret lies in the home in plain" bash -c '! grep -rqa hunter2 "$1"' - "$site/control"
finish
