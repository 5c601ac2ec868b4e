# lib.sh: the small language in which the stories are told. Sourced by story.sh, which sets the paths.
#
# A story runs in a namespace of its own ($NS). expect_* fail the story at once with a text that says what was seen;
# wait_for polls until a command succeeds. Nothing sleeps for a guess.

K() { "$PARTS/kubectl" --kubeconfig "$KUBECONFIG" "$@"; }
kn() { K -n "$NS" "$@"; }
# object PLURAL NAME: one of our objects as JSON, by a plain request: polling with kubectl would cost a core.
object() {
  local pki=${KUBECONFIG%/*}/pki server
  server=$(sed -n 's/.*server: "\([^"]*\)".*/\1/p' "$KUBECONFIG")
  curl -sS --fail --max-time 10 --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" \
    "$server/apis/quorate.dev/v1alpha1/namespaces/$NS/$1/$2"
}
tell() { printf '[%6ss] %s\n' "$(elapsed)" "$*"; }
fail() { printf '[%6ss] FAILED: %s\n' "$(elapsed)" "$*" >&2; exit 1; }

# wait_for WHAT SECONDS COMMAND...
wait_for() {
  local what=$1 seconds=$2 begin
  shift 2
  begin=$(now_ms)
  until "$@" >/dev/null 2>&1; do
    (($(now_ms) - begin < seconds * 1000)) || fail "not within $seconds s: $what"
    sleep 0.2
  done
  tell "$what (waited $((($(now_ms) - begin) / 1000)) s)"
}

expect_equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
expect_match() { grep -qiE -- "$2" <<<"$3" || fail "$1: expected to match /$2/, got: $3"; }

# --- clusters ---

# apply_cluster NAME REPLICAS [EXTRA_SPEC_JSON]
apply_cluster() {
  jq -n --arg name "$1" --argjson replicas "$2" --arg version "$VERSION" --argjson extra "${3:-{\}}" '
    {apiVersion: "quorate.dev/v1alpha1", kind: "EtcdCluster", metadata: {name: $name},
     spec: ({replicas: $replicas, version: $version, storage: {size: "1Gi"}, tls: {mode: "None"}} + $extra)}' |
    kn apply --server-side --field-manager=story -f - >/dev/null || fail "the cluster $1 was refused"
}
scale() { kn scale etcdcluster "$1" --replicas="$2" >/dev/null; tell "scale $1 to $2"; }
status_of() { object etcdclusters "$1" | jq -r "$2"; }
condition() { status_of "$1" "[.status.conditions[]? | select(.type == \"$2\") | .status][0] // \"absent\""; }

# Ready, as kubectl wait and kstatus see it, with exactly this many voters and no learner.
is_ready() {
  object etcdclusters "$1" | jq -e --argjson size "$2" '
    .metadata.generation == .status.observedGeneration and .status.voters == $size and (.status.learners // 0) == 0
    and .status.readyReplicas == $size and any(.status.conditions[]?; .type == "Ready" and .status == "True")'
}
wait_ready() { wait_for "$1 is Ready with $2 members" "${3:-120}" is_ready "$1" "$2"; }

member_pods() { kn get pods -l "quorate.dev/cluster=$1,app.kubernetes.io/component=member" --sort-by=.metadata.name -o name | sed 's#^pod/##'; }
member_status() { status_of "$1" ".status.members[] | select(.name == \"$2\") | $3"; }
leader_pod() { status_of "$1" .status.leader; }

# Endpoints as the host reaches them: the host has a route to pods and Services.
service_url() { printf 'http://%s:2379' "$(kn get service "$1-client" -o jsonpath='{.spec.clusterIP}')"; }
pod_url() { printf 'http://%s:2379' "$(kn get pod "$1" -o jsonpath='{.status.podIP}')"; }
all_urls() { local pod urls=(); for pod in $(member_pods "$1"); do urls+=("$(pod_url "$pod")"); done; (IFS=,; printf '%s' "${urls[*]}"); }
ectl() { local cluster=$1; shift; "$PARTS/etcdctl" --endpoints="$(service_url "$cluster")" --command-timeout=10s "$@"; }
ectl_all() { local cluster=$1; shift; "$PARTS/etcdctl" --endpoints="$(all_urls "$cluster")" --command-timeout=10s "$@"; }

# The live member list, by real etcdctl: "NAME ID" lines, sorted.
live_members() { ectl "$1" member list -w json --hex | jq -r '.members[] | "\(.name) \(.ID)"' | sort; }
member_id() { live_members "$1" | awk -v name="$2" '$1 == name {print $2}'; }
cluster_id() { ectl "$1" member list -w json --hex | jq -r .header.cluster_id; }

# HashKV of every member at one revision: one line when all agree.
hashes() {
  local revision
  revision=$(ectl "$1" get / -w json | jq .header.revision)
  ectl_all "$1" endpoint hashkv --rev "$revision" -w json | jq -r '.[].HashKV.hash' | sort -u
}
members_agree() { [ "$(hashes "$1" | wc -l)" = 1 ]; }

# --- the writer that checks ---

start_writer() {
  WRITER_REPORT=$LOGS/writer-$1.json
  rm -f "$WRITER_REPORT" "$WRITER_REPORT.live"
  "$QUORATE_BIN/quorate-checker" --endpoint "$(service_url "$1")" --report "$WRITER_REPORT" --prefix "writer$RANDOM" \
    2>"$LOGS/writer-$1.err" &
  WRITER_PID=$!
  wait_for "the writer writes" 20 writer_has 1
}
writer_value() { jq ".$1" "$WRITER_REPORT.live"; }
writer_has() { [ "$(writer_value acknowledged)" -ge "$1" ]; }

# stop_writer: all that was acknowledged is read back; a loss or a failed read ends the story.
stop_writer() {
  local status=0
  kill "$WRITER_PID"
  wait "$WRITER_PID" || status=$?
  WRITER_PID=""
  tell "writer: $(cat "$WRITER_REPORT")"
  [ "$status" = 0 ] || { head -5 "$LOGS"/writer-*.err >&2; fail "an acknowledged write was lost or a read failed (above)"; }
}

# kill_container POD [NAMESPACE]: SIGKILL to its program, with no word to Kubernetes.
kill_container() {
  local id socket
  id=$(K -n "${2:-$NS}" get pod "$1" -o jsonpath='{.status.containerStatuses[0].containerID}')
  for socket in "${KUBECONFIG%/*}"/node*/containerd.sock; do
    ctr -a "$socket" -n k8s.io tasks kill -s SIGKILL "${id#containerd://}" 2>/dev/null && return 0
  done
  fail "the program of pod $1 does not run"
}

# --- the operator ---

operator_pod() { K -n quorate-system get pods -l app.kubernetes.io/component=operator -o jsonpath='{.items[0].metadata.name}'; }
operator_leads() { [ -n "$(lease_holder)" ] && [ "$(lease_holder)" != "${1:-}" ]; }  # somebody else than $1
lease_holder() { K -n quorate-system get lease quorate-operator -o jsonpath='{.spec.holderIdentity}'; }
operator_ready() { K -n quorate-system rollout status deployment/quorate-operator --timeout=1s; }

# --- when it fails ---

collect_logs() {
  local pod dir=$LOGS
  {
    kn get etcdclusters,etcdmembers,etcdbackups,etcdbackupschedules,etcdbackupstores,pods,pvc,services,pdb -o wide
    kn describe etcdclusters,etcdmembers,etcdbackups,etcdbackupschedules,etcdbackupstores
    kn get events --sort-by=.lastTimestamp
  } >"$dir/objects.txt" 2>&1
  kn get etcdclusters,etcdmembers,etcdbackups,pods,pvc -o yaml >"$dir/objects.yaml" 2>&1
  for pod in $(kn get pods -o name 2>/dev/null | sed 's#^pod/##'); do
    kn logs "$pod" --all-containers --tail=500 >"$dir/$pod.log" 2>&1
    kn logs "$pod" --all-containers --previous --tail=200 >"$dir/$pod.previous.log" 2>/dev/null || rm -f "$dir/$pod.previous.log"
  done
  K -n quorate-system logs deployment/quorate-operator --tail=2000 >"$dir/operator.log" 2>&1
  kn get etcdclusters,etcdmembers,pods >&2 2>/dev/null
  tail -n 6 "$dir/operator.log" | cut -c1-400 >&2
  printf 'everything that was collected: %s\n' "$dir" >&2
}
