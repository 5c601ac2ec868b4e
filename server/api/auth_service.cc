#include "api/auth_service.h"

#include <string>

#include "api/gate.h"
#include "proto/rpc.pb.h"

namespace quorate::api {

void RegisterAuth(rpc::Router& router, const Context& context) {
  using CallPtr = std::shared_ptr<rpc::UnaryCall>;
  Register<etcdserverpb::AuthStatusRequest>(
      router, context, "/etcdserverpb.Auth/AuthStatus", OnLearner::kRefused,
      [&context](const CallPtr& call, const etcdserverpb::AuthStatusRequest&) {
        etcdserverpb::AuthStatusResponse response;
        context.FillHeader(response, Revision{});
        response.set_enabled(false);
        response.set_authrevision(1);
        call->Reply(response.SerializeAsString());
      });
  router.Unary("/etcdserverpb.Auth/Authenticate",
               [](const CallPtr& call) { call->Fail(errors::AuthNotEnabled()); });
  for (const char* method :
       {"AuthEnable", "AuthDisable", "UserAdd", "UserGet", "UserList", "UserDelete",
        "UserChangePassword", "UserGrantRole", "UserRevokeRole", "RoleAdd", "RoleGet", "RoleList",
        "RoleDelete", "RoleGrantPermission", "RoleRevokePermission"}) {
    router.Unary(std::string("/etcdserverpb.Auth/") + method, [](const CallPtr& call) {
      call->Fail(Error{Code::kUnimplemented,
                       "authentication is not supported yet; restrict access by network policy"});
    });
  }
}

}  // namespace quorate::api
