# The image: small, not root, content with a read-only root file system, and every name of its programs answers.
archive=${PARTS%/*}/images/quorate-$VERSION.tar
[ -s "$archive" ] || fail "no image archive $archive"
size=$(($(stat -c %s "$archive") / 1000000))
tell "the image has $size MB unpacked"
((size < 250)) || fail "$size MB; 250 are allowed"

kn apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: look}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  terminationGracePeriodSeconds: 0
  containers:
  - name: look
    image: quorate.dev/quorate:$VERSION
    imagePullPolicy: Never
    command: [sleep, "300"]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
YAML
wait_for "it runs" 30 kn wait --for=condition=Ready pod/look --timeout=1s
expect_equal "user" 65532 "$(kn exec look -- id -u)"
if kn exec look -- touch /usr/local/bin/x 2>/dev/null; then fail "the root file system can be written"; fi
for program in etcd quorate-server quorate-operator; do
  expect_match "$program --version" '[0-9]+\.[0-9]+\.[0-9]+' "$(kn exec look -- $program --version 2>&1)"
done
for program in etcdctl etcdutl quoratectl; do
  expect_match "$program version" '[0-9]+\.[0-9]+\.[0-9]+' "$(kn exec look -- $program version 2>&1)"
done
