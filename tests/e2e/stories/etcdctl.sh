# Real etcdctl and etcdutl 3.6 against a cluster of ours, and kubectl apply that changes nothing the second time.
apply_cluster c 3
wait_ready c 3

tell "keys"
expect_equal "put" OK "$(ectl c put a 1)"
expect_equal "get" 1 "$(ectl c get a --print-value-only)"
expect_equal "txn" "SUCCESS" "$(printf 'value("a") = "1"\n\nput a 2\n\nput a 3\n\n' | ectl c txn --interactive=false | head -1)"
expect_equal "after the txn" 2 "$(ectl c get a --print-value-only)"
for i in 1 2 3; do ectl c put "range/$i" "$i" >/dev/null; done
expect_equal "range" "1 2 3" "$(ectl c get range/ --prefix --print-value-only | grep . | tr '\n' ' ' | sed 's/ $//')"
expect_equal "del" 3 "$(ectl c del range/ --prefix)"

tell "watch"
timeout 20 "$PARTS/etcdctl" --endpoints="$(service_url c)" watch watched --rev=1 >"$LOGS/watch.txt" &
watcher=$!
ectl c put watched event >/dev/null
saw_event() { grep -qx event "$LOGS/watch.txt"; }
wait_for "the watcher sees the event" 10 saw_event
kill $watcher 2>/dev/null || true

tell "lease"
lease=$(ectl c lease grant 3 | awk '{print $2}')
ectl c put leased x --lease="$lease" >/dev/null
expect_match "timetolive" 'granted with TTL\(3s\)' "$(ectl c lease timetolive "$lease")"
lease_expired() { [ -z "$(ectl c get leased)" ]; }
wait_for "the key goes with its lease" 15 lease_expired

tell "members and endpoints"
expect_equal "member list" 3 "$(ectl c member list | grep -c started)"
expect_equal "health" 3 "$(ectl_all c endpoint health 2>&1 | grep -c 'is healthy')"
expect_equal "leaders" 1 "$(ectl_all c endpoint status -w json | jq '[.[] | select(.Status.leader == .Status.header.member_id)] | length')"

tell "snapshot"
member=$(member_pods c | head -1)
"$PARTS/etcdctl" --endpoints="$(pod_url "$member")" snapshot save "$LOGS/snapshot.db" >/dev/null 2>&1 || fail "snapshot save"
"$PARTS/etcdutl" snapshot status "$LOGS/snapshot.db" -w json >"$LOGS/snapshot.json" || fail "real etcdutl does not accept our snapshot"
expect_match "keys in it" '^[0-9]+$' "$(jq .totalKey "$LOGS/snapshot.json")"
rm -f "$LOGS/snapshot.db"

tell "kubectl apply --server-side twice changes nothing"
version=$(kn get etcdcluster c -o jsonpath='{.metadata.generation}')
apply_cluster c 3
apply_cluster c 3
expect_equal "generation" "$version" "$(kn get etcdcluster c -o jsonpath='{.metadata.generation}')"
settled=$(kn get pods,pvc,services,etcdmembers -o json | jq -r '.items[] | "\(.kind)/\(.metadata.name) \(.metadata.uid)"' | sort)
wait_ready c 3
expect_equal "objects" "$settled" "$(kn get pods,pvc,services,etcdmembers -o json | jq -r '.items[] | "\(.kind)/\(.metadata.name) \(.metadata.uid)"' | sort)"
