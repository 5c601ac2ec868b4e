// LeaseBook: what the store asks of leases, implemented by lease::Lessor.
//
// Thread: the raft+apply loop.
#pragma once

#include <string_view>

#include "base/ids.h"

namespace quorate::mvcc {

class LeaseBook {
 public:
  virtual ~LeaseBook() = default;

  virtual bool Exists(LeaseId lease) const = 0;
  // The key now lives as long as the lease. REQUIRES: Exists(lease).
  virtual void Attach(LeaseId lease, std::string_view key) = 0;
  // The key was deleted, or put again with another lease or none. Unknown pairs are ignored.
  virtual void Detach(LeaseId lease, std::string_view key) = 0;
};

}  // namespace quorate::mvcc
