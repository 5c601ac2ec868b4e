# (no stage) The local Kubernetes itself, with real etcd on it: volumes, DNS, Services, a node that is lost and returns.
own_cluster two --nodes 2
begin=$SECONDS
"$CLUSTER" up --name "$OWN" 2>&1 | tail -1
((SECONDS - begin < 20)) || fail "a second 'up' took $((SECONDS - begin)) s; 20 are allowed"
"$CLUSTER" status --name "$OWN" >"$LOGS/status.txt" || { cat "$LOGS/status.txt" >&2; fail "a process of the cluster has ended"; }

"$ROOT/deploy/local/pack-image.sh" quorate.dev/test-etcd:1 "$LOGS/etcd.tar" "$PARTS/etcd" "$PARTS/etcdctl"
"$CLUSTER" load-image "$LOGS/etcd.tar" --name "$OWN"
rm "$LOGS/etcd.tar"
kn apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: etcd}, ports: [{name: client, port: 2379}, {name: peer, port: 2380}]}
---
apiVersion: v1
kind: Service
metadata: {name: client}
spec: {selector: {app: etcd}, ports: [{name: client, port: 2379}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: etcd}
spec:
  serviceName: peers
  replicas: 3
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: etcd}}
  template:
    metadata: {labels: {app: etcd}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: etcd}}}]
      containers:
      - name: etcd
        image: quorate.dev/test-etcd:1
        imagePullPolicy: Never
        env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        args:
        - --name=\$(NAME)
        - --data-dir=/data/etcd
        - --listen-client-urls=http://0.0.0.0:2379
        - --listen-peer-urls=http://0.0.0.0:2380
        - --advertise-client-urls=http://\$(NAME).peers.$NS.svc:2379
        - --initial-advertise-peer-urls=http://\$(NAME).peers.$NS.svc:2380
        - --initial-cluster=etcd-0=http://etcd-0.peers.$NS.svc:2380,etcd-1=http://etcd-1.peers.$NS.svc:2380,etcd-2=http://etcd-2.peers.$NS.svc:2380
        readinessProbe: {httpGet: {path: /readyz, port: 2379}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
YAML
wait_for "three real etcd on two nodes" 60 kn rollout status statefulset/etcd --timeout=1s
expect_equal "nodes in use" 2 "$(kn get pods -o jsonpath='{.items[*].spec.nodeName}' | tr ' ' '\n' | sort -u | wc -l)"

tell "exec, DNS, ClusterIP from a pod and from the host"
expect_equal "put from a pod" OK "$(kn exec etcd-0 -- /etcdctl --endpoints=http://client:2379 put key value)"
url=http://$(kn get service client -o jsonpath='{.spec.clusterIP}'):2379
expect_equal "get from the host" value "$("$PARTS/etcdctl" --endpoints="$url" get key --print-value-only)"
expect_match "logs" 'ready to serve client requests' "$(kn logs etcd-0)"

tell "a claim grows"
kn patch pvc data-etcd-0 -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}' >/dev/null
grown() { [ "$(kn get pvc data-etcd-0 -o jsonpath='{.status.capacity.storage}')" = 2Gi ]; }
wait_for "the claim has 2Gi" 20 grown

tell "a node is lost, and returns"
lost=$(kn get pod etcd-0 -o jsonpath='{.spec.nodeName}')
"$CLUSTER" stop-node "${lost#node}" --name "$OWN"
node_lost() { [ "$(K get node "$lost" -o json | jq -r '.status.conditions[] | select(.type == "Ready") | .status')" != True ]; }
wait_for "Kubernetes notices" 90 node_lost
"$CLUSTER" start-node "${lost#node}" --name "$OWN"
wait_for "three real etcd again" 120 kn rollout status statefulset/etcd --timeout=1s
expect_equal "the key" value "$("$PARTS/etcdctl" --endpoints="$url" get key --print-value-only)"

tell "volumes go with their claims"
kn delete statefulset etcd --timeout=30s >/dev/null
kn delete pvc --all --timeout=30s >/dev/null
no_volumes() { ! K get pv -o json | jq -r '.items[].spec.claimRef.namespace' | grep -qx "$NS"; }
wait_for "no volume is left" 30 no_volumes
