#include "agent/management/runtime_configuration.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {

HandedOn HandedOnBy(const AgentConfiguration& configuration) {
  const bool is_of_document =
      configuration.host_configuration &&
      configuration.host_configuration->management.phonehome == configuration.phonehome;
  return {.phonehome = is_of_document ? std::nullopt : configuration.phonehome,
          // Of an installed host; the one that installs may log to somewhere else.
          .logstream = configuration.datastore ? configuration.logstream : std::nullopt,
          .metrics = configuration.metrics,
          .network_confirm_seconds = configuration.network_confirm_seconds,
          .registry_credentials = configuration.registry_credentials,
          .manifest_keyring = configuration.manifest_keyring,
          .dangerous_options = configuration.dangerous_options};
}

AgentConfiguration MakeRuntimeConfiguration(const HostConfiguration& configuration,
                                            const HandedOn& handed_on) {
  AgentConfiguration runtime;
  runtime.datastore = DatastorePathOf(configuration);
  runtime.phonehome =
      configuration.management.phonehome ? configuration.management.phonehome : handed_on.phonehome;
  runtime.logstream = handed_on.logstream;
  runtime.metrics = handed_on.metrics;
  runtime.network_confirm_seconds = handed_on.network_confirm_seconds;
  runtime.registry_credentials = handed_on.registry_credentials;
  runtime.manifest_keyring = handed_on.manifest_keyring;
  runtime.dangerous_options = handed_on.dangerous_options;
  if (configuration.management.enable_grpc) runtime.grpc = GrpcConfiguration{};
  runtime.host_configuration = configuration;
  return runtime;
}

absl::Status CopyHandedOnFiles(Files& files, const std::string& root, const HandedOn& handed_on) {
  for (const auto& path : {handed_on.registry_credentials, handed_on.manifest_keyring}) {
    if (!path || !files.Exists(*path)) continue;
    TRIDENT_ASSIGN_OR_RETURN(const std::string copy, ResolveBelow(files, root, *path));
    if (files.Exists(copy)) continue;
    const std::string attempt = absl::StrCat("copy ", *path, " into the new root");
    TRIDENT_RETURN_IF_ERROR(
        Annotate(files.MakeDirectories(copy.substr(0, copy.rfind('/')), 0755), attempt));
    TRIDENT_RETURN_IF_ERROR(Annotate(files.Copy(*path, copy, 0600), attempt));
  }
  return absl::OkStatus();
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
