# (no stage) A Kubernetes whose own state is kept by our server instead of etcd: it comes up, works, and survives our server's restart.
own_cluster own --storage quorate
"$ROOT/deploy/local/pack-image.sh" quorate.dev/test-pause:1 "$LOGS/pause.tar" "$PARTS/pause"
"$CLUSTER" load-image "$LOGS/pause.tar" --name "$OWN" 2>/dev/null
rm "$LOGS/pause.tar"

K create deployment sleeper --image=quorate.dev/test-pause:1 --replicas=2 >/dev/null
available() { [ "$(K get deployment sleeper -o jsonpath='{.status.availableReplicas}')" = "$1" ]; }
wait_for "two pods run" 60 available 2
K get pods --watch-only -o name >"$LOGS/watch.txt" 2>/dev/null &
watcher=$!
K scale deployment sleeper --replicas=4 >/dev/null
wait_for "four pods run" 60 available 4
saw_pods() { [ "$(sort -u "$LOGS/watch.txt" | wc -l)" -ge 2 ]; }
wait_for "a watch sees them" 20 saw_pods
kill $watcher 2>/dev/null || true
K create namespace short-lived >/dev/null
K delete namespace short-lived --timeout=60s >/dev/null

tell "our server is killed and started again"
kill -9 "$(cut -d' ' -f1 "${KUBECONFIG%/*}/run/storage.pid")"
"$CLUSTER" up --name "$OWN" 2>>"$LOGS/up.txt" || { tail -20 "$LOGS/up.txt" >&2; fail "Kubernetes does not return after our server's restart"; }
K scale deployment sleeper --replicas=1 >/dev/null
wait_for "one pod runs" 60 available 1
