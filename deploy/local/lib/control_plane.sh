# control_plane.sh: storage, API server, controllers, scheduler, DNS, and the cluster's own objects.
# Sourced. REQUIRES: STATE, PKI, PARTS, STORAGE, the addresses of network.sh, process.sh.

api() { curl -sS --max-time 10 --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "$@"; }
api_ready() { [ "$(api -o /dev/null -w '%{http_code}' "$API_URL/readyz")" = 200 ]; }
kubectl_here() { "$PARTS/kubectl" --kubeconfig "$STATE/kubeconfig" "$@"; }

storage_program() {
  case $STORAGE in
    etcd) printf '%s' "$PARTS/etcd" ;;
    quorate)
      local program=${QUORATE_BIN:-$ROOT/build/release/bin}/quorate-server
      [ -x "$program" ] || die "--storage quorate needs $program; build it first: cmake --preset release && ninja -C build/release"
      printf '%s' "$program"
      ;;
  esac
}

start_inside() {  # start_inside NAME COMMAND...: a recorded process in the cluster's network namespace
  local name=$1
  shift
  start_process "$name" nsenter --net="/run/netns/$NETNS" "$@"
}

start_storage() {
  local program
  program=$(storage_program) || exit 1
  start_inside storage "$program" --name=storage --data-dir="$STATE/storage" \
    --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
    --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
    --initial-cluster=storage=http://127.0.0.1:2380
}

start_api() {
  start_inside kube-apiserver "$PARTS/kube-apiserver" \
    --etcd-servers=http://127.0.0.1:2379 --bind-address="$CONTROL_IP" --secure-port=6443 --advertise-address="$CONTROL_IP" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$PKI/sa.pub" \
    --service-account-signing-key-file="$PKI/sa.key" --service-cluster-ip-range="$SERVICE_CIDR" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
    --kubelet-preferred-address-types=InternalIP
}

start_controllers() {
  start_inside kube-controller-manager "$PARTS/kube-controller-manager" \
    --kubeconfig="$PKI/controllers.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false \
    --kube-api-qps=200 --kube-api-burst=300 --node-monitor-grace-period=20s \
    --service-account-private-key-file="$PKI/sa.key" --root-ca-file="$PKI/ca.crt" --use-service-account-credentials=true \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key"
  start_inside kube-scheduler "$PARTS/kube-scheduler" \
    --kubeconfig="$PKI/scheduler.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false
}

# One block answers for the cluster; the other says at once that a name outside does not exist: there is no way out.
start_dns() {
  cat >"$STATE/Corefile" <<COREFILE
cluster.local:53 in-addr.arpa:53 {
  bind $CONTROL_IP
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $STATE/kubeconfig quorate-$NAME
    pods insecure
    ttl 1
  }
  errors
}
.:53 {
  bind $CONTROL_IP
  template ANY ANY {
    rcode NXDOMAIN
  }
  errors
}
COREFILE
  start_inside coredns "$PARTS/coredns" -conf "$STATE/Corefile"
}

start_volumes() {
  mkdir -p "$STATE/volumes"
  start_process volumes env API_URL="$API_URL" PKI="$PKI" VOLUMES="$STATE/volumes" bash "$LIB/volumes.sh"
}

# Two classes. standard behaves like a network disk: bound at once, usable on every node. standard-local behaves like a
# node's own disk: bound when a pod is scheduled, and tied to that node.
cluster_objects() {
  cat <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: quorate.dev/local-volumes
reclaimPolicy: Delete
volumeBindingMode: Immediate
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard-local}
provisioner: quorate.dev/local-volumes
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
YAML
}

apply_cluster_objects() {
  cluster_objects | kubectl_here apply -f - >"$LOGS/objects.log" 2>&1 ||
    { show_log "$LOGS/objects.log"; die "the cluster's own objects could not be applied"; }
}

default_account_exists() {
  [ "$(api -o /dev/null -w '%{http_code}' "$API_URL/api/v1/namespaces/default/serviceaccounts/default")" = 200 ]
}
