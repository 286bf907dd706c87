#include <algorithm>
#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/follower.h"
#include "client/format.h"
#include "client/renderer.h"

namespace trident::client {
namespace {

bool Rebuilds(const pb::PlanHostResponse& plan) {
  return std::any_of(plan.steps().begin(), plan.steps().end(), [](const pb::PlannedStep& step) {
    return step.id().rfind("restore-array/", 0) == 0;
  });
}

}  // namespace

int RebuildRaidCommand(Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::GetHostConfigurationResponse recorded;
  grpc::Status status = Call(connection, &pb::HostManagement::Stub::GetHostConfiguration,
                             pb::GetHostConfigurationRequest(), recorded, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  if (recorded.host_configuration().empty()) {
    session.err << "the host was not brought to any Host Configuration yet\n";
    return kExitRefused;
  }
  pb::PlanHostRequest request;
  request.set_host_configuration(recorded.host_configuration());
  pb::PlanHostResponse plan;
  status = Call(connection, &pb::HostManagement::Stub::PlanHost, request, plan, kLongCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  for (const std::string& warning : plan.warnings()) {
    session.err << "warning: " << Printable(warning) << '\n';
  }
  if (!Rebuilds(plan)) {
    session.err << "no array can be rebuilt now\n";
    // An obstacle is what keeps an array from being complete.
    return plan.warnings().empty() ? kExitSuccess : kExitRefused;
  }
  pb::HostUpdateRequest update;
  update.set_host_configuration(recorded.host_configuration());
  update.set_allowed_operations("update | transition");
  update.set_plan_digest(plan.digest());
  const auto renderer = MakeRenderer(session);
  return Follower(session, *renderer).Update(update, "the recorded configuration");
}

}  // namespace trident::client
