#!/usr/bin/env bash
# pack-image.sh: packs static programs into a container image archive, without a registry or an image builder.
#
# Usage: deploy/local/pack-image.sh REFERENCE OUTPUT.tar PROGRAM...
#
# The programs land in /; the first is the entry point; user 65532. One layer, docker-archive format: `ctr images import` and
# cluster.sh load-image take it. For the sandbox image and for peers in tests (real etcd, MinIO); our own image has a Dockerfile.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2; }
reference=$1 output=$2
shift 2

work=$(mktemp -d "${output%/*}/.pack.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/files/tmp"
chmod 1777 "$work/files/tmp"
for program in "$@"; do install -m 755 "$program" "$work/files/"; done
tar -C "$work/files" --owner=0 --group=0 --mtime=@0 --sort=name -cf "$work/layer.tar" .
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
machine=$(uname -m)
case $machine in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; esac
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/%s"],"User":"65532:65532","Env":["PATH=/"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$machine" "$(basename "$1")" "$layer" >"$work/config.json"
config=$(sha256sum "$work/config.json" | cut -d' ' -f1)
mv "$work/config.json" "$work/$config.json"
printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$config" "$reference" >"$work/manifest.json"
tar -C "$work" -cf "$work/image.tar" manifest.json "$config.json" layer.tar
mv "$work/image.tar" "$output"
