#include "app/peer_words.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace quorate::app {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 32;

Error Malformed() {
  return Error{Code::kInvalidArgument, "error unmarshalling request"};
}

Result<Json> ParseObject(std::string_view text) {
  TRY(CheckNesting(text));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Malformed();
  return json;
}

// 0: missing.
Result<std::int64_t> NumberOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::int64_t{0};
  if (!found->is_number_integer()) return Malformed();
  return found->get<std::int64_t>();
}

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Status CheckNesting(std::string_view json) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      if (++depth > kDepthMax) return Malformed();
    } else if (!quoted && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return {};
}

Result<Revision> ParseHashKvQuestion(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  return Revision{TRY(NumberOf(object, "revision"))};
}

Result<HashKvAnswer> ParseHashKvAnswer(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  const auto hash = object.find("hash");
  if (hash == object.end() || !hash->is_number_unsigned()) return Malformed();
  return HashKvAnswer{hash->get<std::uint64_t>(), TRY(NumberOf(object, "compact_revision")),
                      TRY(NumberOf(object, "hash_revision"))};
}

Result<std::map<MemberId, Known>> ParseStateQuestion(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  std::map<MemberId, Known> acknowledged;
  const auto told = object.find("acknowledged");
  if (told == object.end() || !told->is_object()) return acknowledged;
  for (const auto& [id, known] : told->items()) {
    const auto number = ParseHex(id);
    if (!number || !known.is_object()) continue;
    const auto index = static_cast<std::uint64_t>(TRY(NumberOf(known, "index")));
    const auto term = static_cast<std::uint64_t>(TRY(NumberOf(known, "term")));
    acknowledged[MemberId{*number}] = {.index = LogIndex{index}, .term = Term{term}};
  }
  return acknowledged;
}

Result<StateAnswer> ParseStateAnswer(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  StateAnswer answer;
  answer.applied = LogIndex{static_cast<std::uint64_t>(TRY(NumberOf(object, "applied")))};
  const auto windows = object.find("windows");
  if (windows == object.end() || !windows->is_object()) return Malformed();
  for (const auto& [end, hash] : windows->items()) {
    std::uint64_t index = 0;
    const auto read = std::from_chars(end.data(), end.data() + end.size(), index);
    const bool whole = read.ec == std::errc{} && read.ptr == end.data() + end.size();
    const auto value = hash.is_string() ? ParseHex(hash.get<std::string>()) : std::nullopt;
    if (whole && value) answer.windows[LogIndex{index}] = *value;
  }
  return answer;
}

Result<Accusation> ParseAccusation(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  if (!object.contains("at")) return Malformed();
  Accusation accusation;
  accusation.at = TRY(NumberOf(object, "at"));
  accusation.hash_kv = TextOf(object, "kind") == "hashKV";
  accusation.hash = ParseHex(TextOf(object, "hash")).value_or(0);
  accusation.majority = ParseHex(TextOf(object, "majority")).value_or(0);
  return accusation;
}

}  // namespace quorate::app
