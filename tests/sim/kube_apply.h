// FieldOwners: who owns which field of one object, and server-side apply on top of it.
//
// Kept simple where the operator does not notice: lists merge by key when their field's name is
// known to (containers by name, conditions by type, ...) and are one value otherwise; there are no
// schemas. A manager's applies, its other writes, and each subresource own separately, as in the
// real server.
//
// Thread: one at a time.
// Source: Kubernetes server-side apply documentation; held to the real one by
//   tests/contracts/kube_contract_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/object.h"

namespace quorate::sim {

class FieldOwners {
 public:
  struct Applied {
    kube::Json object;
    // Not empty: refused; each names the other manager and the field.
    std::vector<std::pair<std::string, std::string>> conflicts;
  };

  // `live` is null when the object does not exist yet.
  Applied Apply(const kube::Json& live, const kube::Json& applied, const std::string& manager,
                const std::string& subresource, bool force);

  // A create, update or patch by `manager` turned `before` (null: nothing) into `after`.
  void NoteWrite(const kube::Json& before, const kube::Json& after, const std::string& manager,
                 const std::string& subresource);

 private:
  // "apply/NAME/SUBRESOURCE" or "update/NAME/SUBRESOURCE" -> the fields it owns.
  std::map<std::string, std::set<std::string>> owned_;
};

}  // namespace quorate::sim
