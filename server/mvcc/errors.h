// The errors a client sees from the revision store; texts and codes are etcd's.
#pragma once

#include "base/result.h"

namespace quorate::mvcc {

inline Error Compacted() {
  return {Code::kOutOfRange, "etcdserver: mvcc: required revision has been compacted"};
}
inline Error FutureRevision() {
  return {Code::kOutOfRange, "etcdserver: mvcc: required revision is a future revision"};
}
inline Error LeaseNotFound() {
  return {Code::kNotFound, "etcdserver: requested lease not found"};
}
inline Error KeyNotFound() {
  return {Code::kInvalidArgument, "etcdserver: key not found"};
}

}  // namespace quorate::mvcc
