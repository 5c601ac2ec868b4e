#include "membership/member.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace quorate::membership {
namespace {

using Json = nlohmann::ordered_json;

// Go's encoder escapes these three inside strings.
std::string EscapeAsGo(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Dump(const Json& json) {
  return EscapeAsGo(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json UrlsOrNull(const std::vector<std::string>& urls) {
  return urls.empty() ? Json(nullptr) : Json(urls);
}

Json ToObject(const Member& member) {
  Json json;
  json["id"] = member.id.value;
  json["peerURLs"] = UrlsOrNull(member.peer_urls);
  if (member.is_learner) json["isLearner"] = true;
  if (!member.name.empty()) json["name"] = member.name;
  if (!member.client_urls.empty()) json["clientURLs"] = member.client_urls;
  return json;
}

std::vector<std::string> Urls(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  return found->get<std::vector<std::string>>();
}

Member FromObject(const Json& json) {
  Member member;
  // By reference: a number beyond 64 bits is parsed as a fraction, and no id.
  member.id = MemberId{json.at("id").get_ref<const Json::number_unsigned_t&>()};
  member.peer_urls = Urls(json, "peerURLs");
  member.is_learner = json.value("isLearner", false);
  member.name = json.value("name", "");
  member.client_urls = Urls(json, "clientURLs");
  return member;
}

// Runs `parse` on the parsed text; a vendor exception becomes our Error.
template <typename Parse>
auto Parsed(std::string_view text, std::string_view what, Parse parse)
    -> Result<decltype(parse(Json()))> {
  try {
    return parse(Json::parse(text));
  } catch (const Json::exception& e) {
    return Error{Code::kInvalidArgument, std::string(what) + ": " + e.what()};
  }
}

}  // namespace

std::string ToJson(const Member& member) {
  return Dump(ToObject(member));
}

Result<Member> ParseMember(std::string_view json) {
  return Parsed(json, "member", FromObject);
}

std::string ToJson(const std::vector<Member>& members) {
  std::vector<Member> sorted = members;
  std::sort(sorted.begin(), sorted.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  Json array = Json::array();
  for (const Member& member : sorted) array.push_back(ToObject(member));
  return Dump(array);
}

Result<std::vector<Member>> ParseMembers(std::string_view json) {
  return Parsed(json, "member list", [](const Json& array) {
    std::vector<Member> members;
    for (const Json& entry : array) members.push_back(FromObject(entry));
    return members;
  });
}

std::string ToJson(const ChangeContext& context) {
  Json json = ToObject(context.member);
  json["isPromote"] = context.is_promote;
  return Dump(json);
}

Result<ChangeContext> ParseChangeContext(std::string_view json) {
  return Parsed(json, "membership change", [](const Json& object) {
    return ChangeContext{FromObject(object), object.value("isPromote", false)};
  });
}

}  // namespace quorate::membership
