#include "mvcc/record_cache.h"

namespace quorate::mvcc {

void RecordCache::Add(RevisionId id, std::string_view record) {
  if (record.size() > kRecordBytesMax) return;
  Place& place = places_[PlaceOf(id)];
  place.id = id;
  place.record.assign(record);
}

const std::string* RecordCache::Find(RevisionId id) const {
  const Place& place = places_[PlaceOf(id)];
  return place.id == id ? &place.record : nullptr;
}

std::size_t RecordCache::PlaceOf(RevisionId id) {
  return static_cast<std::size_t>(id.main.value + id.sub) % kPlaces;
}

}  // namespace quorate::mvcc
