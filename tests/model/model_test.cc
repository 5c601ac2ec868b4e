// Every state that small clusters can reach keeps raft's promises.
//
// The normal run looks at more than 10^6 distinct states, the slow one at more than 10^7.
// QUORATE_MODEL_STATES=N asks for N states of each scenario.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "model/scenarios.h"

namespace quorate::model {
namespace {

constexpr std::size_t kStatesOfEach = 150000;

std::size_t StatesAsked() {
  const char* asked = std::getenv("QUORATE_MODEL_STATES");
  return asked == nullptr ? kStatesOfEach : std::strtoull(asked, nullptr, 10);
}

void Print(const Scenario& scenario, const Found& found, double seconds) {
  std::cout << "model " << scenario.name << ": " << found.states << " distinct states, depth "
            << found.depth << (found.complete ? " (all there are), " : " (not all), ")
            << found.steps << " steps, " << found.members << " members, " << found.messages
            << " messages, "
            << static_cast<std::uint64_t>(static_cast<double>(found.states) / seconds)
            << " states/s\n";
}

class ModelTest : public testing::TestWithParam<std::size_t> {};

TEST_P(ModelTest, EveryStateKeepsRaftsPromises) {
  const Scenario scenario = Scenarios(StatesAsked()).at(GetParam());
  const auto begin = std::chrono::steady_clock::now();
  const Found found = Space(scenario).Search();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  Print(scenario, found, took.count());
  EXPECT_EQ(found.violation, "") << found.transcript;
  EXPECT_TRUE(!found.violation.empty() || found.complete || found.states >= StatesAsked());
}

INSTANTIATE_TEST_SUITE_P(All, ModelTest, testing::Range(std::size_t{0}, Scenarios(1).size()),
                         [](const auto& instance) { return Scenarios(1).at(instance.param).name; });

}  // namespace
}  // namespace quorate::model
