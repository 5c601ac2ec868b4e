#include "peer/pipeline.h"

#include <utility>

#include "net/endpoint.h"
#include "peer/headers.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr int kForbidden = 403;
constexpr int kNoContent = 204;

}  // namespace

// Shared with the requests in flight, which may outlive the pipeline.
struct Pipeline::State {
  net::HttpClient& client;
  const Options& options;
  const MemberId peer;
  Events& events;
  std::vector<std::string> urls;
  std::size_t next_url = 0;
  std::deque<std::string> waiting;
  std::size_t in_flight = 0;
};

Pipeline::Pipeline(net::HttpClient& client, const Options& options, MemberId peer, Events& events)
    : state_(std::make_shared<State>(State{client, options, peer, events, {}, 0, {}, 0})) {}

void Pipeline::SetUrls(std::vector<std::string> urls) {
  state_->urls = std::move(urls);
  state_->next_url = 0;
}

bool Pipeline::Post(const raft::Message& message) {
  if (state_->waiting.size() >= kWaitingMax) return false;
  state_->waiting.push_back(wire::EncodeMessage(message));
  Pump(state_);
  return true;
}

void Pipeline::Pump(const std::shared_ptr<State>& state) {
  while (state->in_flight < kInFlightMax && !state->waiting.empty() && !state->urls.empty()) {
    const auto endpoint = net::ParseUrl(state->urls[state->next_url % state->urls.size()]);
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/raft";
    request.headers = RequestHeaders(state->options);
    request.headers.Set("Content-Type", "application/protobuf");
    request.body = std::move(state->waiting.front());
    state->waiting.pop_front();
    if (!endpoint.ok()) continue;
    ++state->in_flight;
    state->client.Fetch(*endpoint, std::move(request), kPatience, kAnswerBytesMax,
                        [weak = std::weak_ptr<State>(state)](Result<net::HttpResponse> answer) {
                          if (const auto alive = weak.lock()) Finish(alive, std::move(answer));
                        });
  }
}

void Pipeline::Finish(const std::shared_ptr<State>& state, Result<net::HttpResponse> answer) {
  --state->in_flight;
  const bool delivered = answer.ok() && answer->status == kNoContent;
  if (!delivered) {
    ++state->next_url;
    state->events.OnUnreachable(state->peer);
    if (answer.ok() && answer->status == kForbidden &&
        answer->body.find("removed member") != std::string::npos) {
      state->events.OnSelfRemoved();
    }
  }
  Pump(state);
}

}  // namespace quorate::peer
