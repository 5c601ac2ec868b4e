#include "apply/answer.h"

#include "base/fields.h"

namespace quorate::apply {

std::string MakeHeader(const Identity& identity, Revision revision, Term term) {
  std::string out;
  out.reserve(48);
  fields::AppendUnlessZero(out, 1, static_cast<std::int64_t>(identity.cluster.value));
  fields::AppendUnlessZero(out, 2, static_cast<std::int64_t>(identity.member.value));
  fields::AppendUnlessZero(out, 3, revision.value);
  fields::AppendUnlessZero(out, 4, static_cast<std::int64_t>(term.value));
  return out;
}

std::string MakeNestedHeader(Revision revision) {
  std::string out;
  fields::AppendUnlessZero(out, 3, revision.value);
  return out;
}

std::string MakeAnswer(std::string_view header, std::string_view body) {
  std::string out;
  out.reserve(header.size() + body.size() + 4);
  fields::AppendText(out, 1, header);
  out += body;
  return out;
}

}  // namespace quorate::apply
