#include "sim/cluster/clients.h"

#include <algorithm>
#include <set>

#include "apply/request.h"
#include "check/leases.h"
#include "check/linearizable.h"
#include "check/watches.h"
#include "mvcc/record.h"
#include "sim/cluster/cluster.h"

namespace quorate::sim::cluster {
namespace {

using apply::RequestField;
using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Kind : std::uint8_t { kPut, kDelete, kGet, kTxn, kGrant, kRevoke };

constexpr auto kRetryPause = milliseconds(100);

}  // namespace

struct Clients::Operation {
  Kind kind = Kind::kPut;
  bool serializable = false;
  std::string key;
  std::string range_end;
  std::string value;
  std::int64_t expected_mod = 0;  // of a txn's compare
  std::int64_t lease = 0;
  int client = 0;
  std::size_t record = 0;  // its place in the history
  Time invoked{0};
  Revision known;                  // when it was invoked
  bool open = true;                // somebody waits for it
  std::function<void(bool)> then;  // what the client does next; whether it succeeded
};

class Clients::Client {
 public:
  Client(int client, std::uint64_t seed, bool leases)
      : number(client), random(seed), holds_leases(leases) {}
  const int number;
  Prng random;
  const bool holds_leases;
  std::int64_t lease = 0;
  int renewals = 0;
};

Clients::Clients(Cluster& cluster) : cluster_(cluster), random_(cluster.plan().seed ^ 0xC11E) {
  const Plan& plan = cluster.plan();
  for (int i = 0; i < plan.clients + plan.leases; ++i) {
    clients_.push_back(std::make_unique<Client>(i + 1, random_.Next(), i >= plan.clients));
  }
  for (int i = 0; i < plan.watchers; ++i) {
    const bool all = random_.Chance(500);
    const std::uint64_t seed = random_.Next();
    watchers_.push_back(std::make_unique<Watcher>(cluster, history_, seed, all ? "k" : Key(random_),
                                                  all ? "m" : ""));
  }
}

Clients::~Clients() = default;

void Clients::Start() {
  for (const auto& client : clients_) {
    cluster_.world().After(milliseconds(random_.Below(500)),
                           [this, at = client.get()] { Run(*at); });
  }
  for (const auto& watcher : watchers_) watcher->Start();
}

void Clients::Heal() {
  healing_ = true;
  for (const auto& watcher : watchers_) watcher->Heal();
  WriteUntilAccepted();
}

void Clients::AfterTurn(Member& member) {
  for (const auto& watcher : watchers_) watcher->AfterTurn(member);
}

void Clients::NoteCompaction(std::int64_t revision) {
  check::Operation& operation = history_.operations.emplace_back();
  operation.invoked = cluster_.world().now().count();
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  operation.request = std::move(request);
}

bool Clients::WatchersCurrent() const {
  return std::ranges::all_of(watchers_, [](const auto& watcher) { return watcher->Current(); });
}

std::string Clients::Key(Prng& random) const {
  return "k" + std::to_string(random.Below(static_cast<std::uint64_t>(cluster_.plan().keys)));
}

std::string Clients::Value() {
  return "v" + std::to_string(++values_);
}

// ---- one client ----

void Clients::Run(Client& client) {
  if (healing_) return;
  Member* member = cluster_.Pick(client.random.Next());
  if (member == nullptr || !member->up() || member->driver().is_learner()) {
    return cluster_.world().After(kRetryPause, [this, &client] { Run(client); });
  }
  Issue(client, *member);
}

void Clients::Issue(Client& client, Member& member) {
  ++cluster_.counts().requests;
  auto op = std::make_shared<Operation>();
  op->client = client.number;
  op->invoked = cluster_.world().now();
  op->known = known_;
  op->key = Key(client.random);
  const auto next = [this, &client](bool) {
    const Time think = cluster_.plan().think / 2 +
                       Time(static_cast<std::int64_t>(client.random.Below(
                           static_cast<std::uint64_t>(cluster_.plan().think.count()) + 1)));
    cluster_.world().After(think + milliseconds(1), [this, &client] { Run(client); });
  };
  op->then = next;
  cluster_.world().After(milliseconds(500 + client.random.Below(6000)), [op] {
    if (!op->open) return;
    op->open = false;  // the outcome is unknown
    op->then(false);
  });
  if (client.holds_leases && client.lease == 0) return Grant(op, member, client);
  if (client.holds_leases && client.random.Chance(500)) {
    if (client.renewals == 0) return Revoke(op, member, client);
    Renew(client, member);
  }
  op->lease = client.lease;
  const std::uint64_t choice = client.random.Below(10);
  if (choice < 4) return Put(op, member);
  if (choice < 5) return Delete(op, member);
  if (choice < 8) return Get(op, member);
  Txn(op, member, client);
}

void Clients::Propose(const Op& op, Member& member, int field, const std::string& message) {
  const std::uint64_t id = member.driver().NextRequestId();
  member.driver().Propose(
      id, apply::MakeRequest(static_cast<RequestField>(field), message, id),
      [this, op, &member](const Result<std::string>& answer) { Answered(op, member, answer); });
}

void Clients::Put(const Op& op, Member& member) {
  op->kind = Kind::kPut;
  op->value = Value();
  etcdserverpb::RequestOp all;
  etcdserverpb::PutRequest& request = *all.mutable_request_put();
  request.set_key(op->key);
  request.set_value(op->value);
  request.set_lease(op->lease);
  Record(op, member, all);
  Propose(op, member, static_cast<int>(RequestField::kPut), request.SerializeAsString());
}

void Clients::Delete(const Op& op, Member& member) {
  op->kind = Kind::kDelete;
  etcdserverpb::RequestOp all;
  etcdserverpb::DeleteRangeRequest& request = *all.mutable_request_delete_range();
  request.set_key(op->key);
  Record(op, member, all);
  Propose(op, member, static_cast<int>(RequestField::kDeleteRange), request.SerializeAsString());
}

void Clients::Get(const Op& op, Member& member) {
  op->kind = Kind::kGet;
  op->serializable = random_.Chance(300);
  if (random_.Chance(200)) {
    op->key = "k";
    op->range_end = "m";
  }
  etcdserverpb::RequestOp all;
  etcdserverpb::RangeRequest& request = *all.mutable_request_range();
  request.set_key(op->key);
  request.set_range_end(op->range_end);
  request.set_serializable(op->serializable);
  Record(op, member, all);
  const auto how =
      op->serializable ? node::Consistency::kSerializable : node::Consistency::kLinearizable;
  member.driver().Read(how, [this, op, &member, request](const Status& status) {
    if (!status.ok()) return Answered(op, member, status.error());
    Answered(op, member, member.machine().applier().Range(request, member.driver().term()));
  });
}

// Puts when the key is as it was last seen, and reads it otherwise.
void Clients::Txn(const Op& op, Member& member, Client& client) {
  op->kind = Kind::kTxn;
  op->value = Value();
  const HistoryRow* row = cluster_.checks().Lookup(op->key, known_);
  mvcc::Record record;
  if (row != nullptr && mvcc::Decode(row->record, &record)) {
    op->expected_mod = record.mod_revision.value;
  }
  etcdserverpb::RequestOp all;
  etcdserverpb::TxnRequest& request = *all.mutable_request_txn();
  auto* compare = request.add_compare();
  compare->set_key(op->key);
  compare->set_target(etcdserverpb::Compare::MOD);
  compare->set_result(etcdserverpb::Compare::EQUAL);
  compare->set_mod_revision(op->expected_mod);
  auto* put = request.add_success()->mutable_request_put();
  put->set_key(op->key);
  put->set_value(op->value);
  auto* get = request.add_failure()->mutable_request_range();
  get->set_key(op->key);
  if (client.random.Chance(300)) {
    request.add_success()->mutable_request_range()->set_key(op->key);
  }
  Record(op, member, all);
  Propose(op, member, static_cast<int>(RequestField::kTxn), request.SerializeAsString());
}

// ---- leases ----

void Clients::Grant(const Op& op, Member& member, Client& client) {
  op->kind = Kind::kGrant;
  op->lease = static_cast<std::int64_t>(++leases_);
  client.lease = op->lease;
  client.renewals = static_cast<int>(client.random.Below(12));
  etcdserverpb::LeaseGrantRequest request;
  request.set_id(op->lease);
  request.set_ttl(static_cast<std::int64_t>(2 + client.random.Below(5)));
  Record(op, member, request);
  Propose(op, member, static_cast<int>(RequestField::kLeaseGrant), request.SerializeAsString());
}

// At the leader, as the api does it.
void Clients::Renew(Client& client, Member& member) {
  --client.renewals;
  Member* leader = cluster_.Find(member.driver().leader());
  if (leader == nullptr || !leader->up()) return;
  const std::size_t record = history_.operations.size();
  check::Operation& operation = history_.operations.emplace_back();
  operation.client = client.number;
  operation.invoked = cluster_.world().now().count();
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(client.lease);
  operation.request = std::move(request);
  const LeaseId lease{client.lease};
  const auto told = [this, record, lease](std::int64_t ttl) {
    etcdserverpb::LeaseKeepAliveResponse response;
    response.mutable_header()->set_cluster_id(cluster_.id().value);
    response.set_id(lease.value);
    response.set_ttl(ttl);
    check::Operation& renewal = history_.operations[record];
    renewal.outcome = check::Outcome::kOk;
    renewal.returned = cluster_.world().now().count();
    renewal.response = std::move(response);
  };
  const auto renew = [leader, lease, told](const Status& current) {
    if (!current.ok() || !leader->up() || !leader->machine().lessor().primary()) return;
    const Result<std::int64_t> ttl = leader->machine().lessor().Renew(lease);
    if (ttl.ok()) leader->Renewed(lease);
    if (ttl.ok() || !leader->machine().lessor().Exists(lease)) return told(ttl.ok() ? *ttl : 0);
    // Over, but not revoked yet.
    etcdserverpb::LeaseRevokeRequest revoke;
    revoke.set_id(lease.value);
    const std::uint64_t id = leader->driver().NextRequestId();
    leader->driver().ProposeLeading(
        id, apply::MakeRequest(RequestField::kLeaseRevoke, revoke.SerializeAsString(), id),
        [leader, told](const Result<std::string>& revoked) {
          const bool gone = revoked.ok() || revoked.error().code == Code::kNotFound;
          if (gone && leader->up()) told(0);
        });
  };
  leader->driver().Post([leader, renew] {
    if (!leader->machine().lessor().primary()) return;
    leader->driver().Read(node::Consistency::kLinearizable, renew);
  });
}

// Now, or by waiting until it expires.
void Clients::Revoke(const Op& op, Member& member, Client& client) {
  op->kind = Kind::kRevoke;
  op->lease = std::exchange(client.lease, 0);
  if (client.random.Chance(500)) {
    op->open = false;
    return op->then(true);
  }
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(op->lease);
  Record(op, member, request);
  Propose(op, member, static_cast<int>(RequestField::kLeaseRevoke), request.SerializeAsString());
}

// ---- answers ----

void Clients::Answered(const Op& op, Member& member, const Result<std::string>& answer) {
  if (!op->open || !member.up()) return;  // nobody waits, or it was said by a dead process
  op->open = false;
  if (answer.ok()) {
    // Rows that the answer speaks of are known when this turn has ended.
    cluster_.world().After(Time(1), [this, op, bytes = *answer] {
      ++cluster_.counts().answered;
      RecordAnswer(*op, bytes);
      CheckAnswer(*op, bytes);
      op->then(true);
    });
    return;
  }
  op->then(false);
}

void Clients::Record(const Op& op, const Member& member, check::Request request) {
  op->record = history_.operations.size();
  check::Operation& operation = history_.operations.emplace_back();
  operation.client = op->client;
  operation.life = (member.id().value << 16U) ^ member.life();
  operation.invoked = op->invoked.count();
  operation.request = std::move(request);
}

void Clients::RecordAnswer(const Operation& op, const std::string& bytes) {
  check::Operation& operation = history_.operations[op.record];
  etcdserverpb::ResponseOp response;
  bool read = false;
  switch (op.kind) {
    case Kind::kPut:
      read = response.mutable_response_put()->ParseFromString(bytes);
      break;
    case Kind::kDelete:
      read = response.mutable_response_delete_range()->ParseFromString(bytes);
      break;
    case Kind::kGet:
      read = response.mutable_response_range()->ParseFromString(bytes);
      break;
    case Kind::kTxn:
      read = response.mutable_response_txn()->ParseFromString(bytes);
      break;
    case Kind::kGrant: {
      etcdserverpb::LeaseGrantResponse granted;
      read = granted.ParseFromString(bytes);
      operation.response = granted;
      break;
    }
    case Kind::kRevoke: {
      etcdserverpb::LeaseRevokeResponse revoked;
      read = revoked.ParseFromString(bytes);
      operation.response = revoked;
      break;
    }
  }
  if (!read) return cluster_.world().Fail("kv: an answer that cannot be read");
  if (op.kind < Kind::kGrant) operation.response = response;
  operation.outcome = check::Outcome::kOk;
  operation.returned = cluster_.world().now().count();
}

void Clients::CheckOrder(const Operation& op, Revision revision) {
  if (op.serializable) return;
  if (revision < op.known) {
    cluster_.world().Fail("linearizability: an answer of revision " +
                          std::to_string(revision.value) + " for \"" + op.key +
                          "\", but revision " + std::to_string(op.known.value) +
                          " was known before it was asked");
  }
  known_ = std::max(known_, revision);
}

void Clients::CheckAnswer(Operation& op, const std::string& bytes) {
  if (cluster_.world().violation()) return;
  const auto fail = [&](const std::string& what) { cluster_.world().Fail("kv: " + what); };
  switch (op.kind) {
    case Kind::kPut: {
      etcdserverpb::PutResponse response;
      if (!response.ParseFromString(bytes)) return fail("an answer that cannot be read");
      const Revision at{response.header().revision()};
      CheckOrder(op, at);
      const HistoryRow* row = cluster_.checks().ChangeAt(op.key, at);
      mvcc::Record record;
      if (row == nullptr || !mvcc::Decode(row->record, &record) || record.value != op.value) {
        return fail("a put of " + op.key + " was answered with revision " +
                    std::to_string(at.value) + ", which is not its change");
      }
      return;
    }
    case Kind::kDelete: {
      etcdserverpb::DeleteRangeResponse response;
      if (!response.ParseFromString(bytes)) return fail("an answer that cannot be read");
      const Revision at{response.header().revision()};
      CheckOrder(op, at);
      const HistoryRow* row = cluster_.checks().ChangeAt(op.key, at);
      const bool lives = cluster_.checks().Lookup(op.key, at) != nullptr;
      const bool deleted = row != nullptr && row->tombstone;
      if (lives || (response.deleted() > 0 && !deleted)) {
        return fail("a deletion of " + op.key + " was answered, but is not in the history");
      }
      return;
    }
    case Kind::kGet: {
      etcdserverpb::RangeResponse response;
      if (!response.ParseFromString(bytes)) return fail("an answer that cannot be read");
      const Revision at{response.header().revision()};
      CheckOrder(op, at);
      return CheckRange(op, response, at);
    }
    case Kind::kTxn: {
      etcdserverpb::TxnResponse response;
      if (!response.ParseFromString(bytes)) return fail("an answer that cannot be read");
      return CheckTxn(op, response);
    }
    default:
      return;
  }
}

void Clients::CheckRange(const Operation& op, const etcdserverpb::RangeResponse& response,
                         Revision at) {
  const auto fail = [&](const std::string& key) {
    cluster_.world().Fail("kv: a read of \"" + key + "\" at revision " + std::to_string(at.value) +
                          " is not what it was");
  };
  if (op.range_end.empty()) {
    const HistoryRow* row = cluster_.checks().Lookup(op.key, at);
    if ((row != nullptr) != (response.kvs_size() > 0)) return fail(op.key);
    if (row != nullptr && response.kvs(0).SerializeAsString() != row->record) fail(op.key);
    return;
  }
  for (const mvccpb::KeyValue& kv : response.kvs()) {
    const HistoryRow* row = cluster_.checks().Lookup(kv.key(), at);
    if (row == nullptr || kv.SerializeAsString() != row->record) return fail(kv.key());
  }
  std::set<std::string> keys;
  for (const mvccpb::KeyValue& kv : response.kvs()) keys.insert(kv.key());
  for (int i = 0; i < cluster_.plan().keys; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (cluster_.checks().Lookup(key, at) != nullptr && !keys.contains(key)) return fail(key);
  }
}

void Clients::CheckTxn(Operation& op, const etcdserverpb::TxnResponse& response) {
  const Revision at{response.header().revision()};
  CheckOrder(op, at);
  const Revision before = response.succeeded() ? at - 1 : at;
  const HistoryRow* row = cluster_.checks().Lookup(op.key, before);
  mvcc::Record record;
  std::int64_t mod = 0;
  if (row != nullptr && mvcc::Decode(row->record, &record)) mod = record.mod_revision.value;
  if (response.succeeded() != (mod == op.expected_mod)) {
    return cluster_.world().Fail("txn: the compare of " + op.key + " at revision " +
                                 std::to_string(at.value) + " was decided wrongly");
  }
  if (!response.succeeded()) {
    if (response.responses_size() == 0) return cluster_.world().Fail("txn: no answer");
    return CheckRange(op, response.responses(0).response_range(), at);
  }
  const HistoryRow* put = cluster_.checks().ChangeAt(op.key, at);
  if (put == nullptr || !mvcc::Decode(put->record, &record) || record.value != op.value) {
    cluster_.world().Fail("txn: the put of " + op.key + " at revision " + std::to_string(at.value) +
                          " is not in the history");
  }
}

// ---- the end ----

// One write after the faults have ended; an alarm that still stands is lowered first.
void Clients::WriteUntilAccepted() {
  if (wrote_since_heal_) return;
  Member* member = cluster_.Pick(random_.Next());
  if (member != nullptr && member->up() && !member->driver().is_learner()) {
    etcdserverpb::AlarmRequest lower;
    lower.set_action(etcdserverpb::AlarmRequest::DEACTIVATE);
    lower.set_alarm(etcdserverpb::NOSPACE);
    const auto raised = member->machine().applier().alarms().List(apply::AlarmKind::kNoSpace);
    for (const auto& [who, kind] : raised) {
      lower.set_memberid(who.value);
      const std::uint64_t id = member->driver().NextRequestId();
      member->driver().Propose(
          id, apply::MakeRequest(RequestField::kAlarm, lower.SerializeAsString(), id),
          [](const Result<std::string>&) {});
    }
    auto op = std::make_shared<Operation>();
    op->invoked = cluster_.world().now();
    op->known = known_;
    op->key = "k0";
    op->then = [this](bool accepted) { wrote_since_heal_ |= accepted; };
    Put(op, *member);
  }
  cluster_.world().After(seconds(1), [this] { WriteUntilAccepted(); });
}

// Nothing was applied twice: every value was written by one request.
void Clients::Finish() {
  std::set<std::string> values;
  for (const auto& [id, row] : cluster_.checks().history()) {
    mvcc::Record record;
    if (row.tombstone || !mvcc::Decode(row.record, &record)) continue;
    if (!values.insert(std::string(record.value)).second) {
      cluster_.world().Fail("kv: the value " + std::string(record.value) +
                            " was written twice, the second time at revision " +
                            std::to_string(id.main.value));
    }
  }
  Judge();
}

// The independent judge, which knows nothing of the rooms: the answers, the watches and the leases,
// and beside them all rows that were ever made, as one more watch.
void Clients::Judge() {
  for (const auto& watcher : watchers_) watcher->Finish();
  AddRows();
  const auto fail = [this](const std::vector<check::Finding>& findings) {
    if (findings.empty()) return;
    for (const check::Operation& operation : history_.operations) {
      if (cluster_.world().verbose()) cluster_.world().Say(check::Describe(operation));
    }
    cluster_.world().Fail(findings.front().rule + ": " + findings.front().text);
  };
  const check::KvVerdict verdict =
      check::CheckLinearizable(history_, {.findings_max = 1, .guesses_max = 20'000});
  if (verdict.undecided) return;
  fail(verdict.findings);
  if (!verdict.findings.empty()) return;
  fail(check::CheckWatches(history_, verdict, 1).findings);
  // A clock that runs wrong, or ahead while a turn takes long, may end a lease too soon.
  check::LeaseOptions leases;
  leases.findings_max = 1;
  for (const Fault& fault : cluster_.plan().faults) {
    if (fault.kind == FaultKind::kDrift || fault.kind == FaultKind::kFreeze ||
        fault.kind == FaultKind::kSlowCpu) {
      leases.early_slack = check::Instant{3'000'000'000};
    }
  }
  fail(check::CheckLeases(history_, verdict, leases).findings);
}

void Clients::AddRows() {
  check::Watching& rows = history_.watches.emplace_back();
  rows.name = "the rows";
  rows.request.set_key(std::string(1, '\0'));
  rows.request.set_range_end(std::string(1, '\0'));
  rows.request.set_start_revision(2);
  rows.complete_until = cluster_.checks().revision().value;
  const auto arrive = [&]() -> etcdserverpb::WatchResponse& {
    check::Arrival& arrival = rows.arrivals.emplace_back();
    arrival.at = cluster_.world().now().count();
    arrival.response.mutable_header()->set_revision(rows.complete_until);
    return arrival.response;
  };
  arrive().set_created(true);
  std::int64_t last = 0;
  for (const auto& [id, row] : cluster_.checks().history()) {
    auto& response = id.main.value == last ? rows.arrivals.back().response : arrive();
    last = id.main.value;
    mvccpb::Event& event = *response.add_events();
    event.set_type(row.tombstone ? mvccpb::Event::DELETE : mvccpb::Event::PUT);
    if (row.tombstone) {
      event.mutable_kv()->set_key(row.key);
      event.mutable_kv()->set_mod_revision(last);
    } else if (!event.mutable_kv()->ParseFromString(row.record)) {
      cluster_.world().Fail("kv: a row that cannot be read");
    }
  }
}

}  // namespace quorate::sim::cluster
