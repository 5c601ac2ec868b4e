#include "sim/cluster/network.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"
#include "peer/headers.h"
#include "sim/cluster/cluster.h"
#include "snapshot/snap_file.h"
#include "wire/raftpb.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint64_t kLongDelayMs = 30000;

// As the peers' receiver does: the file is whole and durable before raft hears of it.
Status StoreReceived(Disk& disk, LogIndex index, const std::string& bytes) {
  const std::string temporary = std::string(kSnapshots) + "/tmp-" + ToHex(index.value);
  auto file = TRY(disk.Open(temporary, io::OpenMode::kTruncate));
  TRY(file->WriteAt(0, AsBytes(bytes)));
  TRY(file->Sync());
  file.reset();
  TRY(disk.Rename(temporary, ReceivedPath(index)));
  return disk.SyncDirectory(kSnapshots);
}

}  // namespace

std::string ReceivedPath(LogIndex index) {
  return std::string(kSnapshots) + "/" + snapshot::ReceivedFileName(index);
}

bool Network::Carries(MemberId from, MemberId to) const {
  const auto link = links_.find({from, to});
  return link == links_.end() || (link->second.cuts == 0 && link->second.quiet == 0);
}

std::optional<Time> Network::ConnectedSince(MemberId from, MemberId to) {
  const Member* other = cluster_.Find(to);
  if (other == nullptr || !other->up()) return std::nullopt;
  Time since = other->started();
  for (const Pair& pair : {Pair{from, to}, Pair{to, from}}) {
    const auto link = links_.find(pair);
    if (link == links_.end()) continue;
    if (link->second.cuts > 0) return std::nullopt;
    since = std::max(since, link->second.since);
  }
  return since;
}

Time Network::Travel(std::size_t bytes) {
  Time time = static_cast<std::int64_t>(bytes) * weather_.per_kilobyte / 1024 +
              microseconds(100 + random_.Below(400)) + weather_.delay;
  if (weather_.jitter.count() > 0) {
    time += Time(static_cast<std::int64_t>(
        random_.Below(static_cast<std::uint64_t>(weather_.jitter.count()))));
  }
  if (weather_.long_delay > 0 && random_.Chance(weather_.long_delay)) {
    time += milliseconds(random_.Below(kLongDelayMs));
  }
  return time;
}

void Network::Send(Member& from, raft::Message message) {
  ++sent_;
  if (!Carries(from.id(), message.to)) {
    ++lost_;
    const auto link = links_.find({from.id(), message.to});
    if (link != links_.end() && link->second.quiet == 0 && random_.Chance(100)) {
      from.Unreachable(message.to);
    }
    return;
  }
  if (Misdirected(from, message)) return;
  if (framed_) return SendFramed(from, message);
  SendSingly(from, message);
}

// Somebody else than the message is for.
Member* Network::WrongReceiver(const raft::Message& message) {
  std::vector<Member*> others = cluster_.Present();
  std::erase_if(others, [&](const Member* other) { return other->id() == message.to; });
  return others.empty() ? nullptr : others[random_.Below(others.size())];
}

// Raft itself is the last that refuses what is for another member: the peers' ports do so before.
void Network::DeliverTo(MemberId other, MemberId from, const raft::Message& message) {
  cluster_.world().After(Travel(), [this, other, from, message] {
    std::vector<raft::Message> messages;
    messages.push_back(message);
    Arrive(from, other, std::move(messages));
  });
}

// True when the message does not get to whom it is for.
bool Network::Misdirected(Member& from, const raft::Message& message) {
  if (weather_.misdeliver > 0 && random_.Chance(weather_.misdeliver)) {
    if (const Member* other = WrongReceiver(message)) {
      DeliverTo(other->id(), from.id(), message);
      if (random_.Chance(500)) return ++lost_, true;
    }
  }
  // A stream is asked for by its reader, at the writer's address; a single message is brought.
  const MemberId dialled = framed_ ? from.id() : message.to;
  const auto listens = listens_.find(dialled);
  if (listens == listens_.end()) return false;
  ++lost_;
  from.Unreachable(message.to);
  if (!framed_) {
    DeliverTo(listens->second, from.id(), message);
    return true;
  }
  peer::Options reader;
  reader.self = message.to;
  reader.cluster = cluster_.id();
  net::Headers asked = peer::RequestHeaders(reader);
  asked.Set(peer::kToHeader, ToHex(dialled.value));
  peer::Options other;
  other.self = listens->second;
  other.cluster = cluster_.id();
  cluster_.oracle().SetMember(listens->second.value);
  const bool refused = peer::StreamRefusal(other, asked).has_value();
  cluster_.oracle().SetMember(0);
  if (!refused) {
    cluster_.world().Fail("peer: a stream was given to who had asked another member for it");
  }
  return true;
}

// Bytes that changed are found by TLS, or by TCP, whose record or segment then does not arrive; so
// a reader gets the beginning of a frame and the end of its stream.
bool Network::CutsFrame(const Pair& pair) {
  if (cut_frames_.erase(pair) > 0) return true;
  return weather_.damage > 0 && random_.Chance(weather_.damage);
}

// A database carries the SHA-256 of its sender's. True when it was changed.
bool Network::SpoilSnapshot(std::string& bytes) {
  if (weather_.damage == 0 || !random_.Chance(std::min<std::uint64_t>(500, 5 * weather_.damage))) {
    return false;
  }
  const std::size_t at = random_.Below(bytes.size());
  if (random_.Chance(500)) {
    bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << random_.Below(8)));
  } else {
    bytes.resize(at);
  }
  return true;
}

void Network::SendSingly(Member& from, const raft::Message& message) {
  if (weather_.loss > 0 && random_.Chance(weather_.loss)) {
    ++lost_;
    return;
  }
  if (CutsFrame({from.id(), message.to})) {
    ++lost_;
    return from.Unreachable(message.to);  // its request failed
  }
  // A connection never doubles what it carries; raft bears it all the same, but for a proposal,
  // which would be applied twice.
  const bool may_double = weather_.duplicate > 0 && message.type != raft::MessageType::kProp;
  const int copies = may_double && random_.Chance(weather_.duplicate) ? 2 : 1;
  const auto bytes = std::make_shared<const std::string>(wire::EncodeMessage(message));
  for (int i = 0; i < copies; ++i) {
    cluster_.world().After(Travel(bytes->size()), [this, sender = from.id(), to = message.to, bytes,
                                                   sent = cluster_.world().now()] {
      const auto discarded = discarded_.find(sender);
      if (discarded != discarded_.end() && sent <= discarded->second) return;
      Result<raft::Message> decoded = wire::DecodeMessage(bytes, *bytes);
      if (!decoded.ok()) {
        return cluster_.world().Fail("wire: a message cannot be read: " + decoded.error().message);
      }
      std::vector<raft::Message> messages;
      messages.push_back(std::move(*decoded));
      Arrive(sender, to, std::move(messages));
    });
  }
}

void Network::SendFramed(Member& from, const raft::Message& message) {
  const Pair pair{from.id(), message.to};
  if (weather_.loss > 0 && random_.Chance(weather_.loss / 10)) Break(pair);
  const bool append = message.type == raft::MessageType::kApp;
  Stream& stream = streams_[{pair, append}];
  if (stream.encoder == nullptr) {
    const auto kind = append ? peer::StreamKind::kAppend : peer::StreamKind::kMessage;
    stream.encoder = peer::MakeEncoder(kind);
    stream.decoder = peer::MakeDecoder(kind, pair.first, pair.second);
  }
  std::string bytes;
  stream.encoder->Append(bytes, message);
  const bool cut = CutsFrame(pair);
  if (cut) bytes.resize(random_.Below(bytes.size()));
  stream.last_arrival = std::max(stream.last_arrival, cluster_.world().now() + Travel()) +
                        static_cast<std::int64_t>(bytes.size()) * weather_.per_kilobyte / 1024;
  cluster_.world().At(stream.last_arrival, [this, pair, append, cut, epoch = stream.epoch,
                                            bytes = std::move(bytes)] {
    Stream& now = streams_[{pair, append}];
    if (now.epoch != epoch || now.decoder == nullptr) return;
    std::vector<raft::Message> messages;
    // In two pieces: a stream knows no messages.
    const std::size_t half = bytes.size() / 2;
    const std::string_view all = bytes;
    Status taken = now.decoder->Take(all.substr(0, half), messages);
    if (taken.ok()) taken = now.decoder->Take(all.substr(half), messages);
    if (!taken.ok()) {
      return cluster_.world().Fail("frames: a stream cannot be read: " + taken.error().message);
    }
    if (cut) {
      if (!messages.empty()) {
        cluster_.world().Fail("frames: a message was made of the beginning of its frame");
      }
      return Reset(pair.first, pair.second);
    }
    Arrive(pair.first, pair.second, std::move(messages));
  });
}

void Network::Arrive(MemberId from, MemberId to, std::vector<raft::Message> messages) {
  if (!Carries(from, to)) {
    lost_ += messages.size();
    return;
  }
  Member* receiver = cluster_.Find(to);
  if (receiver == nullptr || !receiver->up()) return;
  cluster_.world().Trace("arrive", from.value, to.value, messages.size());
  receiver->Deliver(from, std::move(messages));
}

void Network::SendSnapshot(Member& from, raft::Message message,
                           std::shared_ptr<node::SnapshotSource> source,
                           std::function<void(bool)> done) {
  const std::uint64_t life = from.life();
  const auto ended = [this, sender = from.id(), life, done = std::move(done)](bool whole) {
    Member* member = cluster_.Find(sender);
    if (member != nullptr && member->up() && member->life() == life) done(whole);
  };
  if (!Carries(from.id(), message.to))
    return cluster_.world().After(Travel(), [ended] { ended(false); });
  const std::uint64_t token = from.Hold(std::move(source));
  // At most some seconds: a transfer that hangs for longer is given up by its connection.
  const Time lasts =
      std::min<Time>(Travel() * 3 + milliseconds(random_.Below(200)), milliseconds(3000));
  cluster_.world().After(
      lasts, [this, sender = from.id(), life, token, ended, message = std::move(message)] {
        Member* member = cluster_.Find(sender);
        if (member == nullptr || !member->up() || member->life() != life) return;
        const auto held = member->Release(token);
        cluster_.oracle().SetMember(sender.value);
        Result<std::string> bytes = ReadAll(*held);
        cluster_.oracle().SetMember(0);
        if (!member->up() || member->life() != life) return;
        const bool arrives = bytes.ok() && Carries(sender, message.to) &&
                             !(weather_.loss > 0 && random_.Chance(weather_.loss));
        if (!arrives) return ended(false);
        const std::string sent = ToHex(Sha256::Of(*bytes));
        if (SpoilSnapshot(*bytes) && !TakesSnapshot(message.to, *bytes, sent)) return ended(false);
        Store(message.to, message, *bytes, ended);
      });
}

bool Network::TakesSnapshot(MemberId to, const std::string& bytes, const std::string& sent) {
  cluster_.oracle().SetMember(to.value);
  const bool taken = peer::CheckSnapshotSha256(Sha256::Of(bytes), sent).ok();
  cluster_.oracle().SetMember(0);
  return taken;
}

void Network::Store(MemberId to, const raft::Message& message, const std::string& bytes,
                    const std::function<void(bool)>& done) {
  Member* receiver = cluster_.Find(to);
  if (receiver == nullptr || !receiver->up()) return done(false);
  if (!StoreReceived(receiver->disk(), message.snapshot->metadata.index, bytes).ok()) {
    receiver->NoticeDisk();
    return done(false);
  }
  cluster_.world().Trace("snapshot", message.from.value, to.value,
                         message.snapshot->metadata.index.value);
  ++cluster_.counts().snapshots;
  std::vector<raft::Message> messages;
  messages.push_back(message);
  receiver->Deliver(message.from, std::move(messages));
  // The answer travels too.
  cluster_.world().After(Travel(),
                         [this, to, from = message.from, done] { done(Carries(to, from)); });
}

Result<std::string> ReadAll(node::SnapshotSource& source) {
  std::string bytes(source.size(), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto rest = std::as_writable_bytes(std::span(bytes)).subspan(have);
    const std::size_t got = TRY(source.Read(rest));
    if (got == 0) break;
    have += got;
  }
  if (bytes.empty() || have < bytes.size()) return Error{Code::kDataLoss, "a short snapshot"};
  return bytes;
}

void Network::Cut(MemberId from, MemberId to, int by, bool quiet) {
  if (from == to) return;
  Link& link = links_[{from, to}];
  (quiet ? link.quiet : link.cuts) += by;
  if (link.cuts == 0 && link.quiet == 0) link.since = cluster_.world().now();
}

void Network::Reset(MemberId a, MemberId b) {
  Break({a, b});
  Break({b, a});
  for (const auto& [at, other] : {Pair{a, b}, Pair{b, a}}) {
    links_[{at, other}].since = cluster_.world().now();
    Member* member = cluster_.Find(at);
    if (member != nullptr && member->up()) member->Unreachable(other);
  }
}

void Network::CutNextFrame(MemberId a, MemberId b) {
  if (a != b) cut_frames_.insert({a, b});
}

void Network::GiveAddress(MemberId of, MemberId to) {
  if (of == to) {
    listens_.erase(of);
  } else {
    listens_[of] = to;
  }
  Restarted(of);  // its connections end
}

void Network::Break(const Pair& pair) {
  for (const bool append : {false, true}) {
    const auto stream = streams_.find({pair, append});
    if (stream == streams_.end()) continue;
    ++stream->second.epoch;
    stream->second.encoder.reset();
    stream->second.decoder.reset();
    stream->second.last_arrival = Time(0);
  }
}

void Network::Restarted(MemberId member) {
  for (auto& [key, stream] : streams_) {
    if (key.first.first == member || key.first.second == member) Break(key.first);
  }
}

void Network::Discard(MemberId member) {
  Restarted(member);
  discarded_[member] = cluster_.world().now();
}

void Network::Heal() {
  weather_ = {};
  cut_frames_.clear();
  listens_.clear();
  for (auto& [pair, link] : links_) link = {.since = cluster_.world().now()};
  for (auto& [key, stream] : streams_) Break(key.first);  // what was stuck is sent anew
}

}  // namespace quorate::sim::cluster
