// Health: the answers of the probe and metrics endpoints, without the sockets.
//
//   /livez, /healthz   the process works; never depends on the API server or on leadership
//   /readyz            every informer has listed once; a standby replica is ready too
//   /metrics           Prometheus text
//   ?verbose           names each check; /readyz/NAME asks one
//
// Thread: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::runtime {

class Metrics;

class Health {
 public:
  struct Check {
    std::string name;
    std::function<std::string()> trouble;  // empty text: fine
  };
  struct Answer {
    int status = 404;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };

  explicit Health(const Metrics& metrics) : metrics_(metrics) {}

  // Before the first request.
  void AddLive(Check check) { live_.push_back(std::move(check)); }
  void AddReady(Check check) { ready_.push_back(std::move(check)); }

  // GET of a path with its query.
  Answer Get(std::string_view target) const;

 private:
  const Metrics& metrics_;
  std::vector<Check> live_;
  std::vector<Check> ready_;
};

}  // namespace quorate::runtime
