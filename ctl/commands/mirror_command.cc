#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <utility>

#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/operations.h"
#include "etcdclient/watch.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

using etcdserverpb::TxnRequest;

constexpr std::chrono::milliseconds kLook{200};  // how soon a signal is noticed
constexpr std::chrono::seconds kTell{30};        // between two counts
constexpr std::int64_t kKeysOfARead = 1000;

struct MirrorFlags {
  std::vector<std::string> words{};
  std::string prefix{};
  std::string dest_prefix{};
  bool no_dest_prefix = false;
  std::int64_t rev = 0;
  int max_txn_ops = 128;
  std::string dest_cert{};
  std::string dest_key{};
  std::string dest_cacert{};
  bool dest_insecure_transport = true;
  std::string dest_user{};
  std::string dest_password{};
};

// Another cluster, reached as its own flags say.
GlobalFlags DestinationFlags(Session& session, const MirrorFlags& flags) {
  GlobalFlags destination = session.flags();
  destination.endpoints = output::Split(flags.words[0], ',');
  destination.insecure_transport = flags.dest_insecure_transport;
  destination.cert = flags.dest_cert;
  destination.key = flags.dest_key;
  destination.cacert = flags.dest_cacert;
  destination.user = flags.dest_user;
  destination.password = flags.dest_password;
  return destination;
}

class Mirror {
 public:
  Mirror(const Session& session, etcdclient::Client& from, etcdclient::Client& to,
         const MirrorFlags& flags)
      : session_(session), from_(from), to_(to), flags_(flags), told_(session.clock().Now()) {}

  // Returns when a signal came, or with what went wrong.
  Status Run() {
    Revision next{flags_.rev};
    if (flags_.rev <= 1) next = Revision{TRY(CopyAll()).value + 1};
    return Follow(next);
  }

 private:
  std::string Renamed(const std::string& key) const {
    return (flags_.no_dest_prefix ? "" : flags_.dest_prefix) + key.substr(flags_.prefix.size());
  }

  // All keys as of one revision, page by page.
  Result<Revision> CopyAll() {
    etcdserverpb::RangeRequest range;
    CoverPrefix(range, flags_.prefix);
    range.set_limit(kKeysOfARead);
    while (true) {
      const auto page = TRY(from_.Range(range));
      if (range.revision() == 0) range.set_revision(page.header().revision());
      for (const auto& kv : page.kvs()) {
        AddPut(kv);
        TRY(SendIfFull());
      }
      TRY(Send());
      if (session_.Interrupted() || !page.more()) return Revision{range.revision()};
      range.set_key(page.kvs(page.kvs_size() - 1).key() + std::string(1, '\0'));
    }
  }

  // What one transaction changed stays one transaction, as far as --max-txn-ops lets it.
  Status Follow(Revision next) {
    etcdserverpb::WatchCreateRequest request;
    CoverPrefix(request, flags_.prefix);
    request.set_start_revision(next.value);
    if (session_.Interrupted()) return {};
    auto watch = TRY(etcdclient::Watch::Start(from_, request));
    while (!session_.Interrupted()) {
      Tell();
      const auto response = TRY(watch->Next(kLook));
      if (!response.has_value()) continue;
      if (response->canceled()) return etcdclient::WhyEnded(*response);
      TRY(Take(*response));
    }
    return {};
  }

  Status Take(const etcdserverpb::WatchResponse& response) {
    std::int64_t last = 0;
    for (const auto& event : response.events()) {
      if (event.kv().mod_revision() > last) TRY(Send());
      last = event.kv().mod_revision();
      if (event.type() == mvccpb::Event::PUT) {
        AddPut(event.kv());
      } else {
        ++total_;
        batch_.add_success()->mutable_request_delete_range()->set_key(Renamed(event.kv().key()));
      }
      TRY(SendIfFull());
    }
    return Send();
  }

  void AddPut(const mvccpb::KeyValue& kv) {
    ++total_;
    auto& put = *batch_.add_success()->mutable_request_put();
    put.set_key(Renamed(kv.key()));
    put.set_value(kv.value());
  }

  // A request may be 1.5 MiB; half of it leaves room for the largest value to come.
  Status SendIfFull() {
    constexpr std::size_t kBytes = 512 * 1024;
    if (batch_.success_size() < flags_.max_txn_ops && batch_.ByteSizeLong() < kBytes) return {};
    return Send();
  }

  Status Send() {
    if (batch_.success().empty()) return {};
    TRY(to_.Txn(std::exchange(batch_, TxnRequest())));
    Tell();
    return {};
  }

  void Tell() {
    if (session_.clock().Now() - told_ < kTell) return;
    told_ = session_.clock().Now();
    session_.out() << total_ << std::endl;
  }

  const Session& session_;
  etcdclient::Client& from_;
  etcdclient::Client& to_;
  const MirrorFlags& flags_;
  TxnRequest batch_;
  std::int64_t total_ = 0;  // keys put or deleted
  io::Clock::Instant told_;
};

Exit MakeMirror(Session& session, MirrorFlags flags) {
  if (flags.words.size() != 1) {
    return Exit::BadArguments("make-mirror takes one destination argument");
  }
  if (flags.no_dest_prefix && !flags.dest_prefix.empty()) {
    return Exit::BadArguments(
        "`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one");
  }
  if (flags.max_txn_ops < 1) return Exit::BadArguments("--max-txn-ops must be at least 1");
  if (flags.rev < 0) return Exit::BadArguments("--rev must not be negative");
  if (flags.dest_prefix.empty() && !flags.no_dest_prefix) flags.dest_prefix = flags.prefix;
  const auto from = session.Client();
  if (!from.ok()) return Exit::Failed(from.error());
  Session other(session.doors(), session.program());
  other.flags() = DestinationFlags(session, flags);
  const auto to = other.Client();
  if (!to.ok()) return Exit::Failed(to.error());
  const Status done = Mirror(session, **from, **to, flags).Run();
  return done.ok() ? Exit::Ok() : Exit::Failed(done.error());
}

}  // namespace

void AddMirrorCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<MirrorFlags>();
  CLI::App* mirror =
      app.add_subcommand("make-mirror", "Makes a mirror at the destination etcd cluster");
  AddWords(*mirror, session, flags->words, "<destination>", "its endpoints, comma separated");
  mirror->add_option("--prefix", flags->prefix, "only keys that begin with this");
  mirror->add_option("--dest-prefix", flags->dest_prefix,
                     "what replaces the prefix there (the same by default)");
  mirror->add_flag("--no-dest-prefix", flags->no_dest_prefix, "keys lose the prefix there");
  mirror->add_option("--rev", flags->rev,
                     "copy nothing, begin with the changes of this revision; 0: copy all first");
  mirror->add_option("--max-txn-ops", flags->max_txn_ops, "changes of one transaction, at most")
      ->capture_default_str();
  mirror->add_option("--dest-cert", flags->dest_cert, "client certificate for the destination");
  mirror->add_option("--dest-key", flags->dest_key, "its key");
  mirror->add_option("--dest-cacert", flags->dest_cacert, "CA certificates to trust there");
  mirror->add_flag("--dest-insecure-transport,!--no-dest-insecure-transport",
                   flags->dest_insecure_transport, "plain text without https:// (default true)");
  mirror->add_option("--dest-user", flags->dest_user, "name[:password] there");
  mirror->add_option("--dest-password", flags->dest_password, "password of --dest-user");
  mirror->footer(
      "Copies all keys as of one revision and then every change, until SIGINT or SIGTERM. Prints\n"
      "every 30 s how many keys were written. Leases are not copied. What the destination holds\n"
      "besides stays. One transaction here is one there, up to --max-txn-ops.\n\n"
      "  make-mirror --prefix registry/ --dest-prefix copy/ other.example:2379");
  Bind(*mirror, session, [flags](Session& s) { return MakeMirror(s, *flags); });
}

}  // namespace quorate::commands
