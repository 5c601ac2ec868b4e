// Answer: response bytes for clients, written field by field.
//
// Every response begins with its header as field 1; what follows is the response's own fields,
// which is why the store can hand over ranges as bytes.
//
// Thread: values.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace quorate::apply {

// What every response header carries besides revision and term.
struct Identity {
  ClusterId cluster;
  MemberId member;
};

// ResponseHeader bytes. A revision of 0 is left out, as etcd does for answers that are not the
// store's.
std::string MakeHeader(const Identity& identity, Revision revision, Term term);

// The header of an answer inside a transaction's answer: the revision alone.
std::string MakeNestedHeader(Revision revision);

// Field 1 with these header bytes, then the body.
std::string MakeAnswer(std::string_view header, std::string_view body = {});

}  // namespace quorate::apply
