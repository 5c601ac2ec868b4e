#include "rpc/router.h"

#include "base/check.h"

namespace quorate::rpc {
namespace {

// "/package.Service/Method" -> "package.Service", "Method"; service empty when malformed.
std::pair<std::string_view, std::string_view> Split(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

void Router::Unary(std::string_view path, UnaryHandler handler) {
  CHECK(!Split(path).first.empty());
  services_.emplace(Split(path).first);
  CHECK(methods_.emplace(path, Method{std::move(handler), nullptr}).second);
}

void Router::Streaming(std::string_view path, StreamHandler handler) {
  CHECK(!Split(path).first.empty());
  services_.emplace(Split(path).first);
  CHECK(methods_.emplace(path, Method{nullptr, std::move(handler)}).second);
}

void Router::Http(std::string_view path, HttpHandler handler) {
  CHECK(path.starts_with('/'));
  CHECK(http_.emplace(path, std::move(handler)).second);
}

const std::pair<const std::string, Router::Method>* Router::FindMethod(
    std::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &*found;
}

Error Router::UnknownMethod(std::string_view path) const {
  const auto [service, method] = Split(path);
  if (method.empty() && service.empty()) {
    return {Code::kUnimplemented, "malformed method name: \"" + std::string(path) + "\""};
  }
  if (!services_.contains(service)) {
    return {Code::kUnimplemented, "unknown service " + std::string(service)};
  }
  return {Code::kUnimplemented,
          "unknown method " + std::string(method) + " for service " + std::string(service)};
}

const HttpHandler* Router::FindHttp(std::string_view path) const {
  if (const auto exact = http_.find(path); exact != http_.end()) return &exact->second;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos;
       slash = slash == 0 ? std::string_view::npos : path.rfind('/', slash - 1)) {
    const auto found = http_.find(path.substr(0, slash + 1));
    if (found != http_.end()) return &found->second;
  }
  return nullptr;
}

}  // namespace quorate::rpc
