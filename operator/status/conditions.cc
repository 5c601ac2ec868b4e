#include "status/conditions.h"

#include <algorithm>

namespace quorate::status {

void Conditions::Set(std::string_view type, api::ConditionStatus status, std::string_view reason,
                     std::string_view message) {
  auto found = std::find_if(list_.begin(), list_.end(),
                            [&](const api::Condition& c) { return c.type == type; });
  if (found == list_.end()) {
    list_.push_back({std::string(type), status, generation_, now_, "", ""});
    found = std::prev(list_.end());
  }
  if (found->status != status || !found->last_transition) found->last_transition = now_;
  found->status = status;
  found->observed_generation = generation_;
  found->reason = reason;
  found->message = message;
}

void Conditions::Remove(std::string_view type) {
  std::erase_if(list_, [&](const api::Condition& c) { return c.type == type; });
}

const api::Condition* FindCondition(const std::vector<api::Condition>& list,
                                    std::string_view type) {
  for (const api::Condition& condition : list) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

}  // namespace quorate::status
