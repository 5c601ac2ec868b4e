#include "observe/restore_source.h"

#include <string>

#include "api/json.h"
#include "api/validate.h"
#include "kube/api_error.h"
#include "kube/resource.h"

namespace quorate::observe {
namespace {

namespace resources = kube::resources;

std::string Missing(const char* kind, const std::string& name, const std::string& ns) {
  return std::string(kind) + " " + name + " does not exist in namespace " + ns +
         "; create it or name another one";
}

// Fills store_name and path, or problem.
Status ReadBackup(const std::string& name, const std::string& ns, kube::Reader& reader,
                  plan::RestoreSource& source) {
  const auto object = reader.Get(resources::kEtcdBackups, {ns, name});
  if (!object.ok() && kube::IsNotFound(object.error())) {
    source.problem = Missing("backup", name, ns);
    return {};
  }
  if (!object.ok()) return object.error();
  const auto backup = api::FromJson<api::EtcdBackup>(*object);
  if (!backup.ok()) return backup.error();
  if (backup->status.phase != api::BackupPhase::kCompleted || backup->status.location.empty()) {
    source.problem = "backup " + name + " is not complete (phase " +
                     std::string(api::Word(backup->status.phase)) + ")";
    if (!backup->status.message.empty()) source.problem += ": " + backup->status.message;
    return {};
  }
  source.store_name = backup->spec.store_ref.name;
  source.path = backup->status.location;
  return {};
}

}  // namespace

Result<plan::RestoreSource> FindRestoreSource(const plan::Desired& desired, kube::Reader& reader) {
  plan::RestoreSource source;
  const auto& bootstrap = desired.spec().bootstrap;
  if (!bootstrap || !bootstrap->restore) return source;
  const api::RestoreSpec& restore = *bootstrap->restore;
  const std::string& ns = desired.ns();
  if (restore.backup_ref) {
    TRY(ReadBackup(restore.backup_ref->name, ns, reader, source));
  } else if (restore.store_ref) {
    source.store_name = restore.store_ref->name;
    source.path = restore.path;
  }
  if (!source.problem.empty()) return source;
  const auto object = reader.Get(resources::kEtcdBackupStores, {ns, source.store_name});
  if (!object.ok() && kube::IsNotFound(object.error())) {
    source.problem = Missing("backup store", source.store_name, ns);
    return source;
  }
  if (!object.ok()) return object.error();
  const auto store = api::FromJson<api::EtcdBackupStore>(*object);
  const std::string broken =
      store.ok() ? api::Describe(api::Validate(*store)) : store.error().message;
  if (!broken.empty()) source.problem = "backup store " + source.store_name + ": " + broken;
  return source;
}

}  // namespace quorate::observe
