#include "apply/applier.h"

#include <algorithm>
#include <utility>

#include "apply/check.h"
#include "apply/txn.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/fields.h"
#include "base/site.h"
#include "mvcc/range.h"

namespace quorate::apply {
namespace {

// A row is hashed in a fraction of the time in which it is looked up and removed.
constexpr std::size_t kHashRowsPerRow = 4;

Error NoSpace() {
  return Error{Code::kResourceExhausted, "etcdserver: mvcc: database space exceeded"};
}
Error Corrupt() {
  return Error{Code::kDataLoss, "etcdserver: corrupt cluster"};
}

// What this version cannot apply as every other member does; going on would serve wrong data.
Error Unsupported(const std::string& what) {
  return Error{Code::kUnimplemented, "the log holds " + what +
                                         ", which this version cannot apply; remove this member "
                                         "from the cluster, or run a version that supports it"};
}

// Turns an error into the process's end.
Error Fatal(Outcome& outcome, Error error) {
  outcome.fatal = error;
  return error;
}

std::string DowngradeRow(const membershippb::DowngradeInfoSetRequest& request) {
  return R"({"target-version":")" + request.ver() + R"(","enabled":)" +
         (request.enabled() ? "true}" : "false}");
}

bool IsRead(const etcdserverpb::InternalRaftRequest& request) {
  return request.has_range() || request.has_auth_status() || request.has_auth_user_get() ||
         request.has_auth_user_list() || request.has_auth_role_get() ||
         request.has_auth_role_list() || request.has_downgrade_version_test();
}

// The requests that a CORRUPT alarm stops.
bool TouchesData(const etcdserverpb::InternalRaftRequest& request) {
  return request.has_delete_range() || request.has_txn() || request.has_compaction() ||
         request.has_lease_grant() || request.has_lease_revoke();
}

}  // namespace

Result<std::unique_ptr<Applier>> Applier::Open(const Parts& parts, const Options& options) {
  std::unique_ptr<Applier> applier(new Applier(parts, options));
  TRY(applier->alarms_.Load(*parts.backend));
  return applier;
}

Applier::Applier(const Parts& parts, const Options& options)
    : backend_(*parts.backend),
      batch_(*parts.batch),
      store_(*parts.store),
      lessor_(*parts.lessor),
      cluster_(*parts.cluster),
      waiters_(*parts.waiters),
      options_(options),
      quota_(*parts.backend, options.quota_bytes),
      position_(parts.backend->position()),
      before_(position_),
      compaction_hashes_(*parts.store) {}

Applier::~Applier() = default;

Status Applier::Reload() {
  batch_.Clear();
  deferred_.clear();
  compaction_hashes_.Clear();
  position_ = backend_.position();
  return alarms_.Load(backend_);
}

bool Applier::Skips(const raft::Entry& entry) {
  if (QUORATE_PLANTED("apply.entries_twice")) return false;
  if (entry.index <= position_.index) return true;
  before_ = position_;
  position_ = {entry.index, entry.term};
  return false;
}

Outcome Applier::ApplyEntry(const raft::Entry& entry) {
  Outcome outcome;
  if (Skips(entry)) return outcome;
  const std::size_t first_op = batch_.ops().size();
  if (entry.data.empty()) {
    state_hash_.Fold(entry.index, entry.term, batch_, first_op);
    return outcome;
  }
  const std::string_view request = entry.data.view();
  outcome.request_id = RequestId(request);
  QUORATE_CRASH_SITE("apply.before_entry");
  Result<std::string> response = Decide(request, entry.term, outcome);
  // A compaction commits what came before it.
  state_hash_.Fold(entry.index, entry.term, batch_, std::min(first_op, batch_.ops().size()));
  QUORATE_CRASH_SITE("apply.after_entry");
  if (outcome.request_id == 0 || !waiters_.Waits(outcome.request_id)) return outcome;
  // An answer without bytes waits for more work: a physical compaction.
  outcome.answered = !response.ok() || !response->empty();
  outcome.response = std::move(response);
  return outcome;
}

Result<std::string> Applier::Decide(std::string_view request, Term term, Outcome& outcome) {
  if (const auto bytes = MessageOf(request, RequestField::kPut)) {
    const auto put = DecodePut(*bytes);
    if (!put) return Fatal(outcome, Unsupported("a damaged put"));
    return Put(*put, term, outcome);
  }
  Request parsed;
  if (!ParseEntry(request, &parsed)) {
    return Fatal(outcome, Unsupported("an entry that is not a request (" +
                                      ToHex(request.substr(0, 16)) + "...)"));
  }
  return Dispatch(parsed, term, outcome);
}

Result<std::string> Applier::Dispatch(const Request& request, Term term, Outcome& outcome) {
  if (TouchesData(request) && alarms_.Raised(AlarmKind::kCorrupt)) return Corrupt();
  if (request.has_delete_range()) return DeleteRange(request.delete_range(), term, outcome);
  if (request.has_txn()) return Txn(request.txn(), term, outcome);
  if (request.has_compaction()) return Compact(request.compaction(), term, outcome);
  if (request.has_lease_grant()) return LeaseGrant(request.lease_grant(), term);
  if (request.has_lease_revoke()) return LeaseRevoke(request.lease_revoke(), term);
  if (request.has_lease_checkpoint()) return LeaseCheckpoint(request.lease_checkpoint(), term);
  if (request.has_alarm()) return Alarm(request.alarm(), term);
  if (IsRead(request)) return Answer(store_.revision(), term);  // changes nothing anywhere
  return Membership(request, outcome);
}

Result<std::string> Applier::Put(const PutView& put, Term term, Outcome& outcome) {
  if (alarms_.Raised(AlarmKind::kCorrupt)) return Corrupt();
  if (!QUORATE_PLANTED("apply.put_despite_alarm")) {
    if (alarms_.Raised(AlarmKind::kNoSpace)) return NoSpace();
  }
  const bool fits = quota_.Admits(PutCost(put.key.size(), put.value.size()));
  if (QUORATE_PLANTED("apply.own_quota_decides")) {
    if (!fits) return NoSpace();
  }
  mvcc::WriteTxn txn(store_);
  Result<std::string> fields = ApplyPut(put, txn, lessor_);
  const Revision revision = txn.End();
  if (!fields.ok()) {
    if (fields.error().code == Code::kDataLoss) return Fatal(outcome, fields.error());
    return fields;
  }
  // The change is made on every member; the quota is this one's own and only colours the answer.
  if (!fits) return NoSpace();
  return Answer(revision, term, *fields);
}

Result<std::string> Applier::DeleteRange(const etcdserverpb::DeleteRangeRequest& request, Term term,
                                         Outcome& outcome) {
  mvcc::WriteTxn txn(store_);
  Result<std::string> fields =
      ApplyDeleteRange(request.key(), request.range_end(), request.prev_kv(), txn);
  const Revision revision = txn.End();
  if (!fields.ok()) return Fatal(outcome, fields.error());
  return Answer(revision, term, *fields);
}

Result<std::string> Applier::Txn(const etcdserverpb::TxnRequest& request, Term term,
                                 Outcome& outcome) {
  const std::uint64_t cost = TxnCost(request);
  if (cost > 0 && alarms_.Raised(AlarmKind::kNoSpace)) return NoSpace();
  const bool fits = quota_.Admits(cost);
  Result<TxnOutcome> done = ApplyTxn(request, store_, lessor_);
  if (!done.ok()) {
    if (done.error().code == Code::kDataLoss) return Fatal(outcome, done.error());
    return done.error();
  }
  if (!fits) return NoSpace();
  return Answer(done->revision, term, done->body);
}

Result<std::string> Applier::Compact(const etcdserverpb::CompactionRequest& request, Term term,
                                     Outcome& outcome) {
  const Revision at{request.revision()};
  if (compaction_hashes_.Wants(at)) {
    if (Status begun = BeginCompactionHash(at); !begun.ok()) return Fatal(outcome, begun.error());
  }
  TRY(store_.Compact(at));
  std::string answer = Answer(store_.revision(), term);
  if (QUORATE_PLANTED("apply.physical_compaction_answers_at_once")) return answer;
  if (!request.physical() || store_.finished_compact_revision() >= at) return answer;
  deferred_.push_back({at, outcome.request_id, std::move(answer)});
  return std::string();
}

// The hash reads what is committed, so what earlier entries of this turn did is committed first, at
// the position before this one.
Status Applier::BeginCompactionHash(Revision at) {
  TRY(CommitAt(before_));
  return compaction_hashes_.Begin(at);
}

Result<std::string> Applier::LeaseGrant(const etcdserverpb::LeaseGrantRequest& request, Term term) {
  if (alarms_.Raised(AlarmKind::kNoSpace)) return NoSpace();
  const bool fits = quota_.Admits(kLeaseCost);
  const std::int64_t ttl = TRY(lessor_.Grant(LeaseId{request.id()}, request.ttl(), batch_));
  if (!fits) return NoSpace();
  std::string fields;
  fields::AppendUnlessZero(fields, 2, request.id());
  fields::AppendUnlessZero(fields, 3, ttl);
  return Answer(store_.revision(), term, fields);
}

Result<std::string> Applier::LeaseRevoke(const etcdserverpb::LeaseRevokeRequest& request,
                                         Term term) {
  const std::vector<std::string> keys = TRY(lessor_.Revoke(LeaseId{request.id()}, batch_));
  if (QUORATE_PLANTED("apply.revoke_keeps_keys")) return Answer(store_.revision(), term);
  mvcc::WriteTxn txn(store_);
  for (const std::string& key : keys) txn.DeleteRange(key, "");
  return Answer(txn.End(), term);
}

Result<std::string> Applier::LeaseCheckpoint(const etcdserverpb::LeaseCheckpointRequest& request,
                                             Term term) {
  for (const auto& checkpoint : request.checkpoints()) {
    lessor_.Checkpoint(LeaseId{checkpoint.id()}, checkpoint.remaining_ttl(), batch_);
  }
  return Answer(store_.revision(), term);
}

Result<std::string> Applier::Alarm(const etcdserverpb::AlarmRequest& request, Term term) {
  const auto kind = static_cast<AlarmKind>(request.alarm());
  const Alarms::Alarm alarm(MemberId{request.memberid()}, kind);
  const bool known = kind == AlarmKind::kNoSpace || kind == AlarmKind::kCorrupt;
  std::vector<Alarms::Alarm> named;
  if (request.action() == etcdserverpb::AlarmRequest::GET) {
    named = alarms_.List(known ? kind : AlarmKind::kNone);
  } else if (request.action() == etcdserverpb::AlarmRequest::ACTIVATE) {
    if (known && alarms_.Raise(alarm, batch_)) named.push_back(alarm);
  } else if (request.action() == etcdserverpb::AlarmRequest::DEACTIVATE) {
    if (known && alarms_.Clear(alarm, batch_)) named.push_back(alarm);
  }
  std::string fields;
  for (const auto& [member, what] : named) {
    std::string entry;
    fields::AppendUnlessZero(entry, 1, static_cast<std::int64_t>(member.value));
    fields::AppendUnlessZero(entry, 2, static_cast<std::int64_t>(what));
    fields::AppendText(fields, 2, entry);
  }
  return Answer(store_.revision(), term, fields);
}

Result<std::string> Applier::Membership(const Request& request, Outcome& outcome) {
  if (request.has_cluster_version_set()) {
    const std::string& text = request.cluster_version_set().ver();
    const auto version = membership::ParseVersion(text);
    if (!version) return Fatal(outcome, Unsupported("the cluster version \"" + text + "\""));
    cluster_.SetVersion(*version, batch_);
    batch_.Put(storage::Family::kMeta, storage::kStorageVersion, membership::kStorageVersion);
  } else if (request.has_cluster_member_attr_set()) {
    const auto& set = request.cluster_member_attr_set();
    const auto& urls = set.member_attributes().client_urls();
    cluster_.SetAttributes(MemberId{set.member_id()}, set.member_attributes().name(),
                           {urls.begin(), urls.end()}, batch_);
  } else if (request.has_downgrade_info_set()) {
    batch_.Put(storage::Family::kMember, storage::kDowngrade,
               DowngradeRow(request.downgrade_info_set()));
  } else if (request.has_v2()) {
    return Fatal(outcome, Unsupported("a request of the v2 store (" + request.v2().path() + ")"));
  } else {
    return Fatal(outcome, Unsupported("a request for authentication, or of a newer version"));
  }
  return Answer(Revision{}, Term{});
}

ConfOutcome Applier::ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) {
  ConfOutcome outcome;
  outcome.request_id = change.id;
  membership::ChangeContext context;
  const bool again = Skips(entry);
  if (!again) state_hash_.Fold(entry.index, entry.term, batch_, batch_.ops().size());
  if (change.type != raft::ConfChangeType::kRemoveNode) {
    auto parsed = membership::ParseChangeContext(change.context);
    if (parsed.ok()) {
      context = std::move(*parsed);
    } else {
      outcome.status = parsed.error();
    }
  }
  if (outcome.status.ok() && !again) outcome.status = cluster_.Validate(change, context);
  if (outcome.status.ok() && !again) cluster_.Apply(change, context, batch_);
  QUORATE_CRASH_SITE("apply.after_change");
  outcome.removed_self = outcome.status.ok() && change.member == options_.member &&
                         change.type == raft::ConfChangeType::kRemoveNode;
  if (QUORATE_PLANTED("apply.refused_change_goes_on")) outcome.status = {};
  if (!outcome.status.ok()) change.member = MemberId{};
  outcome.change = std::move(change);
  return outcome;
}

void Applier::SetConfState(std::string_view json) {
  batch_.Put(storage::Family::kMeta, storage::kConfState, json);
}

Status Applier::Commit() {
  return CommitAt(position_);
}

Status Applier::CommitAt(storage::LogPosition position) {
  if (batch_.empty() && position == backend_.position()) return {};
  if (QUORATE_PLANTED("apply.index_apart_from_effects")) {
    TRY(backend_.Commit(batch_, backend_.position()));
    batch_.Clear();
    store_.Committed();
    return {};
  }
  TRY(backend_.Commit(batch_, position));
  batch_.Clear();
  store_.Committed();
  return {};
}

Result<std::vector<Outcome>> Applier::Maintain(std::size_t rows_max) {
  if (compaction_hashes_.running()) {
    TRY(compaction_hashes_.Step(kHashRowsPerRow * rows_max));
  } else {
    TRY(store_.CompactStep(rows_max));
  }
  TRY(Commit());
  std::vector<Outcome> finished;
  std::erase_if(deferred_, [&](Deferred& deferred) {
    if (store_.finished_compact_revision() < deferred.until) return false;
    if (waiters_.Waits(deferred.request_id)) {
      finished.push_back({.request_id = deferred.request_id,
                          .answered = true,
                          .response = std::move(deferred.response)});
    }
    return true;
  });
  return finished;
}

Result<bool> Applier::CheckpointStep(std::size_t keys_max) {
  const bool complete = store_.CheckpointStep(keys_max);
  TRY(Commit());
  return complete;
}

Result<std::string> Applier::Range(const etcdserverpb::RangeRequest& request, Term term) {
  const mvcc::RangeAnswer answer = TRY(store_.Range(mvcc::RangeQuery::FromProto(request)));
  return Answer(answer.revision, term, answer.body);
}

Result<std::unique_ptr<mvcc::RangeTask>> Applier::StartRange(
    const etcdserverpb::RangeRequest& request, Term term) {
  mvcc::RangeQuery query = mvcc::RangeQuery::FromProto(request);
  query.bytes_max = mvcc::kAnswerBytesMax;
  return store_.StartRange(query, Answer(store_.revision(), term));
}

Result<std::string> Applier::ReadTxn(const etcdserverpb::TxnRequest& request, Term term) {
  CHECK(IsReadOnly(request));
  const TxnOutcome outcome = TRY(apply::ReadTxn(request, store_));
  return Answer(outcome.revision, term, outcome.body);
}

std::string Applier::Header(Revision revision, Term term) const {
  return MakeHeader({options_.cluster, options_.member}, revision, term);
}

std::string Applier::Answer(Revision revision, Term term, std::string_view fields) const {
  return MakeAnswer(Header(revision, term), fields);
}

}  // namespace quorate::apply
