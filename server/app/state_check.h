// StateCheck: the leader compares what everybody's entries did, and tells everybody what each has
// acknowledged.
//
// Once a second, when there is something new, it asks each member POST /quorate/state: the question
// carries the acknowledgements (see Recollection), the answer the member's windows
// (apply::StateHash). A window is compared as soon as two members know it. A member that lags is
// asked again; one that applied a window but holds no number of it (it restarted within) and a real
// etcd leave it unknown.
//
// Thread: the peer loop, which is the raft+apply loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "app/background.h"
#include "app/condemnation.h"
#include "net/event_loop.h"

namespace quorate::app {

class StateCheck {
 public:
  struct Parts {
    net::EventLoop* loop;
    PeerClient* peers;
    const api::Context* context;
    Recollection* recollection;
    Condemnation* condemnation;
    Background* background;
    api::Counters* counters;
  };
  explicit StateCheck(const Parts& parts);

  void Start() { Tick(); }
  void Stop();

  // POST /quorate/state, from the leader.
  Result<std::string> Answer(std::string_view body);

 private:
  // What is known of one window; the member's own answer included.
  struct Compared {
    std::map<MemberId, std::uint64_t> answers;
    std::set<MemberId> unknown;  // members that can never answer
    bool judged = false;         // a difference was acted on
  };

  void Tick();
  void Lead(const node::Status& status);
  void Ask(MemberId member);
  std::string MakeQuestion() const;
  void Take(MemberId member, const std::string& answer);
  void Compare();
  void JudgeWindows();
  void Retire();
  void SaveSometimes();

  const Parts parts_;
  net::Timer timer_;
  std::map<LogIndex, Compared> windows_;
  LogIndex retired_;                // windows up to here are compared
  std::map<MemberId, bool> asked_;  // a question is on its way
  LogIndex told_;                   // the commit index when the acknowledgements were told last
  std::uint64_t ticks_ = 0;
  std::uint64_t saved_at_ = 0;
  std::map<MemberId, std::uint64_t> silent_until_;  // a real etcd: ask again at that tick
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::app
