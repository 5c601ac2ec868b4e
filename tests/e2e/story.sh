#!/usr/bin/env bash
# story.sh: tells one story of a whole cluster on a real Kubernetes, or prepares and ends the stage.
#
# Usage: tests/e2e/story.sh setup | cleanup | NAME     NAME: a file of tests/e2e/stories, without .sh
#
#   setup     the local cluster "e2e-..." (two nodes), the image, the operator by helm
#   cleanup   removes it; keeps it when QUORATE_E2E_KEEP is set
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
PARTS=${QUORATE_CACHE:-$HOME/.cache/quorate}/parts
VERSION=$(sed -n 's/^project(quorate VERSION \([0-9.]*\).*/\1/p' "$ROOT/CMakeLists.txt")
CLUSTER=$ROOT/deploy/local/cluster.sh
WRITER_PID=""
E2E=${QUORATE_E2E_LOGS:-$ROOT/build/release/e2e}

host_network() { ip -4 route; iptables-save | sed '/^#/d; s/ *\[[0-9:]*\]//'; ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/\1/'; }

setup() {
  mkdir -p "$E2E"
  "$CLUSTER" status --name $STAGE >/dev/null 2>&1 || host_network >"$E2E/host-network.txt"
  "$ROOT/deploy/packages.sh" cluster
  "$ROOT/deploy/local/parts.sh" tools pause etcd kubernetes coredns minio >/dev/null
  "$CLUSTER" up --name $STAGE --nodes 2
  [ -s "$PARTS/minio.tar" ] || "$ROOT/deploy/local/pack-image.sh" quorate.dev/test-minio:1 "$PARTS/minio.tar" "$PARTS/minio"
  "$CLUSTER" load-image "$PARTS/minio.tar" --name $STAGE
  "$ROOT/deploy/quickstart.sh" operator --name $STAGE --skip-build
}

cleanup() {
  [ -z "${QUORATE_E2E_KEEP:-}" ] || return 0
  "$CLUSTER" down --name $STAGE
  [ -s "$E2E/host-network.txt" ] || return 0
  diff "$E2E/host-network.txt" <(host_network) || fail "the host's network is not as it was before (above: < before, > now)"
}

finish() {
  local status=$?
  [ -z "$WRITER_PID" ] || kill "$WRITER_PID" 2>/dev/null || true
  [ "$status" = 0 ] || collect_logs || true
  # Clusters first: their finalizer is the operator's business. Then all the rest with the namespace.
  kn delete etcdclusters --all --timeout=60s >/dev/null 2>&1 || true
  K delete namespace "$STORY_NS" --wait=false >/dev/null 2>&1 || true
  exit "$status"
}

main() {
  local story=${1:?"name a story: $(cd "$HERE/stories" && echo *.sh)"}
  case $story in
    setup) setup; return ;;
    cleanup) cleanup; return ;;
  esac
  [ -e "$HERE/stories/$story.sh" ] || fail "no story '$story'; there are: $(cd "$HERE/stories" && echo *.sh)"
  KUBECONFIG=$("$CLUSTER" kubeconfig --name $STAGE) || fail "the stage is not up: tests/e2e/story.sh setup"
  export KUBECONFIG
  NS=${story//_/-}-$RANDOM
  STORY_NS=$NS
  LOGS=$E2E/$story
  rm -rf "$LOGS"
  mkdir -p "$LOGS"
  K create namespace "$NS" >/dev/null
  K label namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
  trap finish EXIT
  # shellcheck source=/dev/null
  . "$HERE/stories/$story.sh"
  tell "$story: the end"
}
main "$@"
