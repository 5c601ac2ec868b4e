#include "apply/compaction_hashes.h"

#include "base/check.h"

namespace quorate::apply {

bool CompactionHashes::Wants(Revision at) const {
  return !running() && at > store_.compact_revision() && at <= store_.revision() &&
         store_.finished_compact_revision() == store_.compact_revision();
}

Status CompactionHashes::Begin(Revision at) {
  CHECK(Wants(at));
  task_ = TRY(store_.StartHash(at));
  return {};
}

Status CompactionHashes::Step(std::size_t rows_max) {
  if (!running() || !TRY(task_->Step(rows_max))) return {};
  kept_.push_back(task_->result());
  task_.reset();
  if (kept_.size() > kKept) kept_.pop_front();
  return {};
}

void CompactionHashes::Clear() {
  Abandon();
  kept_.clear();
}

const mvcc::HashTask::Hash* CompactionHashes::Find(Revision at) const {
  for (const mvcc::HashTask::Hash& hash : kept_) {
    if (hash.revision == at) return &hash;
  }
  return nullptr;
}

}  // namespace quorate::apply
