#!/usr/bin/env bash
# quickstart.sh: from a fresh clone to a running, self-repairing cluster on a real Kubernetes, and a key in it.
#
# Usage: deploy/quickstart.sh [--nodes N] [--name NAME]            a Kubernetes of its own on this machine (as root, Debian 12)
#        deploy/quickstart.sh --cluster current --image REFERENCE  the cluster that your kubeconfig names
#        deploy/quickstart.sh operator [...]                       the same as far as the operator; no cluster is made in it
#        deploy/quickstart.sh down [--cluster current]             removes what it made
#
#   --nodes N     nodes of the local Kubernetes, 1 to 3 (default 1)
#   --name NAME   of the local Kubernetes (default: default)
#   --skip-build  take the programs that are in build/release/bin
#   --image REF   an image that your cluster can pull: docker build -t REF . && docker push REF
#
# Installs packages, builds, starts Kubernetes, makes the image, installs the operator, applies deploy/examples/cluster.yaml, waits
# until it is Ready, writes a key and reads it back. Running it again is quick and harmless. The first run compiles Kubernetes
# and Quorate: tens of minutes on a small machine; later ones take seconds.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
# shellcheck source=lib/output.sh
. "$HERE/lib/output.sh"
# shellcheck source=lib/build.sh
. "$HERE/lib/build.sh"
export STARTED_MS

CACHE=${QUORATE_CACHE:-$HOME/.cache/quorate}
NAMESPACE=quorate-system
VERSION=$(sed -n 's/^project(quorate VERSION \([0-9.]*\).*/\1/p' "$ROOT/CMakeLists.txt")
WHERE=local
NAME=default
NODES=()
IMAGE=""
SKIP_BUILD=""
COMMAND=up

usage() { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; }

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      up | down | operator) COMMAND=$1 ;;
      --skip-build) SKIP_BUILD=yes ;;
      --cluster) WHERE=${2:-}; shift ;;
      --cluster=*) WHERE=${1#*=} ;;
      --nodes) NODES=(--nodes "${2:?"--nodes needs a value"}"); shift ;;
      --nodes=*) NODES=(--nodes "${1#*=}") ;;
      --name) NAME=${2:?"--name needs a value"}; shift ;;
      --name=*) NAME=${1#*=} ;;
      --image) IMAGE=${2:?"--image needs a value"}; shift ;;
      --image=*) IMAGE=${1#*=} ;;
      -h | --help) usage; exit 0 ;;
      *) die "quickstart.sh does not know '$1'; see $0 --help" ;;
    esac
    shift
  done
  [[ $WHERE == local || $WHERE == current ]] || die "--cluster $WHERE: 'local' (a Kubernetes of its own, the default) or 'current' (the one of your kubeconfig)"
}

step() { printf '\n[%6ss] == %s\n' "$(elapsed)" "$*" >&2; }

use_current() {
  KUBECTL=$(command -v kubectl) && HELM=$(command -v helm) || die "--cluster current needs kubectl and helm; install them and run this again"
  local context
  context=$("$KUBECTL" config current-context 2>/dev/null) || die "your kubeconfig names no current cluster; see: kubectl config get-contexts"
  say "using your cluster '$context'"
}

use_local() {
  KUBECTL=$CACHE/parts/kubectl HELM=$CACHE/parts/helm
  KUBECONFIG=$("$HERE/local/cluster.sh" kubeconfig --name "$NAME") || exit 1
  export KUBECONFIG
}

prepare_local() {
  [ "$(id -u)" = 0 ] || die "a Kubernetes of its own needs root; run this as root, or use yours: $0 --cluster current --image REFERENCE"
  need_go_and_node
  mkdir -p "$BUILD"
  step "packages"
  "$HERE/packages.sh" >&2
  if [ -z "$SKIP_BUILD" ]; then
    step "Quorate"
    build quorate-server quoratectl quorate-operator
  fi
  step "Kubernetes"
  "$HERE/local/cluster.sh" up --name "$NAME" "${NODES[@]}"
  use_local
  step "image"
  "$HERE/image.sh" --load "$NAME"
}

# The chart says where images come from; the annotation makes a new image replace a running operator under the same tag.
install_operator() {
  local set=() key
  step "operator"
  if [ -n "$IMAGE" ]; then
    local name=${IMAGE##*/}
    [[ $name == *:* && $IMAGE != *@* ]] || die "--image $IMAGE: give repository and tag, such as registry.example.com/quorate:$VERSION"
    set+=(--set-string "image.repository=${IMAGE%:*}" --set-string "image.tag=${IMAGE##*:}")
  fi
  if key=$(cat "$CACHE/images/quorate-$VERSION.tar.key" 2>/dev/null) && [ "$WHERE" = local ]; then
    set+=(--set-string "podAnnotations.quorate\.dev/image-key=${key:0:16}")
  fi
  "$KUBECTL" get namespace "$NAMESPACE" >/dev/null 2>&1 || "$KUBECTL" create namespace "$NAMESPACE" >/dev/null
  "$KUBECTL" label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=restricted --overwrite >/dev/null
  "$HELM" upgrade --install quorate-operator "$ROOT/helm/quorate-operator" --namespace "$NAMESPACE" "${set[@]}" \
    --wait --timeout 2m >"$BUILD/helm.log" 2>&1 || {
    show_log "$BUILD/helm.log"
    "$KUBECTL" -n "$NAMESPACE" get pods >&2 || true
    "$KUBECTL" -n "$NAMESPACE" logs deployment/quorate-operator --tail=15 >&2 || true
    die "the operator did not become ready; its state and log are above"
  }
  say "operator: ready in namespace $NAMESPACE"
}

# One line whenever the cluster says something new about itself.
wait_for_cluster() {
  local cluster=$1 patience=$2 begin=$SECONDS object line last=""
  while :; do
    object=$("$KUBECTL" get etcdcluster "$cluster" -o json 2>/dev/null) || object='{}'
    line=$(jq -r '"\(.status.ready // "0/?") ready; \(.status.message // .status.phase // "waiting for the operator to see it")"' <<<"$object")
    [ "$line" = "$last" ] || say "$cluster: $line"
    last=$line
    if jq -e '.metadata.generation == .status.observedGeneration
        and any(.status.conditions[]?; .type == "Ready" and .status == "True")' <<<"$object" >/dev/null; then
      return 0
    fi
    if ((SECONDS - begin > patience)); then
      "$KUBECTL" describe etcdcluster "$cluster" | tail -40 >&2
      "$KUBECTL" get pods,pvc -l "quorate.dev/cluster=$cluster" >&2
      "$KUBECTL" -n "$NAMESPACE" logs deployment/quorate-operator --tail=20 >&2 || true
      die "$cluster is not Ready after $patience s; what Kubernetes and the operator say is above"
    fi
    sleep 0.5
  done
}

# A key written through one member's pod to the cluster's Service, and read back.
write_and_read() {
  local cluster=$1 pod value answer
  pod=$("$KUBECTL" get pods -l "quorate.dev/cluster=$cluster,app.kubernetes.io/component=member" \
    --field-selector=status.phase=Running -o jsonpath='{.items[0].metadata.name}')
  value="written $(date -u +%FT%TZ)"
  "$KUBECTL" exec "$pod" -- etcdctl --endpoints="http://$cluster-client:2379" put quickstart/hello "$value" >/dev/null ||
    die "the key could not be written; see: kubectl describe etcdcluster $cluster"
  answer=$("$KUBECTL" exec "$pod" -- etcdctl --endpoints="http://$cluster-client:2379" get quickstart/hello --print-value-only)
  [ "$answer" = "$value" ] || die "read back '$answer' instead of '$value'"
  say "put quickstart/hello; get quickstart/hello: $answer"
}

goodbye() {
  local pod
  pod=$("$KUBECTL" get pods -l quorate.dev/cluster=demo -o jsonpath='{.items[0].metadata.name}')
  cat <<TEXT

$("$KUBECTL" get etcdclusters,etcdmembers)

It runs. Try next:
$([ "$WHERE" = current ] || printf '\n  export KUBECONFIG=%s PATH=%s:$PATH\n' "$KUBECONFIG" "$CACHE/parts")
  kubectl delete pod $pod
      a member comes back on its volume
  kubectl delete pvc/$pod-data pod/$pod --wait=false
      a member that lost its data is replaced
  kubectl scale etcdcluster demo --replicas=5
      grows, one learner at a time
  kubectl get etcdcluster demo -w
      what it does, as it does it; and why: kubectl describe etcdcluster demo
  kubectl exec $pod -- etcdctl get --prefix ''
  kubectl explain etcdcluster.spec
      every field; more examples are in deploy/examples

  deploy/quickstart.sh down$([ "$WHERE" = local ] || echo " --cluster current")$([ "$NAME" = default ] || echo " --name $NAME")
      removes everything
TEXT
}

operator() {
  if [ "$WHERE" = local ]; then
    prepare_local
  else
    use_current
    [ -n "$IMAGE" ] || die "your cluster must be able to pull the image: docker build -t REF $ROOT && docker push REF, then: $0 --cluster current --image REF"
    command -v jq >/dev/null || die "jq is missing; install it and run this again"
    mkdir -p "$BUILD"
  fi
  install_operator
}

up() {
  operator
  step "a cluster of three"
  "$KUBECTL" apply --server-side -f "$HERE/examples/cluster.yaml" >/dev/null
  wait_for_cluster demo 240
  write_and_read demo
  goodbye
}

down() {
  if [ "$WHERE" = local ]; then
    "$HERE/local/cluster.sh" down --name "$NAME"
    return
  fi
  use_current
  "$KUBECTL" delete --ignore-not-found -f "$HERE/examples/cluster.yaml" --timeout=2m >&2
  "$HELM" uninstall quorate-operator --namespace "$NAMESPACE" --ignore-not-found >&2
  say "removed the cluster 'demo' and the operator; its kinds and volumes stay: kubectl get crd,pvc"
}

parse "$@"
"$COMMAND"
