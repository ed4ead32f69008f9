#!/usr/bin/env bash
# job_image.sh LAYOUT NAME:TAG: an image that jobs can run in, as an OCI layout: Debian with git, Python and its venv, and this
# host's Node.js, npm and Go. The layers are kept in the cache; the CLIs come from the mirror, not from the image.
set -euo pipefail
cd "$(dirname "$0")/../.."
layout=$1 name=$2
cache=${AIRLOCK_TEST_CACHE:-$HOME/.cache/airlock-tests}
mkdir -p "$cache"
exec 9>"$cache/.job-image.lock"
flock 9

base=$cache/job-base.tar
if [ ! -s "$base" ]; then
  echo "making a file system for jobs (once; kept in the cache)" >&2
  root=$cache/job-base
  tests/support/debian_root.sh "$root" --include=ca-certificates,git,libatomic1,python3,python3-venv,unzip
  tar -C "$root" --sort=name --mtime=@1700000000 --numeric-owner --exclude=./dev --exclude=./proc --exclude=./sys \
    --exclude=./var/cache --exclude=./var/lib/apt --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale \
    -cf "$base.partial" .
  mv "$base.partial" "$base"
  rm -rf --one-file-system "$root"
fi

node=$(readlink -f "$(command -v node)") npm=$(readlink -f "$(command -v npm)") goroot=$(go env GOROOT)
modules=$(dirname "$(dirname "$(dirname "$npm")")")  # …/node_modules of …/node_modules/npm/bin/npm-cli.js
languages=$cache/job-languages-$("$node" --version)-$(go env GOVERSION).tar
if [ ! -s "$languages" ]; then
  root=$(mktemp -d "$cache/languages.XXXXXX")
  trap 'rm -rf --one-file-system "$root"' EXIT
  mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules"
  cp "$node" "$root/usr/local/bin/node"
  cp -r "$modules/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  tar -C "$goroot/.." --exclude=test --exclude=doc --exclude=api --exclude=testdata -cf - "$(basename "$goroot")" | tar -C "$root/usr/local" -xf -
  [ "$(basename "$goroot")" = go ] || mv "$root/usr/local/$(basename "$goroot")" "$root/usr/local/go"
  ln -s ../go/bin/go "$root/usr/local/bin/go"
  tar -C "$root" --sort=name --mtime=@1700000000 --numeric-owner --owner=0 --group=0 -cf "$languages.partial" .
  mv "$languages.partial" "$languages"
fi
python3 tests/support/make_image.py "$layout" "$name" --layer "$base" --layer "$languages"
