// A member that is told anything by anybody: no message, in no order, stops it or makes it take
// back what it promised.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "raft/core.h"

namespace quorate::raft {
namespace {

Term AnyTerm(fuzz::Feed& feed) {
  return Term{feed.Number()};
}
LogIndex AnyIndex(fuzz::Feed& feed) {
  return LogIndex{feed.Number()};
}

Entry AnyEntry(fuzz::Feed& feed) {
  Entry entry;
  entry.type = static_cast<EntryType>(feed.Below(3));
  entry.term = AnyTerm(feed);
  entry.index = AnyIndex(feed);
  entry.data = Payload(std::string(feed.Text()));
  return entry;
}

std::shared_ptr<const Snapshot> AnySnapshot(fuzz::Feed& feed) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->metadata.index = AnyIndex(feed);
  snapshot->metadata.term = AnyTerm(feed);
  for (std::uint64_t i = feed.Below(5); i > 0; --i) {
    snapshot->metadata.conf_state.voters.push_back(MemberId{feed.Number()});
  }
  for (std::uint64_t i = feed.Below(3); i > 0; --i) {
    snapshot->metadata.conf_state.learners.push_back(MemberId{feed.Number()});
  }
  if (feed.Below(8) == 7) snapshot->metadata.conf_state.voters_outgoing.push_back(MemberId{9});
  return snapshot;
}

Message AnyMessage(fuzz::Feed& feed, const Core& core) {
  Message message;
  message.type = static_cast<MessageType>(feed.Below(kMessageTypeLast + 1U));
  message.from = MemberId{feed.Below(6)};
  message.to = MemberId{1};
  const std::uint8_t shape = feed.Byte();
  // Often what could be meant: our term, and a place near the end of our log.
  message.term = (shape & 1U) != 0 ? core.term() : AnyTerm(feed);
  message.log_term = (shape & 2U) != 0 ? core.term() : AnyTerm(feed);
  message.index = (shape & 4U) != 0 ? core.last_index() : AnyIndex(feed);
  message.commit = (shape & 8U) != 0 ? core.committed() : AnyIndex(feed);
  message.reject = (shape & 16U) != 0;
  message.reject_hint = message.reject ? AnyIndex(feed) : LogIndex{};
  if ((shape & 32U) != 0) message.context = feed.Text();
  if ((shape & 64U) != 0) message.snapshot = AnySnapshot(feed);
  LogIndex next = message.index;
  for (std::uint64_t i = feed.Below(4); i > 0; --i) {
    Entry entry = AnyEntry(feed);
    if ((shape & 128U) != 0) entry.index = ++next;
    message.entries.push_back(std::move(entry));
  }
  return message;
}

// The driver's part, and what must hold from one Effects to the next.
class Member {
 public:
  explicit Member(fuzz::Feed& feed) : core_(MakeOptions(feed), MakeStart(feed)) {}

  void Turn(fuzz::Feed& feed) {
    switch (feed.Below(12)) {
      case 0:
        return core_.Tick();
      case 1:
        return core_.Campaign();
      case 2: {
        Payload payload(std::string(feed.Text()));
        (void)core_.Propose({&payload, 1});
        return;
      }
      case 3:
        (void)core_.ProposeConfChange(Payload(std::string(feed.Text())));
        return;
      case 4:
        (void)core_.ReadIndex(std::string(feed.Text()));
        return;
      case 5:
        return core_.TransferLeader(MemberId{feed.Below(6)});
      case 6:
        return core_.ReportSnapshot(MemberId{feed.Below(6)}, feed.Flag());
      case 7:
        if (core_.applied() > LogIndex{}) core_.CompactLog(LogIndex{core_.applied().value});
        return;
      default:
        return core_.Step(AnyMessage(feed, core_));
    }
  }

  void Act(fuzz::Feed& feed) {
    Effects effects = core_.TakeEffects();
    CHECK(core_.term() >= term_ && core_.committed() >= committed_);
    term_ = core_.term();
    committed_ = core_.committed();
    CHECK(core_.applied() <= core_.committed() && core_.committed() <= core_.last_index());
    if (effects.write_number != 0) core_.Persisted(effects.write_number);
    if (effects.snapshot) core_.Applied(effects.snapshot->metadata.index);
    for (const Entry& entry : effects.committed) {
      if (entry.type == EntryType::kConfChange) {
        ConfChange change;
        change.type = static_cast<ConfChangeType>(feed.Below(4));
        change.member = MemberId{feed.Below(6)};
        if (!core_.ApplyConfChange(change).ok()) (void)core_.ApplyConfChange({});
      }
      core_.Applied(entry.index);
    }
    for (const MemberId member : effects.snapshot_requests) {
      if (core_.role() == Role::kLeader) core_.ReportSnapshot(member, feed.Flag());
    }
  }

 private:
  Options MakeOptions(fuzz::Feed& feed) {
    Options options;
    options.id = MemberId{1};
    options.election_ticks = 3;
    options.pre_vote = feed.Flag();
    options.check_quorum = feed.Flag();
    options.message_bytes_max = 64;
    options.uncommitted_bytes_max = 4096;
    options.apply_bytes_max = 64;
    options.reads_max = 4;
    options.random = [this] { return ++draws_ * 0x9e3779b97f4a7c15U; };
    return options;
  }
  static Start MakeStart(fuzz::Feed& feed) {
    Start start;
    const std::uint64_t voters = 1 + feed.Below(4);
    for (std::uint64_t id = 1; id <= voters; ++id) {
      start.conf_state.voters.push_back(MemberId{id});
    }
    const std::uint64_t last = 1 + feed.Below(5);
    for (std::uint64_t index = 1; index <= last; ++index) {
      Entry entry;
      entry.term = Term{1};
      entry.index = LogIndex{index};
      start.entries.push_back(entry);
    }
    start.hard_state = {Term{1}, MemberId{}, LogIndex{1}};
    start.applied = LogIndex{1};
    return start;
  }

  std::uint64_t draws_ = 0;
  Core core_;
  Term term_;
  LogIndex committed_;
};

FUZZ_TARGET(raft_step) {
  fuzz::Feed feed(input);
  Member member(feed);
  for (int turn = 0; turn < 200 && !feed.empty(); ++turn) {
    member.Turn(feed);
    if (feed.Below(4) != 0) member.Act(feed);
  }
  member.Act(feed);
}

}  // namespace
}  // namespace quorate::raft
