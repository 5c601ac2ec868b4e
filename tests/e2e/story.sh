#!/usr/bin/env bash
# story.sh: tells one story of a whole cluster on a real Kubernetes, or prepares and ends the stage.
#
# Usage: tests/e2e/story.sh setup | cleanup | NAME     NAME: a file of tests/e2e/stories, without .sh
#
#   setup     the local cluster "e2e-..." (two nodes), the image, the operator by helm
#   cleanup   removes it, and fails when anything of it is left on this machine; keeps it when QUORATE_E2E_KEEP is set
# A story run by hand uses the stage that is up. Logs of a failure: ${QUORATE_E2E_LOGS:-build/release/e2e}/NAME.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=../../deploy/lib/output.sh
. "$ROOT/deploy/lib/output.sh"
# shellcheck source=lib.sh
. "$HERE/lib.sh"

STAGE=e2e-$(cksum <<<"$ROOT" | cut -c1-4)  # two checkouts on one machine have a stage each
export QUORATE_BIN=${QUORATE_BIN:-$ROOT/build/release/bin}
STATE_ROOT=${QUORATE_STATE:-/var/lib/quorate-local}
PARTS=${QUORATE_CACHE:-$HOME/.cache/quorate}/parts
VERSION=$(sed -n 's/^project(quorate VERSION \([0-9.]*\).*/\1/p' "$ROOT/CMakeLists.txt")
CLUSTER=$ROOT/deploy/local/cluster.sh
WRITER_PID=""
E2E=${QUORATE_E2E_LOGS:-$ROOT/build/release/e2e}

OWN=""  # a second cluster, of this story alone

# host_state: what a local cluster could leave on this machine. Lines of clusters that are not this stage's are left out
# (OURS: its networks), so that somebody else may work here at the same time.
host_state() {
  {
    ip -4 route | sed 's/^/route /'
    iptables-save | sed '/^#/d; s/ *\[[0-9:]*\]//; s/^/iptables /' || true
    ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/link \1/'
    find /run/netns -maxdepth 1 -name 'quorate-*' 2>/dev/null || true
    cut -d' ' -f2 /proc/self/mounts | sed -nE '/quorate|kubelet|containerd/s/^/mount /p'
    find /var/lib/quorate-local /var/lib/cni /var/lib/kubelet /var/lib/containerd /var/log/containers /var/log/pods \
      /run/containerd /run/quorate-local -maxdepth 2 2>/dev/null || true
    find /sys/fs/cgroup -maxdepth 3 -type d -path '*k8s.io*' 2>/dev/null || true
  } | sort -u | others_left_out
}
others_left_out() {
  awk -v stage="$STAGE" -v ours=" ${OURS:-} " '
    match($0, /quorate-?[0-9]+|quorate-local\/[0-9]+|10\.[0-9]+\./) {
      network = substr($0, RSTART, RLENGTH)
      gsub(/^10\.|[^0-9]/, "", network)
      if (network >= 88 && network <= 119 && index(ours, " " network " ") == 0) next
    }
    match($0, /^\/var\/lib\/quorate-local\/\.?[a-z0-9-]+|^mount \/var\/lib\/quorate-local\/[a-z0-9-]+/) {
      if (index(substr($0, RSTART, RLENGTH), "/" stage) == 0 && index($0, "/." stage) == 0) next
    }
    /^\/(var\/lib\/quorate-local|run\/quorate-local)$/ {next}  # goes with the last cluster
    {print}'
}

# The clusters of this stage that there are: its own, and those of stories that were cut off.
stage_clusters() {
  local dir
  for dir in "$STATE_ROOT/$STAGE" "$STATE_ROOT/$STAGE"-*; do [ ! -d "$dir" ] || basename "$dir"; done
}

setup() {
  mkdir -p "$E2E"
  "$ROOT/deploy/packages.sh" cluster
  [ -n "$(stage_clusters)" ] || host_state >"$E2E/host.txt"
  "$ROOT/deploy/local/parts.sh" tools pause etcd kubernetes coredns minio >/dev/null
  "$CLUSTER" up --name $STAGE --nodes 2
  [ -s "$PARTS/minio.tar" ] || "$ROOT/deploy/local/pack-image.sh" quorate.dev/test-minio:1 "$PARTS/minio.tar" "$PARTS/minio"
  "$CLUSTER" load-image "$PARTS/minio.tar" --name $STAGE
  "$ROOT/deploy/quickstart.sh" operator --name $STAGE --skip-build
}

# down NAME: ends a cluster, under ten seconds.
down() {
  local begin took
  begin=$(now_ms)
  "$CLUSTER" down --name "$1" || { printf 'cluster %s did not end\n' "$1" >&2; return 1; }
  took=$(($(now_ms) - begin))
  tell "cluster $1: down took $took ms"
  ((took < 10000)) || { printf 'down took %s ms; 10000 are allowed\n' "$took" >&2; return 1; }
}

cleanup() {
  [ -z "${QUORATE_E2E_KEEP:-}" ] || return 0
  local name bad="" processes
  OURS=$({ cat "$E2E/networks.txt" "$STATE_ROOT/$STAGE"*/subnet 2>/dev/null || true; } | tr '\n' ' ')
  for name in $(stage_clusters); do down "$name" || bad=yes; done
  processes=$(grep -lF -- "$STATE_ROOT/$STAGE" /proc/[0-9]*/cmdline 2>/dev/null | grep -oE '[0-9]+' || true)
  for name in $processes; do
    [ -e "/proc/$name" ] || continue  # the look itself
    printf 'process %s is left: %s\n' "$name" "$(tr '\0' ' ' <"/proc/$name/cmdline" | cut -c1-200)" >&2
    bad=yes
  done
  if [ -s "$E2E/host.txt" ]; then
    # Somebody's dead socket may have gone. Nothing may have come, and the network is the same.
    diff "$E2E/host.txt" <(host_state) >"$E2E/host.diff" || true
    ! grep -E '^>|^< (route|iptables|link) ' "$E2E/host.diff" >&2 || bad=yes
  fi
  [ -z "$bad" ] || fail "the host is not as it was before (above: < before, > now)"
  tell "the host is as it was: routes, packet rules, links, namespaces, mounts, folders, cgroups, processes"
}

# own_cluster SUFFIX [OPTIONS]: a second cluster, of this story alone; what follows speaks to it. It ends with the story.
own_cluster() {
  OWN=$STAGE-$1
  shift
  "$CLUSTER" down --name "$OWN" 2>/dev/null
  "$CLUSTER" up --name "$OWN" "$@" 2>"$LOGS/up.txt" || { tail -20 "$LOGS/up.txt" >&2; fail "the story's own Kubernetes does not start"; }
  tell "$(tail -1 "$LOGS/up.txt")"
  KUBECONFIG=$("$CLUSTER" kubeconfig --name "$OWN")
  cat "${KUBECONFIG%/*}/subnet" >>"$E2E/networks.txt"
  make_namespace
}

make_namespace() {
  K create namespace "$NS" >/dev/null
  K label namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

finish() {
  local status=$?
  [ -z "$WRITER_PID" ] || kill "$WRITER_PID" 2>/dev/null || true
  ! declare -F tidy_up >/dev/null || tidy_up  # of a story that makes more than pods
  [ "$status" = 0 ] || [ "$KUBECONFIG" = /nowhere ] || collect_logs || true
  if [ -n "$OWN" ]; then
    down "$OWN" || status=1
    exit "$status"
  fi
  [ "$KUBECONFIG" != /nowhere ] || exit "$status"
  # Clusters first: their finalizer is the operator's business. Then all the rest with the namespace.
  kn delete etcdclusters --all --timeout=60s >/dev/null 2>&1 || true
  K delete namespace "$STORY_NS" --wait=false >/dev/null 2>&1 || true
  exit "$status"
}

use_stage() {
  KUBECONFIG=$("$CLUSTER" kubeconfig --name $STAGE) || fail "the stage is not up: tests/e2e/story.sh setup"
  make_namespace
}

main() {
  local story=${1:?"name a story: $(cd "$HERE/stories" && echo *.sh)"}
  case $story in
    setup) setup; return ;;
    cleanup) cleanup; return ;;
  esac
  [ -e "$HERE/stories/$story.sh" ] || fail "no story '$story'; there are: $(cd "$HERE/stories" && echo *.sh)"
  export KUBECONFIG=/nowhere
  NS=${story//_/-}-$RANDOM
  STORY_NS=$NS
  LOGS=$E2E/$story
  rm -rf "$LOGS"
  mkdir -p "$LOGS"
  trap finish EXIT
  # A story whose first line says so has a cluster of its own, or needs none.
  head -1 "$HERE/stories/$story.sh" | grep -q '^# (no stage)' || use_stage
  # shellcheck source=/dev/null
  . "$HERE/stories/$story.sh"
  tell "$story: the end"
}
main "$@"
