#include "agent/management/runtime_configuration.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {

AgentConfiguration MakeRuntimeConfiguration(const HostConfiguration& configuration,
                                            const std::optional<std::string>& phonehome) {
  AgentConfiguration runtime;
  runtime.datastore = DatastorePathOf(configuration);
  runtime.phonehome =
      configuration.management.phonehome ? configuration.management.phonehome : phonehome;
  if (configuration.management.enable_grpc) runtime.grpc = GrpcConfiguration{};
  runtime.host_configuration = configuration;
  return runtime;
}

absl::Status WriteRuntimeConfiguration(Files& files, const std::string& root,
                                       const AgentConfiguration& configuration) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string folder, ResolveBelow(files, root, "/etc/trident"));
  TRIDENT_RETURN_IF_ERROR(
      Annotate(files.MakeDirectories(folder, 0755), "make the agent's configuration folder"));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path,
                           ResolveBelow(files, root, kDefaultAgentConfigurationPath));
  return Annotate(files.Write(path, WriteAgentConfiguration(configuration), 0600),
                  "write the agent's runtime configuration");
}

}  // namespace trident
