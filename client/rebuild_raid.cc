#include <algorithm>
#include <optional>
#include <ostream>
#include <string>

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

// Says what is in the way of a rebuild. A value: the exit code, since there is nothing to submit.
std::optional<int> Look(Session& session, Connection& connection, const std::string& document) {
  pb::PlanHostRequest request;
  request.set_host_configuration(document);
  pb::PlanHostResponse plan;
  const grpc::Status status =
      Call(connection, &pb::HostManagement::Stub::PlanHost, request, plan, kLongCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  for (const std::string& warning : plan.warnings()) {
    session.err << "warning: " << Printable(warning) << '\n';
  }
  if (Rebuilds(plan)) return std::nullopt;
  session.err << "no array can be rebuilt now\n";
  // An obstacle is what keeps an array from being complete.
  return plan.warnings().empty() ? kExitSuccess : kExitRefused;
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
  pb::ListJobsRequest newest;
  newest.set_limit(1);
  pb::ListJobsResponse jobs;
  status = Call(connection, &pb::HostManagement::Stub::ListJobs, newest, jobs, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  // `trident run` may have begun with it when the host started: that job is joined. A plan would
  // only say what is left for it to do.
  const bool works = !jobs.jobs().empty() && !IsFinal(jobs.jobs(0).state());
  if (!works) {
    const std::optional<int> ends = Look(session, connection, recorded.host_configuration());
    if (ends) return *ends;
  }
  pb::HostUpdateRequest update;
  update.set_host_configuration(recorded.host_configuration());
  update.set_allowed_operations("update | transition");
  const auto renderer = MakeRenderer(session);
  return Follower(session, *renderer).Update(update, "the recorded configuration");
}

}  // namespace trident::client
