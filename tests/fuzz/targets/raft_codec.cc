// Raft's messages, entries and states on the wire: whatever is decoded comes back the same when it
// is written and read again.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "wire/raftpb.h"

namespace quorate::wire {
namespace {

template <typename T>
void RoundTrip(const Result<T>& decoded, std::string (*encode)(const T&),
               Result<T> (*decode)(std::string_view)) {
  if (!decoded.ok()) return;
  const Result<T> again = decode(encode(*decoded));
  CHECK(again.ok() && *again == *decoded);
}

void Messages(std::string_view bytes) {
  const auto buffer = std::make_shared<const std::string>(bytes);
  const auto message = DecodeMessage(buffer, *buffer);
  const auto copied = DecodeMessage(bytes);
  CHECK(message.ok() == copied.ok());
  if (!message.ok()) return;
  const std::string encoded = EncodeMessage(*message);
  CHECK(encoded.size() == MessageSize(*message));
  CHECK(encoded == EncodeMessage(*copied));
  const auto again = DecodeMessage(encoded);
  CHECK(again.ok() && EncodeMessage(*again) == encoded);
}

void Entries(std::string_view bytes) {
  const auto entry = DecodeEntry(bytes);
  if (!entry.ok()) return;
  std::string encoded;
  AppendEntry(encoded, *entry);
  CHECK(encoded.size() == EntrySize(*entry));
  const auto again = DecodeEntry(encoded);
  CHECK(again.ok() && *again == *entry);
}

FUZZ_TARGET(raft_codec) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(6);
  const std::string_view bytes = feed.Rest();
  switch (choice) {
    case 0:
      return Messages(bytes);
    case 1:
      return Entries(bytes);
    case 2:
      return RoundTrip(DecodeHardState(bytes), EncodeHardState, DecodeHardState);
    case 3:
      return RoundTrip(DecodeConfState(bytes), EncodeConfState, DecodeConfState);
    case 4:
      return RoundTrip(DecodeConfChange(bytes), EncodeConfChange, DecodeConfChange);
    default:
      return RoundTrip(DecodeSnapshot(bytes), EncodeSnapshot, DecodeSnapshot);
  }
}

}  // namespace
}  // namespace quorate::wire
