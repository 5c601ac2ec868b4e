// Commands: what the program can do, as subcommands of a CLI11 application.
//
// Each Add function hangs one family below `app`; when the command line names it, its outcome lands
// in session.exit. Ownership: `session` must outlive `app`'s parsing.
#pragma once

#include "commands/session.h"

namespace CLI {
class App;
}  // namespace CLI

namespace quorate::commands {

void AddGlobalFlags(CLI::App& app, Session& session);
// Fills flags that were not given from ETCDCTL_*; kInvalidArgument when a flag and its variable are
// both there.
Status TakeEnvironment(const CLI::App& app, Session& session);

void AddKeyCommands(CLI::App& app, Session& session);  // get, put, del, txn
void AddWatchCommand(CLI::App& app, Session& session);
void AddLeaseCommands(CLI::App& app, Session& session);
void AddQueueCommands(CLI::App& app, Session& session);  // lock, elect
void AddMirrorCommand(CLI::App& app, Session& session);  // make-mirror
void AddCheckCommand(CLI::App& app, Session& session);   // check perf
void AddMemberCommands(CLI::App& app, Session& session);
void AddEndpointCommands(CLI::App& app, Session& session);
void AddMaintenanceCommands(CLI::App& app,
                            Session& session);  // compaction, defrag, move-leader, alarm, version
void AddSnapshotCommands(CLI::App& app, Session& session);
void AddBackupCommands(CLI::App& app, Session& session);  // quoratectl's own
void AddVerifyCommand(CLI::App& app, Session& session);   // quoratectl's own

}  // namespace quorate::commands
