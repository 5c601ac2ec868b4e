// ChangeListener: hears each transaction that changed something, once, in revision order.
//
// Thread: the raft+apply loop, from inside WriteTxn::End.
#pragma once

#include <span>
#include <string_view>

#include "base/ids.h"
#include "mvcc/revision_id.h"

namespace quorate::mvcc {

// Change: one put or deletion of a transaction.
struct Change {
  RevisionId id;
  bool deleted = false;
  std::string_view key;
  std::string_view record;  // KeyValue bytes; of a deletion, with key and mod_revision alone
  RevisionId previous;      // the live record it replaced; main 0: there was none
};

class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  // The changes of one main revision, in sub order. The texts live until the call returns.
  virtual void OnChanges(Revision revision, std::span<const Change> changes) = 0;
};

}  // namespace quorate::mvcc
