// What an API server, or something in its place, answers: watch events line by line, refusals, any
// objects; and the kubeconfig that names it.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "kube/api_error.h"
#include "kube/config.h"
#include "kube/watch.h"

namespace quorate::kube {
namespace {

class Lines final : public HttpStream {
 public:
  explicit Lines(std::string text) : rest_(std::move(text)) {}

  Result<Event> Next(std::chrono::milliseconds) override {
    Event event;
    if (!head_sent_) {
      head_sent_ = true;
      event.kind = Event::Kind::kHead;
      event.head.status = 200;
      return event;
    }
    if (rest_.empty()) {
      event.kind = Event::Kind::kEnd;
      return event;
    }
    const std::size_t end = rest_.find('\n');
    event.kind = Event::Kind::kLine;
    event.line = rest_.substr(0, end);
    rest_.erase(0, end == std::string::npos ? rest_.size() : end + 1);
    return event;
  }
  void Cancel() override {}

 private:
  bool head_sent_ = false;
  std::string rest_;
};

void Read(const Json& object) {
  (void)RefOf(object);
  (void)Uid(object);
  (void)ResourceVersion(object);
  (void)Label(object, "a/b");
  (void)Annotation(object, "a");
  (void)IsDeleting(object);
  (void)HasFinalizer(object, "f");
  (void)ControllerUid(object);
  (void)TextMap(object, "/metadata/labels");
  (void)Number(object, "/spec/replicas");
  (void)Dump(object);
}

void Watch(std::string text) {
  WatchStream stream(std::make_unique<Lines>(std::move(text)), "watch pods");
  while (true) {
    const auto event = stream.Next(std::chrono::milliseconds(0));
    if (!event.ok() || event->kind == WatchEvent::Kind::kEnd) return;
    Read(event->object);
  }
}

FUZZ_TARGET(kube_answers) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(6);
  const std::string bytes(choice == 1 || choice == 5 ? feed.Nested() : feed.Rest());
  switch (choice) {
    case 0:
      return Watch(bytes);
    case 1:
      Watch(R"({"type":"ADDED","object":)" + bytes + "}");
      return Watch(R"({"type":"ERROR","object":)" + bytes + "}");
    case 2:
      (void)MakeApiError({.status = 409, .content_type = {}, .retry_after = {}, .body = bytes}, "");
      return;
    case 3:
      (void)LabelsMatch({{"a", "b"}, {"c", ""}}, bytes);
      if (const auto time = ParseTime(bytes)) (void)FormatMicroTime(*time);
      return;
    default:
      (void)ParseKubeconfig(bytes, "/etc", "");
  }
}

}  // namespace
}  // namespace quorate::kube
