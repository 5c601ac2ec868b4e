#include "kube/watch.h"

#include <utility>

#include "kube/api_error.h"

namespace quorate::kube {

WatchStream::WatchStream(std::unique_ptr<HttpStream> stream, std::string what)
    : stream_(std::move(stream)), what_(std::move(what)) {}

Result<WatchEvent> WatchStream::Next(std::chrono::milliseconds patience) {
  while (true) {
    auto next = stream_->Next(patience);
    if (!next.ok()) return Annotate(std::move(next).error(), what_);
    switch (next->kind) {
      case HttpStream::Event::Kind::kHead:
        if (next->head.status != 200) return MakeApiError(next->head, what_);
        continue;
      case HttpStream::Event::Kind::kIdle:
        return WatchEvent{};
      case HttpStream::Event::Kind::kEnd:
        return WatchEvent{WatchEvent::Kind::kEnd, {}, {}};
      case HttpStream::Event::Kind::kLine:
        if (next->line.empty()) continue;
        return Parse(next->line);
    }
  }
}

void WatchStream::Cancel() {
  stream_->Cancel();
}

Result<WatchEvent> WatchStream::Parse(const std::string& line) const {
  Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  const std::string type = Text(event, "/type");
  const Json* object = Find(event, "/object");
  if (object == nullptr) {
    return Error{Code::kInternal,
                 what_ + ": a line that is no watch event: " + line.substr(0, 200)};
  }
  if (type == "ERROR") return MakeStatusError(Dump(*object), what_);
  WatchEvent out;
  out.resource_version = ResourceVersion(*object);
  if (type == "BOOKMARK") {
    out.kind = WatchEvent::Kind::kBookmark;
    return out;
  }
  if (type == "ADDED") {
    out.kind = WatchEvent::Kind::kAdded;
  } else if (type == "MODIFIED") {
    out.kind = WatchEvent::Kind::kModified;
  } else if (type == "DELETED") {
    out.kind = WatchEvent::Kind::kDeleted;
  } else {
    return Error{Code::kInternal, what_ + ": unknown watch event type '" + type + "'"};
  }
  out.object = std::move(event["object"]);
  return out;
}

}  // namespace quorate::kube
