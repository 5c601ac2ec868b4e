#include "watch/event.h"

#include <cstdint>

#include "base/fields.h"

namespace quorate::watch {
namespace {

constexpr unsigned kEventsField = 11;  // of WatchResponse
constexpr unsigned kTypeField = 1;     // of Event, as the next two
constexpr unsigned kKvField = 2;
constexpr unsigned kPreviousField = 3;
constexpr std::int64_t kDelete = 1;

std::size_t FieldSize(std::size_t bytes) {
  return 1 + fields::VarintSize(bytes) + bytes;
}

}  // namespace

EventBytes EncodeEvent(bool deleted, std::string_view record, std::string_view previous) {
  std::size_t size = FieldSize(record.size()) + (deleted ? 2 : 0);
  if (!previous.empty()) size += FieldSize(previous.size());
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(FieldSize(size));
  fields::AppendVarint(*bytes, (kEventsField << 3) | 2U);
  fields::AppendVarint(*bytes, size);
  fields::AppendUnlessZero(*bytes, kTypeField, deleted ? kDelete : 0);
  fields::AppendText(*bytes, kKvField, record);
  if (!previous.empty()) fields::AppendText(*bytes, kPreviousField, previous);
  return bytes;
}

}  // namespace quorate::watch
