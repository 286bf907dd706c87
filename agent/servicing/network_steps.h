// Steps of the network. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_NETWORK_STEPS_H_
#define TRIDENT_AGENT_SERVICING_NETWORK_STEPS_H_

#include <string>

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/network/live_network.h"
#include "agent/servicing/servicer.h"

namespace trident {

class NetworkSteps {
 public:
  // `path`: where the new root is mounted.
  NetworkSteps(Host host, std::string path, LiveNetworkOptions options);

  // In the new root, which is mounted.
  absl::Status Configure(const StepRun& run);
  // Of the running system.
  absl::Status Apply(const StepRun& run);
  absl::Status Confirm(const StepRun& run);
  // Takes back what Apply did and Confirm has not accepted. OK when there is no such thing.
  absl::Status Undo(const HostConfiguration& configuration);

 private:
  Host host_;
  std::string path_;
  LiveNetwork live_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_NETWORK_STEPS_H_
