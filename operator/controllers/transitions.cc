#include "controllers/transitions.h"

#include <array>

namespace quorate::controllers {
namespace {

using api::ConditionStatus;

// What is said when a condition becomes true, and when it stops being so.
struct Row {
  std::string_view condition;
  std::string_view when_true;
  std::string_view when_false;
  bool good = true;  // true is the good side
};
constexpr std::array kRows = {
    Row{"Available", "Available", "Unavailable", true},
    Row{"Ready", "Ready", "NotReady", true},
    Row{"QuorumLost", "QuorumLost", "QuorumRegained", false},
    Row{"Stalled", "Stalled", "Unstalled", false},
    Row{"BackupHealthy", "BackupHealthy", "BackupUnhealthy", true},
};

const api::Condition* Find(const std::vector<api::Condition>& list, std::string_view type) {
  for (const api::Condition& condition : list) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

}  // namespace

std::vector<Transition> Transitions(const api::ClusterStatus& before,
                                    const api::ClusterStatus& after) {
  std::vector<Transition> out;
  for (const Row& row : kRows) {
    const api::Condition* was = Find(before.conditions, row.condition);
    const api::Condition* is = Find(after.conditions, row.condition);
    const ConditionStatus old = was ? was->status : ConditionStatus::kFalse;
    const ConditionStatus now = is ? is->status : ConditionStatus::kFalse;
    // A condition that was never there and is not true now is no news.
    if (old == now || now == ConditionStatus::kUnknown) continue;
    if (was == nullptr && now != ConditionStatus::kTrue) continue;
    const bool holds = now == ConditionStatus::kTrue;
    out.push_back({holds != row.good, std::string(holds ? row.when_true : row.when_false),
                   is && !is->message.empty() ? is->message : after.message});
  }
  return out;
}

}  // namespace quorate::controllers
