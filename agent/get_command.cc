#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/commands.h"
#include "agent/daemon_client.h"
#include "agent/datastore/datastore.h"
#include "agent/host/files.h"
#include "common/base/error.h"
#include "common/status/host_status.h"

namespace trident {
namespace {

// From the store, without running any of its jobs. No store yet: a host of which nothing is known.
absl::StatusOr<std::string> RecordedStatus(const AgentOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(const AgentConfiguration configuration, LoadAgentConfiguration(options));
  auto store =
      Datastore::Open(StorePathOf(options, configuration), options.migrations, OpenMode::kReadOnly);
  if (absl::IsNotFound(store.status())) return WriteHostStatus(HostStatus{});
  TRIDENT_RETURN_IF_ERROR(store.status());
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> status, (*store)->HostStatusYaml());
  return std::move(status).value_or(WriteHostStatus(HostStatus{}));
}

}  // namespace

absl::Status GetCommand(const AgentOptions& options) {
  const absl::StatusOr<std::unique_ptr<DaemonClient>> daemon = ConnectToDaemon(options.socket_path);
  const absl::StatusOr<std::string> status =
      daemon.ok() ? (*daemon)->Status() : RecordedStatus(options);
  TRIDENT_RETURN_IF_ERROR(status.status());
  if (options.status_path) return MakeLinuxFiles()->Write(*options.status_path, *status, 0644);
  std::cout << *status << "\n";
  if (!std::cout.flush()) {
    return absl::InternalError("the Host Status could not be written to standard output");
  }
  return absl::OkStatus();
}

}  // namespace trident
