#!/usr/bin/env bash
# certificate.sh FOLDER NAME…: a certificate authority (ca.pem), and a certificate for these names (server.pem, server.key).
set -euo pipefail
folder=$1; shift
mkdir -p "$folder"
names=IP:127.0.0.1
for name in "$@"; do names+=,DNS:$name; done
key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${key[@]}" -keyout "$folder/ca.key" -out "$folder/ca.pem" -days 30 -subj "/CN=Authority of the tests" 2>/dev/null
openssl req -x509 "${key[@]}" -keyout "$folder/server.key" -out "$folder/server.pem" -days 30 -subj "/CN=Upstream of the tests" \
  -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -addext "subjectAltName=$names" -addext "basicConstraints=critical,CA:FALSE" 2>/dev/null
