#include "kube/client.h"

#include <algorithm>
#include <utility>

#include "io/clock.h"

namespace quorate::kube {
namespace {

// When the server says 429 or 503 with Retry-After, never stay silent longer than this.
constexpr std::chrono::seconds kSilenceMax{30};

// Appends "key=value" to a target, percent-encoded; nothing when the value is empty.
void AddQuery(std::string& target, std::string_view key, std::string_view value) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += key;
  target += '=';
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      target += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      target += '%';
      target += kDigits[byte >> 4U];
      target += kDigits[byte & 0xFU];
    }
  }
}

// "get pods default/a": how error texts name a request.
std::string Describe(std::string_view verb, const Resource& resource, const ObjectRef& ref) {
  std::string text(verb);
  text += ' ';
  text += resource.plural;
  const std::string where = ToString(ref);
  if (!where.empty()) text += " " + where;
  return text;
}

std::string_view ContentType(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return {};
}

std::string_view ToText(Propagation propagation) {
  switch (propagation) {
    case Propagation::kBackground:
      return "Background";
    case Propagation::kForeground:
      return "Foreground";
    case Propagation::kOrphan:
      return "Orphan";
  }
  return {};
}

// A list's items carry neither apiVersion nor kind; ours do.
void NameKind(const Resource& resource, Json& item) {
  item["apiVersion"] = resource.ApiVersion();
  item["kind"] = std::string(resource.kind);
}

}  // namespace

Client::Client(Http& http, io::Clock& clock, Options options)
    : http_(http), clock_(clock), options_(std::move(options)) {}

Result<Json> Client::Get(const Resource& resource, const ObjectRef& ref) {
  return Call({"GET", resource.Path(ref.ns, ref.name), {}, {}}, Describe("get", resource, ref));
}

Result<ObjectPage> Client::ListPage(const Resource& resource, std::string_view ns,
                                    const ListOptions& options) {
  std::string target = resource.Path(ns);
  AddQuery(target, "labelSelector", options.label_selector);
  AddQuery(target, "fieldSelector", options.field_selector);
  if (options.limit > 0) AddQuery(target, "limit", std::to_string(options.limit));
  AddQuery(target, "continue", options.continue_token);
  // A continue token carries its own resourceVersion; giving another is refused.
  if (options.continue_token.empty()) {
    AddQuery(target, "resourceVersion", options.resource_version);
  }
  const std::string what = Describe("list", resource, {std::string(ns), {}});
  Json list = TRY(Call({"GET", std::move(target), {}, {}}, what));
  ObjectPage page;
  page.resource_version = ResourceVersion(list);
  page.continue_token = Text(list, "/metadata/continue");
  const auto items = list.find("items");
  if (items == list.end()) return Error{Code::kInternal, what + ": the answer is no list"};
  if (items->is_null()) return page;  // how an empty list of some kinds is written
  if (!items->is_array()) return Error{Code::kInternal, what + ": the items are no list"};
  page.items.reserve(items->size());
  for (Json& item : *items) {
    if (!item.is_object()) return Error{Code::kInternal, what + ": an item is no object"};
    NameKind(resource, item);
    page.items.push_back(std::move(item));
  }
  return page;
}

Result<ObjectPage> Client::ListAll(const Resource& resource, std::string_view ns,
                                   ListOptions options) {
  ObjectPage all;
  for (bool restarted = false;;) {
    auto page = ListPage(resource, ns, options);
    if (!page.ok() && IsGone(page.error()) && !restarted && !options.continue_token.empty()) {
      restarted = true;
      options.continue_token.clear();
      all.items.clear();
      continue;
    }
    if (!page.ok()) return std::move(page).error();
    std::ranges::move(page->items, std::back_inserter(all.items));
    all.resource_version = page->resource_version;
    options.continue_token = page->continue_token;
    if (options.continue_token.empty()) return all;
  }
}

Result<std::vector<ObjectPtr>> Client::List(const Resource& resource, std::string_view ns,
                                            std::string_view label_selector) {
  ListOptions options;
  options.label_selector = label_selector;
  ObjectPage page = TRY(ListAll(resource, ns, std::move(options)));
  std::vector<ObjectPtr> out;
  out.reserve(page.items.size());
  for (Json& item : page.items) out.push_back(std::make_shared<const Json>(std::move(item)));
  return out;
}

Result<Json> Client::Create(const Resource& resource, const Json& object) {
  const std::string what = Describe("create", resource, RefOf(object));
  TRY(MayWrite(what));
  std::string target = resource.Path(Namespace(object));
  AddQuery(target, "fieldManager", options_.field_manager);
  return Call({"POST", std::move(target), "application/json", Dump(object)}, what);
}

Result<Json> Client::Update(const Resource& resource, const Json& object) {
  const std::string what = Describe("update", resource, RefOf(object));
  TRY(MayWrite(what));
  std::string target = resource.Path(Namespace(object), Name(object));
  AddQuery(target, "fieldManager", options_.field_manager);
  return Call({"PUT", std::move(target), "application/json", Dump(object)}, what);
}

Result<Json> Client::UpdateStatus(const Resource& resource, const Json& object) {
  const std::string what = Describe("update status of", resource, RefOf(object));
  TRY(MayWrite(what));
  std::string target = resource.Path(Namespace(object), Name(object), "status");
  AddQuery(target, "fieldManager", options_.field_manager);
  return Call({"PUT", std::move(target), "application/json", Dump(object)}, what);
}

Result<Json> Client::Patch(const Resource& resource, const ObjectRef& ref, PatchType type,
                           const Json& patch, const PatchOptions& options) {
  const std::string what = Describe(type == PatchType::kApply ? "apply" : "patch", resource, ref);
  TRY(MayWrite(what));
  std::string target = resource.Path(ref.ns, ref.name, options.subresource);
  AddQuery(target, "fieldManager",
           options.field_manager.empty() ? options_.field_manager : options.field_manager);
  if (type == PatchType::kApply) AddQuery(target, "force", options.force ? "true" : "false");
  if (options.dry_run) AddQuery(target, "dryRun", "All");
  return Call({"PATCH", std::move(target), std::string(ContentType(type)), Dump(patch)}, what);
}

Result<Json> Client::Apply(const Resource& resource, const Json& object,
                           const PatchOptions& options) {
  return Patch(resource, RefOf(object), PatchType::kApply, object, options);
}

Status Client::Delete(const Resource& resource, const ObjectRef& ref,
                      const DeleteOptions& options) {
  const std::string what = Describe("delete", resource, ref);
  TRY(MayWrite(what));
  Json body{{"apiVersion", "v1"},
            {"kind", "DeleteOptions"},
            {"propagationPolicy", std::string(ToText(options.propagation))}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_seconds) body["gracePeriodSeconds"] = *options.grace_seconds;
  TRY(Call({"DELETE", resource.Path(ref.ns, ref.name), "application/json", Dump(body)}, what));
  return {};
}

std::unique_ptr<WatchStream> Client::Watch(const Resource& resource, std::string_view ns,
                                           const WatchOptions& options) {
  std::string target = resource.Path(ns);
  AddQuery(target, "watch", "1");
  AddQuery(target, "allowWatchBookmarks", "true");
  AddQuery(target, "labelSelector", options.label_selector);
  AddQuery(target, "fieldSelector", options.field_selector);
  AddQuery(target, "resourceVersion", options.resource_version);
  AddQuery(target, "timeoutSeconds", std::to_string(options.timeout.count()));
  return std::make_unique<WatchStream>(
      http_.Open({"GET", std::move(target), {}, {}}, options.quiet_max),
      Describe("watch", resource, {std::string(ns), {}}));
}

Result<std::string> Client::GetRaw(std::string_view target) {
  const std::string what = "get " + std::string(target);
  return TRY(Exchange({"GET", std::string(target), {}, {}}, what)).body;
}

Result<Json> Client::Call(HttpRequest request, std::string_view what) {
  const HttpResponse response = TRY(Exchange(request, what));
  Json body = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) {
    return Annotate(Error{Code::kInternal, "the answer is not a JSON object"}, what);
  }
  return body;
}

Result<HttpResponse> Client::Exchange(const HttpRequest& request, std::string_view what) {
  TRY(NotThrottled(what));
  auto response = http_.Send(request, options_.request_quiet_max);
  if (options_.on_answer) {
    options_.on_answer(request.method, response.ok() ? response->status : 0);
  }
  if (!response.ok()) return Annotate(std::move(response).error(), what);
  if (response->status < 400) return response;
  NoteRetryAfter(*response);
  return MakeApiError(*response, what);
}

Status Client::MayWrite(std::string_view what) const {
  if (!options_.may_write || options_.may_write()) return {};
  return Error{Code::kFailedPrecondition,
               std::string(what) + ": this process does not lead (it may not write)"};
}

Status Client::NotThrottled(std::string_view what) const {
  if (clock_.Now().time_since_epoch().count() >= silent_until_.load()) return {};
  return Error{Code::kResourceExhausted,
               std::string(what) + ": the API server asked for fewer requests; try again later"};
}

void Client::NoteRetryAfter(const HttpResponse& response) {
  // A 429 without Retry-After is an eviction that a disruption budget refuses: no reason to fall
  // silent.
  if ((response.status != 429 && response.status != 503) || !response.retry_after) return;
  const auto silence = std::min(*response.retry_after, kSilenceMax);
  silent_until_.store((clock_.Now() + silence).time_since_epoch().count());
}

}  // namespace quorate::kube
