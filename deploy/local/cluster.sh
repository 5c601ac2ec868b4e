#!/usr/bin/env bash
# cluster.sh: a real Kubernetes on this machine, in seconds, in a network namespace of its own.
#
# Usage: deploy/local/cluster.sh COMMAND [--name NAME] [options]
#
#   up [--nodes N] [--storage etcd|quorate]
#                      start it (1 to 3 nodes; default 1); quick and harmless when it runs. --storage says what carries
#                      Kubernetes' own state: real etcd (default), or our quorate-server
#   down [--all]       end it and remove everything it made; the host's network is as it was
#   status             what runs, where, since when
#   nodes              the nodes, as Kubernetes sees them
#   kubeconfig         print the path of its kubeconfig
#   kubectl ARGS...    kubectl against it
#   load-image FILE    load an image archive (docker or OCI format) into every node
#   stop-node K        node K is lost: its kubelet, containerd and containers end
#   start-node K       and comes back
#   inside CMD...      run a command in its network namespace
#   logs [PROGRAM]     the end of a program's log (no name: list them)
#
# NAME (default: default) tells clusters apart; several run side by side. State: ${QUORATE_STATE:-/var/lib/quorate-local}/NAME.
# The parts (kube-apiserver, kubelet, etcd, CoreDNS ...) are built once into a cache by parts.sh. Needs root on Linux.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
LIB=$HERE/lib
. "$HERE/../lib/output.sh"
for library in process network pki control_plane node; do
  # shellcheck source=/dev/null
  . "$LIB/$library.sh"
done

STATE_ROOT=${QUORATE_STATE:-/var/lib/quorate-local}
PARTS=${QUORATE_CACHE:-$HOME/.cache/quorate}/parts
NAME=default
NODES=""
STORAGE=""

usage() { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; }

set_paths() {
  [[ $NAME =~ ^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$ ]] || die "--name $NAME: use up to 20 lower-case letters, digits and dashes"
  STATE=$STATE_ROOT/$NAME
  ((${#STATE} <= 70)) || die "the state folder's path is too long for sockets ($STATE); set QUORATE_STATE to a shorter one"
  RUN=$STATE/run LOGS=$STATE/logs PKI=$STATE/pki
}

need_root() { [ "$(id -u)" = 0 ] || die "the local cluster needs root (network namespace, containers); run this as root, or use your own cluster: deploy/quickstart.sh --cluster current"; }

exists() { [ -s "$STATE/subnet" ]; }
need_running() {
  exists && set_addresses "$(cat "$STATE/subnet")" && NODES=$(cat "$STATE/nodes" 2>/dev/null || echo 0) && process_pid kube-apiserver >/dev/null ||
    die "cluster '$NAME' does not run; start it: $0 up$([ "$NAME" = default ] || echo " --name $NAME")"
}

lock() {
  mkdir -p "$STATE_ROOT"
  exec 9>"$STATE_ROOT/.$NAME.lock"
  flock -n 9 || { say "another command works on cluster '$NAME'; waiting for it"; flock 9; }
}

all_processes() {  # in the order of their start
  local k
  printf '%s\n' storage
  for ((k = 1; k <= NODES; k++)); do printf 'containerd-node%s\n' "$k"; done
  printf '%s\n' kube-apiserver kube-controller-manager kube-scheduler coredns volumes kube-proxy
  for ((k = 1; k <= NODES; k++)); do printf 'kubelet-node%s\n' "$k"; done
}

healthy() {
  local name k
  exists || return 1
  for name in $(all_processes); do process_pid "$name" >/dev/null || return 1; done
  api_ready || return 1
  for ((k = 1; k <= NODES; k++)); do node_ready "$k" >/dev/null || return 1; done
}

check_host() {
  local program
  for program in containerd ctr runc iptables conntrack ip nsenter openssl jq curl; do
    command -v "$program" >/dev/null || die "$program is missing; install the packages first: deploy/packages.sh cluster"
  done
  [ -x /usr/lib/cni/ptp ] || die "the network plugins are missing (/usr/lib/cni); install the packages first: deploy/packages.sh cluster"
}

# settle_options: what a running or half-started cluster was made with wins; to change it, take it down first.
settle_options() {
  local had
  if had=$(cat "$STATE/nodes" 2>/dev/null); then
    [ -z "$NODES" ] || [ "$NODES" = "$had" ] || die "cluster '$NAME' was made with $had node(s); to have $NODES, end it first: $0 down --name $NAME"
    NODES=$had
  fi
  if had=$(cat "$STATE/storage-kind" 2>/dev/null); then
    [ -z "$STORAGE" ] || [ "$STORAGE" = "$had" ] || die "cluster '$NAME' keeps its state in $had; to change that, end it first: $0 down --name $NAME"
    STORAGE=$had
  fi
  : "${NODES:=1}" "${STORAGE:=etcd}"
  [[ $NODES =~ ^[123]$ ]] || die "--nodes $NODES: 1, 2 or 3"
  [[ $STORAGE =~ ^(etcd|quorate)$ ]] || die "--storage $STORAGE: etcd or quorate"
}

up() {
  need_root
  check_host
  lock
  mkdir -p -m 755 "$STATE"
  mkdir -p "$RUN" "$LOGS"
  settle_options
  if exists && set_addresses "$(cat "$STATE/subnet")" && healthy; then
    say "cluster '$NAME' runs: $NODES node(s), $API_URL"
    return 0
  fi
  "$HERE/parts.sh" tools pause etcd kubernetes coredns >/dev/null || die "the parts could not be built; see above"
  claim_subnet
  printf '%s\n' "$NODES" >"$STATE/nodes"
  printf '%s\n' "$STORAGE" >"$STATE/storage-kind"
  rm_dead_records
  note_folders
  say "cluster '$NAME': $NODES node(s), storage by $STORAGE, network $CLUSTER_CIDR in namespace $NETNS"
  network_up
  pki_up
  start_everything
  say "cluster '$NAME' is ready; export KUBECONFIG=$STATE/kubeconfig"
}

rm_dead_records() {
  local dead
  while dead=$(first_dead_process); do rm -f "$RUN/$dead.pid"; done
}

start_everything() {
  local k
  start_storage
  start_api
  pause_archive
  for ((k = 1; k <= NODES; k++)); do start_containerd "$k"; done
  for ((k = 1; k <= NODES; k++)); do import_pause "$k"; done
  say "storage and container runtimes: started"
  wait_until "the API server" 90 "$LOGS/kube-apiserver.log" api_ready
  say "API server: ready"
  start_controllers
  start_dns
  for ((k = 1; k <= NODES; k++)); do start_kubelet "$k"; done
  start_proxy
  apply_cluster_objects
  start_volumes
  wait_until "the default service account" 60 "$LOGS/kube-controller-manager.log" default_account_exists
  for ((k = 1; k <= NODES; k++)); do
    wait_until "node$k" 90 "$LOGS/kubelet-node$k.log" node_ready "$k"
    say "node$k: ready"
  done
}

# Nobody is asked to end in good order: all that they would put in order is removed.
down_one() {
  local k
  lock
  if [ ! -d "$STATE" ]; then
    say "cluster '$NAME': nothing to remove"
    return 0
  fi
  NODES=$(cat "$STATE/nodes" 2>/dev/null || echo 3)
  # shellcheck disable=SC2046  # names
  end_processes 0 $(all_processes)
  for ((k = 1; k <= NODES; k++)); do end_containers "$k" & done
  wait
  if exists; then
    set_addresses "$(cat "$STATE/subnet")"
    for ((k = 1; k <= NODES; k++)); do remove_node_traces "$k"; done
    network_down
  fi
  unmount_below "$STATE"
  remove_state
  remove_dead_sockets
  folders_down
  say "cluster '$NAME': removed"
}

# remove_state: the folder is gone at once. Its gigabyte of files takes a second, but a busy disk may need half a minute:
# then nobody waits for that, and what a cut-off one left goes with the next.
remove_state() {
  local begin
  mv "$STATE" "$STATE_ROOT/.removing-$$-$RANDOM" || die "$STATE could not be removed; see what holds it: grep $STATE /proc/mounts"
  rm -f "$STATE_ROOT/.$NAME.lock"
  setsid rm -rf "$STATE_ROOT"/.removing-* </dev/null >/dev/null 2>&1 8>&- 9>&- &
  begin=$(now_ms)
  while kill -0 $! 2>/dev/null; do
    (($(now_ms) - begin < 4000)) || { say "cluster '$NAME': its files are still being deleted, in the background"; break; }
    sleep 0.05
  done
  disown $! 2>/dev/null || true
  rmdir "$STATE_ROOT" 2>/dev/null || true
}

down() {
  need_root
  if [ "${1:-}" != --all ]; then
    down_one
    return
  fi
  local dir
  for dir in "$STATE_ROOT"/*/; do
    [ -d "$dir" ] || { say "no clusters"; continue; }
    NAME=$(basename "$dir")
    set_paths
    down_one
  done
}

status() {
  exists || { printf "cluster '%s' does not exist\n" "$NAME"; return 1; }
  set_addresses "$(cat "$STATE/subnet")"
  NODES=$(cat "$STATE/nodes") STORAGE=$(cat "$STATE/storage-kind")
  printf "cluster '%s': %s node(s), storage by %s, network %s, API %s\nkubeconfig: %s\n" \
    "$NAME" "$NODES" "$STORAGE" "$CLUSTER_CIDR" "$API_URL" "$STATE/kubeconfig"
  local name pid bad=0
  for name in $(all_processes); do
    if pid=$(process_pid "$name"); then
      printf '  %-26s pid %-8s %4d MB  up %s\n' "$name" "$pid" "$(($(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status") / 1024))" "$(ps -o etime= -p "$pid" | tr -d ' ')"
    else
      printf '  %-26s ENDED; see %s/%s.log\n' "$name" "$LOGS" "$name"
      bad=1
    fi
  done
  api_ready || { printf '  the API server does not answer\n'; bad=1; }
  return $bad
}

load_image() {
  local file=${1:?} k jobs=() job failed=""
  need_running
  [ -s "$file" ] || die "no image archive '$file'"
  for ((k = 1; k <= NODES; k++)); do
    node_ctr "$k" images import "$file" >"$LOGS/import-node$k.log" 2>&1 &
    jobs+=($!)
  done
  for k in "${!jobs[@]}"; do
    job=${jobs[$k]}
    wait "$job" || { show_log "$LOGS/import-node$((k + 1)).log"; failed="$failed node$((k + 1))"; }
  done
  [ -z "$failed" ] || die "loading $file failed on:$failed"
  say "image loaded into $NODES node(s): $(sed -n 's/^unpacking \([^ ]*\).*/\1/p' "$LOGS/import-node1.log" | tr '\n' ' ')"
}

stop_node() {
  need_running
  end_process "kubelet-node$1"
  end_containers "$1"
  end_process "containerd-node$1"
  say "node$1: stopped"
}

start_node() {
  need_running
  start_containerd "$1"
  import_pause "$1"
  start_kubelet "$1"
  wait_until "node$1" 90 "$LOGS/kubelet-node$1.log" node_ready "$1"
  say "node$1: ready"
}

need_node() { need_running; [[ ${1:-} =~ ^[1-9]$ ]] && ((${1:-9} <= NODES)) || die "name a node: 1 to $NODES"; }

logs() {
  exists || die "cluster '$NAME' does not exist"
  [ -n "${1:-}" ] || { ls "$LOGS"; return; }
  [ -e "$LOGS/${1%.log}.log" ] || die "no log '$1'; there are: $(ls "$LOGS" | tr '\n' ' ')"
  tail -n 50 "$LOGS/${1%.log}.log"
}

main() {
  local command=${1:-help} rest=()
  [ $# -eq 0 ] || shift
  case $command in
    kubectl | inside) # their arguments are theirs; --name may stand first
      if [ "${1:-}" = --name ]; then NAME=$2; shift 2; fi
      rest=("$@")
      set --
      ;;
  esac
  while [ $# -gt 0 ]; do
    case $1 in
      --name) NAME=${2:?"--name needs a value"}; shift ;;
      --name=*) NAME=${1#*=} ;;
      --nodes) NODES=${2:?"--nodes needs a value"}; shift ;;
      --nodes=*) NODES=${1#*=} ;;
      --storage) STORAGE=${2:?"--storage needs a value"}; shift ;;
      --storage=*) STORAGE=${1#*=} ;;
      -h | --help) command=help ;;
      *) rest+=("$1") ;;
    esac
    shift
  done
  set_paths
  case $command in
    up) [ ${#rest[@]} -eq 0 ] || die "up does not know '${rest[*]}'; see $0 --help"; up ;;
    down) down "${rest[@]}" ;;
    status) status ;;
    nodes) need_running; kubectl_here get nodes -o wide ;;
    kubeconfig) exists || die "cluster '$NAME' does not exist; start it: $0 up --name $NAME"; printf '%s\n' "$STATE/kubeconfig" ;;
    kubectl) need_running; kubectl_here "${rest[@]}" ;;
    load-image) load_image "${rest[0]:?"name the image archive"}" ;;
    stop-node) need_node "${rest[0]:-}"; stop_node "${rest[0]}" ;;
    start-node) need_node "${rest[0]:-}"; start_node "${rest[0]}" ;;
    inside) need_running; inside "${rest[@]}" ;;
    logs) logs "${rest[0]:-}" ;;
    help | -h | --help) usage ;;
    *) die "no command '$command'; see $0 --help" ;;
  esac
}
main "$@"
