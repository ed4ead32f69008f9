# Python packages from the index that pip uses on this host to pip and uv behind the gap.
. "$(dirname "$0")/lib.sh"
make_far
near=$work/near site=$work/site out=$work/out
mkdir -p "$out" "$work/svc" "$work/lib"
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# uv and pip for the far side, as an administrator would bring them: here from the near side's index, in advance.
check "a virtual environment for the clients" python3 -m venv "$work/tools"
check "uv comes from the index" "$work/tools/bin/pip" install -q --no-cache-dir uv
uv=$work/tools/bin/uv

# A closure with an extra, a wheel for this platform, a marker, a version that is not the newest.
cat >"$work/svc/requirements.txt" <<'TXT'
-r more.txt
-c limits.txt
six==1.16.0   # not the newest
colorama; sys_platform == "win32"
TXT
echo 'requests[socks]>=2.28,<3' >"$work/svc/more.txt"
echo 'urllib3<2' >"$work/svc/limits.txt"
cat >"$work/lib/pyproject.toml" <<'TOML'
[build-system]
requires = ["setuptools>=61", "wheel"]
build-backend = "setuptools.build_meta"
[project]
name = "inside"
version = "1.0"
dependencies = ["idna>=3", 'typing-extensions; python_version >= "3.8"']
[tool.setuptools]
py-modules = ["inside"]
TOML
echo 'answer = 42' >"$work/lib/inside.py"
cat >"$work/pypi.yaml" <<YAML
name: pypi
platforms: [linux/amd64]
pypi:
  packages: ["markupsafe", "Jinja2>=3"]
  projects: [./svc, ./lib]
  python: ["$python"]
YAML
check "keys" "$airlock" --home "$near" keys init --no-passphrase
check "lock resolves every list" "$airlock" --home "$near" bundle lock -m "$work/pypi.yaml" -o "$work/pypi.lock"
check "the constraint holds for the project" grep -q '"path":"urllib3/urllib3-1\.' "$work/pypi.lock"
check "nothing for windows came along" not grep -q colorama "$work/pypi.lock"
check "each wheel is pinned by the index" bash -c '! grep "\.whl\",\"artifact" "$1" | grep -v "\"pin\":\"sha256:"' - "$work/pypi.lock"
check "create from the lock" "$airlock" --home "$near" bundle create --lock "$work/pypi.lock" -o "$out/"

fingerprint=$("$airlock" --home "$near" --json keys show | jq -r .fingerprint)
check "the site pins the root" in_far "$airlock" --home "$site" trust init "$out/root.json" --fingerprint "$fingerprint"
check "import" in_far "$airlock" --home "$site" import "$out/pypi-1.airlock"
start_serve "$site"
check "client settings are written" in_far "$airlock" --home "$site" client write --url "http://$mirror" --dir "$work/client" --ecosystem pypi
far_run() { in_far env -i PATH="$PATH" HOME="$work/far-home" bash -c '. "$1/client/env.sh"; shift; "$@"' - "$work" "$@"; }
venv() { rm -rf "$work/venv"; python3 -m venv "$work/venv"; }
mkdir -p "$work/far-home"

venv
check "pip installs a package and its closure" far_run "$work/venv/bin/pip" install --no-cache-dir jinja2
check "and it runs" in_far "$work/venv/bin/python" -c 'import jinja2, markupsafe; assert markupsafe._speedups; print(jinja2.Template("{{ 6 * 7 }}").render())'
venv
check "pip installs a requirements file with its constraints" far_run "$work/venv/bin/pip" install --no-cache-dir -r "$work/svc/requirements.txt"
check "in the versions that it wants" bash -c '"$1/venv/bin/pip" freeze >"$1/freeze" && grep -q "^six==1.16.0" "$1/freeze" && grep -q "^urllib3==1\." "$1/freeze" && grep -q "^PySocks" "$1/freeze"' - "$work"
check "pip builds a project with an isolated backend" far_run "$work/venv/bin/pip" install --no-cache-dir "$work/lib"
check "uv installs the same" bash -c 'rm -rf "$1/uv-venv" && python3 -m venv "$1/uv-venv"' - "$work"
check "uv pip install" far_run "$uv" pip install --no-cache --python "$work/uv-venv/bin/python" -r "$work/svc/requirements.txt" jinja2
check "uv chose what pip chose" bash -c 'diff <("$1/uv-venv/bin/python" -m pip freeze | grep -vi -E "^(jinja2|markupsafe)==" | sort) <(grep -v -E "^(inside|typing_extensions| *$)" "$1/freeze" | grep -v "@ file" | sort)' - "$work"

# With hashes: as `pip-compile --generate-hashes` writes them, here from what the mirror says.
in_far curl -fsS -H 'Accept: application/vnd.pypi.simple.v1+json' "http://$mirror/pypi/simple/six/" >"$work/six.json"
check "the page is JSON where it is asked for" jq -e '.meta["api-version"] == "1.1" and .versions == ["1.16.0"] and .files[0]["core-metadata"].sha256 and .files[0].size > 0' "$work/six.json"
hash=$(jq -r '.files[0].hashes.sha256' "$work/six.json")
mkdir -p "$work/hashed"
printf 'six==1.16.0 \\\n    --hash=sha256:%s \\\n    --hash=sha256:%064d\n' "$hash" 1 >"$work/hashed/requirements.txt"
venv
check "pip --require-hashes" far_run "$work/venv/bin/pip" install --no-cache-dir --require-hashes -r "$work/hashed/requirements.txt"
cat >"$work/hashed.yaml" <<YAML
name: hashed
platforms: [linux/amd64]
pypi: { projects: [./hashed], python: ["$python"] }
YAML
check "a list with hashes resolves to just those files" "$airlock" --home "$near" bundle lock -m "$work/hashed.yaml" -o "$work/hashed.lock"
check "one wheel" test "$(grep -c '"kind":"file"' "$work/hashed.lock")" = 1
echo 'requests==2.31.0 --hash=sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f' >"$work/hashed/requirements.txt"
check_exit 1 "a hash-checked list without its closure is refused" "$airlock" --home "$near" bundle lock -m "$work/hashed.yaml" -o "$work/hashed.lock"
check_said "no hash is given for it"
check_said "of requests 2.31.0"
printf 'six==1.16.0 --hash=sha256:%064d\n' 1 >"$work/hashed/requirements.txt"
check_exit 1 "hashes that fit no file are refused" "$airlock" --home "$near" bundle lock -m "$work/hashed.yaml" -o "$work/hashed.lock"
check_said "none of its files for this platform has a hash that is given"

check "--project finds what a working tree needs" "$airlock" --home "$near" bundle create --project "$work/svc" --dry-run
check_said "found $work/svc/requirements.txt: pypi, 3 requirements"

# The protocol, as older and other clients speak it.
get() { in_far curl -sS "$@"; }
check "HTML for an old pip" bash -c 'ip netns exec "$1" curl -fsS -H "Accept: text/html, */*;q=0.1" -D "$2/headers" "http://$3/pypi/simple/jinja2/" | grep -q "data-core-metadata=\"sha256=" && grep -qi "content-type: text/html" "$2/headers"' - "$far" "$work" "$mirror"
check "an unnormalised name is redirected" bash -c '[ "$(ip netns exec "$1" curl -sS -o /dev/null -w "%{http_code} %{redirect_url}" "http://$2/pypi/simple/Jinja2/")" = "301 http://$2/pypi/simple/jinja2/" ]' - "$far" "$mirror"
check "no type that is there is 406" bash -c '[ "$(ip netns exec "$1" curl -sS -o /dev/null -w "%{http_code}" -H "Accept: image/png" "http://$2/pypi/simple/six/")" = 406 ]' - "$far" "$mirror"
wheel=http://$mirror/pypi/simple/six/$(jq -r '.files[0].url' "$work/six.json")
get -f "$wheel" -o "$work/six.whl"
check "the wheel is the one that the page promises" test "$(sha256_of "$work/six.whl")" = "$hash"
get -f -r 10-19 "$wheel" -o "$work/part"
check "a range of it" bash -c 'cmp <(tail -c +11 "$1/six.whl" | head -c 10) "$1/part"' - "$work"
get -f "$wheel.metadata" -o "$work/six.metadata"
check "its metadata file is that of the wheel" bash -c 'cmp <(unzip -p "$1/six.whl" "*.dist-info/METADATA" 2>/dev/null || python3 -c "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.stdout.buffer.write(z.read([n for n in z.namelist() if n.endswith(\".dist-info/METADATA\")][0]))" "$1/six.whl") "$1/six.metadata"' - "$work"
names_no_host() {
  local page accept
  for page in "" six/ jinja2/ requests/; do
    for accept in application/vnd.pypi.simple.v1+json text/html; do
      get -f -H "Accept: $accept" "http://$mirror/pypi/simple/$page" -o "$work/page" && [ -s "$work/page" ] || return 1
      ! grep -E "https?://" "$work/page" || return 1
    done
  done
}
check "no page names another host" names_no_host

# What is missing goes back as a wish, and comes.
venv
check_exit 1 "a package that is not here is not found" far_run "$work/venv/bin/pip" install --no-cache-dir tomli
check_said "No matching distribution found for tomli"
check "it is among the wants" wait_for 10 bash -c '"$1" --home "$2" wants | grep -q tomli' - "$airlock" "$site"
"$airlock" --home "$site" wants -o "$work/wants.yaml" >/dev/null
check "create --wants brings it" "$airlock" --home "$near" bundle create -m "$work/pypi.yaml" --wants "$work/wants.yaml" -o "$out/"
check "import of the second bundle" in_far "$airlock" --home "$site" import "$out/pypi-2.airlock"
check "now pip installs it" far_run "$work/venv/bin/pip" install --no-cache-dir tomli

# Over TLS: the settings name the authority for pip and for uv.
start_tls() {
  start "$work/serve-tls.log" in_far "$airlock" --home "$site" serve --mirror-only --listen 127.0.0.1:8481 --tls-self-signed
  wait_for 20 in_far curl -sSk -o /dev/null https://127.0.0.1:8481/healthz
}
check "the mirror with a certificate of its own" start_tls
in_far curl -fsSk https://127.0.0.1:8481/setup/ca.pem -o "$work/ca.pem"
rm -rf "$work/client"
check "client settings for it" in_far "$airlock" --home "$site" client write --url https://127.0.0.1:8481 --ca "$work/ca.pem" --dir "$work/client" --ecosystem pypi
venv
check "pip over TLS" far_run "$work/venv/bin/pip" install --no-cache-dir tomli jinja2
venv
check "uv over TLS" far_run "$uv" pip install --no-cache --python "$work/venv/bin/python" tomli jinja2
check "without the authority nothing is taken" not far_run env -u PIP_CERT -u REQUESTS_CA_BUNDLE -u SSL_CERT_FILE PIP_CONFIG_FILE=/dev/null "$work/venv/bin/python" -m pip install --retries 0 --no-cache-dir --force-reinstall tomli

# What cannot be had is said with the chain that asked.
cat >"$work/bad.yaml" <<YAML
name: bad
pypi: { packages: ["requests==2.31.0", "urllib3==1.20"], python: ["$python"] }
YAML
check_exit 2 "requirements that exclude each other are refused" "$airlock" --home "$near" bundle lock -m "$work/bad.yaml" -o "$work/bad.lock"
check_said "of requests 2.31.0"
cat >"$work/bad.yaml" <<YAML
name: bad
pypi: { packages: ["no-such-project-of-airlock"], python: ["$python"] }
YAML
check_exit 1 "a project that is nowhere is refused" "$airlock" --home "$near" bundle lock -m "$work/bad.yaml" -o "$work/bad.lock"
check_said "no index has a project 'no-such-project-of-airlock'"
finish
