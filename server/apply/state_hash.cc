#include "apply/state_hash.h"

#include "base/bytes.h"
#include "base/crc32c.h"

namespace quorate::apply {

void StateHash::Fold(LogIndex index, Term term, const storage::Batch& batch, std::size_t first_op) {
  const std::uint64_t place = index.value % kWindow;
  if (place == 1) {
    running_ = 0;
    whole_ = true;
  } else if (index != next_) {
    whole_ = false;
  }
  next_ = index + 1;
  if (!whole_) return;
  Mix(index.value);
  Mix(term.value);
  for (const storage::Batch::Op& op : batch.ops().subspan(first_op)) {
    if (op.family != storage::Family::kRev) continue;
    const std::uint32_t key = Crc32c(0, AsBytes(batch.key(op)));
    Mix((std::uint64_t{key} << 32U) | Crc32c(key, AsBytes(batch.value(op))));
  }
  if (place != 0) return;
  windows_.push_back({index, running_});
  if (windows_.size() > kKept) windows_.pop_front();
}

// One multiplication and one shift: enough to tell accidents apart, in the order they came.
void StateHash::Mix(std::uint64_t value) {
  running_ = (running_ ^ value) * 0x9E3779B97F4A7C15U;
  running_ ^= running_ >> 29U;
}

}  // namespace quorate::apply
