# What breaks, and what comes back: a pod, a volume, the leader, all pods at once.
apply_cluster c 3
wait_ready c 3
ectl c put kept forever >/dev/null
id=$(cluster_id c)

tell "--- a pod is deleted: the same member returns on its volume"
start_writer c
victim=$(status_of c '[.status.members[] | select(.role == "Follower")][0].name')
before=$(member_id c "$victim") uid=$(kn get pod "$victim" -o jsonpath='{.metadata.uid}') volume=$(kn get pod "$victim" -o json | jq -r '[.spec.volumes[].persistentVolumeClaim.claimName // empty][0]')
volume_uid=$(kn get pvc "$volume" -o jsonpath='{.metadata.uid}')
kn delete pod "$victim" --wait=false >/dev/null
pod_replaced() { [ "$(kn get pod "$victim" -o jsonpath='{.metadata.uid}')" != "$uid" ]; }
wait_for "a new pod stands in its place" 60 pod_replaced
wait_ready c 3
expect_equal "member id" "$before" "$(member_id c "$victim")"
expect_equal "volume" "$volume_uid" "$(kn get pvc "$volume" -o jsonpath='{.metadata.uid}')"

tell "--- a volume is deleted: the member is removed and added anew"
kn delete pvc "$volume" --wait=false >/dev/null
kn delete pod "$victim" --grace-period=0 --force >/dev/null 2>&1
member_gone() { ! live_members c | grep -q " $before$"; }
wait_for "the old member id is gone" 120 member_gone
wait_ready c 3 180
expect_equal "live members" 3 "$(live_members c | wc -l)"
stop_writer

tell "--- the leader is killed: writes go on within 3 s"
start_writer c
term() { ectl c endpoint status -w json | jq '.[0].Status.raftTerm'; }
term_before=$(term)
kill_container "$(leader_pod c)"
new_term() { [ "$(term)" -gt "$term_before" ]; }
wait_for "another leader" 20 new_term
acknowledged=$(writer_value acknowledged)
wait_for "writes go on" 20 writer_has $((acknowledged + 200))
wait_ready c 3
stop_writer
gap=$(jq .longest_gap_ms "$WRITER_REPORT")
tell "longest time without an acknowledged write: $gap ms"
((gap <= 3000)) || fail "no write was acknowledged for $gap ms; 3000 are allowed"

tell "--- all pods are deleted at once: everything is back"
uids=$(kn get pods -l quorate.dev/cluster=c -o jsonpath='{.items[*].metadata.uid}')
kn delete pods -l quorate.dev/cluster=c --grace-period=0 --force >/dev/null 2>&1
all_replaced() { local now; now=$(kn get pods -l quorate.dev/cluster=c -o jsonpath='{.items[*].metadata.uid}'); [ "$(wc -w <<<"$now")" = 3 ] && ! grep -qwFf <(tr ' ' '\n' <<<"$uids") <<<"$now"; }
wait_for "three new pods" 60 all_replaced
wait_ready c 3
expect_equal "the key" forever "$(ectl c get kept --print-value-only)"
expect_equal "cluster id" "$id" "$(cluster_id c)"
wait_for "all members hold the same data" 20 members_agree c
