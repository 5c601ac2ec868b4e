# Two of three volumes are gone: no quorum, nothing to repair from. The operator waits, deletes nothing, and says why.
apply_cluster c 3
wait_ready c 3
id=$(status_of c .status.clusterID)
survivor=$(leader_pod c)
pods=$(member_pods c)
survivor_volume_uid=$(kn get pvc "$survivor-data" -o jsonpath='{.metadata.uid}')
members=$(kn get etcdmembers -o jsonpath='{.items[*].metadata.uid}')
# Both at the same moment: of one alone the operator would, rightly, have made a fresh member before the next went.
K -n quorate-system scale deployment quorate-operator --replicas=0 >/dev/null
K -n quorate-system wait --for=delete pod -l app.kubernetes.io/component=operator --timeout=60s >/dev/null
for pod in $pods; do
  [ "$pod" = "$survivor" ] && continue
  kn delete pvc "$pod-data" --wait=false >/dev/null
  kn delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1
done
volumes_gone() { [ "$(kn get pvc -o name | wc -l)" = 1 ]; }
wait_for "two volumes are gone" 30 volumes_gone
K -n quorate-system scale deployment quorate-operator --replicas=1 >/dev/null
quorum_lost() { [ "$(condition c QuorumLost)" = True ]; }
wait_for "QuorumLost" 60 quorum_lost

tell "it stays that way: nothing is removed, wiped or formed anew"
for _ in 1 2 3; do
  expect_equal "QuorumLost" True "$(condition c QuorumLost)"
  expect_equal "the survivor's volume" "$survivor_volume_uid" "$(kn get pvc "$survivor-data" -o jsonpath='{.metadata.uid}')"
  expect_equal "pods: nobody without data gets one" "$survivor" "$(member_pods c)"
  expect_equal "member slots" "$members" "$(kn get etcdmembers -o jsonpath='{.items[*].metadata.uid}')"
  expect_equal "cluster id" "$id" "$(status_of c .status.clusterID)"
  kn wait --for=condition=Ready etcdcluster/c --timeout=4s >/dev/null 2>&1 && fail "Ready without a quorum"
done
text=$(kn describe etcdcluster c)
expect_match "kubectl describe says so" 'QuorumLost' "$text"
expect_match "an event says so" '^QuorumLost$' "$(kn get events -o json | jq -r '.items[].reason')"
expect_match "and says why" '(volume|quorum)' "$(status_of c '.status.message')"
tell "it says: $(status_of c .status.message)"
