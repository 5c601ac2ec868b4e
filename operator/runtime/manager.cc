#include "runtime/manager.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace quorate::runtime {

// All that follows one kind: its store, its reflectors (one a namespace) and who wants to know.
struct Manager::Source {
  kube::Resource resource;
  std::string label_selector;
  std::vector<std::pair<Controller*, Map>> targets;
  std::vector<std::unique_ptr<Reflector>> reflectors;
};

Manager::Manager(kube::Client& client, io::Clock& clock, io::Random& random, Metrics& metrics,
                 LeaderElection* election, Options options)
    : client_(client),
      clock_(clock),
      random_(random),
      metrics_(metrics),
      election_(election),
      options_(std::move(options)),
      caches_(client) {}

Manager::~Manager() = default;

Controller& Manager::AddController(std::string name, Reconciler& reconciler) {
  controllers_.push_back(
      std::make_unique<Controller>(std::move(name), reconciler, clock_, metrics_));
  return *controllers_.back();
}

void Manager::Watch(const kube::Resource& resource, const std::string& label_selector,
                    Controller& controller, Map map) {
  const auto known = std::ranges::find_if(
      sources_, [&](const auto& source) { return source->resource == resource; });
  if (known != sources_.end()) {
    CHECK((*known)->label_selector == label_selector);
    (*known)->targets.emplace_back(&controller, std::move(map));
    return;
  }
  auto source = std::make_unique<Source>();
  source->resource = resource;
  source->label_selector = label_selector;
  source->targets.emplace_back(&controller, std::move(map));
  Store& store = caches_.Add(resource, label_selector);
  std::vector<std::string> namespaces = options_.namespaces;
  if (namespaces.empty() || !resource.namespaced) namespaces = {""};
  for (const std::string& ns : namespaces) {
    Informer::Options options;
    options.resource = resource;
    options.ns = ns;
    options.label_selector = label_selector;
    source->reflectors.push_back(
        std::make_unique<Reflector>(client_, clock_, random_, std::move(options), store,
                                    [raw = source.get()](const Change& change) {
                                      for (const auto& [target, names] : raw->targets) {
                                        for (const kube::ObjectRef& ref : names(change.object()))
                                          target->queue().Add(ref);
                                      }
                                    }));
  }
  sources_.push_back(std::move(source));
}

void Manager::AddChecks(Health& health) {
  health.AddReady({"informers", [this] {
                     std::string trouble;
                     for (const auto& source : sources_) {
                       for (const auto& reflector : source->reflectors) {
                         if (reflector->synced()) continue;
                         trouble += (trouble.empty() ? "" : "; ") +
                                    std::string(source->resource.plural) + ": " +
                                    (reflector->trouble().empty() ? "not listed yet"
                                                                  : reflector->trouble());
                       }
                     }
                     return trouble;
                   }});
}

Status Manager::Run() {
  std::vector<std::jthread> threads;
  for (const auto& source : sources_) {
    for (const auto& reflector : source->reflectors) {
      threads.emplace_back([this, raw = reflector.get()] { RunReflector(*raw); });
    }
  }
  bool lost = false;
  bool working = false;
  while (!lost && WaitForTurn(std::chrono::milliseconds(200))) {
    const bool leads = Lead();
    lost = election_ != nullptr && working && !leads;
    if (working || !leads || !synced()) continue;
    working = true;
    for (const auto& controller : controllers_) {
      for (int i = 0; i < options_.workers; ++i) {
        threads.emplace_back([this, raw = controller.get()] { RunWorker(*raw); });
      }
    }
  }
  Stop();
  threads.clear();  // joins
  if (lost) {
    return Error{Code::kFailedPrecondition,
                 "another operator may act now (the leader lease was lost); this one ends"};
  }
  if (election_ != nullptr) election_->Release();
  return {};
}

void Manager::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  for (const auto& controller : controllers_) controller->queue().Close();
  for (const auto& source : sources_) {
    for (const auto& reflector : source->reflectors) reflector->Stop();
  }
}

bool Manager::Pump(int rounds_max) {
  constexpr std::chrono::milliseconds kNoWait{0};
  for (int round = 0; round < rounds_max; ++round) {
    bool busy = false;
    for (const auto& source : sources_) {
      for (const auto& reflector : source->reflectors) {
        while (reflector->Step(kNoWait)) busy = true;
      }
    }
    if (Lead() && synced()) {
      for (const auto& controller : controllers_) busy |= controller->ProcessOne(kNoWait);
    }
    if (!busy) return true;
  }
  return false;
}

bool Manager::synced() const {
  return std::ranges::all_of(sources_, [](const auto& source) {
    return std::ranges::all_of(source->reflectors,
                               [](const auto& reflector) { return reflector->synced(); });
  });
}

void Manager::RunReflector(Reflector& reflector) {
  while (true) {
    reflector.Step(std::chrono::seconds(5));
    MutexLock lock(mutex_);
    if (stopped_) return;
  }
}

void Manager::RunWorker(Controller& controller) {
  while (true) {
    controller.ProcessOne(std::chrono::seconds(5));
    MutexLock lock(mutex_);
    if (stopped_) return;
  }
}

// Whether this process may act now; renews the lease when it is time.
bool Manager::Lead() {
  if (election_ == nullptr) return true;
  election_->Step();
  const bool leads = election_->leading();
  metrics_.Leading("quorate-operator", leads);
  return leads;
}

// False when stopped.
bool Manager::WaitForTurn(std::chrono::milliseconds patience) {
  MutexLock lock(mutex_);
  stopping_.wait_for(mutex_, patience, [this]() QUORATE_REQUIRES(mutex_) { return stopped_; });
  return !stopped_;
}

}  // namespace quorate::runtime
