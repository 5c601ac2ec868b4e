#!/usr/bin/env bash
# run.sh: installs what is missing, builds everything and runs every test. The last line is ctest's summary.
#
# Usage: tests/run.sh [--no-e2e] [--label LABEL]...
#
# From a clean clone, as root on Debian 12 with Go 1.25 or newer and Node.js. Tests that need no cluster run two at a time; the
# stories on a real Kubernetes (label e2e) follow, those side by side that do not disturb each other. The fuzz targets (label fuzz)
# are built and run beside the stories, which mostly wait, and give way to them. Log of the run: build/release/tests.log.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
# shellcheck source=../deploy/lib/output.sh
. "$ROOT/deploy/lib/output.sh"
# shellcheck source=../deploy/lib/build.sh
. "$ROOT/deploy/lib/build.sh"
export STARTED_MS
E2E=yes
LABELS=()

# run_tests ARGUMENTS: one ctest run; its counts are added up.
FAILED=0 TOTAL=0 FAILED_NAMES=()
run_tests() {
  local log=$BUILD/ctest-part.log status=0
  ctest --test-dir "$BUILD" --output-on-failure --no-tests=ignore "$@" 2>&1 | tee "$log" || status=$?
  count_tests "$log" "$status"
}

# count_tests LOG STATUS: adds up what a ctest run said.
count_tests() {
  local log=$1 status=$2 summary
  cat "$log" >>"$BUILD/tests.log"
  if summary=$(grep -E '^[0-9]+% tests passed' "$log" | tail -1); then
    FAILED=$((FAILED + $(sed -E 's/.*, ([0-9]+) tests? failed out of.*/\1/' <<<"$summary")))
    TOTAL=$((TOTAL + $(sed -E 's/.* out of ([0-9]+).*/\1/' <<<"$summary")))
    mapfile -t -O "${#FAILED_NAMES[@]}" FAILED_NAMES < <(sed -n '/^The following tests FAILED:/,/^Errors while/p' "$log" | grep -E '^\s+[0-9]+ - ' || true)
  elif [ "$status" != 0 ]; then
    die "ctest stopped before its end; see above"
  fi
}

# tell_failures LOG: what the failed tests of a run printed, once more: the end is what is read first.
tell_failures() {
  awk '/^[0-9]+% tests passed/ { telling = 0 }
       /^test [0-9]+$/ || /^ *Start +[0-9]+: / || /^ *[0-9]+\/[0-9]+ Test +#/ { telling = 0 }
       /^ *[0-9]+\/[0-9]+ Test +#.*(\*\*\*|Not Run)/ { telling = 1 }
       telling' "$1" | cut -c1-400
}

# The fuzz targets, beside whatever else runs; end_fuzzing waits for them and counts.
FUZZING=""
begin_fuzzing() {
  nice ctest --test-dir "$BUILD" --output-on-failure --no-tests=ignore "$@" >"$BUILD/ctest-fuzz.log" 2>&1 &
  FUZZING=$!
  trap 'kill "$FUZZING" 2>/dev/null || true' EXIT
}
end_fuzzing() {
  local status=0
  wait "$FUZZING" || status=$?
  trap - EXIT
  cat "$BUILD/ctest-fuzz.log"
  count_tests "$BUILD/ctest-fuzz.log" "$status"
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --no-e2e) E2E="" ;;
      --label) LABELS+=("${2:?"--label needs a value"}"); shift ;;
      -h | --help) sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; return 0 ;;
      *) die "run.sh does not know '$1'; see $0 --help" ;;
    esac
    shift
  done
  need_go_and_node
  say "packages"
  "$ROOT/deploy/packages.sh" build cluster fuzz >&2
  build
  say "real etcd, Kubernetes and MinIO for the tests"
  "$ROOT/deploy/local/parts.sh" >/dev/null
  : >"$BUILD/tests.log"
  local only=()
  [ ${#LABELS[@]} -eq 0 ] || only=(-L "$(IFS='|'; echo "${LABELS[*]}")")
  say "tests without a cluster"
  run_tests -j 2 -LE 'e2e|slow|fuzz' "${only[@]}"
  if [ -n "$E2E" ]; then
    say "stories on a real Kubernetes; fuzz targets beside them"
    begin_fuzzing -j 1 -L fuzz "${only[@]}"
    run_tests -j 3 -L e2e "${only[@]}"
    say "fuzz targets"
    end_fuzzing
  else
    say "fuzz targets"
    run_tests -j 2 -L fuzz "${only[@]}"
  fi
  printf '\n'
  [ ${#FAILED_NAMES[@]} -eq 0 ] || tell_failures "$BUILD/tests.log"
  [ ${#FAILED_NAMES[@]} -eq 0 ] || printf 'The following tests FAILED:\n%s\n' "$(printf '%s\n' "${FAILED_NAMES[@]}")"
  say "done; everything is in $BUILD/tests.log"
  ((TOTAL > 0)) || die "no tests were found"
  printf '%d%% tests passed, %d tests failed out of %d\n' $(((TOTAL - FAILED) * 100 / TOTAL)) "$FAILED" "$TOTAL"
  [ "$FAILED" = 0 ]
}
main "$@"
