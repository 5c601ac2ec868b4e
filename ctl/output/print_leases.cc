// Leases. Their JSON has the header's fields beside their own, as etcd's client library shapes
// them.
#include "output/go_json.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::output {
namespace {

std::string LeaseName(std::int64_t id) {
  return "lease " + ZeroHex(static_cast<std::uint64_t>(id));
}

std::string IdField(const Style& style, std::int64_t id) {
  return FieldLineRaw("ID",
                      style.hex ? ZeroHex(static_cast<std::uint64_t>(id)) : std::to_string(id));
}

// {"cluster_id":..., <own>}
std::string JsonBesideHeader(const etcdserverpb::ResponseHeader& header, const std::string& own) {
  const std::string members = GoJsonMembers(header);
  return "{" + members + (members.empty() ? "" : ",") + own + "}\n";
}

}  // namespace

Result<std::string> PrintLeaseGrant(const Style& style,
                                    const etcdserverpb::LeaseGrantResponse& response) {
  if (style.format == Format::kSimple) {
    return LeaseName(response.id()) + " granted with TTL(" + std::to_string(response.ttl()) +
           "s)\n";
  }
  if (style.format == Format::kJson) {
    return JsonBesideHeader(response.header(), "\"ID\":" + std::to_string(response.id()) +
                                                   ",\"TTL\":" + std::to_string(response.ttl()) +
                                                   ",\"Error\":" + JsonString(response.error()));
  }
  return PrintPlain(style, response,
                    HeaderFields(style, response.header()) + IdField(style, response.id()) +
                        FieldLine("TTL", response.ttl()));
}

Result<std::string> PrintLeaseRevoke(const Style& style, std::int64_t id,
                                     const etcdserverpb::LeaseRevokeResponse& response) {
  if (style.format == Format::kSimple) return LeaseName(id) + " revoked\n";
  return PrintPlain(style, response, HeaderFields(style, response.header()));
}

Result<std::string> PrintLeaseKeepAlive(const Style& style,
                                        const etcdserverpb::LeaseKeepAliveResponse& response) {
  if (style.format == Format::kSimple) {
    return LeaseName(response.id()) + " keepalived with TTL(" + std::to_string(response.ttl()) +
           ")\n";
  }
  if (style.format == Format::kJson) {
    return JsonBesideHeader(response.header(), "\"ID\":" + std::to_string(response.id()) +
                                                   ",\"TTL\":" + std::to_string(response.ttl()));
  }
  return PrintPlain(style, response,
                    HeaderFields(style, response.header()) + IdField(style, response.id()) +
                        FieldLine("TTL", response.ttl()));
}

Result<std::string> PrintLeaseTimeToLive(const Style& style, bool keys,
                                         const etcdserverpb::LeaseTimeToLiveResponse& response) {
  if (style.format == Format::kSimple) {
    if (response.grantedttl() == 0 && response.ttl() == -1) {
      return LeaseName(response.id()) + " already expired\n";
    }
    std::string out = LeaseName(response.id()) + " granted with TTL(" +
                      std::to_string(response.grantedttl()) + "s), remaining(" +
                      std::to_string(response.ttl()) + "s)";
    if (keys) {
      out +=
          ", attached keys([" + Join({response.keys().begin(), response.keys().end()}, " ") + "])";
    }
    return out + "\n";
  }
  if (style.format == Format::kJson) {
    std::string list;
    for (const auto& key : response.keys()) {
      list += (list.empty() ? "\"" : ",\"") + Base64(key) + "\"";
    }
    return JsonBesideHeader(response.header(),
                            "\"id\":" + std::to_string(response.id()) +
                                ",\"ttl\":" + std::to_string(response.ttl()) +
                                ",\"granted-ttl\":" + std::to_string(response.grantedttl()) +
                                ",\"keys\":" + (list.empty() ? "null" : "[" + list + "]"));
  }
  std::string fields = HeaderFields(style, response.header()) + IdField(style, response.id()) +
                       FieldLine("TTL", response.ttl()) +
                       FieldLine("GrantedTTL", response.grantedttl());
  for (const auto& key : response.keys()) fields += FieldLine("Key", std::string_view(key));
  return PrintPlain(style, response, fields);
}

Result<std::string> PrintLeases(const Style& style,
                                const etcdserverpb::LeaseLeasesResponse& response) {
  if (style.format == Format::kSimple) {
    std::string out = "found " + std::to_string(response.leases_size()) + " leases\n";
    for (const auto& lease : response.leases()) {
      out += ZeroHex(static_cast<std::uint64_t>(lease.id())) + "\n";
    }
    return out;
  }
  if (style.format == Format::kJson) {
    std::string list;
    for (const auto& lease : response.leases()) {
      list += std::string(list.empty() ? "" : ",") + "{\"id\":" + std::to_string(lease.id()) + "}";
    }
    return JsonBesideHeader(response.header(), "\"leases\":[" + list + "]");
  }
  std::string fields = HeaderFields(style, response.header());
  for (const auto& lease : response.leases()) fields += IdField(style, lease.id());
  return PrintPlain(style, response, fields);
}

}  // namespace quorate::output
