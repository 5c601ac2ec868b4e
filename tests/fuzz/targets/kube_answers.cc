// What an API server, or something in its place, answers: watch events line by line, refusals, any
// objects; and the kubeconfig that names it.
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "kube/api_error.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/watch.h"
#include "sim/clock.h"

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

// Says the same to every question, twice at most: no listing goes on for ever.
class Twice final : public Http {
 public:
  explicit Twice(std::string body) : body_(std::move(body)) {}

  Result<HttpResponse> Send(const HttpRequest&, std::chrono::milliseconds) override {
    if (++asked_ > 2) return Error{Code::kUnavailable, "enough"};
    return HttpResponse{.status = 200, .content_type = {}, .retry_after = {}, .body = body_};
  }
  std::unique_ptr<HttpStream> Open(const HttpRequest&, std::chrono::milliseconds) override {
    return nullptr;
  }

 private:
  const std::string body_;
  int asked_ = 0;
};

void Ask(std::string body) {
  Twice http(std::move(body));
  sim::Clock clock;
  Client client(http, clock, {});
  const auto all = client.ListAll(resources::kPods, "", {});
  if (!all.ok()) return;
  for (const Json& item : all->items) {
    CHECK(Text(item, "/kind") == "Pod");
    Read(item);
  }
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
  const std::uint64_t choice = feed.Below(8);
  const bool nested = choice == 1 || choice == 5 || choice == 7;
  const std::string bytes(nested ? feed.Nested() : feed.Rest());
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
    case 6:
    case 7:
      Ask(bytes);
      return Ask(R"({"items":[)" + bytes + "]}");
    default:
      (void)ParseKubeconfig(bytes, "/etc", "");
  }
}

}  // namespace
}  // namespace quorate::kube
