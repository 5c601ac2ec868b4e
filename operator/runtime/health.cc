#include "runtime/health.h"

#include <algorithm>

#include "runtime/metrics.h"

namespace quorate::runtime {
namespace {

Health::Answer RunChecks(const std::vector<Health::Check>& checks, std::string_view only,
                         std::string_view endpoint, bool verbose) {
  Health::Answer answer;
  std::string text;
  bool fine = true;
  bool known = only.empty() || only == "ping";
  if (only.empty() || only == "ping") text += "[+]ping ok\n";
  for (const Health::Check& check : checks) {
    if (!only.empty() && only != check.name) continue;
    known = true;
    const std::string trouble = check.trouble();
    fine &= trouble.empty();
    text += trouble.empty() ? "[+]" + check.name + " ok\n"
                            : "[-]" + check.name + " failed: " + trouble + "\n";
  }
  if (!known) return {404, "text/plain; charset=utf-8", "no such check\n"};
  answer.status = fine ? 200 : 500;
  const std::string name(endpoint);
  if (fine) {
    answer.body = verbose ? text + name + " check passed\n" : "ok";
  } else {
    answer.body = text + name + " check failed\n";
  }
  return answer;
}

}  // namespace

Health::Answer Health::Get(std::string_view target) const {
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(question);
  std::string_view path = target.substr(0, question);
  if (path == "/metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.Render()};
  }
  if (!path.starts_with('/')) return {404, "text/plain; charset=utf-8", "not found\n"};
  path.remove_prefix(1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view endpoint = path.substr(0, slash);
  const std::string_view only = slash < path.size() ? path.substr(slash + 1) : std::string_view();
  const bool verbose = query.find("verbose") != std::string_view::npos;
  if (endpoint == "readyz") return RunChecks(ready_, only, endpoint, verbose);
  if (endpoint == "livez" || endpoint == "healthz") {
    return RunChecks(live_, only, endpoint, verbose);
  }
  return {404, "text/plain; charset=utf-8", "not found\n"};
}

}  // namespace quorate::runtime
