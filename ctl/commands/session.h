// Session: one run of the program: its streams, doors, global flags and how it ends.
//
// Ownership: borrows clock, disk and streams; owns the client, made at first use.
// Thread: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "commands/numbers.h"
#include "etcdclient/client.h"
#include "io/clock.h"
#include "io/disk.h"
#include "output/style.h"

namespace quorate::commands {

// Exit codes, as etcdctl's.
inline constexpr int kExitError = 1;
inline constexpr int kExitInvalidInput = 3;
inline constexpr int kExitBadFeature = 4;
inline constexpr int kExitInterrupted = 5;
inline constexpr int kExitIo = 6;
inline constexpr int kExitBadArguments = 128;

// How a command ended. A text goes to stderr as "Error: <text>".
struct Exit {
  int code = 0;
  std::string text;

  static Exit Ok() { return {}; }
  static Exit Fail(int code, std::string text) { return {code, std::move(text)}; }
  // Of a request that was refused or not answered.
  static Exit Failed(const Error& error) { return {kExitError, error.message}; }
  // Of command line arguments, before anything was sent.
  static Exit BadArguments(std::string text) { return {kExitBadArguments, std::move(text)}; }
};

// The flags every online command takes; each has an environment variable ETCDCTL_<NAME>.
struct GlobalFlags {
  std::vector<std::string> endpoints{};  // empty: 127.0.0.1:2379
  std::string write_out = "simple";
  bool hex = false;
  bool debug = false;
  std::string dial_timeout = "2s";
  std::string command_timeout = "5s";
  std::string keepalive_time = "2s";
  std::string keepalive_timeout = "6s";
  int max_request_bytes = 0;
  int max_recv_bytes = 0;
  bool insecure_transport = true;
  bool insecure_skip_tls_verify = false;
  std::string cacert;
  std::string cert;
  std::string key;
  std::string user;
  std::string password;
};

class Session {
 public:
  struct Doors {
    const io::Clock& clock;
    io::Disk& disk;
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool terminal;  // somebody watches stderr
    std::function<std::string(const std::string& prompt)> read_password;
    // Runs a program to its end with these variables added; its exit code.
    std::function<int(const std::vector<std::string>&, const std::map<std::string, std::string>&)>
        run;
    std::function<std::optional<std::string>(const std::string&)> environment;
    // Whether SIGINT or SIGTERM came; waits so long for one. From the first call on they end
    // nothing by themselves.
    std::function<bool(std::chrono::milliseconds)> interrupted;
  };

  Session(Doors doors, std::string program)
      : doors_(std::move(doors)), program_(std::move(program)) {}

  const Doors& doors() const { return doors_; }
  std::ostream& out() const { return doors_.out; }
  std::ostream& err() const { return doors_.err; }
  io::Disk& disk() const { return doors_.disk; }
  const io::Clock& clock() const { return doors_.clock; }
  const std::string& program() const { return program_; }  // "etcdctl", "etcdutl" or "quoratectl"
  GlobalFlags& flags() { return flags_; }
  output::Style& style() { return style_; }

  bool Interrupted() const { return doors_.interrupted(std::chrono::milliseconds(0)); }

  std::vector<std::string> Endpoints() const;
  // Reads the TLS files; asks for a password if --user came without one.
  Result<etcdclient::Client*> Client();
  Result<etcdclient::Options> ClientOptions();
  Result<std::chrono::milliseconds> CommandTimeout() const;
  // Checks --write-out and the durations; called once the command line was read.
  Status Settle();

  // Writes a printed text, or says why it cannot be printed.
  Exit Show(const Result<std::string>& text) const;

  std::vector<std::string> after_dashes;  // words that followed "--" on the command line
  Exit exit;                              // of the command that ran

 private:
  Doors doors_;
  std::string program_;
  GlobalFlags flags_;
  output::Style style_;
  std::unique_ptr<etcdclient::Client> client_;
};

}  // namespace quorate::commands
