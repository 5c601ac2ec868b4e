# s3.sh: MinIO in the story's namespace, and a small S3 client made of curl. Sourced by stories that need a store.

S3_USER=story S3_PASSWORD=story-secret-word BUCKET=backups

start_minio() {
  kn apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: s3-credentials}
stringData: {AWS_ACCESS_KEY_ID: $S3_USER, AWS_SECRET_ACCESS_KEY: $S3_PASSWORD}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: minio}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: minio}
spec: {selector: {app: minio}, ports: [{port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: minio}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: minio}}
  template:
    metadata: {labels: {app: minio}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      terminationGracePeriodSeconds: 2
      containers:
      - name: minio
        image: quorate.dev/test-minio:1
        imagePullPolicy: Never
        args: [server, /data, --address, ":9000"]
        env: [{name: MINIO_ROOT_USER, value: $S3_USER}, {name: MINIO_ROOT_PASSWORD, value: $S3_PASSWORD}, {name: HOME, value: /data}]
        volumeMounts: [{name: data, mountPath: /data}]
        readinessProbe: {httpGet: {path: /minio/health/ready, port: 9000}, periodSeconds: 1}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      volumes: [{name: data, persistentVolumeClaim: {claimName: minio}}]
YAML
  wait_for "MinIO runs" 60 kn rollout status deployment/minio --timeout=1s
  S3_URL=http://$(kn get service minio -o jsonpath='{.spec.clusterIP}'):9000
  wait_for "the bucket exists" 20 make_bucket
}

make_bucket() { s3 GET "/$BUCKET?list-type=2" || s3 PUT "/$BUCKET"; }

# s3 METHOD PATH_AND_QUERY [FILE]: one signed request; the body on stdout. The query must come sorted and encoded.
s3() {
  local hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 body=()
  if [ -n "${3:-}" ]; then
    hash=$(sha256sum "$3" | cut -d' ' -f1)
    body=(--data-binary "@$3" -H 'Content-Type: application/octet-stream')
  fi
  curl -sS --fail --max-time 20 -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 --user "$S3_USER:$S3_PASSWORD" \
    -H "x-amz-content-sha256: $hash" "${body[@]}" "$S3_URL$2"
}

# s3_keys: every key in the bucket, sorted.
s3_keys() { s3 GET "/$BUCKET?list-type=2" | { grep -o '<Key>[^<]*</Key>' || true; } | sed 's/<[^>]*>//g' | sort; }
backups_stored() { s3_keys | grep -c '/manifest.json$' || true; }

# apply_store NAME [SECRET]
apply_store() {
  jq -n --arg name "$1" --arg secret "${2:-s3-credentials}" --arg bucket $BUCKET --arg endpoint "http://minio.$NS.svc:9000" '
    {apiVersion: "quorate.dev/v1alpha1", kind: "EtcdBackupStore", metadata: {name: $name},
     spec: {s3: {bucket: $bucket, prefix: "stories", endpoint: $endpoint, credentialsSecretRef: {name: $secret}}}}' |
    kn apply --server-side -f - >/dev/null
}
# apply_backup NAME CLUSTER STORE
apply_backup() {
  jq -n --arg name "$1" --arg cluster "$2" --arg store "$3" '
    {apiVersion: "quorate.dev/v1alpha1", kind: "EtcdBackup", metadata: {name: $name},
     spec: {clusterRef: {name: $cluster}, storeRef: {name: $store}, deadline: "1m", retries: 0}}' | kn apply --server-side -f - >/dev/null
}
backup_phase() { object etcdbackups "$1" | jq -r .status.phase; }
backup_is() { [ "$(backup_phase "$1")" = "$2" ]; }
backup_says() { kn get etcdbackup "$1" -o json | jq -r '"\(.status.reason // "") \(.status.message // "")"'; }
