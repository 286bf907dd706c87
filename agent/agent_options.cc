#include "agent/agent_options.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/host/files.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {
namespace {

constexpr char kTemporaryStorePath[] = "/var/lib/trident/tmp-datastore.sqlite";

}  // namespace

absl::StatusOr<AgentConfiguration> LoadAgentConfiguration(const AgentOptions& options) {
  const std::unique_ptr<Files> files = MakeLinuxFiles();
  const absl::StatusOr<std::string> text = files->Read(options.config_path);
  if (absl::IsNotFound(text.status()) && !options.config_named) return AgentConfiguration{};
  TRIDENT_RETURN_IF_ERROR(Annotate(
      text.status(), absl::StrCat("read the agent's configuration ", options.config_path)));
  absl::StatusOr<AgentConfiguration> configuration = ParseAgentConfiguration(*text);
  TRIDENT_RETURN_IF_ERROR(Annotate(
      configuration.status(), absl::StrCat("the agent's configuration ", options.config_path)));
  return configuration;
}

std::string StorePathOf(const AgentOptions& options, const AgentConfiguration& configuration) {
  if (!options.datastore_path.empty()) return options.datastore_path;
  return configuration.datastore.value_or(kTemporaryStorePath);
}

absl::StatusOr<std::string> SocketPathOf(const std::string& listen) {
  const std::string path = absl::StartsWith(listen, "unix:") ? listen.substr(5) : listen;
  if (path.empty() || path[0] != '/') {
    return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "listen-address",
                     absl::StrCat("--listen ", listen, ": not the absolute path of a unix socket"),
                     "Write unix:/run/trident/trident.sock. TCP on loopback is turned on by `grpc` "
                     "with `insecureLoopback: true` in the agent's configuration.");
  }
  return path;
}

}  // namespace trident
