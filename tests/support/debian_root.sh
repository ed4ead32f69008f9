#!/usr/bin/env bash
# debian_root.sh FOLDER [OPTION…]: a minimal Debian root file system, made with debootstrap from this host's own mirror. What an
# interrupted run left in the folder goes first; what debootstrap says is beside it, in FOLDER.log.
set -euo pipefail
folder=$1; shift
mirror=$(grep -rhoE '^(URIs: *|deb +(\[[^]]*\] *)?)https?://[^ ]*/debian/? ?' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
  grep -oE 'https?://[^ ]+' | head -n 1 || true)
rm -rf --one-file-system "$folder"
debootstrap --variant=minbase "$@" bookworm "$folder" ${mirror:+"$mirror"} >"$folder.log" 2>&1 ||
  { tail -n 5 "$folder.log" >&2; exit 1; }
