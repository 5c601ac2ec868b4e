#!/usr/bin/env bash
# packages.sh: installs the Debian packages that Quorate is built, tested and run with on one machine.
#
# Usage: deploy/packages.sh [--check] [GROUP ...]      groups: build cluster fuzz (default: the first two)
#
# build    compiler, CMake, and the libraries that our programs link
# cluster  what the local Kubernetes and the image are made with: containerd, runc, CNI plugins, buildah ...
# fuzz     clang with libFuzzer and the sanitizers' runtimes, and clang-tidy: tests/fuzz/run and the lint preset
# --check  installs nothing; says what is missing and exits 1 when something is
#
# Quick when there is nothing to do. Needs root on Debian 12. A tool that the machine already has from elsewhere (Docker's
# containerd, for one) is left alone: an entry PACKAGE=PROGRAM is satisfied by the program too.
set -euo pipefail

PACKAGES_build=(
  build-essential pkg-config=pkg-config cmake=cmake ninja-build=ninja ccache=ccache git=git ca-certificates
  protobuf-compiler=protoc protobuf-compiler-grpc=grpc_cpp_plugin
  libprotobuf-dev libgrpc++-dev libnghttp2-dev libboost-dev libssl-dev librocksdb-dev libcpprest-dev
  nlohmann-json3-dev libyaml-cpp-dev libcurl4-openssl-dev libspdlog-dev libfmt-dev prometheus-cpp-dev
  libcli11-dev libzstd-dev zlib1g-dev libgtest-dev libgmock-dev clang-format=clang-format
)
PACKAGES_cluster=(
  containerd=containerd runc=runc containernetworking-plugins iptables=iptables conntrack=conntrack
  iproute2=ip util-linux=nsenter procps=pgrep openssl=openssl
  buildah=buildah debootstrap=debootstrap jq=jq curl=curl python3=python3 ca-certificates
)
PACKAGES_fuzz=(clang-16=clang++-16 libclang-rt-16-dev llvm-16=llvm-symbolizer-16 clang-tidy-16=clang-tidy-16)

die() { printf 'packages: %s\n' "$*" >&2; exit 1; }

usage() { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; }

# missing ENTRY...: prints the packages of those entries that are neither installed nor stood in for by a program.
missing() {
  local entry package installed
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' "${@%%=*}" 2>/dev/null || true) "
  for entry in "$@"; do
    package=${entry%%=*}
    [[ $installed == *" ii $package "* ]] && continue
    [[ $entry == *=?* ]] && command -v "${entry#*=}" >/dev/null && continue
    printf '%s\n' "$package"
  done
}

install_packages() {
  local log
  log=$(mktemp)
  printf 'packages: installing %s\n' "$*"
  export DEBIAN_FRONTEND=noninteractive
  if ! apt-get install -y --no-install-recommends "$@" >"$log" 2>&1; then
    printf 'packages: refreshing the package lists\n'
    apt-get update >"$log" 2>&1 || { tail -5 "$log" >&2; die "apt-get update failed (above); check the network and /etc/apt/sources.list"; }
    apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
      { tail -15 "$log" >&2; die "apt-get install failed (above); repair it and run this again"; }
  fi
  rm -f "$log"
}

main() {
  local check="" groups=() entries=() group
  while [ $# -gt 0 ]; do
    case $1 in
      --check) check=yes ;;
      -h | --help) usage; return 0 ;;
      build | cluster | fuzz) groups+=("$1") ;;
      *) die "no group '$1'; the groups are: build cluster fuzz" ;;
    esac
    shift
  done
  [ ${#groups[@]} -gt 0 ] || groups=(build cluster)
  for group in "${groups[@]}"; do
    local -n list=PACKAGES_$group
    entries+=("${list[@]}")
  done
  command -v dpkg-query >/dev/null || die "this needs Debian 12 (bookworm); on another system install by hand: ${entries[*]%%=*}"
  local wanted=()
  mapfile -t wanted < <(missing "${entries[@]}" | sort -u)
  [ ${#wanted[@]} -gt 0 ] || { printf 'packages: all there\n'; return 0; }
  [ -z "$check" ] || die "missing: ${wanted[*]}"
  grep -qs '^VERSION_ID="12"' /etc/os-release || die "this needs Debian 12 (bookworm); on another system install by hand: ${wanted[*]}"
  [ "$(id -u)" = 0 ] || die "installing needs root; run as root: apt-get install --no-install-recommends ${wanted[*]}"
  local started=$SECONDS
  install_packages "${wanted[@]}"
  printf 'packages: %d installed in %d s\n' "${#wanted[@]}" $((SECONDS - started))
}
main "$@"
