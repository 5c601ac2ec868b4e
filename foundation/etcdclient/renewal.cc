#include "etcdclient/renewal.h"

#include <algorithm>

namespace quorate::etcdclient {

using std::chrono::ceil;

Renewal::Milliseconds Renewal::pause(Instant now) const {
  return std::max(ceil<Milliseconds>(std::min(next_, end_) - now), Milliseconds(0));
}

Renewal::Milliseconds Renewal::patience(Instant now) const {
  return std::clamp(ceil<Milliseconds>(end_ - now), Milliseconds(1),
                    std::max(ttl_ / 5, Milliseconds(1)));
}

void Renewal::Renewed(Instant asked, std::chrono::seconds ttl) {
  ttl_ = std::max<Milliseconds>(ttl, Milliseconds(0));
  next_ = asked + ttl_ / 3;
  end_ = asked + ttl_;
}

void Renewal::Failed(Instant now) {
  next_ = now + ttl_ / 30;
}

}  // namespace quorate::etcdclient
