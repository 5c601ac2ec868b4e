// The two stream encodings between members: bytes in any pieces give the same messages.
#include <string>

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "peer/frames.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

struct Taken {
  bool ok = true;
  std::string messages;  // encoded, one after the other

  bool operator==(const Taken&) const = default;
};

Taken Take(StreamKind kind, std::string_view bytes, std::size_t piece) {
  const auto decoder = MakeDecoder(kind, MemberId{2}, MemberId{1});
  Taken taken;
  while (!bytes.empty() && taken.ok) {
    std::vector<raft::Message> messages;
    taken.ok = decoder->Take(bytes.substr(0, piece), messages).ok();
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (const raft::Message& message : messages) wire::AppendMessage(taken.messages, message);
  }
  return taken;
}

// What an encoder makes of messages, a decoder gives back.
void Echo(StreamKind kind, std::string_view bytes) {
  const auto decoder = MakeDecoder(kind, MemberId{2}, MemberId{1});
  std::vector<raft::Message> messages;
  if (!decoder->Take(bytes, messages).ok()) return;
  const auto encoder = MakeEncoder(kind);
  std::string encoded;
  std::string expected;
  for (const raft::Message& message : messages) {
    if (kind == StreamKind::kAppend && message.type != raft::MessageType::kApp) return;
    if (message.from != MemberId{2} || message.to != MemberId{1}) return;
    encoder->Append(encoded, message);
    wire::AppendMessage(expected, message);
  }
  (void)Take(kind, encoded, encoded.size());
}

FUZZ_TARGET(peer_frames) {
  fuzz::Feed feed(input);
  const StreamKind kind = feed.Flag() ? StreamKind::kAppend : StreamKind::kMessage;
  const std::size_t piece = 1 + feed.Byte();
  const std::string_view bytes = feed.Rest();
  const Taken whole = Take(kind, bytes, bytes.size());
  const Taken pieces = Take(kind, bytes, piece);
  CHECK(whole.ok == pieces.ok);
  if (whole.ok) CHECK(whole == pieces);
  Echo(kind, bytes);
}

}  // namespace
}  // namespace quorate::peer
