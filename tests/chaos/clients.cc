#include "chaos/clients.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <random>
#include <set>
#include <utility>

namespace quorate::chaos {
namespace {

using check::Operation;
using check::Outcome;
using etcdclient::CallOptions;
using etcdserverpb::RequestOp;
using etcdserverpb::ResponseOp;
using std::chrono::milliseconds;

constexpr int kKeys = 24;
// A watch asks for progress several times a second; it hears something unless its member hangs.
constexpr check::Instant kSilence = 3'000'000'000;

void Nap(int ms) {
  std::this_thread::sleep_for(milliseconds(ms));
}

// Errors after which the request certainly has no effect.
bool ProvesRefusal(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kOutOfRange:
    case Code::kFailedPrecondition:
      return true;
    case Code::kResourceExhausted:  // "space exceeded" may come after the write
      return error.message.find("too many requests") != std::string::npos;
    default:
      return false;
  }
}

Result<ResponseOp> Call(etcdclient::Client& client, const RequestOp& request,
                        const CallOptions& options) {
  ResponseOp response;
  if (request.has_request_put())
    *response.mutable_response_put() = TRY(client.Put(request.request_put(), options));
  if (request.has_request_delete_range())
    *response.mutable_response_delete_range() =
        TRY(client.DeleteRange(request.request_delete_range(), options));
  if (request.has_request_txn())
    *response.mutable_response_txn() = TRY(client.Txn(request.request_txn(), options));
  if (request.has_request_range())
    *response.mutable_response_range() = TRY(client.Range(request.request_range(), options));
  return response;
}

struct Caller {
  etcdclient::Client& client;
  const CallOptions& options;

  Result<check::Response> operator()(const RequestOp& r) const {
    return check::Response(TRY(Call(client, r, options)));
  }
  Result<check::Response> operator()(const etcdserverpb::LeaseGrantRequest& r) const {
    return check::Response(
        TRY(client.LeaseGrant(std::chrono::seconds(r.ttl()), LeaseId{r.id()}, options)));
  }
  Result<check::Response> operator()(const etcdserverpb::LeaseRevokeRequest& r) const {
    return check::Response(TRY(client.LeaseRevoke(LeaseId{r.id()}, options)));
  }
  Result<check::Response> operator()(const etcdserverpb::LeaseKeepAliveRequest& r) const {
    return check::Response(TRY(client.LeaseKeepAlive(LeaseId{r.id()}, options)));
  }
  Result<check::Response> operator()(const etcdserverpb::LeaseTimeToLiveRequest& r) const {
    return check::Response(TRY(client.LeaseTimeToLive(LeaseId{r.id()}, r.keys(), options)));
  }
  Result<check::Response> operator()(const etcdserverpb::CompactionRequest& r) const {
    return check::Response(TRY(client.Compact(Revision{r.revision()}, r.physical(), options)));
  }
};

bool OnlyReads(const check::Request& request) {
  const auto* op = std::get_if<RequestOp>(&request);
  return op != nullptr && op->has_request_range();
}

}  // namespace

check::Instant Now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void Availability::Wrote(check::Instant at) {
  const std::lock_guard lock(mutex_);
  if (last_ != 0) worst_ = std::max(worst_, at - last_);
  last_ = std::max(last_, at);
}

check::Instant Availability::last() {
  const std::lock_guard lock(mutex_);
  return last_;
}

check::Instant Availability::worst_gap() {
  const std::lock_guard lock(mutex_);
  return worst_;
}

Operation CallAndNote(etcdclient::Client& client, const Cluster& cluster, int slot,
                      check::Request request, milliseconds timeout) {
  Operation operation;
  const CallOptions options{
      .endpoint = cluster.endpoint(slot), .timeout = timeout, .one_round = true};
  const std::uint64_t life = cluster.life(slot);
  operation.invoked = Now();
  auto response = std::visit(Caller{client, options}, request);
  const check::Instant returned = Now();
  operation.request = std::move(request);
  if (response.ok()) {
    operation.outcome = Outcome::kOk;
    operation.returned = returned;
    operation.response = std::move(response).value();
    if (life == cluster.life(slot)) operation.life = life;
    return operation;
  }
  operation.error = response.error().message;
  operation.outcome = ProvesRefusal(response.error()) ? Outcome::kFailed : Outcome::kUnknown;
  if (operation.outcome == Outcome::kFailed) operation.returned = returned;
  return operation;
}

// What all of them share: a client, luck, and a notebook.
class Clients::Person {
 public:
  Person(Clients& clients, int number)
      : clients_(clients),
        number_(number),
        slot_(number % clients.cluster_.size()),
        random_(static_cast<std::uint32_t>(clients.load_.seed * 1000 +
                                           static_cast<std::uint64_t>(number) + 1)) {
    std::vector<std::string> endpoints;
    for (int slot = 0; slot < clients.cluster_.size(); ++slot)
      endpoints.push_back(clients.cluster_.endpoint(slot));
    client_ = MakeImpatientClient(endpoints);
  }

 protected:
  // The last call's outcome is in notes_.back(), unless it was a read without an answer.
  bool Do(check::Request request) {
    const bool only_reads = OnlyReads(request);
    Operation operation =
        CallAndNote(*client_, clients_.cluster_, slot_, std::move(request), milliseconds(1500));
    operation.client = number_;
    ++clients_.calls_;
    const bool ok = operation.outcome == Outcome::kOk;
    const bool worth = ok || !only_reads;
    if (operation.outcome == Outcome::kUnknown) Turn();
    if (worth) notes_.push_back(std::move(operation));
    return ok;
  }
  void Turn() {
    slot_ = (slot_ + 1) % clients_.cluster_.size();
    Nap(20);
  }
  std::string NewValue() {
    return "c" + std::to_string(number_) + "-" + std::to_string(next_value_++);
  }
  std::string AnyKey() { return "k/" + std::to_string(random_() % kKeys); }
  void HandIn() {
    const std::lock_guard lock(clients_.mutex_);
    for (auto& note : notes_) clients_.history_.operations.push_back(std::move(note));
    notes_.clear();
  }

  Clients& clients_;
  const int number_;
  int slot_;
  std::minstd_rand random_;
  std::unique_ptr<etcdclient::Client> client_;
  std::deque<Operation> notes_;

 private:
  std::int64_t next_value_ = 0;
};

class Clients::Writer : Clients::Person {
 public:
  using Person::Person;

  void Run() {
    while (!clients_.stop_writing_) {
      Nap(clients_.load_.pause_ms);
      const auto kind = random_() % 100;
      if (kind < 35) {
        Write(PutAny());
      } else if (kind < 60) {
        Read();
      } else if (kind < 70) {
        ReadStale();
      } else if (kind < 85) {
        Swap();
      } else if (kind < 90) {
        Write(DeleteAny());
      } else if (kind < 95) {
        PutTwo();
      } else {
        ReadMany();
      }
    }
    HandIn();
  }

 private:
  void Write(const RequestOp& request) {
    if (Do(request)) clients_.availability_.Wrote(notes_.back().returned);
  }

  RequestOp PutAny() {
    RequestOp op;
    op.mutable_request_put()->set_key(AnyKey());
    op.mutable_request_put()->set_value(NewValue());
    op.mutable_request_put()->set_prev_kv(random_() % 4 == 0);
    return op;
  }
  RequestOp DeleteAny() {
    RequestOp op;
    auto& del = *op.mutable_request_delete_range();
    del.set_key(AnyKey());
    if (random_() % 3 == 0) del.set_range_end(del.key() + "~");
    del.set_prev_kv(random_() % 2 == 0);
    return op;
  }
  RequestOp GetAny() {
    RequestOp op;
    op.mutable_request_range()->set_key(AnyKey());
    return op;
  }

  void Read() { Do(GetAny()); }
  void ReadStale() {
    RequestOp op = GetAny();
    op.mutable_request_range()->set_serializable(true);
    Do(op);
  }
  void ReadMany() {
    RequestOp op;
    auto& range = *op.mutable_request_range();
    range.set_key("k/");
    range.set_range_end("k0");
    range.set_limit(random_() % 2 == 0 ? 0 : 5);
    if (random_() % 3 == 0 && seen_ > 20) range.set_revision(seen_ - 10);
    if (Do(op)) seen_ = check::RevisionOf(notes_.back());
  }
  // Reads a key, then changes it only if nobody else did.
  void Swap() {
    const RequestOp get = GetAny();
    if (!Do(get)) return;
    const auto& range = std::get<ResponseOp>(notes_.back().response).response_range();
    RequestOp op;
    auto& txn = *op.mutable_request_txn();
    auto& compare = *txn.add_compare();
    compare.set_key(get.request_range().key());
    compare.set_target(etcdserverpb::Compare::MOD);
    compare.set_mod_revision(range.kvs_size() > 0 ? range.kvs(0).mod_revision() : 0);
    auto& put = *txn.add_success()->mutable_request_put();
    put.set_key(get.request_range().key());
    put.set_value(NewValue());
    *txn.add_success() = get;
    *txn.add_failure() = get;
    Write(op);
  }
  void PutTwo() {
    RequestOp op;
    auto& txn = *op.mutable_request_txn();
    for (int i = 0; i < 2; ++i) {
      auto& put = *txn.add_success()->mutable_request_put();
      put.set_key("k/" + std::to_string(2 * (random_() % (kKeys / 2)) + static_cast<unsigned>(i)));
      put.set_value(NewValue());
    }
    Write(op);
  }

  std::int64_t seen_ = 0;
};

class Clients::LeaseHolder : Clients::Person {
 public:
  using Person::Person;

  void Run() {
    while (!clients_.stop_writing_) HoldOne();
    HandIn();
  }

 private:
  void HoldOne() {
    etcdserverpb::LeaseGrantRequest grant;
    grant.set_id((static_cast<std::int64_t>(number_) << 32U) + next_id_++ + 1);
    grant.set_ttl(3);
    if (!Do(grant)) return;
    for (int i = 0; i < 2; ++i) {
      RequestOp op;
      auto& put = *op.mutable_request_put();
      put.set_key("l/" + std::to_string(number_) + "/" + std::to_string(i));
      put.set_value(NewValue());
      put.set_lease(grant.id());
      Do(op);
    }
    for (auto left = random_() % 4; left > 0 && !clients_.stop_writing_; --left) {
      Nap(900);
      etcdserverpb::LeaseKeepAliveRequest keep;
      keep.set_id(grant.id());
      Do(keep);
      Look(grant.id());
    }
    if (random_() % 2 == 0) {
      etcdserverpb::LeaseRevokeRequest revoke;
      revoke.set_id(grant.id());
      Do(revoke);
      return;
    }
    // Left to its end: it must come, and not before its time.
    for (int i = 0; i < 40 && !clients_.stop_writing_; ++i) {
      Nap(250);
      if (Look(grant.id())) return;
    }
  }

  // True: it is gone.
  bool Look(std::int64_t id) {
    etcdserverpb::LeaseTimeToLiveRequest look;
    look.set_id(id);
    look.set_keys(true);
    return Do(look) &&
           std::get<etcdserverpb::LeaseTimeToLiveResponse>(notes_.back().response).ttl() < 0;
  }

  std::int64_t next_id_ = 0;
};

class Clients::Watcher : Clients::Person {
 public:
  Watcher(Clients& clients, int number, int kind) : Person(clients, number) {
    request_.set_key(kind == 0 ? std::string(1, '\0') : "k/");
    request_.set_range_end(kind == 0 ? std::string(1, '\0') : "k0");
    request_.set_prev_kv(kind == 1);
    request_.set_progress_notify(kind == 2);
    if (kind == 2) request_.add_filters(etcdserverpb::WatchCreateRequest::NODELETE);
    request_.set_start_revision(1);
  }

  void Run() {
    while (!Done() && !Late()) {
      if (!Follow()) Turn();
    }
    const std::lock_guard lock(clients_.mutex_);
    if (!watches_.empty()) watches_.back().complete_until = clients_.watch_until_;
    for (auto& watch : watches_) clients_.history_.watches.push_back(std::move(watch));
  }

 private:
  bool Done() const {
    const std::int64_t until = clients_.watch_until_;
    return until != 0 && request_.start_revision() > until;
  }
  bool Late() const { return clients_.watch_until_ != 0 && Now() > clients_.watch_deadline_; }

  // One stream to its end. False: none could be had.
  bool Follow() {
    auto stream = client_->Open(etcdclient::kWatch, {.endpoint = clients_.cluster_.endpoint(slot_),
                                                     .timeout = milliseconds(1000)});
    if (!stream.ok()) return false;
    check::Watching watching;
    watching.name = std::to_string(number_) + " at " + clients_.cluster_.endpoint(slot_) + " #" +
                    std::to_string(watches_.size());
    watching.request = request_;
    etcdserverpb::WatchRequest create;
    *create.mutable_create_request() = request_;
    if (!(*stream)->Write(create).ok()) return false;
    bool worth = false;
    check::Instant asked = Now(), heard = Now();
    while (!Done() && !Late()) {
      if (Now() - heard > kSilence) {  // a member that hangs
        const check::Instant calm = clients_.calm_since_;
        if (calm != 0 && Now() - calm > kSilence) clients_.NoteSilence(watching.name);
        worth = false;
        break;
      }
      if (Now() - asked > 400'000'000) {
        asked = Now();
        etcdserverpb::WatchRequest progress;
        progress.mutable_progress_request();
        if (worth && !(*stream)->Write(progress).ok()) break;
      }
      etcdserverpb::WatchResponse response;
      const auto got = (*stream)->Next(response, milliseconds(200));
      if (!got.ok() || *got == etcdclient::Stream::Read::kEnd) break;
      if (*got == etcdclient::Stream::Read::kTimeout) continue;
      worth = true;
      heard = Now();
      const bool ended = response.canceled();
      MoveOn(response);
      watching.arrivals.push_back({Now(), std::move(response)});
      // Now and then somebody leaves, and comes back elsewhere.
      if (ended || random_() % 4000 == 0) break;
    }
    if (!watching.arrivals.empty()) watches_.push_back(std::move(watching));
    return worth;
  }

  // Where the next stream must begin.
  void MoveOn(const etcdserverpb::WatchResponse& response) {
    std::int64_t next = request_.start_revision();
    if (response.canceled()) {
      next = std::max(next, response.compact_revision());
    } else if (response.events_size() > 0) {
      next = response.events(response.events_size() - 1).kv().mod_revision() + 1;
    } else if (!response.created()) {
      next = std::max(next, response.header().revision() + 1);
    }
    request_.set_start_revision(next);
  }

  etcdserverpb::WatchCreateRequest request_;
  std::vector<check::Watching> watches_;
};

Clients::Clients(const Cluster& cluster, const Load& load) : cluster_(cluster), load_(load) {
  int number = 0;
  for (int i = 0; i < load.writers; ++i)
    writers_.emplace_back([this, n = number++] { Writer(*this, n).Run(); });
  for (int i = 0; i < load.lease_holders; ++i)
    writers_.emplace_back([this, n = number++] { LeaseHolder(*this, n).Run(); });
  for (int i = 0; i < load.watchers; ++i)
    watchers_.emplace_back([this, n = number++, i] { Watcher(*this, n, i % 3).Run(); });
}

Clients::~Clients() {
  StopWriting();
  if (watch_until_ == 0) StopWatching(1);
}

check::Instant Clients::NoteCalm() {
  calm_since_ = Now();
  return calm_since_;
}

void Clients::NoteSilence(const std::string& watch) {
  const std::lock_guard lock(mutex_);
  findings_.push_back("watch " + watch + " heard nothing for 3 s, though nothing was wrong");
}

std::vector<std::string> Clients::findings() {
  const std::lock_guard lock(mutex_);
  return findings_;
}

std::vector<std::int64_t> Clients::OpenLeases() {
  const std::lock_guard lock(mutex_);
  std::set<std::int64_t> open, ended;
  for (const Operation& operation : history_.operations) {
    if (operation.outcome != Outcome::kOk) continue;
    if (const auto* grant = std::get_if<etcdserverpb::LeaseGrantRequest>(&operation.request))
      open.insert(grant->id());
    if (const auto* revoke = std::get_if<etcdserverpb::LeaseRevokeRequest>(&operation.request))
      ended.insert(revoke->id());
    if (const auto* look = std::get_if<etcdserverpb::LeaseTimeToLiveRequest>(&operation.request))
      if (std::get<etcdserverpb::LeaseTimeToLiveResponse>(operation.response).ttl() < 0)
        ended.insert(look->id());
  }
  std::vector<std::int64_t> left;
  std::set_difference(open.begin(), open.end(), ended.begin(), ended.end(),
                      std::back_inserter(left));
  return left;
}

void Clients::StopWriting() {
  stop_writing_ = true;
  for (auto& thread : writers_) thread.join();
  writers_.clear();
}

void Clients::StopWatching(std::int64_t revision) {
  watch_deadline_ = Now() + std::int64_t{30} * 1'000'000'000;
  watch_until_ = revision;
  for (auto& thread : watchers_) thread.join();
  watchers_.clear();
}

check::History Clients::Take() {
  const std::lock_guard lock(mutex_);
  return std::move(history_);
}

void Clients::Note(Operation operation) {
  operation.client = -1;
  const std::lock_guard lock(mutex_);
  history_.operations.push_back(std::move(operation));
}

}  // namespace quorate::chaos
