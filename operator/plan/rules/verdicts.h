// Act, Wait: how rules put their plans together.
//
// Thread: pure.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "plan/rules/rules.h"

namespace quorate::plan {

// The constant part of a rule's verdicts.
struct Speaker {
  const char* rule;
  api::Operation operation;

  Plan Act(Step step, std::string member, std::string reason,
           std::vector<std::string> then = {}) const {
    Plan plan;
    plan.rule = rule;
    plan.operation = operation;
    plan.next = std::move(step);
    plan.member = std::move(member);
    plan.reason = std::move(reason);
    plan.then = std::move(then);
    return plan;
  }

  Plan Wait(std::string member, std::string reason, std::string waiting_for) const {
    Plan plan;
    plan.rule = rule;
    plan.operation = operation;
    plan.member = std::move(member);
    plan.reason = std::move(reason);
    plan.waiting_for = std::move(waiting_for);
    return plan;
  }

  // A wait for what no watch tells: what happens inside etcd.
  Plan WaitBriefly(const View& view, std::string member, std::string reason,
                   std::string waiting_for) const {
    Plan plan = Wait(std::move(member), std::move(reason), std::move(waiting_for));
    plan.look_again = view.now() + std::chrono::seconds(1);
    return plan;
  }

  // Nothing more is done until a person acts.
  Plan Stop(std::string reason, std::string waiting_for) const {
    Plan plan = Wait("", std::move(reason), std::move(waiting_for));
    plan.stopped = true;
    return plan;
  }
};

inline std::string Count(int number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace quorate::plan
