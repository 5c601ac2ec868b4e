// RecordCache: the records written or read last, so that usual reads never reach the engine.
//
// A table of fixed places; a record's place follows from its revision, so the most recent writes
// are always there and replacing needs no bookkeeping. Large records are not kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mvcc/revision_id.h"

namespace quorate::mvcc {

class RecordCache {
 public:
  static constexpr std::size_t kPlaces = 16384;
  static constexpr std::size_t kRecordBytesMax = 2048;

  void Add(RevisionId id, std::string_view record);
  const std::string* Find(RevisionId id) const;

 private:
  struct Place {
    RevisionId id;
    std::string record;
  };
  static std::size_t PlaceOf(RevisionId id);

  std::vector<Place> places_ = std::vector<Place>(kPlaces);
};

}  // namespace quorate::mvcc
