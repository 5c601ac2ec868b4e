#include "act/actor.h"

#include <utility>
#include <variant>

#include "act/steps.h"

namespace quorate::act {

Actor::Actor(kube::Client& kube, Connector connect, io::Clock& clock, Options options)
    : kube_(kube), connect_(std::move(connect)), clock_(clock), options_(options) {}

Status Actor::Act(const plan::Desired& desired, const plan::Observed& observed,
                  const plan::Step& step) {
  const Context context{kube_, connect_, clock_, options_.etcd_patience, desired, observed};
  return std::visit([&](const auto& one) { return Do(context, one); }, step);
}

}  // namespace quorate::act
