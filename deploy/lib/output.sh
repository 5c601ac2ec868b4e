# output.sh: what a person sees: progress with elapsed times, waits that show life, errors that say what to do.
# Sourced. Uses STARTED_MS when set, so that one clock runs through scripts that call each other.

now_ms() { printf '%s' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }
: "${STARTED_MS:=$(now_ms)}"

elapsed() { local ms=$(($(now_ms) - STARTED_MS)); printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100)); }

# say TEXT: one line of progress, on stderr so that stdout stays for what a caller reads.
say() { printf '[%6ss] %s\n' "$(elapsed)" "$*" >&2; }

# die TEXT: the last line of a failed run; says what to do.
die() { printf '[%6ss] error: %s\n' "$(elapsed)" "$*" >&2; exit 1; }

# show_log FILE: the end of a log, for a person who must find out why.
show_log() {
  [ -s "$1" ] || { printf '  (%s is empty)\n' "$1" >&2; return 0; }
  printf '  --- the end of %s ---\n' "$1" >&2
  tail -n "${2:-15}" "$1" | cut -c1-400 | sed 's/^/  | /' >&2
}

# wait_until WHAT SECONDS LOG COMMAND...: polls COMMAND until it succeeds; says every five seconds that it still waits.
# When time is up, or a watched process has ended (see process.sh), shows LOG and stops the run.
wait_until() {
  local what=$1 seconds=$2 log=$3 begin last
  shift 3
  begin=$(now_ms) last=$begin
  until "$@" >/dev/null 2>&1; do
    if declare -F first_dead_process >/dev/null; then
      local dead
      if dead=$(first_dead_process); then
        show_log "$LOGS/$dead.log"
        die "$dead ended while waiting for $what; its log is above and in $LOGS/$dead.log"
      fi
    fi
    local now
    now=$(now_ms)
    if ((now - begin > seconds * 1000)); then
      [ -z "$log" ] || show_log "$log"
      die "$what: not there after $seconds s${log:+; the log above may say why (all of it: $log)}"
    fi
    if ((now - last > 5000)); then
      say "still waiting for $what ($(((now - begin) / 1000)) of at most $seconds s)"
      last=$now
    fi
    sleep 0.1
  done
}
