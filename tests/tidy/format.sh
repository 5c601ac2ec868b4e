#!/usr/bin/env bash
# format.sh: puts every C++ file of the tree into the format of .clang-format.
#
# Usage: tests/tidy/format.sh [--check]
#
# --check  changes nothing; names every line that is not in format and exits 1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in
  "") mode=(-i) ;;
  --check) mode=(--dry-run -Werror) ;;
  -h | --help) sed -n '2,/^set -/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
  *) printf "format.sh does not know '%s'; see %s --help\n" "$1" "$0" >&2; exit 2 ;;
esac
find foundation server operator ctl tests \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 -P 2 -n 50 clang-format "${mode[@]}"
