# process.sh: long-running processes, recorded by pid and start time, ended by pid.
# Sourced. REQUIRES: RUN (folder of records), LOGS (folder of logs), output.sh.
#
# A record is "PID STARTTIME" in $RUN/NAME.pid. The start time (field 22 of /proc/PID/stat, clock ticks since boot) proves
# that a pid still means the process that was started: nothing else is ever signalled.

# Nothing here forks where a shell can look by itself: on a busy machine that is what takes time.

# start_time PID: sets START (and LIFE, its state letter); fails when there is no such process.
start_time() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086  # fields
  set -- ${stat##*) }
  LIFE=$1 START=${20}
}

# find_process NAME: sets PID to a recorded process that still runs; fails when there is none.
find_process() {
  local started
  { read -r PID started <"$RUN/$1.pid"; } 2>/dev/null || return 1
  start_time "$PID" && [ "$START" = "$started" ] && [ "$LIFE" != Z ]
}

# process_pid NAME: the same, printed.
process_pid() {
  local PID
  find_process "$1" && printf '%s' "$PID"
}

# start_process NAME COMMAND...: starts it detached, once, with its output in $LOGS/NAME.log.
start_process() {
  local name=$1
  shift
  local PID
  find_process "$name" && return 0
  setsid "$@" </dev/null >>"$LOGS/$name.log" 2>&1 8>&- 9>&- &
  PID=$!
  start_time "$PID" || START=0
  printf '%s %s\n' "$PID" "$START" >"$RUN/$name.pid"
  disown "$PID" 2>/dev/null || true
}

# group_runs PID: somebody of PID's process group runs; PID itself may have ended. Those that ended and that nobody has
# buried yet do not count.
group_runs() {
  kill -0 -- "-$1" 2>/dev/null || return 1
  start_time "$1" && [ "$LIFE" != Z ] && return 0
  ps -eo pgid=,stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ {found = 1} END {exit !found}'
}

# find_group NAME: sets PID to the process group of a record that still stands for something: its leader runs, or has ended
# and left children. While a group has members its number is given to nobody else.
find_group() {
  local started
  find_process "$1" && return 0
  { read -r PID started <"$RUN/$1.pid"; } 2>/dev/null || return 1
  ! start_time "$PID" || [ "$START" = "$started" ] || return 1
  group_runs "$PID"
}

# end_process NAME [SECONDS]: TERM, then KILL when it has not gone after SECONDS (5; 0: KILL at once). Both go to its whole process group:
# start_process made it the leader of one of its own.
end_process() {
  local name=$1 patience=${2:-5} PID START LIFE begin waited
  if find_group "$name"; then
    ((patience == 0)) || kill -- "-$PID" 2>/dev/null || true
    begin=$(now_ms)
    while group_runs "$PID"; do
      waited=$(($(now_ms) - begin))
      if ((waited >= patience * 1000)); then kill -9 -- "-$PID" 2>/dev/null || true; fi
      if ((waited > patience * 1000 + 2000)); then
        say "$name (process group $PID) does not end, not even by SIGKILL"
        break
      fi
      sleep 0.05
    done
  fi
  rm -f "$RUN/$name.pid"
}

# end_processes SECONDS NAME...: ends several at once.
end_processes() {
  local seconds=$1 name jobs=()
  shift
  for name in "$@"; do
    end_process "$name" "$seconds" &
    jobs+=($!)
  done
  [ ${#jobs[@]} -eq 0 ] || wait "${jobs[@]}"
}

# first_dead_process: prints the name of a recorded process that has ended by itself; fails when all run.
first_dead_process() {
  local record PID
  for record in "$RUN"/*.pid; do
    [ -e "$record" ] || continue
    record=${record##*/} record=${record%.pid}
    find_process "$record" || { printf '%s' "$record"; return 0; }
  done
  return 1
}
