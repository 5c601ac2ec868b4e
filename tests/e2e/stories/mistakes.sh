# Mistakes in manifests get an answer that a person can act on.
refused() {  # refused WHAT PATTERN MANIFEST: kubectl apply fails, and its text matches
  local text
  if text=$(kn apply --server-side -f - <<<"$3" 2>&1); then fail "$1 was accepted"; fi
  expect_match "$1" "$2" "$text"
  tell "$1: $(tail -1 <<<"$text" | cut -c1-160)"
}
manifest() {  # manifest KIND NAME SPEC_JSON
  jq -n --arg kind "$1" --arg name "$2" --argjson spec "$3" '{apiVersion: "quorate.dev/v1alpha1", kind: $kind, metadata: {name: $name}, spec: $spec}'
}

refused "ten members" 'replicas.*(9|less than or equal)' "$(manifest EtcdCluster c "{\"replicas\": 10, \"version\": \"$VERSION\", \"tls\": {\"mode\": \"None\"}}")"
refused "an unknown field" 'replcas|unknown field|not declared' "$(manifest EtcdCluster c "{\"replcas\": 3, \"version\": \"$VERSION\", \"tls\": {\"mode\": \"None\"}}")"
refused "no version" 'version.*required' "$(manifest EtcdCluster c '{"replicas": 3, "tls": {"mode": "None"}}')"
refused "a store of two kinds" 's3.*pvc|exactly one' "$(manifest EtcdBackupStore s '{"s3": {"bucket": "bucket"}, "pvc": {"claimName": "claim"}}')"

tell "the examples, on the other hand, are accepted"
for example in "$ROOT"/deploy/examples/*.yaml; do
  kn apply --server-side --dry-run=server -f "$example" >/dev/null || fail "$example was refused"
done

tell "what only the operator can know is said in a condition"
says() {  # says KIND NAME PATTERN: message or conditions of the object match
  kn get "$1" "$2" -o json | jq -r '.status.message // "", (.status.conditions[]? | "\(.type) \(.reason) \(.message)")' | grep -iE -- "$3"
}
manifest EtcdBackupSchedule bad-cron '{"clusterRef": {"name": "c"}, "storeRef": {"name": "nowhere"}, "schedule": "61 * * * *"}' | kn apply --server-side -f - >/dev/null
wait_for "the bad cron line is reported" 30 says etcdbackupschedule bad-cron 'schedule|minute|61'
manifest EtcdBackup no-store '{"clusterRef": {"name": "c"}, "storeRef": {"name": "nowhere"}}' | kn apply --server-side -f - >/dev/null
wait_for "the missing store or cluster is reported" 30 says etcdbackup no-store 'nowhere|"?c"?.*(not found|does not exist)'
manifest EtcdCluster from-nowhere "{\"replicas\": 1, \"version\": \"$VERSION\", \"tls\": {\"mode\": \"None\"}, \"bootstrap\": {\"restore\": {\"storeRef\": {\"name\": \"nowhere\"}, \"path\": \"a/b\"}}}" | kn apply --server-side -f - >/dev/null
wait_for "a restore from a store that does not exist is reported" 30 says etcdcluster from-nowhere nowhere
says etcdcluster from-nowhere nowhere
