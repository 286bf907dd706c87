#include "agent/agent_process.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/api/server.h"
#include "agent/datastore/datastore.h"
#include "agent/host/host.h"
#include "agent/imaging/image_probe.h"
#include "agent/imaging/image_streamer.h"
#include "agent/jobs/job_manager.h"
#include "agent/servicing/host_servicer.h"
#include "common/base/error.h"
#include "common/base/version.h"

namespace trident {
namespace {

// The ports to the real machine, built here and nowhere else.
struct RealHost {
  std::unique_ptr<Files> files = MakeLinuxFiles();
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::unique_ptr<BlockDevices> devices = MakeLinuxBlockDevices(*commands);
  std::unique_ptr<Mounts> mounts = MakeLinuxMounts();
  std::unique_ptr<Firmware> firmware = MakeLinuxFirmware();
  std::unique_ptr<Machine> machine = MakeLinuxMachine();
  std::unique_ptr<Clock> clock = MakeLinuxClock();
  std::unique_ptr<Encryption> encryption = MakeLinuxEncryption(*commands);

  Host ports() {
    return {*files, *commands, *devices, *mounts, *firmware, *machine, *clock, *encryption};
  }
};

FetchOptions FetchOptionsOf(const AgentConfiguration& configuration) {
  FetchOptions options;
  options.registry_credentials = configuration.registry_credentials.value_or("");
  options.manifest_keyring = configuration.manifest_keyring.value_or("");
  return options;
}

HandedOn HandedOnBy(const AgentConfiguration& configuration) {
  return {.phonehome = configuration.phonehome,
          .registry_credentials = configuration.registry_credentials,
          .manifest_keyring = configuration.manifest_keyring};
}

class WiredAgent : public AgentProcess {
 public:
  WiredAgent(std::unique_ptr<Datastore> store, const AgentConfiguration& configuration)
      : store_(std::move(store)),
        prober_(MakeImageProber(FetchOptionsOf(configuration), *host_.files, *host_.commands)),
        streamer_(MakeImageStreamer(FetchOptionsOf(configuration), *host_.files, *host_.commands)),
        servicer_(MakeHostServicer(host_.ports(), *prober_, *streamer_,
                                   {.handed_on = HandedOnBy(configuration)})),
        jobs_(MakeJobManager(*store_, *servicer_, *host_.clock,
                             {.allowed_operations = configuration.allowed_operations})) {}

  ~WiredAgent() override { Shutdown(); }

  absl::Status Start(ServerOptions server) {
    server.store_range = store_->range();
    TRIDENT_RETURN_IF_ERROR(jobs_->Start());
    TRIDENT_ASSIGN_OR_RETURN(server_, StartServer(*jobs_, std::move(server)));
    return absl::OkStatus();
  }

  void Shutdown() override {
    if (server_ != nullptr) server_->Shutdown();
    jobs_->Stop();
    server_.reset();
  }

 private:
  RealHost host_;
  std::unique_ptr<Datastore> store_;
  std::unique_ptr<ImageProber> prober_;
  std::unique_ptr<ImageStreamer> streamer_;
  std::unique_ptr<Servicer> servicer_;
  std::unique_ptr<JobManager> jobs_;
  std::unique_ptr<Server> server_;
};

// Accepted, but of no effect yet: said at every start rather than ignored silently.
void WarnOfUnused(const AgentConfiguration& configuration) {
  if (configuration.phonehome) {
    spdlog::warn(
        "phonehome is handed on to installed hosts, but this version does not report to it");
  }
  if (configuration.logstream)
    spdlog::warn("logstream: this version does not send its log anywhere");
  if (configuration.network_override)
    spdlog::warn("networkOverride: this version configures no network");
  if (configuration.wait_for_provisioning_network) {
    spdlog::warn("waitForProvisioningNetwork: this version does not wait for a network");
  }
  if (configuration.grpc && !configuration.grpc->insecure_loopback) {
    spdlog::info(
        "grpc: served on the unix socket only (TCP on loopback needs insecureLoopback: true)");
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<AgentProcess>> StartAgentProcess(
    const AgentOptions& options, const AgentConfiguration& configuration,
    std::optional<int> inherited_socket) {
  WarnOfUnused(configuration);
  const std::string path = StorePathOf(options, configuration);
  auto store = Datastore::Open(path, options.migrations, OpenMode::kReadWrite);
  TRIDENT_RETURN_IF_ERROR(Annotate(store.status(), absl::StrCat("open the store ", path)));
  auto agent = std::make_unique<WiredAgent>(*std::move(store), configuration);

  ServerOptions server;
  server.socket_path = options.socket_path;
  server.inherited_socket = inherited_socket;
  if (configuration.grpc && configuration.grpc->insecure_loopback) {
    server.insecure_loopback_port = configuration.grpc->listen_port.value_or(kDefaultGrpcPort);
  }
  TRIDENT_RETURN_IF_ERROR(agent->Start(std::move(server)));
  spdlog::info("trident {} serves, store {}", TRIDENT_VERSION, path);
  return agent;
}

}  // namespace trident
