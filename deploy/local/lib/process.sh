# process.sh: long-running processes, recorded by pid and start time, ended by pid.
# Sourced. REQUIRES: RUN (folder of records), LOGS (folder of logs), output.sh.
#
# A record is "PID STARTTIME" in $RUN/NAME.pid. The start time (field 22 of /proc/PID/stat, clock ticks since boot) proves
# that a pid still means the process that was started: nothing else is ever signalled.

start_time() { local stat; stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; set -- ${stat##*) }; printf '%s' "${20}"; }

# process_pid NAME: prints the pid of a recorded process that still runs; fails when there is none.
process_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)" != Z ] || return 1
  printf '%s' "$pid"
}

# start_process NAME COMMAND...: starts it detached, once, with its output in $LOGS/NAME.log.
start_process() {
  local name=$1
  shift
  process_pid "$name" >/dev/null && return 0
  setsid "$@" </dev/null >>"$LOGS/$name.log" 2>&1 8>&- 9>&- &
  local pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$RUN/$name.pid"
  disown "$pid" 2>/dev/null || true
}

# end_process NAME [SECONDS]: TERM, then KILL when it has not gone after SECONDS (5). Both go to its whole process group:
# start_process made it the leader of one of its own.
end_process() {
  local name=$1 patience=${2:-5} pid begin
  if pid=$(process_pid "$name"); then
    kill -- "-$pid" 2>/dev/null || true
    begin=$(now_ms)
    while process_pid "$name" >/dev/null; do
      if (($(now_ms) - begin > patience * 1000)); then
        kill -9 -- "-$pid" 2>/dev/null || true
      fi
      sleep 0.05
    done
  fi
  rm -f "$RUN/$name.pid"
}

# end_processes NAME...: ends several at once.
end_processes() {
  local name jobs=()
  for name in "$@"; do
    end_process "$name" &
    jobs+=($!)
  done
  [ ${#jobs[@]} -eq 0 ] || wait "${jobs[@]}"
}

# first_dead_process: prints the name of a recorded process that has ended by itself; fails when all run.
first_dead_process() {
  local record
  for record in "$RUN"/*.pid; do
    [ -e "$record" ] || continue
    record=$(basename "$record" .pid)
    process_pid "$record" >/dev/null || { printf '%s' "$record"; return 0; }
  done
  return 1
}
