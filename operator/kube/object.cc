#include "kube/object.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <set>

namespace quorate::kube {
namespace {

std::string Unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out += token[++i] == '1' ? '/' : '~';
    } else {
      out += token[i];
    }
  }
  return out;
}

std::string Escape(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '/') {
      out += "~1";
    } else if (c == '~') {
      out += "~0";
    } else {
      out += c;
    }
  }
  return out;
}

// N decimal digits at the front of text, taken off it.
bool TakeNumber(std::string_view& text, std::size_t digits, int* number) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, *number);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The requirements of a selector: split at commas outside parentheses.
std::vector<std::string_view> SplitSelector(std::string_view selector) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= selector.size(); ++i) {
    const char c = i < selector.size() ? selector[i] : ',';
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && (depth == 0 || i == selector.size())) {
      parts.push_back(Trim(selector.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  return parts;
}

// "(a, b)" -> {"a", "b"}; nullopt when the parentheses are missing.
std::optional<std::set<std::string, std::less<>>> ParseSet(std::string_view text) {
  text = Trim(text);
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return std::nullopt;
  std::set<std::string, std::less<>> values;
  for (const auto part : SplitSelector(text.substr(1, text.size() - 2))) values.emplace(part);
  return values;
}

bool RequirementHolds(const std::map<std::string, std::string>& labels, std::string_view part) {
  const auto value = [&labels](std::string_view key) {
    const auto it = labels.find(std::string(Trim(key)));
    return it == labels.end() ? std::optional<std::string>() : it->second;
  };
  if (part.front() == '!') return !value(part.substr(1)).has_value();
  if (const auto at = part.find("!="); at != std::string_view::npos) {
    return value(part.substr(0, at)) != std::string(Trim(part.substr(at + 2)));
  }
  if (const auto at = part.find('='); at != std::string_view::npos) {
    std::string_view wanted = part.substr(at + 1);
    TakeChar(wanted, '=');
    return value(part.substr(0, at)) == std::string(Trim(wanted));
  }
  for (const bool negated : {true, false}) {
    const std::string_view word = negated ? " notin " : " in ";
    const auto at = part.find(word);
    if (at == std::string_view::npos) continue;
    const auto set = ParseSet(part.substr(at + word.size()));
    if (!set) return false;
    const auto found = value(part.substr(0, at));
    const bool within = found.has_value() && set->contains(*found);
    return within != negated;
  }
  return value(part).has_value();
}

}  // namespace

const Json* Find(const Json& object, std::string_view pointer) {
  const Json* at = &object;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the '/'
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string token = Unescape(pointer.substr(0, end));
    pointer.remove_prefix(end);
    if (at->is_object()) {
      const auto it = at->find(token);
      if (it == at->end()) return nullptr;
      at = &*it;
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [last, error] = std::from_chars(token.data(), token.data() + token.size(), index);
      if (error != std::errc() || last != token.data() + token.size()) return nullptr;
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string Text(const Json& object, std::string_view pointer) {
  const Json* found = Find(object, pointer);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t Number(const Json& object, std::string_view pointer) {
  const Json* found = Find(object, pointer);
  return found != nullptr && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool Flag(const Json& object, std::string_view pointer) {
  const Json* found = Find(object, pointer);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::map<std::string, std::string> TextMap(const Json& object, std::string_view pointer) {
  std::map<std::string, std::string> out;
  const Json* found = Find(object, pointer);
  if (found == nullptr || !found->is_object()) return out;
  for (const auto& [key, value] : found->items()) {
    if (value.is_string()) out.emplace(key, value.get<std::string>());
  }
  return out;
}

std::string Name(const Json& object) {
  return Text(object, "/metadata/name");
}
std::string Namespace(const Json& object) {
  return Text(object, "/metadata/namespace");
}
ObjectRef RefOf(const Json& object) {
  return {Namespace(object), Name(object)};
}
std::string Uid(const Json& object) {
  return Text(object, "/metadata/uid");
}

std::string ResourceVersion(const Json& object) {
  return Text(object, "/metadata/resourceVersion");
}

std::string Label(const Json& object, std::string_view key) {
  return Text(object, "/metadata/labels/" + Escape(key));
}

std::string Annotation(const Json& object, std::string_view key) {
  return Text(object, "/metadata/annotations/" + Escape(key));
}

bool IsDeleting(const Json& object) {
  return Find(object, "/metadata/deletionTimestamp") != nullptr;
}

bool HasFinalizer(const Json& object, std::string_view finalizer) {
  const Json* all = Find(object, "/metadata/finalizers");
  if (all == nullptr || !all->is_array()) return false;
  for (const Json& one : *all) {
    if (one.is_string() && one.get_ref<const std::string&>() == finalizer) return true;
  }
  return false;
}

std::string ControllerUid(const Json& object) {
  const Json* owners = Find(object, "/metadata/ownerReferences");
  if (owners == nullptr || !owners->is_array()) return {};
  for (const Json& owner : *owners) {
    if (Flag(owner, "/controller")) return Text(owner, "/uid");
  }
  return {};
}

Json OwnerReference(const Resource& resource, const Json& owner) {
  return Json{{"apiVersion", resource.ApiVersion()},
              {"kind", std::string(resource.kind)},
              {"name", Name(owner)},
              {"uid", Uid(owner)},
              {"controller", true},
              {"blockOwnerDeletion", true}};
}

Json MakeObject(const Resource& resource, const ObjectRef& ref) {
  Json object{{"apiVersion", resource.ApiVersion()},
              {"kind", std::string(resource.kind)},
              {"metadata", {{"name", ref.name}}}};
  if (!ref.ns.empty()) object["metadata"]["namespace"] = ref.ns;
  return object;
}

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string FormatTime(std::chrono::system_clock::time_point time) {
  const std::string micro = FormatMicroTime(time);
  return micro.substr(0, micro.find('.')) + "Z";
}

std::string FormatMicroTime(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto micros = floor<microseconds>(time);
  const auto day = floor<days>(micros);
  const year_month_day date(day);
  const hh_mm_ss clock(micros - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::optional<std::chrono::system_clock::time_point> ParseTime(std::string_view text) {
  using namespace std::chrono;
  int y = 0;
  int mo = 0;
  int d = 0;
  int h = 0;
  int mi = 0;
  int s = 0;
  const bool read = TakeNumber(text, 4, &y) && TakeChar(text, '-') && TakeNumber(text, 2, &mo) &&
                    TakeChar(text, '-') && TakeNumber(text, 2, &d) && TakeChar(text, 'T') &&
                    TakeNumber(text, 2, &h) && TakeChar(text, ':') && TakeNumber(text, 2, &mi) &&
                    TakeChar(text, ':') && TakeNumber(text, 2, &s);
  if (!read) return std::nullopt;
  nanoseconds fraction{0};
  if (TakeChar(text, '.')) {
    nanoseconds unit{100'000'000};
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      fraction += unit * (text[0] - '0');
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if ((text != "Z" && text != "+00:00") || !date.ok() || h > 23 || mi > 59 || s > 60) {
    return std::nullopt;
  }
  return time_point_cast<system_clock::duration>(sys_days{date} + hours{h} + minutes{mi} +
                                                 seconds{s} + fraction);
}

bool LabelsMatch(const std::map<std::string, std::string>& labels, std::string_view selector) {
  if (Trim(selector).empty()) return true;
  for (const auto part : SplitSelector(selector)) {
    if (part.empty() || !RequirementHolds(labels, part)) return false;
  }
  return true;
}

}  // namespace quorate::kube
