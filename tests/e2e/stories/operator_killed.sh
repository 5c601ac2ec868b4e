# The operator is killed at seeded moments while a cluster grows, loses a volume, shrinks and grows again. The story still ends well.
# QUORATE_E2E_SEED repeats a run's moments; QUORATE_E2E_KILLS is how many there are.
SEED=${QUORATE_E2E_SEED:-$RANDOM}
KILLS=${QUORATE_E2E_KILLS:-20}
tell "seed $SEED, $KILLS kills (to repeat: QUORATE_E2E_SEED=$SEED)"

# A dead leader's lease must run out before the next one may act; a short one leaves more of the time for the kills.
tell "the operator gets a lease of five seconds"

K -n quorate-system patch deployment quorate-operator --type=json -p '[
  {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--leader-elect-lease-duration=5s"},
  {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--leader-elect-renew-deadline=4s"},
  {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--leader-elect-retry-period=500ms"}]' >/dev/null
tidy_up() { K -n quorate-system rollout undo deployment/quorate-operator >/dev/null 2>&1 || true; }
wait_for "it is rolled out" 60 operator_ready

# The killer: waits until an operator leads, and at most five seconds more. A dead leader's lease must run out first.
kill_again_and_again() {
  local n pod holder=""
  RANDOM=$SEED
  for ((n = 1; n <= KILLS; n++)); do
    until operator_ready && operator_leads "$holder"; do sleep 0.3; done >/dev/null 2>&1
    sleep $((RANDOM % 5)).$((RANDOM % 10))
    pod=$(operator_pod) holder=$(lease_holder)
    kill_container "$pod" quorate-system
    K -n quorate-system delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1
    echo "$n $(elapsed) $pod" >>"$LOGS/kills.txt"
  done
}
kills() { wc -l <"$LOGS/kills.txt"; }
: >"$LOGS/kills.txt"
kill_again_and_again &
killer=$!

apply_cluster c 1 '{"repair": {"maxReplacementsPerHour": 20}}'
wait_ready c 1 180
id=$(cluster_id c)
start_writer c
round=0
while kill -0 $killer 2>/dev/null; do
  round=$((round + 1))
  scale c 3
  wait_ready c 3 300
  victim=$(status_of c '[.status.members[] | select(.role == "Follower")][0].name')
  old=$(member_id c "$victim")
  tell "round $round ($(kills) kills): the volume of $victim is deleted"
  kn delete pvc "$victim-data" --wait=false >/dev/null
  kn delete pod "$victim" --grace-period=0 --force >/dev/null 2>&1
  replaced() { ! live_members c | grep -q " $old$"; }
  wait_for "it was removed" 300 replaced
  wait_ready c 3 300
  scale c 5
  wait_ready c 5 300
  scale c 3
  wait_ready c 3 300
done
wait $killer
expect_equal "kills" "$KILLS" "$(kills)"
wait_for "the operator is back" 60 operator_ready
wait_ready c 3 120
stop_writer
expect_equal "cluster id" "$id" "$(cluster_id c)"
expect_equal "live members" 3 "$(live_members c | wc -l)"
# Slots of replaced members stay for an hour, to limit replacements; they are Gone.
expect_equal "slots in use" 3 "$(kn get etcdmembers -o json | jq '[.items[] | select(.status.phase != "Gone")] | length')"
wait_for "all members hold the same data" 20 members_agree c
