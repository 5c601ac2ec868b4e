# Backups to an S3 store that verifies signatures: on schedule, with retention, through an outage; and a new cluster from one.
# shellcheck source=../s3.sh
. "$HERE/s3.sh"
start_minio
apply_store store
apply_cluster c 3
wait_ready c 3
for i in 1 2 3 4 5 6 7 8 9 10; do ectl c put "data/$i" "value $i" >/dev/null; done

tell "--- a schedule, every minute, that keeps one"
kn apply --server-side -f - >/dev/null <<YAML
apiVersion: quorate.dev/v1alpha1
kind: EtcdBackupSchedule
metadata: {name: every-minute}
spec:
  clusterRef: {name: c}
  storeRef: {name: store}
  schedule: "* * * * *"
  retention: {keepLast: 1}
YAML
completed() { kn get etcdbackups -l quorate.dev/schedule=every-minute -o json | jq -r '.items[] | select(.status.phase == "Completed") | .metadata.name'; }
one_completed() { [ -n "$(completed)" ]; }
wait_for "the first run is complete" 110 one_completed
expect_match "its objects" '/snapshot.db.zst$' "$(s3_keys)"
expect_match "its objects" '/manifest.json$' "$(s3_keys)"
first=$(s3_keys | grep '/manifest.json$' | head -1)
newer_only() { local keys; keys=$(s3_keys | grep '/manifest.json$') && [ "$(wc -l <<<"$keys")" = 1 ] && [ "$keys" != "$first" ]; }
wait_for "retention: the second run is there, the first is gone" 110 newer_only

tell "--- the store is down"
kn scale deployment minio --replicas=0 >/dev/null
minio_gone() { [ -z "$(kn get pods -l app=minio -o name)" ]; }
wait_for "MinIO is gone" 30 minio_gone
apply_backup during-outage c store
wait_for "the backup failed" 100 backup_is during-outage Failed
expect_match "the reason" 'connect|refused|unreachable|timed out|timeout' "$(backup_says during-outage)"
tell "it says: $(backup_says during-outage)"
kn scale deployment minio --replicas=1 >/dev/null
wait_for "MinIO is back" 60 kn rollout status deployment/minio --timeout=1s
last=$(s3_keys | grep '/manifest.json$')
recovered() { [ "$(s3_keys | grep '/manifest.json$')" != "$last" ]; }
wait_for "the schedule recovers by itself" 130 recovered
kn patch etcdbackupschedule every-minute --type=merge -p '{"spec":{"suspend":true}}' >/dev/null

tell "--- wrong credentials"
kn create secret generic wrong --from-literal=AWS_ACCESS_KEY_ID=$S3_USER --from-literal=AWS_SECRET_ACCESS_KEY=not-the-secret >/dev/null
apply_store wrong wrong
apply_backup wrong-credentials c wrong
wait_for "the backup failed" 100 backup_is wrong-credentials Failed
expect_match "the reason" 'signature|credential|denied|403' "$(backup_says wrong-credentials)"
tell "it says: $(backup_says wrong-credentials)"

tell "--- a new cluster from a backup"
before=$(s3_keys)
apply_backup final c store
wait_for "the backup is complete" 100 backup_is final Completed
revision=$(kn get etcdbackup final -o jsonpath='{.status.revision}')
manifest=$(comm -13 <(echo "$before") <(s3_keys) | grep '/manifest.json$')
ectl c put data/1 "changed after the backup" >/dev/null
apply_cluster restored 3 '{"bootstrap": {"restore": {"backupRef": {"name": "final"}}}}'
wait_ready restored 3 180
[ "$(cluster_id restored)" != "$(cluster_id c)" ] || fail "the new cluster has the old one's id"
expect_equal "a key as it was" "value 1" "$(ectl restored get data/1 --print-value-only)"
hash_at() { ectl_all "$1" endpoint hashkv --rev "$revision" -w json | jq -r '.[].HashKV.hash' | sort -u; }
expect_equal "HashKV at revision $revision" "$(hash_at c)" "$(hash_at restored)"

tell "--- a damaged object is refused"
folder=${manifest%/manifest.json}
s3 GET "/$BUCKET/$folder/snapshot.db.zst" >"$LOGS/damaged"
printf 'damage' | dd of="$LOGS/damaged" bs=1 seek=$(($(stat -c %s "$LOGS/damaged") / 2)) conv=notrunc 2>/dev/null
s3 PUT "/$BUCKET/$folder/snapshot.db.zst" "$LOGS/damaged" >/dev/null
apply_cluster tampered 3 "$(jq -n --arg path "${folder#stories/}" '{bootstrap: {restore: {storeRef: {name: "store"}, path: $path}}}')"
refused() { status_of tampered '.status.message, (.status.conditions[]? | .message)' | grep -iE 'sha-?256|checksum|damaged|corrupt|mismatch'; }
wait_for "the restore is refused, with the reason" 120 refused
tell "it says: $(status_of tampered .status.message)"
expect_equal "no cluster was formed" null "$(status_of tampered '.status.clusterID')"
