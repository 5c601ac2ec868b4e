# node.sh: a node: one containerd and one kubelet, with folders, address and pod network of its own.
# Sourced. REQUIRES: STATE, PKI, PARTS, the addresses of network.sh, process.sh, control_plane.sh.

PAUSE_IMAGE=docker.io/quorate-local/pause:1

node_ctr() { local k=$1; shift; ctr -a "$STATE/node$k/containerd.sock" -n k8s.io "$@"; }

pause_archive() { [ -s "$STATE/pause.tar" ] || "$HERE/pack-image.sh" "$PAUSE_IMAGE" "$STATE/pause.tar" "$PARTS/pause"; }

# snapshotter: overlayfs where this file system carries it, else plain copies.
snapshotter() {
  local probe=$STATE/overlay-probe name=native
  mkdir -p "$probe/a" "$probe/b" "$probe/w" "$probe/m"
  if mount -t overlay overlay -o "lowerdir=$probe/a,upperdir=$probe/b,workdir=$probe/w" "$probe/m" 2>/dev/null; then
    umount "$probe/m"
    name=overlayfs
  fi
  rm -rf "$probe"
  printf '%s' "$name"
}

write_cni_config() {
  local k=$1
  mkdir -p "$STATE/node$k/cni"
  cat >"$STATE/node$k/cni/10-quorate.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "$NETNS-node$k", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "$STATE/node$k/addresses",
   "ranges": [[{"subnet": "$(node_cidr "$k")", "gateway": "$(node_ip "$k")"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
}

# restrict_oom_score_adj: without it every sandbox fails where this process may not lower its own score (CI containers).
write_containerd_config() {
  local k=$1 dir=$STATE/node$1
  cat >"$dir/containerd.toml" <<TOML
version = 2
root = "$dir/containerd"
state = "$dir/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "$dir/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$(cat "$STATE/snapshotter")"
    default_runtime_name = "runc"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
TOML
}

write_kubelet_config() {
  local k=$1 dir=$STATE/node$1
  : >"$STATE/resolv.conf"
  cat >"$dir/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
localStorageCapacityIsolation: false
evictionHard: {}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
containerRuntimeEndpoint: unix://$dir/containerd.sock
volumePluginDir: $dir/volume-plugins
podLogsDir: $dir/pod-logs
resolvConf: $STATE/resolv.conf
clusterDNS: ["$CONTROL_IP"]
clusterDomain: cluster.local
address: $(node_ip "$k")
readOnlyPort: 0
healthzBindAddress: 127.0.0.1
healthzPort: $((10250 - k))
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: AlwaysAllow}
YAML
}

containerd_ready() { node_ctr "$1" version; }
pause_imported() { node_ctr "$1" images ls -q | grep -qxF "$PAUSE_IMAGE"; }
node_ready() {  # by its own word and by Kubernetes': what Kubernetes knows of a node that was stopped is old for a while
  inside curl -sf --max-time 2 "http://127.0.0.1:$((10250 - $1))/healthz" || return 1
  api "$API_URL/api/v1/nodes/node$1" | jq -e '.status.conditions[] | select(.type == "Ready" and .status == "True")'
}

start_containerd() {
  local k=$1
  mkdir -p "$STATE/node$k"
  [ -s "$STATE/snapshotter" ] || snapshotter >"$STATE/snapshotter"
  write_cni_config "$k"
  write_containerd_config "$k"
  start_inside "containerd-node$k" containerd -c "$STATE/node$k/containerd.toml"
}

start_kubelet() {
  local k=$1
  write_kubelet_config "$k"
  start_inside "kubelet-node$k" "$PARTS/kubelet" --config="$STATE/node$k/kubelet.yaml" --kubeconfig="$PKI/node$k.kubeconfig" \
    --hostname-override="node$k" --node-ip="$(node_ip "$k")" --root-dir="$STATE/node$k/kubelet" --cert-dir="$STATE/node$k/kubelet/pki"
}

import_pause() {
  wait_until "containerd of node$1" 30 "$LOGS/containerd-node$1.log" containerd_ready "$1"
  pause_imported "$1" || node_ctr "$1" images import "$STATE/pause.tar" >"$LOGS/import.log" 2>&1 ||
    { show_log "$LOGS/import.log"; die "the sandbox image could not be loaded into node$1"; }
}

# One kube-proxy serves all nodes: they share the namespace's packet rules.
start_proxy() {
  start_inside kube-proxy "$PARTS/kube-proxy" --kubeconfig="$PKI/proxy.kubeconfig" --hostname-override=node1 \
    --proxy-mode=iptables --cluster-cidr="$CLUSTER_CIDR" --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
    --conntrack-tcp-timeout-close-wait=0 --bind-address=127.0.0.1 --healthz-bind-address=127.0.0.1:10256 \
    --metrics-bind-address=127.0.0.1:10249
}

# shims K: pids of the processes that hold node K's containers, found by the node's own socket on their command line.
shims() {
  local socket=$STATE/node$1/containerd.sock file
  for file in $(grep -lzxF -- "$socket" /proc/[0-9]*/cmdline 2>/dev/null); do
    grep -qz 'containerd-shim' "$file" 2>/dev/null || continue
    file=${file#/proc/}
    printf '%s\n' "${file%/cmdline}"
  done
}

# end_containers K: a container's first process takes all others of the container with it; then its shim has nothing to hold.
end_containers() {
  local k=$1 begin pid pids
  pids=$(shims "$k")
  for pid in $pids; do
    # shellcheck disable=SC2046  # pids
    kill -9 $(cat "/proc/$pid/task"/*/children 2>/dev/null) 2>/dev/null || true
  done
  begin=$(now_ms)
  for pid in $pids; do
    while [ -n "$(cat "/proc/$pid/task"/*/children 2>/dev/null)" ] && (($(now_ms) - begin < 1500)); do sleep 0.05; done
  done
  for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
}

# unmount_below DIR: deepest first; a busy one is detached.
unmount_below() {
  local dir=$1 mounted
  mapfile -t mounted < <(cut -d' ' -f2 /proc/self/mounts | grep "^$dir/" | sort -r)
  [ ${#mounted[@]} -eq 0 ] || umount "${mounted[@]}" 2>/dev/null || true
  mapfile -t mounted < <(cut -d' ' -f2 /proc/self/mounts | grep "^$dir/" | sort -r)
  [ ${#mounted[@]} -eq 0 ] || umount -l "${mounted[@]}" 2>/dev/null || true
}

# What a node leaves outside its own folder: the network plugins' result cache, links to pod logs, empty cgroups.
remove_node_traces() {
  local k=$1
  { grep -rlF -- "$STATE/node$k/" /var/lib/cni/results 2>/dev/null || true; } | xargs -r rm -f
  rm -f /var/lib/cni/results/"$NETNS-node$k"-* 2>/dev/null || true
  find /var/log/containers -maxdepth 1 -lname "$STATE/node$k/*" -delete 2>/dev/null || true
  find /sys/fs/cgroup -maxdepth 3 -type d -path '*/k8s.io*' -delete 2>/dev/null || true  # only empty ones can go
}

# Sockets of shims and kubelets at places that cannot be chosen; nobody listens on them any more.
remove_dead_sockets() {
  local socket
  for socket in /run/containerd/s/* /var/lib/kubelet/device-plugins/kubelet.sock; do
    [ -S "$socket" ] && ! grep -qF -- " $socket" /proc/net/unix && rm -f "$socket"
  done
  [ -S /var/lib/kubelet/device-plugins/kubelet.sock ] || rm -f /var/lib/kubelet/device-plugins/kubelet_internal_checkpoint
}
