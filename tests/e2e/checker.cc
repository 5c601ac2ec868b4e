// quorate-checker: writes to a cluster until told to stop, and proves that no write was lost.
//
//   quorate-checker --endpoint URL --report FILE [--prefix P] [--threads N]
//
// Every thread puts new keys, one after another, and after each put reads back a random key that
// was acknowledged before; a read that fails, or answers anything but what was written, is a
// failure. SIGTERM or SIGINT ends the writing; then every acknowledged key is read once more. The
// report is one JSON object; the exit code is 0 when nothing was lost and no read failed. FILE.live
// is rewritten every half second while it runs: the same counts so far.
//
// A put without an answer may or may not have happened: it is counted, and no claim is made about
// it.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "etcdclient/client.h"

namespace quorate {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // set by a signal handler

struct Settings {
  std::string endpoint;
  std::string report;
  std::string prefix = "checker";
  int threads = 4;
};

// What all threads count together.
struct Tally {
  std::atomic<std::int64_t> acknowledged = 0, unanswered = 0, reads = 0, failed_reads = 0, lost = 0;
  std::atomic<std::int64_t> last_ack_ms = 0;  // since the start
  std::atomic<std::int64_t> longest_gap_ms = 0;
  Clock::time_point start = Clock::now();

  std::int64_t NowMs() const {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
  }
  void Acknowledge() {
    const std::int64_t now = NowMs();
    const std::int64_t gap = now - last_ack_ms.exchange(now);
    std::int64_t longest = longest_gap_ms.load();
    while (gap > longest && !longest_gap_ms.compare_exchange_weak(longest, gap)) {
    }
    ++acknowledged;
  }
};

void Complain(const std::string& text) {
  std::fprintf(stderr, "checker: %s\n", text.c_str());
}

class Writer {
 public:
  Writer(const Settings& settings, int number, Tally& tally)
      : prefix_(settings.prefix + "/" + std::to_string(number) + "/"),
        tally_(tally),
        random_(static_cast<std::uint32_t>(number)) {
    auto client = etcdclient::MakeClient(
        {.endpoints = {settings.endpoint}, .call_timeout = milliseconds(10000)});
    if (client.ok()) client_ = std::move(client).value();
  }

  bool ready() const { return client_ != nullptr; }

  void WriteUntilStopped() {
    for (std::int64_t n = 0; !stop_requested; ++n) {
      etcdserverpb::PutRequest request;
      request.set_key(prefix_ + std::to_string(n));
      request.set_value(std::to_string(random_()));
      // A put that was on its way to a leader that died is answered by nobody: the next one must
      // begin well within the three seconds that a story allows for an election.
      if (client_->Put(request, {.timeout = milliseconds(1000)}).ok()) {
        tally_.Acknowledge();
        written_.emplace_back(request.key(), request.value());
      } else {
        ++tally_.unanswered;
        std::this_thread::sleep_for(milliseconds(20));  // a cluster without leader: no busy loop
      }
      if (!written_.empty()) ReadOne(written_[random_() % written_.size()]);
    }
  }

  void VerifyAll() {
    auto present = ReadBack();
    if (!present.ok()) {
      tally_.lost += static_cast<std::int64_t>(written_.size());
      Complain("reading everything back failed: " + present.error().message);
      return;
    }
    for (const auto& [key, value] : written_) {
      const auto found = present.value().find(key);
      if (found != present.value().end() && found->second == value) continue;
      ++tally_.lost;
      Complain(key + " was acknowledged and is now " +
               (found == present.value().end() ? "absent" : found->second));
    }
  }

 private:
  static std::string Describe(const Result<std::optional<std::string>>& got) {
    if (!got.ok()) return "unreadable: " + std::string(got.error().message);
    return got.value() ? "another value: " + *got.value() : "absent";
  }

  // All keys of this writer, in pages.
  Result<std::unordered_map<std::string, std::string>> ReadBack() {
    std::unordered_map<std::string, std::string> present;
    etcdserverpb::RangeRequest request;
    request.set_key(prefix_);
    request.set_range_end(prefix_.substr(0, prefix_.size() - 1) + '0');  // '0' follows '/'
    request.set_limit(1000);
    for (bool more = true; more;) {
      const auto page = TRY(client_->Range(request));
      for (const auto& item : page.kvs()) present.emplace(item.key(), item.value());
      more = page.more();
      if (page.kvs_size() > 0) request.set_key(page.kvs(page.kvs_size() - 1).key() + '\0');
    }
    return present;
  }

  void ReadOne(const std::pair<std::string, std::string>& expected) {
    const auto got = client_->Get(expected.first);
    ++tally_.reads;
    if (got.ok() && got.value() == expected.second) return;
    ++tally_.failed_reads;
    Complain("reading " + expected.first + " gave " + Describe(got));
  }

  const std::string prefix_;
  Tally& tally_;
  std::minstd_rand random_;
  std::unique_ptr<etcdclient::Client> client_;
  std::vector<std::pair<std::string, std::string>> written_;
};

void WriteReport(const std::string& path, const Tally& tally) {
  const std::string text =
      "{\"acknowledged\":" + std::to_string(tally.acknowledged) +
      ",\"unanswered\":" + std::to_string(tally.unanswered) +
      ",\"reads\":" + std::to_string(tally.reads) +
      ",\"failed_reads\":" + std::to_string(tally.failed_reads) +
      ",\"lost\":" + std::to_string(tally.lost) +
      ",\"longest_gap_ms\":" + std::to_string(tally.longest_gap_ms) +
      ",\"since_last_ack_ms\":" + std::to_string(tally.NowMs() - tally.last_ack_ms) +
      ",\"seconds\":" + std::to_string(tally.NowMs() / 1000) + "}\n";
  const std::string fresh = path + ".new";
  std::ofstream(fresh) << text;
  std::rename(fresh.c_str(), path.c_str());
}

void ForEach(std::vector<std::unique_ptr<Writer>>& writers,
             const std::function<void(Writer&)>& work) {
  std::vector<std::thread> threads;
  for (auto& writer : writers) threads.emplace_back([&work, &writer] { work(*writer); });
  for (auto& thread : threads) thread.join();
}

int Run(const Settings& settings) {
  Tally tally;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < settings.threads; ++i) {
    writers.push_back(std::make_unique<Writer>(settings, i, tally));
    if (!writers.back()->ready()) {
      Complain("endpoint '" + settings.endpoint + "' cannot be understood");
      return 2;
    }
  }
  std::atomic<bool> writing = true;
  std::thread reporter([&] {
    for (; writing; std::this_thread::sleep_for(milliseconds(500)))
      WriteReport(settings.report + ".live", tally);
  });
  ForEach(writers, [](Writer& writer) { writer.WriteUntilStopped(); });
  writing = false;
  reporter.join();
  ForEach(writers, [](Writer& writer) { writer.VerifyAll(); });
  WriteReport(settings.report, tally);
  return tally.lost == 0 && tally.failed_reads == 0 && tally.acknowledged > 0 ? 0 : 1;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  quorate::Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--endpoint") settings.endpoint = value;
    if (name == "--report") settings.report = value;
    if (name == "--prefix") settings.prefix = value;
    if (name == "--threads") settings.threads = std::atoi(value.c_str());
  }
  if (settings.endpoint.empty() || settings.report.empty() || settings.threads < 1) {
    std::fputs("usage: quorate-checker --endpoint URL --report FILE [--prefix P] [--threads N]\n",
               stderr);
    return 2;
  }
  const auto stop = [](int) { quorate::stop_requested = true; };
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  return quorate::Run(settings);
}
