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
#include "agent/reporting/reporting.h"
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
  std::unique_ptr<NetworkState> network = MakeLinuxNetworkState();
  std::unique_ptr<Verity> verity = MakeLinuxVerity();

  Host ports() {
    return {*files,   *commands, *devices,    *mounts,  *firmware,
            *machine, *clock,    *encryption, *network, *verity};
  }
};

FetchOptions FetchOptionsOf(const AgentConfiguration& configuration) {
  FetchOptions options;
  options.registry_credentials = configuration.registry_credentials.value_or("");
  options.manifest_keyring = configuration.manifest_keyring.value_or("");
  return options;
}

// The store's folder outlives reboots, and is the agent's own. That of the file itself: a change
// may have just begun to move the store, and an agent that is started anew must find how to undo
// it.
std::string UndoFolderBeside(const std::string& store_path) {
  return absl::StrCat(store_path.substr(0, store_path.rfind('/') + 1), "undo");
}

HostServicerOptions OptionsOf(const AgentConfiguration& configuration,
                              const std::string& store_path) {
  HostServicerOptions options;
  options.handed_on = HandedOnBy(configuration);
  options.undo_folder = UndoFolderBeside(store_path);
  options.live_network.limit = std::chrono::seconds(configuration.network_confirm_seconds);
  return options;
}

// As the file of the agent's configuration says, which a job may have written.
absl::StatusOr<std::optional<std::string>> PhonehomeNow(const AgentOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(AgentConfiguration now, LoadAgentConfiguration(options));
  return std::move(now.phonehome);
}

class WiredAgent final : public AgentProcess {
 public:
  WiredAgent(std::unique_ptr<Datastore> store, const AgentConfiguration& configuration,
             std::shared_ptr<LogStream> log_stream)
      : configuration_(configuration),
        log_stream_(std::move(log_stream)),
        store_(std::move(store)),
        prober_(MakeImageProber(FetchOptionsOf(configuration), *host_.files, *host_.commands)),
        streamer_(MakeImageStreamer(FetchOptionsOf(configuration), *host_.files, *host_.commands)),
        servicer_(MakeHostServicer(host_.ports(), *prober_, *streamer_,
                                   OptionsOf(configuration, store_->path()))),
        jobs_(MakeJobManager(*store_, *servicer_, *host_.clock,
                             {.allowed_operations = configuration.allowed_operations})) {}

  ~WiredAgent() override { Shutdown(); }

  absl::Status Start(ServerOptions server, const AgentOptions& options) {
    server.store_range = store_->range();
    TRIDENT_ASSIGN_OR_RETURN(const JournalBounds bounds, store_->Bounds());
    TRIDENT_RETURN_IF_ERROR(jobs_->Start());
    reporting_ = Reporting::Start(configuration_,
                                  {.jobs = *jobs_,
                                   .files = *host_.files,
                                   .clock = *host_.clock,
                                   .after_sequence = bounds.newest,
                                   .log_stream = log_stream_,
                                   .phonehome = [options] { return PhonehomeNow(options); }});
    TRIDENT_ASSIGN_OR_RETURN(server_, StartServer(*jobs_, std::move(server)));
    return absl::OkStatus();
  }

  void Shutdown() override {
    if (server_ != nullptr) server_->Shutdown();
    jobs_->Stop();
    reporting_.reset();
    server_.reset();
  }

 private:
  const AgentConfiguration configuration_;
  std::shared_ptr<LogStream> log_stream_;
  RealHost host_;
  std::unique_ptr<Datastore> store_;
  std::unique_ptr<ImageProber> prober_;
  std::unique_ptr<ImageStreamer> streamer_;
  std::unique_ptr<Servicer> servicer_;
  std::unique_ptr<JobManager> jobs_;
  std::unique_ptr<Reporting> reporting_;
  std::unique_ptr<Server> server_;
};

// What may be taken for more than it is.
void TellOfHalfOpen(const AgentConfiguration& configuration) {
  if (configuration.grpc && !configuration.grpc->insecure_loopback) {
    spdlog::info(
        "grpc: served on the unix socket only (TCP on loopback needs insecureLoopback: true)");
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<AgentProcess>> StartAgentProcess(
    const AgentOptions& options, const AgentConfiguration& configuration,
    std::optional<int> inherited_socket) {
  std::shared_ptr<LogStream> log_stream;
  if (configuration.logstream) log_stream = StreamLogTo(*configuration.logstream);
  TellOfHalfOpen(configuration);
  const std::string path = StorePathOf(options, configuration);
  auto store = Datastore::Open(path, options.migrations, OpenMode::kReadWrite);
  TRIDENT_RETURN_IF_ERROR(Annotate(store.status(), absl::StrCat("open the store ", path)));
  auto agent =
      std::make_unique<WiredAgent>(*std::move(store), configuration, std::move(log_stream));

  ServerOptions server;
  server.socket_path = options.socket_path;
  server.inherited_socket = inherited_socket;
  if (configuration.grpc && configuration.grpc->insecure_loopback) {
    server.insecure_loopback_port = configuration.grpc->listen_port.value_or(kDefaultGrpcPort);
  }
  TRIDENT_RETURN_IF_ERROR(agent->Start(std::move(server), options));
  spdlog::info("trident {} serves, store {}", TRIDENT_VERSION, path);
  return agent;
}

}  // namespace trident
