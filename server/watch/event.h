// EventBytes: one encoded event, shared by every watcher that gets it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mvcc/revision_id.h"

namespace quorate::watch {

// The field "events" of WatchResponse with its tag and length: a response is its other fields
// followed by the bytes of its events.
using EventBytes = std::shared_ptr<const std::string>;

// `record` and `previous` are KeyValue bytes; an empty `previous` is left out.
EventBytes EncodeEvent(bool deleted, std::string_view record, std::string_view previous);

}  // namespace quorate::watch
