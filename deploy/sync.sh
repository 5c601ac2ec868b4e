#!/usr/bin/env bash
# sync.sh: brings what is derived from crds/ and the chart up to date.
#
# Usage: deploy/sync.sh [--check]
#
#   crds/*.yaml                -> helm/quorate-operator/files/crds/    (helm packs no file from outside a chart)
#   helm/quorate-operator      -> deploy/manifests/operator.yaml       (for kubectl apply -k)
#
# --check changes nothing, says what is out of date and exits 1; a test calls it. Needs helm: deploy/local/parts.sh tools.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HELM=${QUORATE_CACHE:-$HOME/.cache/quorate}/parts/helm
CHART=$ROOT/helm/quorate-operator

die() { printf 'sync: %s\n' "$*" >&2; exit 1; }

render_crds() {  # render_crds FOLDER
  cp "$ROOT"/crds/etcd*.yaml "$1/"
  {
    printf '# Made by deploy/sync.sh; do not edit.\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n'
    (cd "$1" && printf -- '- %s\n' etcd*.yaml)
  } >"$1/kustomization.yaml"
}

render_operator() {
  printf '# Made from helm/quorate-operator by deploy/sync.sh; do not edit.\n'
  printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: quorate-system\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n'
  "$HELM" template quorate-operator "$CHART" --namespace quorate-system --set crds.install=false |
    sed '/^# Source: /d; /helm.sh\/chart: /d; /managed-by: Helm/d'
}

main() {
  local fresh
  [ -x "$HELM" ] || HELM=$(command -v helm) || die "helm is missing; fetch it with: deploy/local/parts.sh tools"
  fresh=$(mktemp -d)
  # shellcheck disable=SC2064  # now, not later
  trap "rm -rf '$fresh'" EXIT
  mkdir "$fresh/crds"
  render_crds "$fresh/crds"
  render_operator >"$fresh/operator.yaml"
  if [ "${1:-}" = --check ]; then
    diff -ru "$CHART/files/crds" "$fresh/crds" && diff -u "$ROOT/deploy/manifests/operator.yaml" "$fresh/operator.yaml" ||
      die "out of date (above); run deploy/sync.sh and commit the result"
    return 0
  fi
  mkdir -p "$CHART/files" "$ROOT/deploy/manifests"
  rm -rf "$CHART/files/crds"
  mv "$fresh/crds" "$CHART/files/crds"
  mv "$fresh/operator.yaml" "$ROOT/deploy/manifests/operator.yaml"
}
main "$@"
