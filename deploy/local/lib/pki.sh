# pki.sh: the cluster's certificates and kubeconfigs. Sourced. REQUIRES: PKI, STATE, addresses of network.sh, output.sh.

pki_run() { openssl "$@" 2>"$PKI/openssl.log" || { show_log "$PKI/openssl.log"; die "openssl $1 failed"; }; }

pki_key() { pki_run ecparam -name prime256v1 -genkey -noout -out "$1"; }

# pki_leaf FILE SUBJECT [SAN]: a key and a certificate signed by the cluster's CA.
pki_leaf() {
  [ -s "$PKI/$1.crt" ] && return 0
  pki_key "$PKI/$1.key"
  pki_run req -new -key "$PKI/$1.key" -subj "$2" -out "$PKI/$1.csr"
  printf 'extendedKeyUsage=serverAuth,clientAuth\n%s' "${3:+subjectAltName=$3}" >"$PKI/$1.ext"
  pki_run x509 -req -in "$PKI/$1.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
    -days 3650 -extfile "$PKI/$1.ext" -out "$PKI/$1.crt"
  rm -f "$PKI/$1.csr" "$PKI/$1.ext"
}

# kubeconfig_for USER FILE: everything embedded, so that the file can be copied.
kubeconfig_for() {
  [ -s "$2" ] && return 0
  (
    umask 077
    cat >"$2" <<YAML
apiVersion: v1
kind: Config
current-context: quorate-$NAME
contexts: [{name: quorate-$NAME, context: {cluster: quorate-$NAME, user: $1}}]
clusters: [{name: quorate-$NAME, cluster: {server: "$API_URL", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
YAML
  )
}

pki_up() {
  mkdir -p -m 700 "$PKI"
  if [ ! -s "$PKI/ca.crt" ]; then
    pki_key "$PKI/ca.key"
    pki_run req -x509 -new -key "$PKI/ca.key" -days 3650 -subj "/CN=quorate-$NAME" -out "$PKI/ca.crt"
  fi
  if [ ! -s "$PKI/sa.pub" ]; then
    pki_key "$PKI/sa.key"
    pki_run ec -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub"
  fi
  local names="DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local" k
  pki_leaf apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$CONTROL_IP,IP:$API_SERVICE_IP,$names"
  pki_leaf admin /O=system:masters/CN=admin
  pki_leaf controllers /CN=system:kube-controller-manager
  pki_leaf scheduler /CN=system:kube-scheduler
  pki_leaf proxy /CN=system:kube-proxy
  for ((k = 1; k <= NODES; k++)); do
    pki_leaf "node$k" "/O=system:nodes/CN=system:node:node$k"
    kubeconfig_for "node$k" "$PKI/node$k.kubeconfig"
  done
  kubeconfig_for admin "$STATE/kubeconfig"
  kubeconfig_for controllers "$PKI/controllers.kubeconfig"
  kubeconfig_for scheduler "$PKI/scheduler.kubeconfig"
  kubeconfig_for proxy "$PKI/proxy.kubeconfig"
}
