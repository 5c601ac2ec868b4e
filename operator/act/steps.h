// Do: one overload a step, each in the file named after its subject.
//
// Thread: one thread a cluster.
#pragma once

#include "act/context.h"
#include "plan/step.h"

namespace quorate::act {

// finalizer.cc
Status Do(const Context& context, const plan::AddFinalizer& step);
Status Do(const Context& context, const plan::RemoveFinalizer& step);
// services.cc
Status Do(const Context& context, const plan::EnsureServices& step);
// disruption_budget.cc
Status Do(const Context& context, const plan::SetDisruptionBudget& step);
// cluster_id.cc
Status Do(const Context& context, const plan::LatchClusterId& step);
// slot.cc
Status Do(const Context& context, const plan::CreateSlot& step);
Status Do(const Context& context, const plan::MarkLeaving& step);
Status Do(const Context& context, const plan::DeleteSlot& step);
// volume.cc
Status Do(const Context& context, const plan::CreateVolume& step);
Status Do(const Context& context, const plan::BindVolume& step);
Status Do(const Context& context, const plan::RetainVolume& step);
Status Do(const Context& context, const plan::DeleteVolume& step);
// pod.cc
Status Do(const Context& context, const plan::CreatePod& step);
Status Do(const Context& context, const plan::DeletePod& step);
Status Do(const Context& context, const plan::LabelPod& step);
// membership.cc
Status Do(const Context& context, const plan::MemberAdd& step);
Status Do(const Context& context, const plan::MemberRemove& step);
Status Do(const Context& context, const plan::MemberPromote& step);
Status Do(const Context& context, const plan::MoveLeader& step);

}  // namespace quorate::act
