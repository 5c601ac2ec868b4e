// Method: the path of each call, and whether asking twice does the same as asking once.
#pragma once

namespace quorate::etcdclient {

struct Method {
  const char* path;  // "/package.Service/Name"
  // true: any failure to answer may be retried. false: only a request that provably never left may
  // be.
  bool repeatable;
};

inline constexpr Method kRange{"/etcdserverpb.KV/Range", true};
inline constexpr Method kPut{"/etcdserverpb.KV/Put", false};
inline constexpr Method kDeleteRange{"/etcdserverpb.KV/DeleteRange", false};
inline constexpr Method kTxn{"/etcdserverpb.KV/Txn", false};
inline constexpr Method kCompact{"/etcdserverpb.KV/Compact", false};

inline constexpr Method kWatch{"/etcdserverpb.Watch/Watch", true};

inline constexpr Method kLeaseGrant{"/etcdserverpb.Lease/LeaseGrant", true};
inline constexpr Method kLeaseRevoke{"/etcdserverpb.Lease/LeaseRevoke", true};
inline constexpr Method kLeaseKeepAlive{"/etcdserverpb.Lease/LeaseKeepAlive", true};
inline constexpr Method kLeaseTimeToLive{"/etcdserverpb.Lease/LeaseTimeToLive", true};
inline constexpr Method kLeaseLeases{"/etcdserverpb.Lease/LeaseLeases", true};

inline constexpr Method kMemberAdd{"/etcdserverpb.Cluster/MemberAdd", false};
inline constexpr Method kMemberRemove{"/etcdserverpb.Cluster/MemberRemove", false};
inline constexpr Method kMemberUpdate{"/etcdserverpb.Cluster/MemberUpdate", false};
inline constexpr Method kMemberList{"/etcdserverpb.Cluster/MemberList", true};
inline constexpr Method kMemberPromote{"/etcdserverpb.Cluster/MemberPromote", false};

inline constexpr Method kAlarm{"/etcdserverpb.Maintenance/Alarm", true};
inline constexpr Method kStatus{"/etcdserverpb.Maintenance/Status", true};
inline constexpr Method kDefragment{"/etcdserverpb.Maintenance/Defragment", false};
inline constexpr Method kHashKv{"/etcdserverpb.Maintenance/HashKV", true};
inline constexpr Method kSnapshot{"/etcdserverpb.Maintenance/Snapshot", true};
inline constexpr Method kMoveLeader{"/etcdserverpb.Maintenance/MoveLeader", true};
inline constexpr Method kDowngrade{"/etcdserverpb.Maintenance/Downgrade", false};

inline constexpr Method kAuthEnable{"/etcdserverpb.Auth/AuthEnable", false};
inline constexpr Method kAuthDisable{"/etcdserverpb.Auth/AuthDisable", false};
inline constexpr Method kAuthStatus{"/etcdserverpb.Auth/AuthStatus", true};
inline constexpr Method kAuthenticate{"/etcdserverpb.Auth/Authenticate", false};
inline constexpr Method kUserAdd{"/etcdserverpb.Auth/UserAdd", false};
inline constexpr Method kUserGet{"/etcdserverpb.Auth/UserGet", true};
inline constexpr Method kUserList{"/etcdserverpb.Auth/UserList", true};
inline constexpr Method kUserDelete{"/etcdserverpb.Auth/UserDelete", false};
inline constexpr Method kUserChangePassword{"/etcdserverpb.Auth/UserChangePassword", false};
inline constexpr Method kUserGrantRole{"/etcdserverpb.Auth/UserGrantRole", false};
inline constexpr Method kUserRevokeRole{"/etcdserverpb.Auth/UserRevokeRole", false};
inline constexpr Method kRoleAdd{"/etcdserverpb.Auth/RoleAdd", false};
inline constexpr Method kRoleGet{"/etcdserverpb.Auth/RoleGet", true};
inline constexpr Method kRoleList{"/etcdserverpb.Auth/RoleList", true};
inline constexpr Method kRoleDelete{"/etcdserverpb.Auth/RoleDelete", false};
inline constexpr Method kRoleGrantPermission{"/etcdserverpb.Auth/RoleGrantPermission", false};
inline constexpr Method kRoleRevokePermission{"/etcdserverpb.Auth/RoleRevokePermission", false};

}  // namespace quorate::etcdclient
