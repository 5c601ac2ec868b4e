# A second Kubernetes whose own state is kept by our server instead of etcd: it comes up, works, and survives our server's restart.
OWN=$STAGE-own
"$CLUSTER" down --name $OWN 2>/dev/null
trap '"$CLUSTER" down --name $OWN 2>/dev/null; finish' EXIT
own() { "$CLUSTER" kubectl --name $OWN "$@"; }

"$CLUSTER" up --name $OWN --storage quorate 2>"$LOGS/up.txt" || { tail -20 "$LOGS/up.txt" >&2; fail "Kubernetes does not start on our server"; }
tell "$(tail -1 "$LOGS/up.txt")"
"$ROOT/deploy/local/pack-image.sh" quorate.dev/test-pause:1 "$LOGS/pause.tar" "$PARTS/pause"
"$CLUSTER" load-image "$LOGS/pause.tar" --name $OWN 2>/dev/null
rm "$LOGS/pause.tar"

own create deployment sleeper --image=quorate.dev/test-pause:1 --replicas=2 >/dev/null
available() { [ "$(own get deployment sleeper -o jsonpath='{.status.availableReplicas}')" = "$1" ]; }
wait_for "two pods run" 60 available 2
own get pods --watch-only -o name >"$LOGS/watch.txt" 2>/dev/null &
watcher=$!
own scale deployment sleeper --replicas=4 >/dev/null
wait_for "four pods run" 60 available 4
saw_pods() { [ "$(sort -u "$LOGS/watch.txt" | wc -l)" -ge 2 ]; }
wait_for "a watch sees them" 20 saw_pods
kill $watcher 2>/dev/null || true
own create namespace short-lived >/dev/null
own delete namespace short-lived --timeout=60s >/dev/null

tell "our server is killed and started again"
kill -9 "$(cut -d' ' -f1 "${KUBECONFIG%/*/*}/$OWN/run/storage.pid")"
"$CLUSTER" up --name $OWN 2>>"$LOGS/up.txt" || { tail -20 "$LOGS/up.txt" >&2; fail "Kubernetes does not return after our server's restart"; }
own scale deployment sleeper --replicas=1 >/dev/null
wait_for "one pod runs" 60 available 1
