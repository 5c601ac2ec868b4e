// S3Text: the small part of S3's texts that we write and read: encoded paths and queries, elements
// of XML answers, and the credentials that AWS's own tools keep in a file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::objectstore {

// Percent-encodes all but letters, digits and "-._~"; keep_slash leaves "/" too.
std::string UriEncode(std::string_view text, bool keep_slash);
// "a=1&b=x%2Fy", sorted by name, an equals sign always: what the signature is made over.
std::string CanonicalQuery(const std::map<std::string, std::string>& parameters);

// The text of the first <name> element, entities resolved; nullopt: none.
std::optional<std::string> XmlText(std::string_view xml, std::string_view name);
// What is between each <name> and its </name>. Elements of one name do not nest in S3's answers.
std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name);

std::string XmlEscape(std::string_view text);

// The names and values of [default] in an AWS credentials file.
std::map<std::string, std::string> DefaultSection(std::string_view text);

}  // namespace quorate::objectstore
