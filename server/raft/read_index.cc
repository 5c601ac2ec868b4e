#include "raft/read_index.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"
#include "raft/quorum.h"

namespace quorate::raft {

void ReadIndexQueue::Add(ReadRequest request, LogIndex commit) {
  if (QUORATE_PLANTED("raft.read_joins_a_sent_round") && !batches_.empty()) {
    batches_.back().requests.push_back(std::move(request));
    ++size_;
    return;
  }
  if (batches_.empty() || batches_.back().sent) {
    batches_.push_back({next_number_++, commit, false, {}, {}});
  }
  Batch& batch = batches_.back();
  batch.index = std::max(batch.index, commit);
  batch.requests.push_back(std::move(request));
  ++size_;
}

std::string ReadIndexQueue::RoundContext() {
  std::string context;
  if (batches_.empty()) return context;
  batches_.back().sent = true;
  AppendBigEndian64(context, batches_.back().number);
  return context;
}

std::vector<ReadIndexQueue::Ready> ReadIndexQueue::Answer(MemberId from, std::string_view context,
                                                          MemberId self,
                                                          const std::vector<MemberId>& voters) {
  std::vector<Ready> ready;
  if (context.size() != 8) return ready;
  const std::uint64_t number = ReadBigEndian64(context);
  const auto named = std::find_if(batches_.begin(), batches_.end(),
                                  [&](const Batch& batch) { return batch.number == number; });
  if (named == batches_.end() || !named->sent) return ready;
  auto& answered = named->answered;
  if (std::find(answered.begin(), answered.end(), from) == answered.end()) {
    answered.push_back(from);
  }
  const auto counts = std::count_if(voters.begin(), voters.end(), [&](MemberId voter) {
    return voter == self || std::find(answered.begin(), answered.end(), voter) != answered.end();
  });
  if (static_cast<std::size_t>(counts) < Majority(voters.size())) return ready;
  while (!batches_.empty() && batches_.front().number <= number) {
    Batch& batch = batches_.front();
    size_ -= batch.requests.size();
    for (ReadRequest& request : batch.requests) ready.push_back({batch.index, std::move(request)});
    batches_.pop_front();
  }
  return ready;
}

}  // namespace quorate::raft
