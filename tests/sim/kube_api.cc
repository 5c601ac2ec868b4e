#include "sim/kube_api.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"

namespace quorate::sim {
namespace {

using kube::HttpRequest;
using kube::HttpResponse;
using kube::HttpStream;
using kube::Json;
using kube::ObjectRef;
using kube::Resource;

std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "metadata.name=a,status.phase!=Failed"
bool FieldsMatch(const Json& object, const std::string& selector) {
  for (const std::string& part : Split(selector, ',')) {
    const bool negated = part.find("!=") != std::string::npos;
    const std::size_t at = part.find(negated ? "!=" : "=");
    if (at == std::string::npos) return false;
    std::string pointer = "/" + part.substr(0, at);
    std::ranges::replace(pointer, '.', '/');
    std::string wanted = part.substr(at + (negated ? 2 : 1));
    if (wanted.starts_with("=")) wanted.erase(0, 1);
    if ((kube::Text(object, pointer) == wanted) == negated) return false;
  }
  return true;
}

HttpResponse ToHttp(const KubeAnswer& answer) {
  HttpResponse response;
  response.status = answer.code;
  response.content_type = "application/json";
  response.body = kube::Dump(answer.body);
  return response;
}

std::string WatchLine(std::string_view type, const Json& object) {
  return kube::Dump(Json{{"type", std::string(type)}, {"object", object}});
}

Error Unreachable() {
  return Error{Code::kUnavailable, "connection refused (the simulated server is not there)"};
}

}  // namespace

// A request taken apart.
struct KubeApi::Request {
  std::string method;
  const KubeKind* kind = nullptr;
  ObjectRef ref;  // no name: the collection
  std::string subresource;
  std::map<std::string, std::string> query;
  std::string content_type;
  Json body;

  std::string Query(const std::string& key) const {
    const auto it = query.find(key);
    return it == query.end() ? std::string() : it->second;
  }
  bool Matches(const Json& object) const {
    return kube::LabelsMatch(kube::TextMap(object, "/metadata/labels"), Query("labelSelector")) &&
           FieldsMatch(object, Query("fieldSelector"));
  }
};

// One open watch.
struct KubeApi::Stream {
  Request request;
  HttpResponse head;
  bool head_sent = false;
  std::deque<std::string> lines;  // to be sent before anything of the history
  std::uint64_t cursor = 0;       // events up to this revision were sent
  std::optional<io::Clock::Instant> deadline;
  bool ended = false;
  std::optional<Error> broken;
};

class KubeApi::StreamHandle final : public HttpStream {
 public:
  StreamHandle(KubeApi& api, std::shared_ptr<Stream> stream)
      : api_(api), stream_(std::move(stream)) {}
  ~StreamHandle() override { Cancel(); }

  Result<Event> Next(std::chrono::milliseconds patience) override {
    return api_.NextOf(*stream_, patience);
  }
  void Cancel() override {
    {
      MutexLock lock(api_.mutex_);
      if (!stream_->broken) stream_->broken = Error{Code::kCancelled, "cancelled"};
    }
    api_.changed_.notify_all();
  }

 private:
  KubeApi& api_;
  const std::shared_ptr<Stream> stream_;
};

KubeApi::KubeApi(const io::Clock& clock, std::uint64_t seed) : clock_(clock), store_(clock, seed) {}
KubeApi::~KubeApi() = default;

Result<HttpResponse> KubeApi::Send(const HttpRequest& request,
                                   std::chrono::milliseconds /*quiet_max*/) {
  MutexLock lock(mutex_);
  if (!reachable_ || stopped_) return Unreachable();
  Fault* fault = FindFault(request);
  if (fault != nullptr && !fault->after) {
    if (fault->status == 0) return Error{Code::kUnavailable, "connection reset by peer"};
    HttpResponse refused = ToHttp(Refuse(fault->status, fault->reason, "injected"));
    if (fault->retry_after > 0) refused.retry_after = std::chrono::seconds(fault->retry_after);
    return refused;
  }
  if (request.target.starts_with("/readyz") || request.target.starts_with("/livez")) {
    return HttpResponse{200, "text/plain", {}, "ok"};
  }
  auto parsed = Parse(request);
  if (!parsed.ok()) return ToHttp(Refuse(404, "NotFound", parsed.error().message));
  const KubeAnswer answer = Handle(*parsed);
  const bool write = request.method != "GET";
  if (!write) ++reads_;
  if (write && answer.code < 300) {
    writes_.push_back({request.method, request.target, answer.code});
    changed_.notify_all();
    if (stop_at_ != 0 && writes_.size() >= stop_at_) {
      stopped_ = true;
      BreakStreams(Code::kUnavailable);
      return Unreachable();
    }
  }
  if (fault != nullptr) return Error{Code::kUnavailable, "the answer was lost"};
  return ToHttp(answer);
}

std::unique_ptr<HttpStream> KubeApi::Open(const HttpRequest& request,
                                          std::chrono::milliseconds /*quiet_max*/) {
  MutexLock lock(mutex_);
  auto stream = std::make_shared<Stream>();
  streams_.remove_if([](const std::weak_ptr<Stream>& one) { return one.expired(); });
  streams_.push_back(stream);
  auto handle = std::make_unique<StreamHandle>(*this, stream);
  if (!reachable_ || stopped_) {
    stream->broken = Unreachable();
    return handle;
  }
  if (Fault* fault = FindFault(request); fault != nullptr) {
    stream->head = ToHttp(Refuse(fault->status, fault->reason, "injected"));
    if (fault->status == 0) stream->broken = Unreachable();
    return handle;
  }
  auto parsed = Parse(request);
  if (!parsed.ok()) {
    stream->head = ToHttp(Refuse(404, "NotFound", parsed.error().message));
    return handle;
  }
  stream->request = std::move(*parsed);
  stream->head.status = 200;
  stream->cursor = store_.revision();
  const std::string seconds = stream->request.Query("timeoutSeconds");
  if (!seconds.empty()) {
    stream->deadline = clock_.Now() + std::chrono::seconds(std::stoll(seconds));
  }
  const std::string version = stream->request.Query("resourceVersion");
  if (version.empty() || version == "0") {
    for (const Json& object : store_.All(stream->request.kind->resource, stream->request.ref.ns)) {
      if (stream->request.Matches(object)) stream->lines.push_back(WatchLine("ADDED", object));
    }
  } else if (std::stoull(version) < store_.compacted()) {
    stream->lines.push_back(
        WatchLine("ERROR", Refuse(410, "Expired",
                                  "too old resource version: " + version + " (" +
                                      std::to_string(store_.compacted()) + ")")
                               .body));
    stream->ended = true;
  } else {
    stream->cursor = std::stoull(version);
  }
  return handle;
}

Result<HttpStream::Event> KubeApi::NextOf(Stream& stream, std::chrono::milliseconds patience) {
  MutexLock lock(mutex_);
  HttpStream::Event event;
  const auto ready = [&] { return stream.broken.has_value() || Advance(stream, event); };
  if (!ready() && patience.count() > 0) changed_.wait_for(mutex_, patience, ready);
  if (stream.broken) return *stream.broken;
  return event;
}

// Fills `event` with the next thing of the stream. False when there is nothing yet.
bool KubeApi::Advance(Stream& stream, HttpStream::Event& event) {
  using Kind = HttpStream::Event::Kind;
  if (!stream.head_sent) {
    stream.head_sent = true;
    event = {Kind::kHead, stream.head, {}};
    stream.ended |= stream.head.status != 200;
    return true;
  }
  if (!stream.lines.empty()) {
    event = {Kind::kLine, {}, std::move(stream.lines.front())};
    stream.lines.pop_front();
    return true;
  }
  if (stream.ended) {
    event = {Kind::kEnd, {}, {}};
    return true;
  }
  if (!hold_) {
    const auto& history = store_.history();
    auto it = std::ranges::upper_bound(history, stream.cursor, {}, &KubeEvent::revision);
    for (; it != history.end(); ++it) {
      stream.cursor = it->revision;
      const Request& request = stream.request;
      if (it->resource != request.kind->resource) continue;
      if (!request.ref.ns.empty() && kube::Namespace(it->after) != request.ref.ns) continue;
      const bool was = !it->before.is_null() && request.Matches(it->before);
      const bool is = !it->deleted && request.Matches(it->after);
      if (!was && !is) continue;
      const std::string_view type = !was ? "ADDED" : is ? "MODIFIED" : "DELETED";
      event = {Kind::kLine, {}, WatchLine(type, it->after)};
      return true;
    }
  }
  if (stream.deadline && clock_.Now() >= *stream.deadline) {
    stream.ended = true;
    event = {Kind::kEnd, {}, {}};
    return true;
  }
  return false;
}

Result<KubeApi::Request> KubeApi::Parse(const HttpRequest& request) const {
  Request out;
  out.method = request.method;
  out.content_type = request.content_type;
  const std::size_t question = std::min(request.target.find('?'), request.target.size());
  std::vector<std::string> path = Split(request.target.substr(0, question), '/');
  if (question < request.target.size()) {
    for (const std::string& pair : Split(request.target.substr(question + 1), '&')) {
      const std::size_t equals = std::min(pair.find('='), pair.size());
      out.query[pair.substr(0, equals)] =
          equals < pair.size() ? Decode(pair.substr(equals + 1)) : std::string();
    }
  }
  for (std::string& segment : path) segment = Decode(segment);
  const Error unknown{Code::kNotFound, "the server could not find the requested resource"};
  const bool core = !path.empty() && path[0] == "api";
  if (path.size() < (core ? 3U : 4U) || (!core && path[0] != "apis")) return unknown;
  const std::string group = core ? "" : path[1];
  const std::string version = core ? path[1] : path[2];
  path.erase(path.begin(), path.begin() + (core ? 2 : 3));
  if (path[0] == "namespaces" && path.size() > 2 && path[2] != "status") {
    out.ref.ns = path[1];
    path.erase(path.begin(), path.begin() + 2);
  }
  out.kind = store_.FindKind(group, version, path[0]);
  if (out.kind == nullptr) return unknown;
  if (path.size() > 1) out.ref.name = path[1];
  if (path.size() > 2) out.subresource = path[2];
  if (!out.subresource.empty() && (out.subresource != "status" || !out.kind->has_status)) {
    return unknown;
  }
  out.body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  return out;
}

KubeAnswer KubeApi::Handle(const Request& request) {
  if (request.method != "GET") return HandleWrite(request);
  if (request.ref.name.empty()) return HandleList(request);
  const Json* found = store_.Find(request.kind->resource, request.ref);
  if (found != nullptr) return {200, *found};
  return Refuse(
      404, "NotFound",
      std::string(request.kind->resource.plural) + " \"" + request.ref.name + "\" not found");
}

KubeAnswer KubeApi::HandleList(const Request& request) {
  const Resource& resource = request.kind->resource;
  std::vector<Json> items;
  const std::string token = request.Query("continue");
  std::uint64_t revision = store_.revision();
  if (token.empty()) {
    for (Json& object : store_.All(resource, request.ref.ns)) {
      if (request.Matches(object)) items.push_back(std::move(object));
    }
  } else {
    const auto page = pages_.find(token);
    revision = std::stoull(token.substr(token.find('.') + 1));
    if (page == pages_.end() || revision < store_.compacted()) {
      return Refuse(410, "Expired",
                    "The provided continue parameter is too old to display a consistent list "
                    "result.");
    }
    items = std::move(page->second);
    pages_.erase(page);
  }
  Json list{{"apiVersion", resource.ApiVersion()},
            {"kind", std::string(resource.kind) + "List"},
            {"metadata", {{"resourceVersion", std::to_string(revision)}}},
            {"items", Json::array()}};
  const std::string limit = request.Query("limit");
  const std::size_t most = limit.empty() ? items.size() : std::stoull(limit);
  if (items.size() > most) {
    const std::string next = std::to_string(next_page_++) + "." + std::to_string(revision);
    const auto cut = items.begin() + static_cast<std::ptrdiff_t>(most);
    pages_[next] = std::vector<Json>(cut, items.end());
    items.erase(cut, items.end());
    list["metadata"]["continue"] = next;
  }
  for (Json& item : items) {
    if (!request.kind->custom) {
      item.erase("apiVersion");  // as the real server leaves them out
      item.erase("kind");
    }
    list["items"].push_back(std::move(item));
  }
  return {200, std::move(list)};
}

KubeAnswer KubeApi::HandleWrite(const Request& request) {
  const KubeKind& kind = *request.kind;
  KubeStore::WriteContext context{request.Query("fieldManager"), request.subresource,
                                  request.Query("dryRun") == "All"};
  if (request.method == "DELETE" && !request.ref.name.empty()) {
    return store_.Delete(kind, request.ref,
                         request.body.is_object() ? request.body : Json::object());
  }
  if (request.body.is_discarded() || request.body.is_null()) {
    return Refuse(400, "BadRequest", "the object provided is unrecognized: it is not JSON");
  }
  if (request.method == "POST" && request.ref.name.empty()) {
    return store_.Create(kind, request.ref.ns, request.body, context);
  }
  if (request.method == "PUT" && !request.ref.name.empty()) {
    return store_.Replace(kind, request.ref, request.body, context);
  }
  if (request.method == "PATCH" && !request.ref.name.empty()) {
    if (request.content_type == "application/merge-patch+json") {
      return store_.Patch(kind, request.ref, request.body, /*merge=*/true, context);
    }
    if (request.content_type == "application/json-patch+json") {
      return store_.Patch(kind, request.ref, request.body, /*merge=*/false, context);
    }
    if (request.content_type == "application/apply-patch+yaml") {
      if (context.manager.empty()) {
        return Refuse(422, "Invalid",
                      "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is "
                      "required for apply patch");
      }
      return store_.Apply(kind, request.ref, request.body, request.Query("force") == "true",
                          context);
    }
    return Refuse(415, "UnsupportedMediaType",
                  "the body of the request was in an unknown format: " + request.content_type);
  }
  return Refuse(405, "MethodNotAllowed",
                "the server does not allow this method on the requested resource");
}

KubeApi::Fault* KubeApi::FindFault(const HttpRequest& request) {
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (it->times == 0) continue;
    if (!it->method.empty() && it->method != request.method) continue;
    if (request.target.find(it->target_part) == std::string::npos) continue;
    --it->times;
    return &*it;
  }
  return nullptr;
}

void KubeApi::BreakStreams(Code code) {
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (stream && !stream->broken) stream->broken = Error{code, "the connection broke"};
  }
  changed_.notify_all();
}

Json KubeApi::Peek(const Resource& resource, const ObjectRef& ref) const {
  MutexLock lock(mutex_);
  const Json* found = store_.Find(resource, ref);
  return found == nullptr ? Json() : *found;
}

std::vector<Json> KubeApi::All(const Resource& resource, std::string_view ns) const {
  MutexLock lock(mutex_);
  return store_.All(resource, ns);
}

std::vector<KubeApi::Write> KubeApi::writes() const {
  MutexLock lock(mutex_);
  return writes_;
}

std::size_t KubeApi::reads() const {
  MutexLock lock(mutex_);
  return reads_;
}

std::size_t KubeApi::open_watches() const {
  MutexLock lock(mutex_);
  std::size_t open = 0;
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (stream && !stream->broken && !stream->ended) ++open;
  }
  return open;
}

void KubeApi::AddKind(KubeKind kind) {
  MutexLock lock(mutex_);
  store_.AddKind(kind);
}

Json KubeApi::Put(const Resource& resource, Json object) {
  MutexLock lock(mutex_);
  const std::string ns = resource.namespaced ? kube::Namespace(object) : std::string();
  KubeAnswer answer =
      store_.Create(store_.KindOf(resource), ns, std::move(object), {"person", "", false});
  CHECK(answer.code == 201);
  changed_.notify_all();
  return std::move(answer.body);
}

bool KubeApi::Mutate(const Resource& resource, const ObjectRef& ref,
                     const std::function<void(Json&)>& change) {
  MutexLock lock(mutex_);
  const bool done = store_.Mutate(resource, ref, change);
  changed_.notify_all();
  return done;
}

bool KubeApi::Delete(const Resource& resource, const ObjectRef& ref) {
  MutexLock lock(mutex_);
  const KubeAnswer answer = store_.Delete(store_.KindOf(resource), ref, Json::object());
  changed_.notify_all();
  return answer.code == 200;
}

bool KubeApi::Remove(const Resource& resource, const ObjectRef& ref) {
  MutexLock lock(mutex_);
  const bool done = store_.Remove(resource, ref);
  changed_.notify_all();
  return done;
}

void KubeApi::CollectGarbage() {
  MutexLock lock(mutex_);
  store_.CollectGarbage();
  changed_.notify_all();
}

void KubeApi::Inject(Fault fault) {
  MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

void KubeApi::ClearFaults() {
  MutexLock lock(mutex_);
  faults_.clear();
}

void KubeApi::SetReachable(bool reachable) {
  MutexLock lock(mutex_);
  reachable_ = reachable;
  if (!reachable) BreakStreams(Code::kUnavailable);
}

void KubeApi::StopAfterWrites(std::size_t writes) {
  MutexLock lock(mutex_);
  stop_at_ = writes == 0 ? 0 : writes_.size() + writes;
}

bool KubeApi::stopped() const {
  MutexLock lock(mutex_);
  return stopped_;
}

void KubeApi::Resume() {
  MutexLock lock(mutex_);
  stopped_ = false;
  reachable_ = true;
  stop_at_ = 0;
}

void KubeApi::DropWatches() {
  MutexLock lock(mutex_);
  BreakStreams(Code::kUnavailable);
}

void KubeApi::EndWatches() {
  MutexLock lock(mutex_);
  for (const auto& weak : streams_) {
    if (const auto stream = weak.lock()) stream->ended = true;
  }
  changed_.notify_all();
}

void KubeApi::HoldWatches(bool hold) {
  MutexLock lock(mutex_);
  hold_ = hold;
  changed_.notify_all();
}

void KubeApi::SendBookmarks() {
  MutexLock lock(mutex_);
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (!stream || stream->request.kind == nullptr || hold_) continue;
    const auto& history = store_.history();
    if (!history.empty() && history.back().revision > stream->cursor) continue;  // lags behind
    Json object{{"apiVersion", stream->request.kind->resource.ApiVersion()},
                {"kind", std::string(stream->request.kind->resource.kind)},
                {"metadata", {{"resourceVersion", std::to_string(store_.revision())}}}};
    stream->lines.push_back(WatchLine("BOOKMARK", object));
  }
  changed_.notify_all();
}

void KubeApi::Compact() {
  MutexLock lock(mutex_);
  store_.Compact();
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (!stream || stream->cursor >= store_.compacted()) continue;
    stream->lines.push_back(
        WatchLine("ERROR", Refuse(410, "Expired", "too old resource version").body));
    stream->ended = true;
  }
  changed_.notify_all();
}

}  // namespace quorate::sim
