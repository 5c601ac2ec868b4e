#include "bench/fan_out.h"

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/latencies.h"
#include "etcdclient/client.h"
#include "io/real_clock.h"

namespace quorate::bench {
namespace {

constexpr const char* kKey = "fan-out";
constexpr auto kPatience = std::chrono::milliseconds(20000);

class FanOut {
 public:
  explicit FanOut(const Flags& flags) : flags_(flags) {}

  Status Open() {
    for (int i = 0; i < flags_.connections; ++i) {
      etcdclient::Options options;
      options.endpoints = {flags_.endpoints[static_cast<std::size_t>(i) % flags_.endpoints.size()]};
      clients_.push_back(TRY(etcdclient::MakeClient(options)));
    }
    for (int i = 0; i < flags_.streams; ++i) TRY(OpenStream(static_cast<std::size_t>(i)));
    return {};
  }

  Status Run() {
    etcdserverpb::PutRequest put;
    put.set_key(kKey);
    put.set_value(std::string(flags_.value_bytes, 'v'));
    const auto begin = clock_.Now();
    for (std::uint64_t round = 0; round < flags_.total; ++round) {
      const auto start = clock_.Now();
      TRY(clients_[round % clients_.size()]->Put(put));
      for (auto& stream : streams_) TRY(TakeRound(*stream));
      rounds_.Add(clock_.Now() - start);
    }
    Print(std::chrono::duration<double>(clock_.Now() - begin).count());
    return {};
  }

 private:
  Status OpenStream(std::size_t number) {
    std::unique_ptr<etcdclient::Stream> stream =
        TRY(clients_[number % clients_.size()]->Open(etcdclient::kWatch, {}));
    for (int i = 0; i < flags_.watchers; ++i) {
      etcdserverpb::WatchRequest request;
      request.mutable_create_request()->set_key(kKey);
      TRY(stream->Write(request));
      etcdserverpb::WatchResponse response;
      const etcdclient::Stream::Read read = TRY(stream->Next(response, kPatience));
      if (read != etcdclient::Stream::Read::kMessage || !response.created()) {
        return Error{Code::kUnavailable, "a watch was not created"};
      }
    }
    streams_.push_back(std::move(stream));
    return {};
  }

  // One event for each watcher of the stream.
  Status TakeRound(etcdclient::Stream& stream) {
    int missing = flags_.watchers;
    while (missing > 0) {
      etcdserverpb::WatchResponse response;
      const etcdclient::Stream::Read read = TRY(stream.Next(response, kPatience));
      if (read != etcdclient::Stream::Read::kMessage || response.canceled()) {
        return Error{Code::kDataLoss, "a watcher got no event"};
      }
      missing -= response.events_size();
    }
    if (missing == 0) return {};
    return Error{Code::kDataLoss, "a watcher got an event twice"};
  }

  void Print(double seconds) const {
    const std::uint64_t events = rounds_.total() * static_cast<std::uint64_t>(flags_.streams) *
                                 static_cast<std::uint64_t>(flags_.watchers);
    const auto us = [](std::chrono::nanoseconds time) {
      return std::chrono::round<std::chrono::microseconds>(time).count();
    };
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(events) / seconds);
    if (flags_.json) {
      std::cout << "{\"ops\":" << events << ",\"errors\":0,\"opsPerSecond\":" << rate
                << ",\"p50Us\":" << us(rounds_.Quantile(0.5))
                << ",\"p99Us\":" << us(rounds_.Quantile(0.99)) << ",\"maxUs\":" << us(rounds_.max())
                << "}" << std::endl;
      return;
    }
    std::cout << events << " events, " << rate
              << " a second\nuntil all watchers had one, in us: p50 " << us(rounds_.Quantile(0.5))
              << ", p99 " << us(rounds_.Quantile(0.99)) << ", max " << us(rounds_.max())
              << std::endl;
  }

  const Flags& flags_;
  io::RealClock clock_;
  std::vector<std::unique_ptr<etcdclient::Client>> clients_;
  std::vector<std::unique_ptr<etcdclient::Stream>> streams_;  // before the clients they came from
  Latencies rounds_;
};

}  // namespace

int RunFanOut(const Flags& flags) {
  FanOut run(flags);
  Status done = run.Open();
  if (done.ok()) done = run.Run();
  if (done.ok()) return 0;
  std::cerr << "Error: " << done.error().message << "\n";
  return 1;
}

}  // namespace quorate::bench
