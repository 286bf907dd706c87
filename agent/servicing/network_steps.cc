#include "agent/servicing/network_steps.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/network/netplan.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Beside the store: both volumes have it, and it lasts.
std::string RecordPathOf(const HostConfiguration& configuration) {
  const std::string& store = DatastorePathOf(configuration);
  return absl::StrCat(store.substr(0, store.rfind('/')), "/network-before.json");
}

}  // namespace

NetworkSteps::NetworkSteps(Host host, std::string path, LiveNetworkOptions options)
    : host_(host),
      path_(std::move(path)),
      live_(host.files, host.commands, host.network, host.clock, options) {}

absl::Status NetworkSteps::Configure(const StepRun& run) {
  if (!run.configuration.network) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-network",
                     "the document has no network to configure");
  }
  // Asked first: an image without netplan must not be left with a document that nobody reads.
  if (!HasNetplan(host_.files, path_)) return NoNetplan("the new system");
  TRIDENT_RETURN_IF_ERROR(WriteNetplan(host_.files, path_, *run.configuration.network));
  return CheckNetplan(host_.files, host_.commands, path_);
}

absl::Status NetworkSteps::Apply(const StepRun& run) {
  return live_.Apply(run.job_id, run.configuration.network, RecordPathOf(run.configuration),
                     run.cancellation);
}

absl::Status NetworkSteps::Confirm(const StepRun& run) {
  return live_.AwaitConfirmation(
      run.job_id, RecordPathOf(run.configuration),
      {.confirmed = run.confirmed,
       .tell = [&run](std::string_view words) { run.reporter.Info(words); },
       .cancellation = run.cancellation});
}

absl::Status NetworkSteps::Undo(const HostConfiguration& configuration) {
  return Annotate(live_.Undo(RecordPathOf(configuration)), "take the change of the network back");
}

}  // namespace trident
