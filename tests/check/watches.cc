#include "check/watches.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace quorate::check {
namespace {

using etcdserverpb::WatchCreateRequest;
using etcdserverpb::WatchResponse;
using mvccpb::Event;

// One watch: walks its responses beside the model's events.
class Follower {
 public:
  // compacted: the highest revision that anybody asked to be compacted.
  Follower(const Watching& watching, const Model& model, std::int64_t compacted,
           WatchVerdict& verdict)
      : watching_(watching), model_(model), compacted_(compacted), verdict_(verdict) {}

  void Check() {
    for (const Arrival& arrival : watching_.arrivals) {
      if (!Take(arrival.response)) break;
    }
    if (watching_.complete_until == 0 || broken_ || next_ == 0) return;
    if (const auto missing = NextExpected(watching_.complete_until); missing != 0)
      Complain("W-11", "the events of revision " + std::to_string(missing) + " never came, until " +
                           std::to_string(watching_.complete_until) + " all should have");
  }

 private:
  // False: nothing after this can be judged.
  bool Take(const WatchResponse& response) {
    if (ended_) return Complain("W-9", "an answer came after the end");
    if (!created_ && !response.created() && !response.canceled())
      return Complain("W-9", "an answer came before the watch was confirmed");
    if (created_ && response.created()) return Complain("W-9", "it was confirmed twice");
    if (created_ && !response.created() && response.watch_id() != id_ && response.watch_id() != -1)
      return Complain("W-9", "an answer for watch " + std::to_string(response.watch_id()) +
                                 " came to " + std::to_string(id_));
    if (response.created()) Begin(response);
    if (response.canceled()) return End(response);
    if (response.created()) return true;
    if (response.events().empty() && !response.fragment() && parts_.empty())
      return Bookmark(response.header().revision());
    for (const Event& event : response.events()) parts_.push_back(event);
    if (response.fragment()) return true;
    const auto events = std::exchange(parts_, {});
    return TakeEvents(events, response.header().revision());
  }

  void Begin(const WatchResponse& response) {
    created_ = true;
    id_ = response.watch_id();
    const std::int64_t start = watching_.request.start_revision();
    next_ = start > 0 ? start : response.header().revision() + 1;  // W-5, W-10
  }

  bool End(const WatchResponse& response) {
    ended_ = true;
    if (!response.events().empty()) return Complain("W-5", "the end carries events");
    const std::int64_t compacted = response.compact_revision();
    if (compacted != 0 && compacted <= next_)
      return Complain("W-5", "ended because " + std::to_string(compacted) + " is compacted, but " +
                                 std::to_string(next_) + " is next");
    return true;
  }

  bool Bookmark(std::int64_t revision) {
    ++verdict_.bookmarks;
    if (revision < bookmark_)
      return Complain("W-6", "a bookmark of " + std::to_string(revision) + " after one of " +
                                 std::to_string(bookmark_));
    bookmark_ = revision;
    if (const auto missing = NextExpected(revision); missing != 0)
      return Complain("W-6", "a bookmark of " + std::to_string(revision) +
                                 " without the events of " + std::to_string(missing));
    next_ = std::max(next_, revision + 1);
    return true;
  }

  bool TakeEvents(const std::vector<Event>& events, std::int64_t header) {
    for (std::size_t begin = 0; begin < events.size();) {
      const std::int64_t revision = events[begin].kv().mod_revision();
      std::size_t end = begin;
      while (end < events.size() && events[end].kv().mod_revision() == revision) ++end;
      if (!TakeRevision({events.begin() + static_cast<std::ptrdiff_t>(begin),
                         events.begin() + static_cast<std::ptrdiff_t>(end)},
                        revision))
        return false;
      begin = end;
      if (revision > header)
        return Complain("W-6", "an event of revision " + std::to_string(revision) +
                                   " in an answer at " + std::to_string(header));
    }
    return true;
  }

  // All events of one revision, which one response must hold.
  bool TakeRevision(std::vector<Event> got, std::int64_t revision) {
    verdict_.events += got.size();
    const std::string at =
        " at revision " + std::to_string(revision) + ": " + Describe(got.front());
    if (revision <= bookmark_)
      return Complain("W-6", "an event came after a bookmark of " + std::to_string(bookmark_) + at);
    if (revision == last_) {
      const auto known = [&](const Event& event) {
        return keys_of_last_.contains(event.kv().key());
      };
      return std::any_of(got.begin(), got.end(), known)
                 ? Complain("W-2", "an event came twice" + at)
                 : Complain("W-4", "events of one revision came in two answers" + at);
    }
    if (revision < last_)
      return Complain("W-1", "an event came after one of " + std::to_string(last_) + at);
    if (revision < next_)
      return Complain("W-5", "an event from before the start, " + std::to_string(next_) + at);
    if (const auto missing = NextExpected(revision - 1); missing != 0)
      return Complain("W-3", "the events of revision " + std::to_string(missing) +
                                 " did not come before those" + at);
    const auto expected = Expected(revision);
    last_ = revision;
    next_ = revision + 1;
    for (const Event& event : got) keys_of_last_.insert(event.kv().key());
    return Compare(std::move(got), expected, at);
  }

  bool Compare(std::vector<Event> got, std::vector<Event> expected, const std::string& at) {
    keys_of_last_.clear();
    for (const Event& event : got)
      if (!keys_of_last_.insert(event.kv().key()).second)
        return Complain("W-2", "one answer holds an event twice" + at);
    const auto by_key = [](const Event& a, const Event& b) { return a.kv().key() < b.kv().key(); };
    std::sort(got.begin(), got.end(), by_key);
    std::sort(expected.begin(), expected.end(), by_key);
    for (std::size_t i = 0; i < std::max(got.size(), expected.size()); ++i) {
      if (i >= got.size() || (i < expected.size() && by_key(expected[i], got[i])))
        return Complain("W-4", "missing: " + Describe(expected[i]) + " beside that" + at);
      if (i >= expected.size() || by_key(got[i], expected[i]))
        return Complain("W-8", "not to be told: " + Describe(got[i]));
      // What was before may be gone when it is read.
      if (!got[i].has_prev_kv() && got[i].kv().mod_revision() <= compacted_) {
        expected[i].clear_prev_kv();
      }
      if (got[i].has_prev_kv() != expected[i].has_prev_kv() ||
          got[i].prev_kv().SerializeAsString() != expected[i].prev_kv().SerializeAsString())
        return Complain("W-7", "the value before is wrong" + at);
      if (got[i].SerializeAsString() != expected[i].SerializeAsString())
        return Complain("W-3", "right is " + Describe(expected[i]) + ", came" + at);
    }
    return true;
  }

  // What the watch must be told of one revision.
  std::vector<Event> Expected(std::int64_t revision) const {
    auto events = model_.EventsAt(revision);
    const auto& request = watching_.request;
    std::erase_if(events, [&](const Event& event) {
      if (!InRange(event.kv().key(), request.key(), request.range_end())) return true;
      const auto filter =
          event.type() == Event::PUT ? WatchCreateRequest::NOPUT : WatchCreateRequest::NODELETE;
      return std::count(request.filters().begin(), request.filters().end(), filter) > 0;
    });
    for (Event& event : events) {
      if (!request.prev_kv()) event.clear_prev_kv();
      if (event.type() != Event::DELETE) continue;  // a deletion names the key and the revision
      mvccpb::KeyValue kv;
      kv.set_key(event.kv().key());
      kv.set_mod_revision(event.kv().mod_revision());
      *event.mutable_kv() = std::move(kv);
    }
    return events;
  }

  // The first revision from next_ until `until` that the watch must be told of; 0: none.
  std::int64_t NextExpected(std::int64_t until) {
    if (!planned_) {
      revisions_ =
          model_.ChangesAfter(next_ - 1, watching_.request.key(), watching_.request.range_end());
      planned_ = true;
    }
    for (; position_ < revisions_.size() && revisions_[position_] <= until; ++position_) {
      if (revisions_[position_] < next_ || Expected(revisions_[position_]).empty()) continue;
      return revisions_[position_];
    }
    return 0;
  }

  bool Complain(const std::string& rule, const std::string& text) {
    verdict_.findings.push_back({rule, Describe(watching_) + ": " + text});
    broken_ = true;
    return false;
  }

  const Watching& watching_;
  const Model& model_;
  const std::int64_t compacted_;
  WatchVerdict& verdict_;
  bool created_ = false, ended_ = false, broken_ = false;
  std::int64_t id_ = 0;
  std::int64_t next_ = 0;      // what comes is from here on; 0: not confirmed
  std::int64_t last_ = 0;      // of the last events
  std::int64_t bookmark_ = 0;  // of the last progress notice
  std::set<std::string> keys_of_last_;
  std::vector<Event> parts_;
  bool planned_ = false;
  std::vector<std::int64_t> revisions_;  // that changed the range, from the start on
  std::size_t position_ = 0;
};

}  // namespace

WatchVerdict CheckWatches(const History& history, const KvVerdict& kv, std::size_t findings_max) {
  WatchVerdict verdict;
  std::int64_t compacted = 0;
  for (const Operation& operation : history.operations) {
    const auto* request = std::get_if<etcdserverpb::CompactionRequest>(&operation.request);
    if (request != nullptr) compacted = std::max(compacted, request->revision());
  }
  for (const Watching& watching : history.watches) {
    ++verdict.watches;
    Follower(watching, kv.model, compacted, verdict).Check();
    if (verdict.findings.size() >= findings_max) break;
  }
  return verdict;
}

}  // namespace quorate::check
