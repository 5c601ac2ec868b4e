#!/usr/bin/env bash
# image.sh: makes the container image from the programs already built, and loads it into the local cluster.
#
# Usage: deploy/image.sh [--tag REFERENCE] [--bin DIR] [--output FILE.tar] [--load NAME | --no-load]
#
#   --tag      the image's name (default quorate.dev/quorate:VERSION, the one of CMakeLists.txt)
#   --bin      folder of quorate-server, quoratectl and quorate-operator (default build/release/bin)
#   --output   where the archive goes (default: beside the cached images)
#   --load     the local cluster to load it into (default: default); --no-load only makes the archive
#
# Uses the Dockerfile (target prebuilt) with buildah; no daemon, no registry. The Debian base is pulled where a registry answers,
# else made by debootstrap, once. Does nothing when programs and Dockerfile are those of last time. Needs root.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
# shellcheck source=lib/output.sh
. "$HERE/lib/output.sh"

CACHE=${QUORATE_CACHE:-$HOME/.cache/quorate}
IMAGES=$CACHE/images
BASE=docker.io/library/debian:bookworm-slim
VERSION=$(sed -n "s/^project(quorate VERSION \([0-9.]*\).*/\1/p" "$ROOT/CMakeLists.txt")
TAG=quorate.dev/quorate:$VERSION
BIN=$ROOT/build/release/bin
PROGRAMS=(quorate-server quoratectl quorate-operator)
CLUSTER=default
OUTPUT=""

usage() { sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; }

# Its own store: nothing of the host's images is touched, and removing the cache removes all of it.
buildah_here() {
  STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot buildah --root "$IMAGES/store" --runroot "$IMAGES/run" "$@"
}

# logged WHAT COMMAND...: runs it quietly; shows the end of its output when it fails.
logged() {
  local what=$1
  shift
  "$@" >"$IMAGES/build.log" 2>&1 || { show_log "$IMAGES/build.log" 25; die "$what failed; the log is above and in $IMAGES/build.log"; }
}

make_base() {
  buildah_here inspect --type image "$BASE" >/dev/null 2>&1 && return 0
  if timeout 20 env STORAGE_DRIVER=vfs buildah --root "$IMAGES/store" --runroot "$IMAGES/run" pull -q "$BASE" >/dev/null 2>&1; then
    say "base image: pulled $BASE"
    return 0
  fi
  say "base image: no registry answers; making Debian's minimal system with debootstrap (once, about a minute)"
  local tree=$IMAGES/debian container archives
  rm -rf "$tree"
  # From the archives that this machine's apt uses, security updates included.
  archives=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' | awk '$1 == "Debian" {print "deb", $2, $3, "main"}' | sort -u)
  logged "debootstrap" debootstrap --variant=minbase bookworm "$tree" "$(awk '$3 == "bookworm" {print $2; exit}' <<<"$archives")"
  [ -z "$archives" ] || printf '%s\n' "$archives" >"$tree/etc/apt/sources.list"
  rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale,info}/* "$tree"/var/log/*
  printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$tree/etc/dpkg/dpkg.cfg.d/slim"
  rm -f "$tree/etc/resolv.conf" "$tree/etc/hostname"
  container=$(buildah_here from scratch)
  logged "buildah add" buildah_here add "$container" "$tree" /
  buildah_here config --cmd bash "$container"
  logged "buildah commit" buildah_here commit --rm "$container" "$BASE"
  rm -rf "$tree"
  say "base image: made"
}

# stage: the programs, stripped, in a build context of their own, so that buildah reads nothing else.
stage() {
  local program
  rm -rf "$IMAGES/context"
  mkdir -p "$IMAGES/context/bin"
  for program in "${PROGRAMS[@]}"; do
    [ -x "$BIN/$program" ] || die "$BIN/$program is not there; build it first: cmake --preset release && ninja -C build/release"
    strip -o "$IMAGES/context/bin/$program" "$BIN/$program" 2>/dev/null || cp "$BIN/$program" "$IMAGES/context/bin/"
  done
  cp "$ROOT/Dockerfile" "$IMAGES/context/"
}

build() {
  local key
  key=$(cat "$ROOT/Dockerfile" "${PROGRAMS[@]/#/$BIN/}" | sha256sum | cut -d' ' -f1)-$TAG
  if [ -s "$OUTPUT" ] && [ "$(cat "$OUTPUT.key" 2>/dev/null)" = "$key" ]; then
    say "image $TAG: unchanged"
    return 0
  fi
  stage
  make_base
  logged "building the image" buildah_here bud --pull-never --layers --target prebuilt --build-arg BIN=bin -t "$TAG" -f "$IMAGES/context/Dockerfile" "$IMAGES/context"
  rm -f "$OUTPUT" "$OUTPUT.key"
  logged "writing the image archive" buildah_here push "$TAG" "docker-archive:$OUTPUT:$TAG"
  buildah_here rmi --prune --force >/dev/null 2>&1 || true  # last time's image; layers of this one stay
  rm -rf "$IMAGES/context"
  printf '%s' "$key" >"$OUTPUT.key"
  say "image $TAG: built, $(($(stat -c %s "$OUTPUT") / 1000000)) MB"
}

load() {
  local done_file key
  done_file=$(dirname "$("$HERE/local/cluster.sh" kubeconfig --name "$CLUSTER")")/image-${TAG//[\/:]/_}
  key=$(cat "$OUTPUT.key")
  [ "$(cat "$done_file" 2>/dev/null)" != "$key" ] || return 0
  "$HERE/local/cluster.sh" load-image "$OUTPUT" --name "$CLUSTER"
  printf '%s' "$key" >"$done_file"
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --tag) TAG=${2:?}; shift ;;
      --bin) BIN=$(cd "${2:?}" && pwd); shift ;;
      --output) OUTPUT=$(realpath -m "${2:?}"); shift ;;
      --load) CLUSTER=${2:?}; shift ;;
      --no-load) CLUSTER="" ;;
      -h | --help) usage; return 0 ;;
      *) die "image.sh does not know '$1'; see $0 --help" ;;
    esac
    shift
  done
  [ "$(id -u)" = 0 ] || die "making the image needs root; with docker or podman of your own: docker build --target prebuilt -t $TAG ."
  command -v buildah debootstrap >/dev/null || die "buildah or debootstrap is missing; install the packages first: deploy/packages.sh cluster"
  mkdir -p "$IMAGES"
  : "${OUTPUT:=$IMAGES/$(basename "${TAG//:/-}").tar}"
  exec 7>"$IMAGES/.lock"
  flock -n 7 || { say "another image build runs; waiting for it"; flock 7; }
  build
  [ -z "$CLUSTER" ] || load
}
main "$@"
