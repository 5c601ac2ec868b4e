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

# claim_subnet: picks a /16 that nothing on this host routes, and remembers it in the state folder.
claim_subnet() {
  if [ -s "$STATE/subnet" ]; then
    set_addresses "$(cat "$STATE/subnet")"
    return 0
  fi
  local x routes
  exec 8>/run/lock/quorate-local.lock
  flock 8
  routes=$(ip -4 -o route show table all)
  for ((x = FIRST_SUBNET; x <= LAST_SUBNET; x++)); do
    grep -qE "(^| )10\.$x\.|(^| )10\.0\.0\.0/8" <<<"$routes" && continue
    [ -e "/run/netns/quorate-$x" ] && continue
    ip route add blackhole "10.$x.0.0/16" metric 4000000 || continue  # the claim: others see it in the table
    printf '%s\n' "$x" >"$STATE/subnet"
    exec 8>&-
    set_addresses "$x"
    return 0
  done
  die "no free network from 10.$FIRST_SUBNET.0.0/16 to 10.$LAST_SUBNET.0.0/16; see 'ip route' and end clusters that are not needed: $0 down --all"
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

# network_down: every trace, also of an `up` that stopped half way. Safe to repeat.
network_down() {
  ip route del "$CLUSTER_CIDR" via "$WIRE_INSIDE_IP" 2>/dev/null || true
  ip link del "$WIRE_HOST" 2>/dev/null || true
  ip netns del "$NETNS" 2>/dev/null || true
  ip route del blackhole "$CLUSTER_CIDR" 2>/dev/null || true
}
