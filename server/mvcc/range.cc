#include "mvcc/range.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/fields.h"
#include "mvcc/store.h"

namespace quorate::mvcc {
namespace {

constexpr unsigned kKvsField = 2;
constexpr unsigned kMoreField = 3;
constexpr unsigned kCountField = 4;
constexpr std::size_t kReadTogether = 64;   // rows
constexpr std::size_t kCountAhead = 20000;  // steps, a millisecond at most
// Memory that is reserved but not written costs nothing; but the first rows may mislead.
constexpr std::size_t kReserveMax = std::size_t{64} << 20;

bool Outside(Revision revision, Revision min, Revision max) {
  return (min != Revision{} && revision < min) || (max != Revision{} && revision > max);
}

bool HasFilters(const RangeQuery& query) {
  return query.mod_min != Revision{} || query.mod_max != Revision{} ||
         query.create_min != Revision{} || query.create_max != Revision{};
}

bool Passes(const RangeQuery& query, const Record& record) {
  return !Outside(record.mod_revision, query.mod_min, query.mod_max) &&
         !Outside(record.create_revision, query.create_min, query.create_max);
}

Error Undecodable() {
  return {Code::kDataLoss, "revision store: a record cannot be decoded"};
}

}  // namespace

RangeQuery RangeQuery::FromProto(const etcdserverpb::RangeRequest& request) {
  RangeQuery query;
  query.key = request.key();
  query.range_end = request.range_end();
  query.limit = request.limit();
  query.revision = Revision{request.revision()};
  query.order = static_cast<Order>(request.sort_order());
  query.target = static_cast<Target>(request.sort_target());
  query.keys_only = request.keys_only();
  query.count_only = request.count_only();
  query.mod_min = Revision{request.min_mod_revision()};
  query.mod_max = Revision{request.max_mod_revision()};
  query.create_min = Revision{request.min_create_revision()};
  query.create_max = Revision{request.max_create_revision()};
  return query;
}

Error AnswerTooLarge(std::size_t bytes, std::size_t bytes_max) {
  return {Code::kResourceExhausted, "grpc: trying to send message larger than max (" +
                                        std::to_string(bytes) + " vs. " +
                                        std::to_string(bytes_max) + ")"};
}

Status AppendTo(const RangeQuery& query, std::string_view bytes, RangeAnswer* answer) {
  if (query.keys_only || HasFilters(query)) {
    Record record;
    if (!Decode(bytes, &record)) return Undecodable();
    if (!Passes(query, record)) return {};
    if (query.keys_only) {
      record.value = {};
      fields::AppendText(answer->body, kKvsField, Encode(record));
      ++answer->rows;
      return {};
    }
  }
  fields::AppendText(answer->body, kKvsField, bytes);
  ++answer->rows;
  return {};
}

RangeTask::RangeTask(Store& store, const RangeQuery& query, Revision at, Revision current)
    : store_(store),
      key_(query.key),
      range_end_(query.range_end),
      query_(query),
      at_(at),
      filtered_(HasFilters(query)),
      next_(query.key) {
  query_.key = key_;
  query_.range_end = range_end_;
  answer_.revision = current;
  // Rows come in ascending key order, which needs no sorting. Other targets mean ascending.
  if (query_.target != RangeQuery::Target::kKey && query_.order == RangeQuery::Order::kNone) {
    sorted_ = true;
  } else {
    sorted_ =
        query_.order == RangeQuery::Order::kDescend ||
        (query_.order == RangeQuery::Order::kAscend && query_.target != RangeQuery::Target::kKey);
  }
  store_.readers_.insert(at_);
}

RangeTask::~RangeTask() {
  store_.readers_.erase(store_.readers_.find(at_));
}

Result<bool> RangeTask::Step(std::size_t keys_max) {
  CHECK(!done_);
  if (!scanned_) {
    TRY(Scan(&keys_max));
    if (!scanned_) return false;
    Sort();
  }
  TRY(Emit(keys_max));
  if (emitted_ < candidates_.size()) return false;
  fields::AppendFlag(answer_.body, kMoreField, answer_.more);
  fields::AppendUnlessZero(answer_.body, kCountField, answer_.count);
  done_ = true;
  return true;
}

Status RangeTask::Scan(std::size_t* keys_max) {
  if (!CountsOnly()) {
    Status status;
    bool stopped = false;
    store_.index_->Scan(next_, range_end_, at_, [&](std::string_view key, RevisionId id) {
      stopped = *keys_max == 0 || CountsOnly();
      if (stopped) {
        next_.assign(key);
        return false;
      }
      --*keys_max;
      status = Look(id);
      return status.ok();
    });
    TRY(std::move(status));
    TRY(AppendGathered());
    scanned_ = !stopped;
    if (scanned_ || !CountsOnly()) return {};
  }
  // The rest is only counted, which needs no look at most of it.
  const auto counted = store_.index_->Count(KeyRange::FromEtcd(next_, range_end_), at_, *keys_max);
  answer_.count += counted.count;
  scanned_ = counted.complete;
  next_ = counted.next;
  return {};
}

bool RangeTask::CountsOnly() const {
  return query_.count_only || answer_.more;
}

Status RangeTask::Look(RevisionId id) {
  ++answer_.count;
  if (!sorted_) {
    if (filtered_) {
      Record record;
      if (!Decode(TRY(store_.View(id, &scratch_)), &record)) return Undecodable();
      if (!Passes(query_, record)) return {};
    }
    if (query_.limit > 0 &&
        answer_.rows + static_cast<std::int64_t>(gathered_.size()) == query_.limit) {
      answer_.more = true;
      return {};
    }
    gathered_.push_back(id);
    return gathered_.size() < kReadTogether ? Status() : AppendGathered();
  }
  // etcd's quirk: with a target but no order, the limit is taken in key order, before the sort.
  if (query_.order == RangeQuery::Order::kNone && !filtered_ && query_.limit > 0 &&
      static_cast<std::int64_t>(candidates_.size()) > query_.limit) {
    return {};
  }
  const bool by_index =
      query_.target == RangeQuery::Target::kKey || query_.target == RangeQuery::Target::kMod;
  if (by_index && !filtered_) {
    const bool by_key = query_.target == RangeQuery::Target::kKey;
    candidates_.push_back({id, by_key ? answer_.count : id.main.value, {}});
    return {};
  }
  Record record;
  if (!Decode(TRY(store_.View(id, &scratch_)), &record)) return Undecodable();
  if (Passes(query_, record)) return Admit(id, record);
  return {};
}

Status RangeTask::Admit(RevisionId id, const Record& record) {
  Candidate candidate{id, 0, {}};
  switch (query_.target) {
    case RangeQuery::Target::kKey:
      candidate.number = answer_.count;  // rows are looked at in key order
      break;
    case RangeQuery::Target::kVersion:
      candidate.number = record.version;
      break;
    case RangeQuery::Target::kCreate:
      candidate.number = record.create_revision.value;
      break;
    case RangeQuery::Target::kMod:
      candidate.number = record.mod_revision.value;
      break;
    case RangeQuery::Target::kValue:
      candidate.text.assign(record.value);
      candidate_bytes_ += record.value.size();
      break;
  }
  candidates_.push_back(std::move(candidate));
  return CheckSize(candidate_bytes_);
}

void RangeTask::Sort() {
  const bool descend = query_.order == RangeQuery::Order::kDescend;
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [descend](const Candidate& a, const Candidate& b) {
                     const Candidate& low = descend ? b : a;
                     const Candidate& high = descend ? a : b;
                     if (low.number != high.number) return low.number < high.number;
                     return low.text < high.text;
                   });
  const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(query_.limit, 0));
  if (limit > 0 && candidates_.size() > limit) {
    candidates_.resize(limit);
    answer_.more = true;
  }
}

Status RangeTask::Emit(std::size_t rows_max) {
  while (rows_max > 0 && emitted_ < candidates_.size()) {
    const std::size_t rows = std::min({rows_max, candidates_.size() - emitted_, kReadTogether});
    for (std::size_t i = 0; i < rows; ++i) gathered_.push_back(candidates_[emitted_ + i].id);
    TRY(AppendGathered());
    emitted_ += rows;
    rows_max -= rows;
  }
  return {};
}

template <typename Visit>
Status Store::ViewMany(std::span<const RevisionId> ids, Visit visit) {
  std::vector<std::string> names;
  std::vector<RevisionId> absent;
  for (const RevisionId id : ids) {
    if (FindInMemory(id)) continue;
    names.emplace_back(RowName(id, false).text());
    absent.push_back(id);
  }
  std::vector<std::string> read;
  if (!names.empty()) TRY(parts_.backend->GetMany(storage::Family::kRev, names, &read));
  std::size_t next = 0;
  for (const RevisionId id : ids) {
    const bool was_read = next < absent.size() && absent[next] == id;
    TRY(visit(was_read ? std::string_view(read[next++]) : *FindInMemory(id)));
  }
  for (std::size_t i = 0; i < absent.size(); ++i) cache_.Add(absent[i], read[i]);
  return {};
}

Status RangeTask::AppendGathered() {
  TRY(store_.ViewMany(
      gathered_, [this](std::string_view record) { return AppendTo(query_, record, &answer_); }));
  if (answer_.rows == static_cast<std::int64_t>(kReadTogether)) ReserveBody();
  gathered_.clear();
  return CheckSize(answer_.body.size());
}

Status RangeTask::CheckSize(std::size_t bytes) const {
  if (bytes <= query_.bytes_max) return {};
  return AnswerTooLarge(bytes, query_.bytes_max);
}

// After the first rows of many: a body that grows by doubling is copied once more on average, and
// takes twice its room.
void RangeTask::ReserveBody() {
  std::size_t rows = candidates_.size();
  if (!sorted_ && query_.limit > 0) {
    rows = static_cast<std::size_t>(query_.limit);
  } else if (!sorted_) {
    rows = static_cast<std::size_t>(
        store_.index_->Count(KeyRange::FromEtcd(key_, range_end_), at_, kCountAhead).count);
  }
  const std::size_t bytes = answer_.body.size() / kReadTogether * (rows + rows / 16 + 1);
  answer_.body.reserve(std::min(bytes, kReserveMax));
}

RangeAnswer RangeTask::Take() {
  CHECK(done_);
  return std::move(answer_);
}

}  // namespace quorate::mvcc
