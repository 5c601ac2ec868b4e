# The chart: values are checked, the operator may do no more than it must, and uninstalling it harms no cluster.
HELM=$PARTS/helm
CHART=$ROOT/helm/quorate-operator
"$HELM" lint "$CHART" --strict >"$LOGS/lint.txt" 2>&1 || { cat "$LOGS/lint.txt" >&2; fail "helm lint"; }
for wrong in replicas=-1 replicas=many image.pullPolicy=Sometimes imagee.tag=1 logLevel=loud; do
  if "$HELM" template x "$CHART" --set "$wrong" >"$LOGS/template.txt" 2>&1; then fail "--set $wrong was accepted"; fi
  expect_match "--set $wrong" "${wrong%%[.=]*}" "$(cat "$LOGS/template.txt")"
done
"$HELM" template x "$CHART" --set crds.keep=false --set replicas=2 --set rbac.aggregate=false --set metrics.service=false >/dev/null

tell "the operator's rights"
can() { K auth can-i "$@" --as=system:serviceaccount:quorate-system:quorate-operator -A 2>/dev/null || true; }
for allowed in "create pods" "delete persistentvolumeclaims" "update etcdclusters.quorate.dev --subresource=status" "get secrets" "create poddisruptionbudgets.policy"; do
  # shellcheck disable=SC2086  # verb and resource are two words
  expect_equal "may $allowed" yes "$(can $allowed)"
done
for forbidden in "list secrets" "create secrets" "create pods --subresource=exec" "delete nodes" "create deployments.apps" "create clusterroles.rbac.authorization.k8s.io" "delete etcdclusters.quorate.dev" "delete customresourcedefinitions.apiextensions.k8s.io"; do
  # shellcheck disable=SC2086
  expect_equal "may $forbidden" no "$(can $forbidden)"
done

tell "uninstall and install again under a cluster"
apply_cluster c 1
wait_ready c 1
ectl c put key value >/dev/null
uid=$(kn get pods -o jsonpath='{.items[0].metadata.uid}')
"$HELM" uninstall quorate-operator -n quorate-system --wait >/dev/null 2>&1
expect_equal "the cluster answers" value "$(ectl c get key --print-value-only)"
expect_equal "the kinds are kept" 5 "$(K get crd -o name | grep -c '\.quorate\.dev$')"
"$ROOT/deploy/quickstart.sh" operator --name "$STAGE" --skip-build >"$LOGS/install.txt" 2>&1 || { tail -20 "$LOGS/install.txt" >&2; fail "installing again"; }
scale c 3
wait_ready c 3
expect_match "the first member's pod is the same" "$uid" "$(kn get pods -o jsonpath='{.items[*].metadata.uid}')"
