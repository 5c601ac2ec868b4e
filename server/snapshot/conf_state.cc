#include "snapshot/conf_state.h"

#include <nlohmann/json.hpp>

namespace quorate::snapshot {
namespace {

void AppendIds(std::string& out, std::string_view name, const std::vector<MemberId>& ids) {
  if (ids.empty()) return;
  out += '"';
  out += name;
  out += "\":[";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(ids[i].value);
  }
  out += "],";
}

bool ReadIds(const nlohmann::json& object, const char* name, std::vector<MemberId>& ids) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return true;
  if (!found->is_array()) return false;
  for (const auto& id : *found) {
    if (!id.is_number_unsigned()) return false;
    ids.push_back(MemberId{id.get<std::uint64_t>()});
  }
  return true;
}

}  // namespace

std::string ToJson(const raft::ConfState& state) {
  std::string out = "{";
  AppendIds(out, "voters", state.voters);
  AppendIds(out, "learners", state.learners);
  AppendIds(out, "voters_outgoing", state.voters_outgoing);
  AppendIds(out, "learners_next", state.learners_next);
  out += state.auto_leave ? "\"auto_leave\":true}" : "\"auto_leave\":false}";
  return out;
}

Result<raft::ConfState> ParseConfState(std::string_view json) {
  const Error malformed{Code::kDataLoss, "confState is not what etcd writes: " + std::string(json)};
  const auto object = nlohmann::json::parse(json, nullptr, false);
  raft::ConfState state;
  if (!object.is_object() || !ReadIds(object, "voters", state.voters) ||
      !ReadIds(object, "learners", state.learners) ||
      !ReadIds(object, "voters_outgoing", state.voters_outgoing) ||
      !ReadIds(object, "learners_next", state.learners_next)) {
    return malformed;
  }
  const auto leave = object.find("auto_leave");
  if (leave != object.end() && !leave->is_boolean()) return malformed;
  state.auto_leave = leave != object.end() && leave->get<bool>();
  return state;
}

}  // namespace quorate::snapshot
