# build.sh: configures and builds the release preset, with progress for a person and for a log. Sourced.
# REQUIRES: ROOT, output.sh.

BUILD=${ROOT:?}/build/release

# jobs: as many compilers as there are cores, and no more than memory carries (1.5 GB each).
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  ((memory >= 1)) || memory=1
  printf '%d' "$((cores < memory ? cores : memory))"
}

# thin_progress: for a log that nobody watches: compiler messages whole, ninja's progress every ten seconds.
thin_progress() {
  awk -v every=10 '
    /^\[[0-9]+\/[0-9]+\]/ { if (systime() - last >= every) { print "  " $1; fflush(); last = systime() } next }
    /^ninja: (no work to do|Entering)/ { next }
    { print; fflush() }'
}

# build TARGET...: none means everything.
build() {
  local begin=$SECONDS status
  mkdir -p "$BUILD"
  if [ ! -f "$BUILD/build.ninja" ]; then
    say "configuring (preset release)"
    cmake -S "$ROOT" --preset release >"$BUILD/configure.log" 2>&1 ||
      { show_log "$BUILD/configure.log" 30; die "configuring failed; the log is above and in $BUILD/configure.log"; }
  fi
  say "building ${*:-everything} with $(build_jobs) jobs"
  if [ -t 1 ]; then
    ninja -C "$BUILD" -j "$(build_jobs)" "$@" >&2 || die "the build failed; see above"
  else
    set +e
    ninja -C "$BUILD" -j "$(build_jobs)" "$@" 2>&1 | thin_progress >&2
    status=${PIPESTATUS[0]}
    set -e
    [ "$status" = 0 ] || die "the build failed; see above"
  fi
  say "built in $((SECONDS - begin)) s"
}

# need_tools: what cannot be installed for the user.
need_go_and_node() {
  local version
  command -v go >/dev/null || die "Go 1.25 or newer is missing (it builds Kubernetes and etcd); install it from https://go.dev/dl and run this again"
  version=$(go env GOVERSION 2>/dev/null | sed 's/^go//')
  [ "$(printf '1.25\n%s\n' "$version" | sort -V | head -1)" = 1.25 ] || die "Go $version is too old; 1.25 or newer is needed (https://go.dev/dl)"
  command -v npm >/dev/null || die "Node.js with npm is missing (kubectl and helm come from there); install it and run this again"
}
