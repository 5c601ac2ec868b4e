#include "objectstore/s3_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace quorate::objectstore {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

bool Unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

void AppendUtf8(std::string& out, unsigned point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | (point >> 6U));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | (point >> 12U));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | (point >> 18U));
    out += static_cast<char>(0x80U | ((point >> 12U) & 0x3FU));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  }
}

// The text between "&" and ";".
void AppendEntity(std::string& out, std::string_view name) {
  for (const auto& [known, c] : kEntities) {
    if (known == name) out += c;
  }
  if (!name.starts_with('#')) return;
  const bool hex = name.starts_with("#x");
  name.remove_prefix(hex ? 2 : 1);
  unsigned point = 0;
  std::from_chars(name.data(), name.data() + name.size(), point, hex ? 16 : 10);
  if (point > 0 && point < 0x110000) AppendUtf8(out, point);
}

std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find('&');
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find(';', begin);
    if (end == std::string_view::npos) break;
    AppendEntity(out, text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::string UriEncode(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    if (Unreserved(c) || (keep_slash && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHexDigits[byte >> 4U];
    out += kHexDigits[byte & 15U];
  }
  return out;
}

std::string CanonicalQuery(const std::map<std::string, std::string>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out += UriEncode(name, false) + "=" + UriEncode(value, false);
  }
  return out;
}

std::optional<std::string> XmlText(std::string_view xml, std::string_view name) {
  const auto elements = XmlElements(xml, name);
  if (elements.empty()) return std::nullopt;
  return Unescape(elements.front());
}

std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  std::vector<std::string_view> elements;
  while (true) {
    const std::size_t begin = xml.find(open);
    if (begin == std::string_view::npos) return elements;
    const std::size_t end = xml.find(close, begin);
    if (end == std::string_view::npos) return elements;
    elements.push_back(xml.substr(begin + open.size(), end - begin - open.size()));
    xml.remove_prefix(end + close.size());
  }
}

std::string XmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&' || c == '<' || c == '>') {
      for (const auto& [name, known] : kEntities) {
        if (known == c) out += "&" + std::string(name) + ";";
      }
    } else {
      out += c;
    }
  }
  return out;
}

std::map<std::string, std::string> DefaultSection(std::string_view text) {
  std::map<std::string, std::string> values;
  bool wanted = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) wanted = line == "[default]";
    const std::size_t equals = line.find('=');
    if (wanted && equals != std::string_view::npos && !line.starts_with('#')) {
      values[std::string(Trim(line.substr(0, equals)))] = Trim(line.substr(equals + 1));
    }
  }
  return values;
}

}  // namespace quorate::objectstore
