#include "act/steps.h"
#include "api/names.h"
#include "kube/resource.h"

namespace quorate::act {
namespace {

using kube::Json;
namespace resources = kube::resources;

Json Port(const char* name, int port) {
  return {{"name", name}, {"port", port}, {"targetPort", port}, {"protocol", "TCP"}};
}

// Members find each other by it from before they are ready, or none would ever be.
Json PeerService(const Context& context) {
  Json service =
      context.MakeOwned(resources::kServices, api::PeerServiceName(context.desired.name()));
  service["spec"] = {{"clusterIP", "None"},
                     {"publishNotReadyAddresses", true},
                     {"selector",
                      {{std::string(api::kLabelClusterUid), context.desired.uid()},
                       {std::string(api::kLabelComponent), "member"}}},
                     {"ports",
                      {Port("peer", api::kPeerPort), Port("client", api::kClientPort),
                       Port("metrics", api::kMetricsPort)}}};
  return service;
}

// Clients reach voters that are ready, never learners.
Json ClientService(const Context& context) {
  const api::ClientServiceSpec& spec = context.desired.spec().services.client;
  Json service =
      context.MakeOwned(resources::kServices, api::ClientServiceName(context.desired.name()));
  for (const auto& [key, value] : spec.labels) service["metadata"]["labels"][key] = value;
  if (!spec.annotations.empty()) service["metadata"]["annotations"] = spec.annotations;
  service["spec"] = {{"type", std::string(api::Word(spec.type))},
                     {"selector",
                      {{std::string(api::kLabelClusterUid), context.desired.uid()},
                       {std::string(api::kLabelComponent), "member"},
                       {std::string(api::kLabelRole), "voter"}}},
                     {"ports", {Port("client", api::kClientPort)}}};
  return service;
}

Status Ensure(const Context& context, const Json& service) {
  const auto present = context.kube.Get(resources::kServices, kube::RefOf(service));
  if (!present.ok() && !kube::IsNotFound(present.error())) return present.error();
  if (present.ok() && kube::Label(*present, api::kLabelClusterUid) != context.desired.uid()) {
    return OutOfDate("service " + kube::Name(service) + " belongs to somebody else");
  }
  const auto applied = context.kube.Apply(resources::kServices, service, {});
  if (!applied.ok()) return applied.error();
  return {};
}

}  // namespace

Status Do(const Context& context, const plan::EnsureServices&) {
  TRY(Ensure(context, PeerService(context)));
  return Ensure(context, ClientService(context));
}

}  // namespace quorate::act
