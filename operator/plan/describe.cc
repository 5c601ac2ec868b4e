#include <array>
#include <string>

#include "base/bytes.h"
#include "plan/plan.h"

namespace quorate::plan {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// In the order of Step's alternatives.
constexpr auto kNames = std::to_array<std::string_view>(
    {"AddFinalizer", "RemoveFinalizer", "EnsureServices", "SetDisruptionBudget", "LatchClusterId",
     "CreateSlot", "MarkLeaving", "DeleteSlot", "CreateVolume", "BindVolume", "RetainVolume",
     "DeleteVolume", "CreatePod", "DeletePod", "LabelPod", "MemberAdd", "MemberRemove",
     "MemberPromote", "MoveLeader"});
static_assert(kNames.size() == std::variant_size_v<Step>);

std::string_view StartWord(Start start) {
  constexpr auto kWords = std::to_array<std::string_view>({"new", "restore", "existing"});
  return kWords[static_cast<std::size_t>(start)];
}

// What the name and the subject leave open; "" when nothing.
std::string DetailOf(const Step& step) {
  return std::visit(
      Overloaded{
          [](const SetDisruptionBudget& s) {
            return s.min_available == 0 ? std::string("none")
                                        : "at least " + std::to_string(s.min_available);
          },
          [](const LatchClusterId& s) { return ToHex(s.cluster_id.value); },
          [](const CreateSlot& s) {
            std::string text(api::Word(s.join_mode));
            return s.replaces.empty() ? text : text + ", in place of " + s.replaces;
          },
          [](const MarkLeaving& s) { return std::string(api::Word(s.reason)); },
          [](const BindVolume& s) { return "member " + ToHex(s.member_id.value); },
          [](const CreatePod& s) { return std::string(StartWord(s.start)) + ", " + s.role; },
          [](const LabelPod& s) { return s.role; },
          [](const MemberAdd&) { return std::string("as learner"); },
          [](const MemberRemove& s) { return ToHex(s.id.value); },
          [](const MemberPromote& s) { return ToHex(s.id.value); },
          [](const MoveLeader& s) { return "to " + s.to; },
          [](const auto&) { return std::string(); },
      },
      step);
}

}  // namespace

std::string NameOf(const Step& step) {
  return std::string(kNames[step.index()]);
}

std::string SubjectOf(const Step& step) {
  return std::visit(
      Overloaded{
          [](const MoveLeader& s) { return s.from; },
          [](const MemberRemove& s) { return s.slot.empty() ? ToHex(s.id.value) : s.slot; },
          [](const auto& s) -> std::string {
            if constexpr (requires { s.slot; }) return s.slot;
            if constexpr (requires { s.pod; }) return s.pod;
            if constexpr (requires { s.volume; }) return s.volume;
            return "";
          },
      },
      step);
}

bool IsDisruptive(const Step& step) {
  return std::holds_alternative<DeletePod>(step) || std::holds_alternative<MemberRemove>(step) ||
         std::holds_alternative<MoveLeader>(step);
}

std::string Describe(const Step& step) {
  std::string text = NameOf(step);
  if (const std::string subject = SubjectOf(step); !subject.empty()) text += " " + subject;
  if (const std::string detail = DetailOf(step); !detail.empty()) text += " (" + detail + ")";
  return text;
}

std::string Describe(const Plan& plan) {
  std::string text = "rule: " + plan.rule + "\n";
  text += "operation: " + std::string(api::Word(plan.operation)) + "\n";
  if (plan.next) text += "next: " + Describe(*plan.next) + "\n";
  if (!plan.then.empty()) {
    text += "then: ";
    for (std::size_t i = 0; i < plan.then.size(); ++i) text += (i ? ", " : "") + plan.then[i];
    text += "\n";
  }
  if (!plan.reason.empty()) text += "reason: " + plan.reason + "\n";
  if (!plan.waiting_for.empty()) text += "waiting for: " + plan.waiting_for + "\n";
  if (plan.stopped) text += "stopped: a person must act\n";
  if (plan.look_again) text += "look again: " + api::FormatTime(*plan.look_again) + "\n";
  return text;
}

}  // namespace quorate::plan
