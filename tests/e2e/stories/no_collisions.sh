# (no stage) Two checkouts, old state folders and cut-off runs do not get in each other's way: networks and processes of the
# local cluster's own scripts, tried on state folders that this story makes up.
SCRATCH=$(mktemp -d /tmp/quorate-story.XXXXXX)
LIB=$ROOT/deploy/local/lib
# as STATE COMMAND...: the scripts' functions, as cluster.sh of that state folder has them.
as() {
  (
    STATE=$SCRATCH/$1 NAME=$1 RUN=$SCRATCH/$1/run LOGS=$SCRATCH/$1/logs
    shift
    mkdir -p "$RUN" "$LOGS"
    for library in process network; do . "$LIB/$library.sh"; done
    "$@"
  )
}
network_of() { cat "$SCRATCH/$1/subnet"; }
give_back() { set_addresses "$(cat "$STATE/subnet")" && network_down; }
tidy_up() {
  local dir
  for dir in "$SCRATCH"/*/; do [ ! -s "$dir/subnet" ] || as "$(basename "$dir")" give_back || true; done
  rm -rf "$SCRATCH"
}

tell "six that begin at once get six networks"
jobs=()
for name in a b c d e f; do
  as $name claim_subnet &
  jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || fail "no network was found"; done
expect_equal "different networks" 6 "$(cat "$SCRATCH"/*/subnet | sort -u | wc -l)"
before=$(network_of a)
as a claim_subnet
expect_equal "who claims again keeps it" "$before" "$(network_of a)"

tell "a state folder that is older than the network's present owner"
mkdir -p "$SCRATCH/old"
network_of b >"$SCRATCH/old/subnet"
if text=$(as old claim_subnet 2>&1); then fail "a network that another cluster has was taken"; fi
expect_match "it says whose it is" "$SCRATCH/b.*down --name old" "$text"
as old give_back
ip route show type blackhole "10.$(network_of b).0.0/16" | grep -q . || fail "ending the old one took the route of the other"
rm -r "$SCRATCH/old"

tell "what a cut-off run left behind is not taken: a namespace without a state folder, a state folder without a namespace"
left=$(network_of f)
as f give_back
rm -r "$SCRATCH/f"
ip netns add "quorate-$left"
as g claim_subnet
ip netns del "quorate-$left"
[ "$(network_of g)" != "$left" ] || fail "network $left was taken although a namespace of that name lives"
mkdir "$SCRATCH/h"
echo "$left" >"$SCRATCH/h/subnet"
as i claim_subnet
[ "$(network_of i)" != "$left" ] || fail "network $left was taken although another state folder remembers it"
as h claim_subnet  # after a restart of the machine: nothing but the state folder is left, and it is enough
expect_equal "its network" "$left" "$(network_of h)"

tell "a process ends with all its children, also when it was killed before them"
family() { pgrep -fx "sleep 98$1" | wc -l; }
for way in asked killed; do
  number=$RANDOM
  as p start_process parent bash -c "trap '' TERM; sleep 98$number & (trap '' TERM; sleep 98$number) & sleep 98$number & wait"
  three() { [ "$(family "$number")" = 3 ]; }
  wait_for "three children run" 10 three
  [ "$way" = asked ] || kill -9 "$(cut -d' ' -f1 "$SCRATCH/p/run/parent.pid")"
  as p end_process parent 1
  expect_equal "children left ($way)" 0 "$(family "$number")"
done
