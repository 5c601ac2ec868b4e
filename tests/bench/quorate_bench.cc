// quorate-bench: drives one kind of request at etcd or Quorate and prints rate and latencies.
//
//   quorate-bench put --endpoints 127.0.0.1:2379 --depth 64 --conns 8 --seconds 10
//   quorate-bench get --serializable ...      quorate-bench put --rate 2000 ...
//   quorate-bench watch --streams 20 --watchers 500 --total 50
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "bench/failover.h"
#include "bench/fan_out.h"
#include "bench/flags.h"
#include "bench/load.h"
#include "etcdclient/pipeline.h"
#include "etcdclient/snapshot.h"
#include "io/real_clock.h"

namespace quorate::bench {
namespace {

void AddOptions(CLI::App& app, Flags& flags) {
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
}

int Fail(const Error& error) {
  std::cerr << "Error: " << error.message << "\n";
  return 1;
}

// One snapshot, received, compared with its digest and dropped.
int RunSnapshot(const Flags& flags) {
  etcdclient::Options options;
  options.endpoints = flags.endpoints;
  auto client = etcdclient::MakeClient(options);
  if (!client.ok()) return Fail(client.error());
  const io::RealClock clock;
  const auto begin = clock.Now();
  auto done = etcdclient::FetchSnapshot(
      **client, flags.endpoints[0],
      [](std::string_view /*chunk*/, std::uint64_t /*remaining*/) { return Status(); });
  if (!done.ok()) return Fail(done.error());
  const double seconds = std::chrono::duration<double>(clock.Now() - begin).count();
  if (flags.json) {
    std::cout << "{\"bytes\":" << done->bytes << ",\"seconds\":" << seconds << "}" << std::endl;
  } else {
    std::cout << done->bytes << " bytes in " << seconds << " s" << std::endl;
  }
  return 0;
}

int RunOnPipeline(const Flags& flags, const std::string& command) {
  etcdclient::Options options;
  options.endpoints = flags.endpoints;
  auto pipeline = etcdclient::MakePipeline(options, flags.connections);
  if (!pipeline.ok()) return Fail(pipeline.error());
  if (command == "failover") return RunFailover(flags, **pipeline);
  if (command == "txn") return RunLoad(flags, Kind::kTxn, **pipeline);
  if (command == "get") return RunLoad(flags, Kind::kGet, **pipeline);
  if (command == "range") return RunLoad(flags, Kind::kRange, **pipeline);
  return RunLoad(flags, Kind::kPut, **pipeline);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Load generator for etcd and Quorate", "quorate-bench");
  AddOptions(app, flags);
  CLI::App* put = app.add_subcommand("put", "Puts");
  put->add_flag("--sequential", flags.sequential, "keys in order instead of at random");
  CLI::App* get = app.add_subcommand("get", "Reads of one key, linearizable");
  get->add_flag("--serializable", flags.serializable, "from one member's own state");
  CLI::App* range = app.add_subcommand("range", "Reads of neighbouring keys that put wrote");
  range->add_option("--limit", flags.limit, "keys in a range (1)");
  range->add_flag("--serializable", flags.serializable, "from one member's own state");
  app.add_subcommand("txn", "Puts if the key's mod revision is the one known, else reads it");
  CLI::App* watch = app.add_subcommand("watch", "Puts to one key that everybody watches");
  watch->add_option("--streams", flags.streams, "(100)");
  watch->add_option("--watchers", flags.watchers, "on each stream (1)");
  CLI::App* failover = app.add_subcommand("failover", "Puts while a member is killed");
  failover->add_option("--pid", flags.pid, "the process that gets SIGKILL")->required();
  failover->add_option("--after", flags.after, "seconds of load before that (1)");
  app.add_subcommand("snapshot", "Fetches one snapshot and drops it");
  CLI11_PARSE(app, argc, argv);
  const std::string command = app.get_subcommands()[0]->get_name();
  if (command == "txn" && flags.keys < flags.depth) {
    return Fail({Code::kInvalidArgument, "txn needs at least as many keys as requests under way"});
  }
  if (command == "range" && (flags.limit == 0 || flags.keys < flags.limit)) {
    return Fail({Code::kInvalidArgument, "a range has at least one key and at most all"});
  }
  if (command == "failover" && flags.rate <= 0) flags.rate = 100;
  if (command == "watch" && flags.total == 0) flags.total = 100;
  if (command == "watch") return RunFanOut(flags);
  if (command == "snapshot") return RunSnapshot(flags);
  return RunOnPipeline(flags, command);
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
  return quorate::bench::Main(argc, argv);
}
