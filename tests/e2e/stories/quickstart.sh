# The two-command promise: the quickstart ends with a cluster of three that holds a key, and running it again is quick.
tell "the quickstart, on the stage that is up"
"$ROOT/deploy/quickstart.sh" --name "$STAGE" --skip-build >"$LOGS/first.txt" 2>&1 || { tail -30 "$LOGS/first.txt" >&2; fail "the quickstart failed"; }
expect_match "the quickstart shows the key" 'get quickstart/hello: written' "$(cat "$LOGS/first.txt")"

begin=$SECONDS
"$ROOT/deploy/quickstart.sh" --name "$STAGE" --skip-build >"$LOGS/second.txt" 2>&1 || { tail -30 "$LOGS/second.txt" >&2; fail "the second quickstart failed"; }
tell "again: $((SECONDS - begin)) s"
((SECONDS - begin <= 30)) || fail "running the quickstart again took $((SECONDS - begin)) s; 30 are allowed"

NS=default
expect_equal "members" 3 "$(status_of demo .status.voters)"
expect_equal "printed columns" "NAME READY VERSION STATUS" "$(kn get etcdclusters | head -1 | tr -s ' ' | cut -d' ' -f1-4)"

tell "the same on a cluster that the user names, and down again"
current() { PATH=$PARTS:$PATH "$ROOT/deploy/quickstart.sh" "$@" --cluster current >"$LOGS/current.txt" 2>&1 || { tail -30 "$LOGS/current.txt" >&2; fail "quickstart $* --cluster current"; }; }
current --image "quorate.dev/quorate:$VERSION"
expect_match "it shows the key" 'get quickstart/hello: written' "$(cat "$LOGS/current.txt")"
current down
expect_equal "clusters left" 0 "$(kn get etcdclusters -o name | wc -l)"
expect_equal "operators left" 0 "$(K -n quorate-system get deployments -o name | wc -l)"
kn delete pvc --all --timeout=60s >/dev/null
"$ROOT/deploy/quickstart.sh" operator --name "$STAGE" --skip-build >"$LOGS/again.txt" 2>&1 || { tail -30 "$LOGS/again.txt" >&2; fail "installing the operator again"; }
