#!/usr/bin/env bash
# check.sh: holds the pages against the code.
#
# Usage: tests/docs/check.sh CHECK...      all of them: paths flags options tables words points commands figures width try
#
#   paths     every file and folder that a page names or links to is there
#   flags     differences.md names every flag that is refused or without effect, and no flag that is not there
#   options   every option that a page names is known to some program of the house
#   tables    the edges, the fields of /quorate/status and the exit codes are those of the code
#   words     operator/README.md names every step, every transcript and the fields of status.plan
#   points    docs/raft-points.md names code and tests for each of the 80 points, and all of them exist
#   commands  the marked commands (check: help) exist and answer --help
#   figures   the commands of docs/benchmarks.md are ones that compare takes, and the page has what they measure
#   width     lines fit 120 columns
#   try       the marked lines (check: try) of README.md run, on ports of their own, and read back what they wrote
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${QUORATE_BIN:-$ROOT/build/release/bin}
cd "$ROOT"
PAGES=(README.md CONTRIBUTING.md docs/*.md server/README.md operator/README.md ctl/README.md)
FOUND=0

complain() { printf '%s\n' "$*" >&2; FOUND=$((FOUND + 1)); }

# The words in backticks of one page, outside of code blocks.
quoted() { sed '/^```/,/^```/d' "$1" | grep -oE '`[^`]+`' | tr -d '`' | tr ' ' '\n' | sort -u; }

# The lines of the blocks behind `<!-- check: NAME -->`.
marked() {
  awk -v mark="<!-- check: $1 -->" '$0 == mark { want = 1; next }
    want && /^```/ { if (inside) { inside = 0; want = 0 } else inside = 1; next } inside' "$2"
}

is_there() {  # PAGE PATH: from the root, beside the page, or in foundation/
  local path=${2%/} base
  for base in . "$(dirname "$1")" foundation; do
    [ -e "$base/$path" ] && return 0
  done
  return 1
}

paths() {
  local page word count=0
  for page in "${PAGES[@]}"; do
    while read -r word; do
      [[ $word =~ ^[A-Za-z0-9_.][A-Za-z0-9_./-]*$ ]] || continue
      case $word in
        build/* | member/* | quorate.dev/* | Maintenance/*) continue ;;  # made by a build or a member; names of APIs
        FORMAT.md | .cc) continue ;;                                     # any of them
        */*) ;;
        *.md | *.txt | *.h | *.cc | *.sh) ;;
        *) continue ;;
      esac
      count=$((count + 1))
      is_there "$page" "$word" || [ -e "tests/transcripts/plan/$word" ] || [ -e "tests/transcripts/raft/$word" ] ||
        complain "$page: there is no $word"
    done < <(quoted "$page"; sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)#]+' | cut -c3- | grep -v '^http' || true)
  done
  ((count > 100)) || complain "only $count paths were found in the pages; is this check blind?"
}

# Flags of a kind in server/config/flag_table.cc.
flags_of() { grep -oE "\b$1\(\"[a-z0-9-]+\"" server/config/flag_table.cc | cut -d'"' -f2; }

flags() {
  local flag page=docs/differences.md count=0
  for flag in $(flags_of NoEffect) $(flags_of Later); do
    count=$((count + 1))
    grep -qF -- "\`--$flag\`" $page || complain "$page does not name --$flag"
  done
  ((count > 50)) || complain "only $count flags were found in flag_table.cc; is this check blind?"
  for flag in $(sed -n '/^## Accepted/,/^## Refused/p' $page | grep -oE -- '`--[a-z0-9-]+`' | tr -d '`' | cut -c3-); do
    flags_of NoEffect | grep -qx -- "$flag" || complain "$page: --$flag is not one without effect"
  done
  for flag in $(sed -n '/^## Refused/,$p' $page | grep -oE -- '`--[a-z0-9-]+`' | tr -d '`' | cut -c3-); do
    flags_of Later | grep -qx -- "$flag" || complain "$page: --$flag is not one that is refused"
  done
  for flag in $(grep -ohE -- '--[a-z][a-z0-9-]+' server/README.md $page | cut -c3- | sort -u); do
    [[ $flag == config-file || $flag == experimental-* ]] && continue
    grep -qE "\(\"$flag\"" server/config/flag_table.cc || complain "--$flag is not in flag_table.cc"
  done
}

options() {
  local option
  for option in $(grep -ohE -- '(^|[ `(])--[a-z][a-z0-9-]+' "${PAGES[@]}" | tr -d ' `(' | cut -c3- | sort -u); do
    case $option in
      experimental- | preset | build | target | create-namespace | help | gtest) continue ;;  # of cmake, helm, everybody, gtest
    esac
    grep -qrE -- "(--|\")$option\b" server/config operator/config ctl/commands deploy/quickstart.sh deploy/local/cluster.sh \
      tests/run.sh tests/bench tests/chaos tests/sanitizers/run || complain "no program knows --$option: $(grep -lF -- "--$option" "${PAGES[@]}" | tr '\n' ' ')"
  done
}

# The rows of QUORATE_EDGES as docs/architecture.md writes them: a tree's own rooms without its name, behind ";".
edges() {
  sed -n '/^set(QUORATE_EDGES/,/^)/p' foundation/cmake/QuorateRooms.cmake | grep -oE '"[^"]+"' | tr -d '"' |
    awk -F: '{ n = split($2, deps, ","); room = $1; tree = ""; own = ""; other = ""
      if (match(room, /^(operator|ctl)_/)) { tree = substr(room, 1, RLENGTH); room = substr(room, RLENGTH + 1) }
      for (i = 1; i <= n; i++) {
        if (tree != "" && index(deps[i], tree) == 1) own = own (own == "" ? "" : ", ") substr(deps[i], length(tree) + 1)
        else other = other (other == "" ? "" : ", ") deps[i] }
      all = other (own == "" ? "" : "; " own)
      print "| `" room "` |" (all == "" ? "" : " " all) " |" }'
}

tables() {
  local row field count=0
  while read -r row; do
    count=$((count + 1))
    grep -qF -- "$row" docs/architecture.md || complain "docs/architecture.md has no row $row"
  done < <(edges)
  ((count > 30)) || complain "only $count edges were found; is this check blind?"
  local code page
  code=$(grep -oE '\{"[A-Za-z]+", |json\["[a-z]+"\]' server/api/info.cc | grep -oE '"[A-Za-z]+"' | tr -d '"' |
    grep -vxE 'etcdserver|etcdcluster|storage|quorate' | sort -u)
  page=$(grep -oE '^\| `[A-Za-z]+` \|' docs/status.md | tr -d '|` ' | sort -u; printf 'member\nalarm\n')
  field=$(comm -3 <(printf '%s\n' "$code") <(printf '%s\n' "$page" | sort -u))
  [ -z "$field" ] || complain "fields that only one of info.cc and docs/status.md has:" $field
  while read -r row; do
    grep -qF -- "$row" server/README.md || complain "server/README.md has no exit code $row"
  done < <(join -t: <(grep -oE 'k[A-Za-z]+ = [0-9]+' server/app/exit.h | sed 's/ = /:/' | sort) \
    <(grep -A1 -E 'case ExitCode::' server/app/exit.cc | tr -d '\n' | grep -oE 'k[A-Za-z]+: +return "[^"]+"' |
      sed -E 's/: +return "/:/; s/"$//' | sort) | awk -F: '{ print "| " $2 " | " $3 " |" }')
}

words() {
  local word page=operator/README.md
  for word in $(sed -n '/^using Step/,/;/p' operator/plan/step.h | tr -d '\n' | sed 's/.*<//; s/>.*//; s/,/ /g') \
    $(ls tests/transcripts/plan); do
    grep -qF -- "\`$word\`" $page || complain "$page does not name $word"
  done
  for word in $(grep -A8 'Fields(V& v, PlanStatus' operator/api/fields.h | grep -oE 'v\("[a-zA-Z]+"' | cut -d'"' -f2); do
    grep -qE "\`(status\.plan)?\.$word\`" $page || complain "$page does not name status.plan.$word"
  done
}

# One point: "**N** claim", then "- code `FILE` `function`, ... · test `Suite.Name` or `transcript`, ...".
points() {
  local page=docs/raft-points.md number=0 line kind word file='' codes=1 tests=1
  while IFS= read -r line; do
    if [[ $line =~ ^\*\*([0-9]+)\*\* ]]; then
      ((codes > 0 && tests > 0)) || complain "$page: point $number names no code or no test"
      number=$((number + 1)) codes=0 tests=0
      [ "${BASH_REMATCH[1]}" = $number ] || complain "$page: point $number is missing"
    fi
    [[ $line == '- code'* || $line == '- test'* ]] || continue
    for word in $(grep -oE '· test|- test|- code|`[^`]+`' <<<"$line" | tr -d '· -'); do
      case $word in
        code | test) kind=$word; continue ;;
      esac
      word=${word//\`/}
      if [ $kind = code ] && [[ $word == */* ]]; then
        codes=$((codes + 1)) file=$word
        [ -f "$file" ] || complain "$page: point $number: there is no $file"
      elif [ $kind = code ]; then
        grep -qE "\b$word\b" "$file" || complain "$page: point $number: $file has no $word"
      elif [[ $word == */* ]]; then
        tests=$((tests + 1))
        [ -f "$word" ] || complain "$page: point $number: there is no $word"
      else
        tests=$((tests + 1))
        grep -rqE "TEST(_[FP])?\(${word%.*}, ${word#*.}\)" tests --include='*.cc' ||
          complain "$page: point $number: there is no test $word"
      fi
    done
  done <$page
  ((number == 80)) || complain "$page has $number points, not 80"
}

commands() {
  local page line program count=0
  for page in README.md CONTRIBUTING.md; do
    while read -r line; do
      program=${line%% *}
      case $program in
        */*)
          count=$((count + 1))
          timeout 20 "$ROOT/$program" --help >/dev/null || complain "$page: $program --help fails"
          ;;
        *) command -v "$program" >/dev/null || complain "$page: there is no $program" ;;
      esac
      if [[ $line =~ --preset\ ([a-z]+) ]]; then
        grep -q "\"name\": \"${BASH_REMATCH[1]}\"" CMakePresets.json || complain "$page: no preset ${BASH_REMATCH[1]}"
      fi
    done < <(marked help "$page")
  done
  ((count >= 4)) || complain "only $count commands were found; is this check blind?"
}

figures() {
  local page=docs/benchmarks.md line title count=0
  while read -r line; do
    count=$((count + 1))
    # shellcheck disable=SC2086
    while read -r title; do
      grep -qF -- "| $title |" $page || complain "$page has no row '$title', which '$line' measures"
    done < <($line --list || complain "$page: $line is not a command")
  done < <(grep -E '^tests/bench/compare ' $page)
  ((count >= 4)) || complain "only $count commands were found in $page; is this check blind?"
}

width() {
  local long
  long=$(LC_ALL=C.UTF-8 grep -nE '.{121}' "${PAGES[@]}" | cut -d: -f1,2 || true)
  [ -z "$long" ] || complain "wider than 120 columns:" $long
}

# free_port: below those that the kernel gives to outgoing connections, and not among those of other tests.
free_port() {
  python3 - <<'EOF'
import random, socket
for port in random.sample(range(10000, 12000), 2000):
    try:
        socket.socket().bind(("127.0.0.1", port))
        print(port)
        break
    except OSError:
        pass
EOF
}

try() {
  local client peer scratch output
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' RETURN
  mkdir -p "$scratch/build/release" && ln -s "$BIN" "$scratch/build/release/bin"
  client=http://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port)
  # The lines as a reader types them, but for the port; the last one ends the server.
  { echo 'trap "kill \$! 2>/dev/null || true" EXIT'
    marked try README.md | sed "s|http://localhost:2379|$client|g"; } >"$scratch/try.sh"
  output=$(cd "$scratch" && TMPDIR=$scratch ETCD_LISTEN_CLIENT_URLS=$client ETCD_ADVERTISE_CLIENT_URLS=$client \
    ETCD_LISTEN_PEER_URLS=$peer ETCD_INITIAL_ADVERTISE_PEER_URLS=$peer ETCDCTL_ENDPOINTS=$client \
    timeout 45 bash -e try.sh 2>&1) || complain "the lines in README.md fail:" "$output"
  local wanted
  for wanted in '^OK$' '^hello$' 'Snapshot saved at try.db' '"etcdserver":"3\.6\.' '"role":"leader"'; do
    grep -qE -- "$wanted" <<<"$output" || complain "the lines in README.md do not show $wanted:" "$output"
  done
}

[ $# -gt 0 ] || set -- paths flags options tables words points commands figures width try
for check in "$@"; do
  case $check in
    paths | flags | options | tables | words | points | commands | figures | width | try) "$check" ;;
    *) complain "check.sh does not know '$check'; see the top of $0" ;;
  esac
done
[ "$FOUND" = 0 ]
