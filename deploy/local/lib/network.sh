# network.sh: the cluster's own network namespace, and the one wire that ties it to the host.
# Sourced. REQUIRES: STATE, NAME, output.sh.
#
# A cluster owns one /16, 10.X.0.0:
#   10.X.0.1        API server, storage and DNS (on the namespace's loopback device)
#   10.X.k.1        node k's address; its pods have the rest of 10.X.k.0/24, each on a wire of its own (CNI ptp)
#   10.X.128.0/20   Services
#   10.X.255.0/30   the wire: .1 on the host, .2 in the namespace
# On the host there is the wire's end, a route to the /16, and under it a blackhole for the same /16: a client that is
# early or late meets silence there instead of sending its packets out by the host's default route.

FIRST_SUBNET=88
LAST_SUBNET=119

set_addresses() {  # set_addresses X
  SUBNET=$1
  NETNS=quorate-$SUBNET
  CLUSTER_CIDR=10.$SUBNET.0.0/16
  CONTROL_IP=10.$SUBNET.0.1
  SERVICE_CIDR=10.$SUBNET.128.0/20
  API_SERVICE_IP=10.$SUBNET.128.1
  API_URL=https://$CONTROL_IP:6443
  WIRE_HOST=quorate$SUBNET
  WIRE_HOST_IP=10.$SUBNET.255.1
  WIRE_INSIDE_IP=10.$SUBNET.255.2
}

node_ip() { printf '10.%s.%s.1' "$SUBNET" "$1"; }
node_cidr() { printf '10.%s.%s.0/24' "$SUBNET" "$1"; }

# inside COMMAND...: runs it in the namespace. Not "ip netns exec": that remounts /sys and hides the cgroups.
inside() { nsenter --net="/run/netns/$NETNS" "$@"; }

# Who has which network is written down twice: in each state folder (it survives a restart of the machine), and in
# $OWNERS/X, which names the state folder and goes with the machine's restart, as namespaces and routes do.
OWNERS=/run/quorate-local

owner_of() { cat "$OWNERS/$1" 2>/dev/null; }  # of network X: a state folder

# recorded_by_others X: prints a state folder other than ours that says network X is its own.
recorded_by_others() {
  local x=$1 owner file
  owner=$(owner_of "$x") || true
  if [ -n "$owner" ] && [ "$owner" != "$STATE" ] && [ "$(cat "$owner/subnet" 2>/dev/null)" = "$x" ]; then
    printf '%s' "$owner"
    return 0
  fi
  [ "$owner" != "$STATE" ] || return 1
  for file in "${STATE%/*}"/*/subnet; do
    [ -e "$file" ] && [ "${file%/subnet}" != "$STATE" ] && [ "$(cat "$file")" = "$x" ] || continue
    printf '%s' "${file%/subnet}"
    return 0
  done
  return 1
}

# foreign_route X: prints a route of this host into network X that no cluster of ours made.
foreign_route() {
  local x=$1
  ip -4 -o route show table all | grep -E "(^| )10\.$x\.|(^| )10\.0\.0\.0/8" | grep -vE "^blackhole 10\.$x\.0\.0/16 |dev quorate$x( |$)" | head -1 | grep .
}

# is_free X: nobody has it: no state folder, no route, no namespace, no wire; live or left behind.
is_free() {
  local x=$1
  ! recorded_by_others "$x" >/dev/null && ! foreign_route "$x" >/dev/null || return 1
  [ ! -e "/run/netns/quorate-$x" ] && ! ip link show "quorate$x" >/dev/null 2>&1 || return 1
  ! ip -4 route show type blackhole "10.$x.0.0/16" | grep -q .
}

take_subnet() {
  mkdir -p "$OWNERS"
  printf '%s' "$STATE" >"$OWNERS/$1"
  printf '%s\n' "$1" >"$STATE/subnet"
  ip -4 route show type blackhole "10.$1.0.0/16" | grep -q . || ip route add blackhole "10.$1.0.0/16" metric 4000000
  set_addresses "$1"
}

# claim_subnet: the /16 that the state folder remembers, else one that nobody on this host has.
claim_subnet() {
  local x other
  exec 8>/run/lock/quorate-local.lock
  flock 8
  if x=$(cat "$STATE/subnet" 2>/dev/null) && [ -n "$x" ]; then
    if other=$(recorded_by_others "$x") || other=$(foreign_route "$x"); then
      die "cluster '$NAME' was made in 10.$x.0.0/16, which now belongs to: $other; remove it and begin anew: $0 down --name $NAME"
    fi
    take_subnet "$x"
    exec 8>&-
    return 0
  fi
  for ((x = FIRST_SUBNET; x <= LAST_SUBNET; x++)); do
    is_free "$x" || continue
    take_subnet "$x"
    exec 8>&-
    return 0
  done
  die "no free network from 10.$FIRST_SUBNET.0.0/16 to 10.$LAST_SUBNET.0.0/16; see 'ip route' and end clusters that are not needed: $0 down --all"
}

# Folders that containerd, kubelet and the network plugins make on this machine, wherever they are told to work. Those that
# were not there before the first cluster go with the last.
FOLDERS=(/var/lib/cni /var/lib/cni/results /var/lib/kubelet /var/lib/kubelet/device-plugins /var/log/containers
  /var/log/pods /run/containerd /run/containerd/s /run/containerd/runc /run/containerd/runc/k8s.io)
note_folders() {
  local folder
  for folder in "${FOLDERS[@]}"; do [ -e "$folder" ] || printf '%s\n' "$folder"; done >>"$OWNERS/folders"
}
folders_down() {
  local folder
  if [ -z "$(find "$OWNERS" -type f ! -name folders 2>/dev/null)" ] && [ -e "$OWNERS/folders" ]; then
    sort -ru "$OWNERS/folders" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
    rm -f "$OWNERS/folders"
  fi
  rmdir "$OWNERS" 2>/dev/null || true
}

network_up() {
  local k
  ip route show type blackhole "$CLUSTER_CIDR" | grep -q . || ip route add blackhole "$CLUSTER_CIDR" metric 4000000
  if [ ! -e "/run/netns/$NETNS" ]; then
    ip netns add "$NETNS" || die "cannot make a network namespace; this needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN"
  fi
  inside ip link set lo up
  inside ip addr replace "$CONTROL_IP/32" dev lo
  for ((k = 1; k <= NODES; k++)); do inside ip addr replace "$(node_ip "$k")/32" dev lo; done
  inside sysctl -qw net.ipv4.ip_forward=1
  if ! ip link show "$WIRE_HOST" >/dev/null 2>&1; then
    ip link add "$WIRE_HOST" type veth peer name wire netns "$NETNS"
  fi
  ip addr replace "$WIRE_HOST_IP/30" dev "$WIRE_HOST"
  ip link set "$WIRE_HOST" up
  inside ip addr replace "$WIRE_INSIDE_IP/30" dev wire
  inside ip link set wire up
  inside ip route replace default via "$WIRE_HOST_IP"
  drop_untranslated
  ip route replace "$CLUSTER_CIDR" via "$WIRE_INSIDE_IP" dev "$WIRE_HOST"
}

# A packet to a Service that kube-proxy has not yet translated is dropped: let through, it would leave a connection tracking
# entry that keeps every retry from being translated as well. A dropped one is sent again after a second.
drop_untranslated() {
  local chain
  for chain in FORWARD OUTPUT; do
    inside iptables -w -C "$chain" -d "$SERVICE_CIDR" -j DROP 2>/dev/null || inside iptables -w -A "$chain" -d "$SERVICE_CIDR" -j DROP
  done
}

# network_down: every trace, also of an `up` that stopped half way. Safe to repeat. What belongs to another cluster by now stays.
network_down() {
  exec 8>/run/lock/quorate-local.lock
  flock 8
  if ! recorded_by_others "$SUBNET" >/dev/null; then
    ip route del "$CLUSTER_CIDR" via "$WIRE_INSIDE_IP" 2>/dev/null || true
    ip link del "$WIRE_HOST" 2>/dev/null || true
    ip netns del "$NETNS" 2>/dev/null || true
    ip route del blackhole "$CLUSTER_CIDR" 2>/dev/null || true
    rm -f "$OWNERS/$SUBNET"
    rmdir "$OWNERS" 2>/dev/null || true
  fi
  exec 8>&-
}
