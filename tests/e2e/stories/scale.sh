# One member becomes three, then five, then three again, under a writer that checks every key it was promised.
apply_cluster c 1
wait_ready c 1 60
expect_equal "no word of a lost quorum" "" "$(kn get events -o json | jq -r '.items[] | select(.reason | startswith("Quorum")) | .note // .message')"
id=$(cluster_id c)
start_writer c
for size in 3 5 3; do
  scale c $size
  wait_ready c $size 180
  expect_equal "live members" "$size" "$(live_members c | wc -l)"
done
acknowledged=$(writer_value acknowledged)
wait_for "the writer goes on" 20 writer_has $((acknowledged + 100))
stop_writer
expect_equal "cluster id" "$id" "$(cluster_id c)"
wait_for "all members hold the same data" 20 members_agree c

tell "members and status tell the same story"
expect_equal "names" "$(live_members c | cut -d' ' -f1)" "$(status_of c '.status.members[].name' | sort)"
expect_equal "volumes follow the members (onScaleDown: Delete)" 3 "$(kn get pvc -o name | wc -l)"
expect_match "disruption budget" '^[12]$' "$(kn get pdb -o jsonpath='{.items[0].status.disruptionsAllowed}')"
