#include "check/leases.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "check/lease_ends.h"
#include "check/real_time.h"

namespace quorate::check {
namespace {

using etcdserverpb::LeaseGrantRequest;
using etcdserverpb::LeaseKeepAliveRequest;
using etcdserverpb::LeaseKeepAliveResponse;
using etcdserverpb::LeaseRevokeRequest;
using etcdserverpb::LeaseTimeToLiveRequest;
using etcdserverpb::RequestOp;

constexpr Instant kSecond = 1'000'000'000;

// One id; ids are not used twice in a history.
struct Lease {
  const Operation* granted = nullptr;  // with success
  bool asked_for = false;              // a grant without an answer, maybe there
  std::vector<const Operation*> renewals, lost, revokes, lists;  // lost: a renewal told it is gone
  std::int64_t end_revision = 0;  // what was attached was deleted; 0: not seen
};

class Judge {
 public:
  Judge(const History& history, const KvVerdict& kv, const LeaseOptions& options)
      : history_(history),
        kv_(kv),
        options_(options),
        proofs_(history),
        ends_(history, kv, proofs_) {}

  LeaseVerdict Run() {
    Gather();
    for (const auto& [id, revision] : ends_.certain()) {
      const auto found = leases_.find(id);
      if (found != leases_.end()) found->second.end_revision = revision;
    }
    for (const auto& [id, lease] : leases_) {
      if (verdict_.findings.size() >= options_.findings_max) break;
      ++verdict_.leases;
      verdict_.renewals += lease.renewals.size();
      CheckGrant(id, lease);
      CheckNotEarly(id, lease);
      CheckNotLate(id, lease);
      CheckAfterEnd(lease);
      for (const Operation* list : lease.lists) CheckKeys(id, *list);
    }
    CheckDoubtfulEnds();
    CheckAttachments();
    return std::move(verdict_);
  }

 private:
  void Gather() {
    for (const Operation& operation : history_.operations) {
      const bool ok = operation.outcome == Outcome::kOk;
      if (const auto* grant = std::get_if<LeaseGrantRequest>(&operation.request)) {
        GatherGrant(*grant, operation);
      } else if (const auto* revoke = std::get_if<LeaseRevokeRequest>(&operation.request)) {
        if (operation.outcome != Outcome::kFailed)
          leases_[revoke->id()].revokes.push_back(&operation);
        verdict_.revoked += ok ? 1U : 0U;
      } else if (const auto* keep = std::get_if<LeaseKeepAliveRequest>(&operation.request)) {
        if (!ok) continue;
        const bool alive = std::get<LeaseKeepAliveResponse>(operation.response).ttl() > 0;
        auto& lease = leases_[keep->id()];
        (alive ? lease.renewals : lease.lost).push_back(&operation);
      } else if (const auto* list = std::get_if<LeaseTimeToLiveRequest>(&operation.request)) {
        if (ok) leases_[list->id()].lists.push_back(&operation);
      }
    }
  }

  void GatherGrant(const etcdserverpb::LeaseGrantRequest& request, const Operation& operation) {
    if (operation.outcome == Outcome::kUnknown) leases_[request.id()].asked_for = true;
    if (operation.outcome != Outcome::kOk) return;
    const std::int64_t id = std::get<etcdserverpb::LeaseGrantResponse>(operation.response).id();
    auto& lease = leases_[id];
    if (lease.granted != nullptr)
      Complain("L-1", "lease " + std::to_string(id) + " was granted twice: " + Describe(operation));
    if (lease.granted == nullptr) lease.granted = &operation;
  }

  void CheckGrant(std::int64_t id, const Lease& lease) {
    if (lease.granted == nullptr) return;
    const auto& request = std::get<etcdserverpb::LeaseGrantRequest>(lease.granted->request);
    const auto& answer = std::get<etcdserverpb::LeaseGrantResponse>(lease.granted->response);
    if (id <= 0 || (request.id() != 0 && request.id() != id))
      Complain("L-1", "an id that is not right: " + Describe(*lease.granted));
    if (answer.ttl() < request.ttl())
      Complain("L-1", "a TTL below the one asked for: " + Describe(*lease.granted));
  }

  // When the lease was certainly over; kNever when nobody ever saw that.
  Instant SeenOver(const Lease& lease) const {
    Instant over = kNever;
    if (lease.end_revision != 0) over = proofs_.FirstSeen(lease.end_revision);
    for (const Operation* lost : lease.lost)
      if (WasThere(lease, *lost)) over = std::min(over, lost->returned);
    for (const Operation* list : lease.lists)
      if (Gone(*list) && WasThere(lease, *list)) over = std::min(over, list->returned);
    return over;
  }

  // Who is told of no lease learns of an end only when it had been granted before he asked.
  static bool WasThere(const Lease& lease, const Operation& asked) {
    return lease.granted != nullptr && lease.granted->returned < asked.invoked;
  }

  static bool Gone(const Operation& list) {
    return std::get<etcdserverpb::LeaseTimeToLiveResponse>(list.response).ttl() == -1;
  }

  // Until when it was promised at `by`: every renewal asked for and answered by then moves it.
  static Instant Promised(const Lease& lease, Instant by) {
    const auto& grant = std::get<etcdserverpb::LeaseGrantResponse>(lease.granted->response);
    Instant until = lease.granted->invoked + grant.ttl() * kSecond;
    for (const Operation* renewal : lease.renewals) {
      if (renewal->returned > by) continue;
      const auto& answer = std::get<etcdserverpb::LeaseKeepAliveResponse>(renewal->response);
      until = std::max(until, renewal->invoked + answer.ttl() * kSecond);
    }
    return until;
  }

  void CheckNotEarly(std::int64_t id, const Lease& lease) {
    const Instant over = SeenOver(lease);
    if (lease.end_revision != 0 && lease.revokes.empty()) ++verdict_.expired;
    if (const std::string why = WhyEarly(id, lease, over); !why.empty()) Complain("L-2", why);
  }

  // What is wrong with an end at this time; empty: nothing.
  std::string WhyEarly(std::int64_t id, const Lease& lease, Instant over) const {
    if (over == kNever || lease.granted == nullptr) return "";
    for (const Operation* revoke : lease.revokes)
      if (revoke->invoked < over) return "";  // somebody ended it
    const Instant until = Promised(lease, over);
    if (over + options_.early_slack >= until) return "";
    return "lease " + std::to_string(id) + " was over " +
           std::to_string((until - over) / 1'000'000) +
           " ms before the time it was promised; over at " + std::to_string(over) +
           " ns; granted: " + Describe(*lease.granted);
  }

  // A revision that a deletion without an answer may have made as well as the lease's end: what
  // would be wrong with the end needs such a deletion, and each of them excuses one.
  void CheckDoubtfulEnds() {
    for (const LeaseEnds::End& end : ends_.doubtful()) {
      const auto found = leases_.find(end.lease);
      if (found == leases_.end()) continue;
      ++verdict_.doubtful;
      const Instant over = proofs_.FirstSeen(end.revision);
      std::string rule = "L-2";
      std::string why = WhyEarly(end.lease, found->second, over);
      for (const Operation* renewal : found->second.renewals) {
        if (renewal->invoked <= over || !why.empty()) continue;
        rule = "L-5";
        why =
            "renewed after its end, seen at " + std::to_string(over) + " ns: " + Describe(*renewal);
      }
      if (why.empty() || ends_.Excuse(end.revision)) continue;
      Complain(rule, why + "; its keys went at revision " + std::to_string(end.revision) +
                         ", and every deletion without an answer that could have done that has "
                         "made another revision");
    }
  }

  void CheckNotLate(std::int64_t id, const Lease& lease) {
    if (options_.late_max == kNever || lease.granted == nullptr) return;
    const Instant end = std::max(Promised(lease, kNever), options_.settled);
    for (const Operation* list : lease.lists)
      if (!Gone(*list) && list->invoked > end + options_.late_max)
        Complain("L-3", "lease " + std::to_string(id) + " should have been over at " +
                            std::to_string(end) + " ns: " + Describe(*list));
  }

  void CheckAfterEnd(const Lease& lease) {
    Instant over = SeenOver(lease);
    for (const Operation* revoke : lease.revokes)
      if (revoke->outcome == Outcome::kOk) over = std::min(over, revoke->returned);
    for (const Operation* renewal : lease.renewals)
      if (renewal->invoked > over)
        Complain("L-5", "renewed after its end, seen at " + std::to_string(over) +
                            " ns: " + Describe(*renewal));
  }

  // The keys are those of some revision from what was known when it was asked until its answer.
  void CheckKeys(std::int64_t id, const Operation& list) {
    const auto& answer = std::get<etcdserverpb::LeaseTimeToLiveResponse>(list.response);
    if (!std::get<etcdserverpb::LeaseTimeToLiveRequest>(list.request).keys() || answer.ttl() < 0)
      return;
    const std::set<std::string> keys(answer.keys().begin(), answer.keys().end());
    const std::int64_t first = std::max<std::int64_t>(1, proofs_.SeenBefore(list.invoked));
    std::int64_t last = std::max(first, answer.header().revision());
    // A write that was asked for before this answer may have been in it.
    while (last < kv_.model.revision() && proofs_.FirstSeen(last) <= list.returned) ++last;
    if (kv_.model.KeysOfLease(id, first) == keys) return;
    for (const std::int64_t revision : kv_.model.ChangesAfter(first, "", std::string(1, '\0'))) {
      if (revision > last) break;
      if (kv_.model.KeysOfLease(id, revision) == keys) return;
    }
    Complain("L-6", "those were never the keys from revision " + std::to_string(first) + " to " +
                        std::to_string(last) + ": " + Describe(list));
  }

  // L-6: what a put attaches to is there: granted before its answer, not revoked before its asking.
  void CheckAttachments() {
    for (const Operation& operation : history_.operations) {
      const auto* request = std::get_if<RequestOp>(&operation.request);
      if (operation.outcome != Outcome::kOk || request == nullptr || !request->has_request_put())
        continue;
      const std::int64_t id = request->request_put().lease();
      if (id == 0 || verdict_.findings.size() >= options_.findings_max) continue;
      const auto found = leases_.find(id);
      const bool exists =
          found != leases_.end() &&
          (found->second.asked_for || (found->second.granted != nullptr &&
                                       found->second.granted->invoked < operation.returned));
      if (!exists) {
        Complain("L-6", "there was no such lease: " + Describe(operation));
        continue;
      }
      for (const Operation* revoke : found->second.revokes)
        if (revoke->outcome == Outcome::kOk && revoke->returned < operation.invoked)
          Complain("L-6", "the lease had been revoked: " + Describe(operation));
    }
  }

  void Complain(std::string rule, std::string text) {
    verdict_.findings.push_back({std::move(rule), std::move(text)});
  }

  const History& history_;
  const KvVerdict& kv_;
  const LeaseOptions options_;
  const Proofs proofs_;
  LeaseEnds ends_;
  std::map<std::int64_t, Lease> leases_;
  LeaseVerdict verdict_;
};

}  // namespace

LeaseVerdict CheckLeases(const History& history, const KvVerdict& kv, const LeaseOptions& options) {
  return Judge(history, kv, options).Run();
}

}  // namespace quorate::check
