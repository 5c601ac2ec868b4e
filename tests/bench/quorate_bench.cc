// quorate-bench: drives one kind of request at etcd or Quorate and prints rate and latencies.
//
//   quorate-bench put --endpoints 127.0.0.1:2379 --depth 64 --conns 8 --seconds 10
//   quorate-bench get --linearizable ...      quorate-bench put --rate 2000 ...
//
// Closed loop: `depth` requests are always under way. With --rate the loop is open: requests begin
// when they are due, whatever became of those before, and latency counts from that instant, so that
// a stall is not hidden.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "bench/latencies.h"
#include "etcdclient/pipeline.h"
#include "io/real_clock.h"
#include "io/real_random.h"

namespace quorate::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

struct Flags {
  std::vector<std::string> endpoints = {"127.0.0.1:2379"};
  int connections = 8;
  std::uint64_t depth = 64;
  std::uint64_t total = 0;  // requests; 0: as many as the time allows
  double seconds = 10;
  double rate = 0;  // requests a second; 0: closed loop
  std::uint64_t keys = 100000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 256;
  bool serializable = false;
  bool json = false;
};

class Load {
 public:
  Load(const Flags& flags, bool puts, etcdclient::Pipeline& pipeline)
      : flags_(flags), puts_(puts), pipeline_(pipeline), begin_(clock_.Now()) {
    put_.set_value(std::string(flags.value_bytes, 'v'));
    get_.set_serializable(flags.serializable);
  }

  // 1: every request failed.
  int Run() {
    const auto end = begin_ + nanoseconds(static_cast<std::int64_t>(flags_.seconds * 1e9));
    due_.resize(flags_.depth);
    for (std::uint64_t slot = 0; slot < flags_.depth; ++slot) free_.push_back(slot);
    while (true) {
      const bool over = clock_.Now() >= end || (flags_.total != 0 && started_ >= flags_.total);
      if (over && free_.size() == flags_.depth) break;
      if (!over) StartDue();
      Take(pipeline_.Next(Patience(over)));
    }
    Print(std::chrono::duration<double>(clock_.Now() - begin_).count());
    return latencies_.total() == 0 ? 1 : 0;
  }

 private:
  io::Clock::Instant DueTime(std::uint64_t request) const {
    return begin_ +
           nanoseconds(static_cast<std::int64_t>(static_cast<double>(request) * 1e9 / flags_.rate));
  }

  void StartDue() {
    const auto now = clock_.Now();
    while (!free_.empty() && (flags_.total == 0 || started_ < flags_.total)) {
      const auto due = flags_.rate > 0 ? DueTime(started_) : now;
      if (due > now) return;
      const std::uint64_t slot = free_.back();
      free_.pop_back();
      due_[slot] = due;
      ++started_;
      if (puts_) {
        put_.set_key(NextKey());
        pipeline_.Start(etcdclient::kPut, put_, slot);
      } else {
        get_.set_key(NextKey());
        pipeline_.Start(etcdclient::kRange, get_, slot);
      }
    }
  }

  // How long to wait for an answer before something else is due.
  microseconds Patience(bool over) const {
    if (over || flags_.rate <= 0 || free_.empty()) return microseconds(100000);
    const auto left = std::chrono::ceil<microseconds>(DueTime(started_) - clock_.Now());
    return std::clamp(left, microseconds(0), microseconds(100000));
  }

  void Take(const std::optional<etcdclient::Pipeline::Done>& done) {
    if (!done.has_value()) return;
    free_.push_back(done->tag);
    if (done->status.ok()) {
      latencies_.Add(clock_.Now() - due_[done->tag]);
      return;
    }
    if (++errors_ == 1) std::cerr << "first error: " << done->status.error().message << "\n";
  }

  std::string NextKey() {
    std::string key = std::to_string(random_.Next() % flags_.keys);
    if (key.size() < flags_.key_bytes) key.insert(0, flags_.key_bytes - key.size(), '0');
    return key;
  }

  void Print(double seconds) const {
    const auto us = [&](double share) {
      return std::chrono::round<microseconds>(latencies_.Quantile(share)).count();
    };
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(latencies_.total()) / seconds);
    const auto max_us = std::chrono::round<microseconds>(latencies_.max()).count();
    if (flags_.json) {
      std::cout << "{\"ops\":" << latencies_.total() << ",\"errors\":" << errors_
                << ",\"opsPerSecond\":" << rate << ",\"p50Us\":" << us(0.5)
                << ",\"p90Us\":" << us(0.9) << ",\"p99Us\":" << us(0.99)
                << ",\"p999Us\":" << us(0.999) << ",\"maxUs\":" << max_us << "}" << std::endl;
      return;
    }
    std::cout << (puts_ ? "put" : "get") << ": " << latencies_.total() << " requests, " << errors_
              << " errors, " << rate << " a second\nlatency in us: p50 " << us(0.5) << ", p90 "
              << us(0.9) << ", p99 " << us(0.99) << ", p99.9 " << us(0.999) << ", max " << max_us
              << std::endl;
  }

  Flags flags_;
  bool puts_;
  etcdclient::Pipeline& pipeline_;
  io::RealClock clock_;
  io::RealRandom random_;
  io::Clock::Instant begin_;
  etcdserverpb::PutRequest put_;
  etcdserverpb::RangeRequest get_;
  std::vector<io::Clock::Instant> due_;  // by slot: when its request was due
  std::vector<std::uint64_t> free_;      // slots without a request
  std::uint64_t started_ = 0;
  std::uint64_t errors_ = 0;
  Latencies latencies_;
};

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Load generator for etcd and Quorate", "quorate-bench");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--endpoints", flags.endpoints, "members; connections are spread over them")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--conns", flags.connections, "connections (8)");
  app.add_option("--depth", flags.depth, "requests under way at most (64)");
  app.add_option("--seconds", flags.seconds, "how long (10)");
  app.add_option("--total", flags.total, "stop after so many requests");
  app.add_option("--rate", flags.rate,
                 "begin so many requests a second, instead of keeping depth under way");
  app.add_option("--keys", flags.keys, "different keys, drawn at random (100000)");
  app.add_option("--key-size", flags.key_bytes, "bytes (16)");
  app.add_option("--val-size", flags.value_bytes, "bytes (256)");
  app.add_flag("--json", flags.json, "print one line of JSON");
  CLI::App* put = app.add_subcommand("put", "Puts");
  CLI::App* get = app.add_subcommand("get", "Reads of one key, linearizable");
  get->add_flag("--serializable", flags.serializable, "from one member's own state");
  CLI11_PARSE(app, argc, argv);
  etcdclient::Options options;
  options.endpoints = flags.endpoints;
  auto pipeline = etcdclient::MakePipeline(options, flags.connections);
  if (!pipeline.ok()) {
    std::cerr << "Error: " << pipeline.error().message << "\n";
    return 1;
  }
  return Load(flags, put->parsed(), **pipeline).Run();
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
  return quorate::bench::Main(argc, argv);
}
