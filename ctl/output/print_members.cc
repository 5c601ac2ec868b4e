// Members and alarms.
#include "base/bytes.h"
#include "output/go_json.h"
#include "output/print.h"
#include "output/table.h"
#include "output/text.h"

namespace quorate::output {
namespace {

using etcdserverpb::Member;

std::string Changed(std::uint64_t id, std::string_view how,
                    const etcdserverpb::ResponseHeader& header) {
  return "Member " + PadHex(id) + " " + std::string(how) + " cluster " +
         PadHex(header.cluster_id()) + "\n";
}

template <typename Strings>
std::string Joined(const Strings& strings, std::string_view separator) {
  return Join({strings.begin(), strings.end()}, separator);
}

std::vector<std::string> Row(const Member& member) {
  return {ToHex(member.id()),
          member.name().empty() ? "unstarted" : "started",
          member.name(),
          Joined(member.peerurls(), ","),
          Joined(member.clienturls(), ","),
          member.islearner() ? "true" : "false"};
}

// The flags' environment that the new member is to be started with.
std::string JoinEnvironment(const etcdserverpb::MemberAddResponse& response,
                            const std::string& name) {
  std::vector<std::string> cluster;
  for (const auto& member : response.members()) {
    const bool added = member.id() == response.member().id();
    for (const auto& url : member.peerurls()) {
      cluster.push_back((added ? name : member.name()) + "=" + url);
    }
  }
  return "\nETCD_NAME=\"" + name + "\"\nETCD_INITIAL_CLUSTER=\"" + Join(cluster, ",") +
         "\"\nETCD_INITIAL_ADVERTISE_PEER_URLS=\"" + Joined(response.member().peerurls(), ",") +
         "\"\nETCD_INITIAL_CLUSTER_STATE=\"existing\"\n";
}

std::string MembersFields(const Style& style, const etcdserverpb::MemberListResponse& response) {
  std::string out = HeaderFields(style, response.header(), false);
  for (const auto& member : response.members()) {
    out += FieldLineRaw("ID", style.hex ? ToHex(member.id()) : std::to_string(member.id()));
    out += FieldLine("Name", std::string_view(member.name()));
    for (const auto& url : member.peerurls()) out += FieldLine("PeerURL", std::string_view(url));
    for (const auto& url : member.clienturls())
      out += FieldLine("ClientURL", std::string_view(url));
    out += FieldLine("IsLearner", member.islearner()) + "\n";
  }
  return out;
}

template <typename Strings>
std::string JsonList(const Strings& strings) {
  std::string out;
  for (const auto& text : strings) out += (out.empty() ? "" : ",") + JsonString(text);
  return out.empty() ? "null" : "[" + out + "]";
}

// --hex: ids become strings. Only the member list knows this form.
std::string MembersHexJson(const etcdserverpb::MemberListResponse& response) {
  std::string members;
  for (const auto& member : response.members()) {
    members += std::string(members.empty() ? "" : ",") + "{\"ID\":\"" + ToHex(member.id()) +
               "\",\"name\":" + JsonString(member.name()) +
               ",\"peerURLs\":" + JsonList(member.peerurls()) +
               ",\"clientURLs\":" + JsonList(member.clienturls()) + "}";
  }
  return "{\"header\":{\"cluster_id\":\"" + ToHex(response.header().cluster_id()) +
         "\",\"member_id\":\"" + ToHex(response.header().member_id()) +
         "\",\"raft_term\":" + std::to_string(response.header().raft_term()) + "},\"members\":[" +
         members + "]}\n";
}

// No fields format for changes, as in etcdctl.
template <typename Response>
Result<std::string> PrintChange(const Style& style, std::uint64_t id, std::string_view how,
                                const Response& response) {
  if (style.format == Format::kSimple) return Changed(id, how, response.header());
  if (style.format == Format::kFields) return NotSupported(style.format);
  return PrintPlain(style, response, "");
}

}  // namespace

Result<std::string> PrintMemberAdd(const Style& style, const std::string& name,
                                   const etcdserverpb::MemberAddResponse& response) {
  const Member& added = response.member();
  const auto text = PrintChange(style, added.id(),
                                added.islearner() ? "added as learner to" : "added to", response);
  if (!text.ok() || style.format != Format::kSimple) return text;
  return *text + JoinEnvironment(response, name);
}

Result<std::string> PrintMemberRemove(const Style& style, std::uint64_t id,
                                      const etcdserverpb::MemberRemoveResponse& response) {
  return PrintChange(style, id, "removed from", response);
}

Result<std::string> PrintMemberUpdate(const Style& style, std::uint64_t id,
                                      const etcdserverpb::MemberUpdateResponse& response) {
  return PrintChange(style, id, "updated in", response);
}

Result<std::string> PrintMemberPromote(const Style& style, std::uint64_t id,
                                       const etcdserverpb::MemberPromoteResponse& response) {
  return PrintChange(style, id, "promoted in", response);
}

Result<std::string> PrintMembers(const Style& style,
                                 const etcdserverpb::MemberListResponse& response) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& member : response.members()) rows.push_back(Row(member));
  if (style.format == Format::kTable) {
    return RenderTable({"ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"}, rows);
  }
  if (style.format == Format::kSimple) {
    std::string out;
    for (const auto& row : rows) out += Join(row, ", ") + "\n";
    return out;
  }
  if (style.format == Format::kJson && style.hex) return MembersHexJson(response);
  return PrintPlain(style, response, MembersFields(style, response));
}

Result<std::string> PrintAlarms(const Style& style, const etcdserverpb::AlarmResponse& response) {
  if (style.format == Format::kSimple) {
    std::string out;
    for (const auto& alarm : response.alarms()) {
      if (alarm.memberid() != 0) out += "memberID:" + std::to_string(alarm.memberid()) + " ";
      if (alarm.alarm() != etcdserverpb::NONE) {
        out += "alarm:" + etcdserverpb::AlarmType_Name(alarm.alarm()) + " ";
      }
      out += "\n";
    }
    return out;
  }
  std::string fields = HeaderFields(style, response.header());
  for (const auto& alarm : response.alarms()) {
    fields += FieldLine("MemberID", alarm.memberid()) +
              FieldLineRaw("AlarmType", etcdserverpb::AlarmType_Name(alarm.alarm())) + "\n";
  }
  return PrintPlain(style, response, fields);
}

}  // namespace quorate::output
