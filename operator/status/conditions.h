// Conditions: a list of metav1.Condition that is brought up to date rather than made anew.
//
// lastTransitionTime moves only when a status flips. A condition that is not set in a pass stays as
// it was; Remove drops one (kstatus wants Reconciling and Stalled absent, not False, when all is
// well).
//
// Thread: one thread at a time.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "api/meta.h"

namespace quorate::status {

class Conditions {
 public:
  Conditions(std::vector<api::Condition> before, std::int64_t generation, api::Time now)
      : list_(std::move(before)), generation_(generation), now_(now) {}

  void Set(std::string_view type, api::ConditionStatus status, std::string_view reason,
           std::string_view message);
  void Set(std::string_view type, bool holds, std::string_view reason, std::string_view message) {
    Set(type, holds ? api::ConditionStatus::kTrue : api::ConditionStatus::kFalse, reason, message);
  }
  void Remove(std::string_view type);

  std::vector<api::Condition> Take() { return std::move(list_); }

 private:
  std::vector<api::Condition> list_;
  std::int64_t generation_;
  api::Time now_;
};

// nullptr when there is none of that type.
const api::Condition* FindCondition(const std::vector<api::Condition>& list, std::string_view type);

}  // namespace quorate::status
