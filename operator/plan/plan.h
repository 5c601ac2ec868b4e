// MakePlan: from what should be and what is, the one next step and the reason for it.
//
// The rules of rules/ are asked in order; the first that has a step wins. A rule that applies but
// can only wait is remembered and the ones after it are asked, so that nothing stands in front of
// its own cure; every rule that disrupts asks View::MayDisrupt and View::MayChangeMembership
// itself, so that two disruptions never overlap whatever the order.
//
// Invariants: at most one step; the same inputs give the same plan; no step without a reason, no
// wait without saying for what (INV-1..35, checked by tests/operator/plan/explore_test.cc). Thread:
// pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "api/enums.h"
#include "plan/desired.h"
#include "plan/observed.h"
#include "plan/step.h"

namespace quorate::plan {

struct Plan {
  std::string rule;  // "10 replace"
  api::Operation operation = api::Operation::kNone;
  std::optional<Step> next;        // nullopt: wait, or nothing to do
  std::vector<std::string> then;   // what comes after, in words
  std::string member;              // the slot it is about; "": the whole cluster
  std::string reason;              // sentence
  std::string waiting_for;         // sentence; "": nothing is waited for
  bool stopped = false;            // a human must act; nothing at all is done
  Time since;                      // since when this is the plan
  std::optional<Time> look_again;  // when time alone may change the plan
};

Plan MakePlan(const Desired& desired, const Observed& observed, Time now);

// "MemberAdd a-x1y2z": the step's name and what it is about.
std::string Describe(const Step& step);
// The step's name alone.
std::string NameOf(const Step& step);
// The slot, pod or volume it is about; "" for steps about the cluster.
std::string SubjectOf(const Step& step);
// True when the step takes something away from a running cluster (restart, removal, demotion).
bool IsDisruptive(const Step& step);

// Text of a plan for people, one line a field; what the transcripts show.
std::string Describe(const Plan& plan);

}  // namespace quorate::plan
