#include "act/restricted.h"

#include <cstdint>

namespace quorate::act {
namespace {

constexpr std::int64_t kUser = 65532;

}  // namespace

kube::Json RestrictedPod() {
  return {{"runAsNonRoot", true},
          {"runAsUser", kUser},
          {"runAsGroup", kUser},
          {"fsGroup", kUser},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

kube::Json RestrictedContainer() {
  return {{"allowPrivilegeEscalation", false},
          {"readOnlyRootFilesystem", true},
          {"capabilities", {{"drop", {"ALL"}}}}};
}

}  // namespace quorate::act
