#include "apply/answer.h"

#include "mvcc/encode.h"

namespace quorate::apply {

namespace encode = mvcc::encode;

std::string MakeHeader(const Identity& identity, Revision revision, Term term) {
  std::string out;
  out.reserve(48);
  encode::Int64(out, 1, static_cast<std::int64_t>(identity.cluster.value));
  encode::Int64(out, 2, static_cast<std::int64_t>(identity.member.value));
  encode::Int64(out, 3, revision.value);
  encode::Int64(out, 4, static_cast<std::int64_t>(term.value));
  return out;
}

std::string MakeNestedHeader(Revision revision) {
  std::string out;
  encode::Int64(out, 3, revision.value);
  return out;
}

std::string MakeAnswer(std::string_view header, std::string_view body) {
  std::string out;
  out.reserve(header.size() + body.size() + 4);
  encode::Message(out, 1, header);
  out += body;
  return out;
}

}  // namespace quorate::apply
