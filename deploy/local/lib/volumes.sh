#!/usr/bin/env bash
# volumes.sh: gives claims of the local cluster's storage classes their volumes: a folder on this machine each.
#
# Speaks to the API server alone: watches claims and volumes, makes a `local` PersistentVolume for a pending claim, deletes
# folder and volume when a claim is gone, follows a claim that grows. Sizes are recorded, not enforced.
# Environment: API_URL, PKI (ca.crt admin.crt admin.key), VOLUMES (folder). Started by cluster.sh.
set -uo pipefail
PROVISIONER=quorate.dev/local-volumes

api() { curl -sS --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "$@"; }
log() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }

# watch PATH: one object a line, those that exist first; returns when the stream ends.
watch() {
  api -N "$API_URL$1?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true" |
    jq -c --unbuffered 'select(.type == "ADDED" or .type == "MODIFIED") | .object'
}

# A class bound at once gets a volume that any node can mount; the other waits for the scheduler's choice of node.
provision() {
  local claim=$1 name answer
  name=pvc-$(jq -r .metadata.uid <<<"$claim")
  mkdir -p "$VOLUMES/$name" && chmod 0777 "$VOLUMES/$name"
  answer=$(jq --arg name "$name" --arg path "$VOLUMES/$name" --arg provisioner "$PROVISIONER" '{
      apiVersion: "v1", kind: "PersistentVolume",
      metadata: {name: $name, annotations: {"pv.kubernetes.io/provisioned-by": $provisioner}},
      spec: {
        capacity: {storage: .spec.resources.requests.storage}, accessModes: .spec.accessModes,
        persistentVolumeReclaimPolicy: "Delete", storageClassName: .spec.storageClassName, local: {path: $path},
        claimRef: {apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: .metadata.namespace,
                   name: .metadata.name, uid: .metadata.uid},
        nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
          (.metadata.annotations["volume.kubernetes.io/selected-node"] // null) as $node
          | if $node then {key: "kubernetes.io/hostname", operator: "In", values: [$node]}
            else {key: "kubernetes.io/os", operator: "In", values: ["linux"]} end]}]}}
      }}' <<<"$claim" |
    api -d @- -H 'Content-Type: application/json' -w '\n%{http_code}' "$API_URL/api/v1/persistentvolumes")
  case ${answer##*$'\n'} in
    201) log "made $name for $(jq -r '.metadata.namespace + "/" + .metadata.name' <<<"$claim")" ;;
    409) ;;
    *) log "cannot make $name: $answer" ;;
  esac
}

patch() { api -o /dev/null -X PATCH -H 'Content-Type: application/merge-patch+json' -d "$2" "$API_URL$1"; }

grow() {
  local claim=$1 size volume path
  size=$(jq -r .spec.resources.requests.storage <<<"$claim")
  volume=$(jq -r .spec.volumeName <<<"$claim")
  path=$(jq -r '"/api/v1/namespaces/\(.metadata.namespace)/persistentvolumeclaims/\(.metadata.name)/status"' <<<"$claim")
  patch "/api/v1/persistentvolumes/$volume" "{\"spec\":{\"capacity\":{\"storage\":\"$size\"}}}" &&
    patch "$path" "{\"status\":{\"capacity\":{\"storage\":\"$size\"}}}" && log "$volume is now $size"
}

on_claim() {
  case $(jq -r --arg provisioner "$PROVISIONER" '
    (.metadata.annotations // {}) as $notes
    | if .metadata.deletionTimestamp or ($notes["volume.kubernetes.io/storage-provisioner"] != $provisioner) then "none"
      elif (.spec.volumeName // "") == "" and .status.phase == "Pending" then
        if .spec.storageClassName == "standard-local" and ($notes["volume.kubernetes.io/selected-node"] | not)
        then "none" else "provision" end
      elif .status.phase == "Bound" and .status.capacity.storage != .spec.resources.requests.storage then "grow"
      else "none" end' <<<"$1") in
    provision) provision "$1" ;;
    grow) grow "$1" ;;
  esac
}

on_volume() {
  local name
  name=$(jq -r --arg provisioner "$PROVISIONER" '
    select(.metadata.annotations["pv.kubernetes.io/provisioned-by"] == $provisioner and .status.phase == "Released"
      and .spec.persistentVolumeReclaimPolicy == "Delete" and (.metadata.deletionTimestamp | not)) | .metadata.name' <<<"$1")
  [[ $name == pvc-* ]] || return 0
  rm -rf "${VOLUMES:?}/$name"
  api -o /dev/null -X DELETE "$API_URL/api/v1/persistentvolumes/$name" && log "deleted $name"
}

follow() {  # follow PATH HANDLER: a stream that ends is opened again; it begins with all objects, so nothing is missed
  local object
  while :; do
    watch "$1" | while IFS= read -r object; do "$2" "$object"; done
    sleep 1
  done
}

log "serving storage classes of $PROVISIONER from $VOLUMES"
follow /api/v1/persistentvolumeclaims on_claim &
follow /api/v1/persistentvolumes on_volume &
wait
