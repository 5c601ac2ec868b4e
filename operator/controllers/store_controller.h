// StoreController: says on an EtcdBackupStore whether it is usable, as far as can be told without
// touching it: its spec, its Secrets, and how the last run in it went.
//
// Ownership: borrows everything.
// Thread: several workers, never two for one object.
#pragma once

#include <string>

#include "api/backup_kinds.h"
#include "kube/client.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace quorate::controllers {

class StoreController : public runtime::Reconciler {
 public:
  StoreController(kube::Client& live, kube::Reader& cached, io::Clock& clock,
                  runtime::EventRecorder& events);

  Result<runtime::Requeue> Reconcile(const kube::ObjectRef& ref) override;

 private:
  struct Verdict {
    api::ConditionStatus status = api::ConditionStatus::kUnknown;
    std::string reason;
    std::string message;
  };

  Result<Verdict> Judge(const api::EtcdBackupStore& store, std::optional<api::Time>& last_used);
  // Why the Secrets do not do; empty: they do.
  Result<std::string> SecretTrouble(const api::EtcdBackupStore& store);
  Result<std::string> KeyTrouble(const std::string& ns, const std::string& secret,
                                 const std::string& key);

  kube::Client& live_;
  kube::Reader& cached_;
  io::Clock& clock_;
  runtime::EventRecorder& events_;
};

}  // namespace quorate::controllers
