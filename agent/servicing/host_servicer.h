// Servicing of the real host: plans from observation, runs steps through the subsystems.
#ifndef TRIDENT_AGENT_SERVICING_HOST_SERVICER_H_
#define TRIDENT_AGENT_SERVICING_HOST_SERVICER_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "agent/host/host.h"
#include "agent/imaging/image_probe.h"
#include "agent/imaging/image_streamer.h"
#include "agent/management/runtime_configuration.h"
#include "agent/network/live_network.h"
#include "agent/servicing/servicer.h"
#include "agent/storage/new_root.h"

namespace trident {

struct HostServicerOptions {
  // Of the running agent.
  HandedOn handed_on;
  std::string new_root = kDefaultNewRootPath;
  // The running program, for management.selfUpgrade.
  std::string program = "/proc/self/exe";
  // Where what would undo a live change is kept: durable, and private.
  std::string undo_folder = "/var/lib/trident/undo";
  // How long a new system may take to reach multi-user.target.
  std::chrono::seconds boot_limit = std::chrono::minutes(5);
  // How a change of the running network is confirmed.
  LiveNetworkOptions live_network = {};
};

// The references must outlive the servicer.
std::unique_ptr<Servicer> MakeHostServicer(Host host, ImageProber& prober, ImageStreamer& streamer,
                                           const HostServicerOptions& options);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_HOST_SERVICER_H_
