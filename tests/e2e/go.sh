# Go modules: a project and a tool from the proxy that this host's Go client uses, carried over, and used there by the
# unmodified client, which can reach nothing else.
. "$(dirname "$0")/lib.sh"
command -v go >/dev/null || { skip "no go on PATH"; finish; }
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/in/app" && cd "$work/in" || exit 1
export GOFLAGS=-modcacherw GOCACHE=$work/go-build GOTOOLCHAIN=local
near_go() { env -C "$1" GOMODCACHE="$cache/go-mod" go "${@:2}"; }

cat >app/go.mod <<'GO'
module site.example/app

go 1.22

require github.com/spf13/cobra v1.8.1
GO
cat >app/main.go <<'GO'
package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func main() {
	_ = (&cobra.Command{Use: "app", Run: func(*cobra.Command, []string) { fmt.Println("carried over") }}).Execute()
}
GO
check "a project with a go.sum" near_go app mod tidy
near_go app mod download >/dev/null 2>&1; near_go app list -m -json all >/dev/null 2>&1  # what its cache is to hold below
cat >m.yaml <<'YAML'
name: go-modules
go:
  projects: [./app]
  packages: ["golang.org/x/example/hello@latest"]
YAML
"$airlock" --home "$near" keys init --no-passphrase >/dev/null
fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)

check "a lock" "$airlock" --home "$near" bundle lock -m m.yaml -o m.lock
zips() { jq -r --arg v "$1" 'select(.path // "" | endswith(".zip")) | select(.kind == "file" and .verified == $v) | .path' m.lock; }
check "go.sum proves what it lists" test "$(zips upstream-digest | wc -l)" = 3
check "the checksum database proves the rest" test "$(zips checksum-database | wc -l)" -ge 1
check "and nothing is unproved" test -z "$(zips none)"
check "every hash of go.sum is in the lock" bash -c '! grep -oE "h1:[^ ]+" app/go.sum | while read -r pin; do grep -qF "$pin" m.lock || echo "$pin"; done | grep .'
check "a bundle of that lock" "$airlock" --home "$near" bundle create --lock m.lock -m m.yaml -o "$out/"
check "verifies" "$airlock" --home "$near" verify "$out"
check "the manifest alone makes the same" bash -c '"$1" --home "$2" bundle create -m m.yaml -o "$3/" && ls "$3"' - "$airlock" "$near" "$work/again"
check "--project finds the module" "$airlock" --home "$near" bundle create --project app --dry-run -o "$work/project/"
check_said "go.mod"

in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint" >/dev/null
check "import on the far side" in_far "$airlock" --home "$site" import "$out"
start_serve "$site"
check "settings for clients" in_far "$airlock" --home "$site" client write --url "http://$mirror" --dir "$work/setup" --ecosystem go
check "no setting names another way" bash -c '! grep -rE "direct|sum\." "$1"' - "$work/setup"

# far_go FOLDER ARGUMENTS…: with an empty module cache each time.
far_go() {
  rm -rf "$work/far-mod"
  in_far env -C "$1" GOMODCACHE="$work/far-mod" GOPATH="$work/far-gopath" bash -c '. "$0/env.sh" && exec go "$@"' "$work/setup" "${@:2}"
}
cp -r app far-app
check "go build" far_go far-app build -o "$work/app.bin" ./...
check "the program runs" bash -c '[ "$("$1")" = "carried over" ]' - "$work/app.bin"
check "go mod tidy" far_go far-app mod tidy
check "tidy changes nothing" diff -r app far-app
check "go mod download" far_go far-app mod download
check "go mod graph" far_go far-app mod graph
check "go mod verify" far_go far-app mod verify
check "go vet" far_go far-app vet ./...
check "go list -m all, with what is known of each" far_go far-app list -m -json all
check "go list -m -versions lists what is here" bash -c '[ "$1" = "github.com/spf13/cobra v1.8.1" ]' - "$(far_go far-app list -m -versions github.com/spf13/cobra)"
check "go install PATH@VERSION" far_go "$work" install golang.org/x/example/hello@latest
check "the tool runs" "$work/far-gopath/bin/hello"
mkdir fresh && far_go fresh mod init site.example/fresh >/dev/null 2>&1
check "go get in an empty project" far_go fresh get github.com/spf13/cobra@latest
check "no miss was recorded for what is here" bash -c '! "$1" --home "$2" wants --all | grep -q "cobra@v\|example/hello@v"' - "$airlock" "$site"

# Without the settings for the checksum database the client is stopped here, with a reason.
sumdb=$(go env GOSUMDB)
if [ "$sumdb" != off ]; then
  mkdir open && far_go open mod init site.example/open >/dev/null 2>&1
  check "the probe for the checksum database gets no further" bash -c '! ip netns exec "$1" env -C open GOMODCACHE="$2/far-mod2" GOPROXY="http://$3/go" GOSUMDB="$4" GOENV=off go get github.com/spf13/cobra@v1.8.1 >"$2/probe.out" 2>&1 && grep -q "GOSUMDB=off" "$2/probe.out"' - "$far" "$work" "$mirror" "$sumdb"
fi

# What is missing is asked for, carried back, and comes.
check "a private module is refused" not far_go fresh get git.corp.internal/team/lib@v1.0.0
check "one that is not here too" not far_go fresh get github.com/google/uuid@v1.6.0
wanted() { far_airlock wants | grep -q 'github.com/google/uuid@v1.6.0'; }
check "it is noted, and the private one was before it" wait_for 10 wanted
check "the wants" in_far "$airlock" --home "$site" wants -o wants.yaml
check "name the module" grep -q 'github.com/google/uuid@v1.6.0' wants.yaml
check "and not the private one" not grep -q corp.internal wants.yaml
check "a bundle of the wants" "$airlock" --home "$near" bundle create --wants wants.yaml -o "$out/next/" --base "$out/go-modules-1.airlock"
check "goes in" in_far "$airlock" --home "$site" import "$out/next"
check "and now the module is here" far_go fresh get github.com/google/uuid@v1.6.0

# A proxy that gives something else. Its tree is that of the client's cache, so nothing is fetched again.
tree=$work/tree
cp -r "$cache/go-mod/cache/download" "$tree" && rm -rf "$tree/sumdb"
port=$(free_port)
start "$work/proxy.log" python3 -m http.server --bind 127.0.0.1 --directory "$tree" "$port"
wait_for 10 curl -fsS -o /dev/null "http://127.0.0.1:$port/"
sed "s#^  packages:.*##" m.yaml >tree.yaml; echo "upstreams: { go: { url: \"http://127.0.0.1:$port/\" } }" >>tree.yaml
create_tree() { rm -rf "$work/tree-out"; "$airlock" --home "$work/tree-home" bundle create -m tree.yaml -o "$work/tree-out/" --restart; }
"$airlock" --home "$work/tree-home" keys init --no-passphrase >/dev/null
check "another proxy, named in the manifest" create_tree
cobra=$tree/github.com/spf13/cobra/@v/v1.8.1
cp "$cobra.zip" "$work/cobra.zip"
change_zip() { python3 - "$work/cobra.zip" "$cobra.zip" "$1" <<'PY'
import sys, zipfile
source, target, how = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
    for info in old.infolist():
        data = old.read(info)
        if how == "content" and info.filename.endswith("/cobra.go"):
            data += b"// one line more\n"
        new.writestr(info.filename, data)
    if how == "member":
        new.writestr("github.com/spf13/cobra@v1.8.1/../../evil.go", b"package evil\n")
if how == "hidden":  # a directory that shows another file than the one that is hashed when read in order
    data = bytearray(open(target, "rb").read())
    at = data.rfind(b"PK\x01\x02")
    data[at + 46 + 10] ^= 1
    open(target, "wb").write(data)
PY
}
change_zip same
check "a zip that is packed in another way is the same module" create_tree
change_zip content
check_exit 3 "a zip with one line more is refused" create_tree
check_said "github.com/spf13/cobra"
check "and leaves no bundle" bash -c '! ls "$1"/*.airlock' - "$work/tree-out"
change_zip member
check "a zip with a member outside is refused" not create_tree
change_zip hidden
check "a zip whose directory differs from its content is refused" not create_tree
head -c 20000 "$work/cobra.zip" >"$cobra.zip"
check "half a zip is refused" not create_tree
echo "<html>sign in</html>" >"$cobra.zip"
check "a web page is no zip" not create_tree
cp "$work/cobra.zip" "$cobra.zip"
echo "require evil.example/x v1.0.0" >>"$cobra.mod"
check_exit 3 "a go.mod with one line more is refused" create_tree
check_said "go.mod of github.com/spf13/cobra@v1.8.1"
rm "$cobra.mod" "$cobra.info"
check_exit 1 "a module that is not there" create_tree
check_said "app/go.mod -> github.com/spf13/cobra@v1.8.1"
printf 'name: go-modules\ngo: { packages: ["github.com/spf13/pflag@v1.0.5"] }\nupstreams: { go: { url: "http://127.0.0.1:%s/" } }\n' "$port" >tree.yaml
check_exit 2 "what nothing proves is refused" env GOSUMDB=off "$airlock" --home "$work/tree-home" bundle create -m tree.yaml -o "$work/tree-out/"
check_said "GONOSUMDB"
check "and taken where the host's settings exempt it" env GOSUMDB=off GONOSUMDB=github.com/spf13 "$airlock" --home "$work/tree-home" bundle create -m tree.yaml -o "$work/tree-out/"
finish
