#include "agent/network/netplan.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/yaml_writer.h"

namespace trident {
namespace {

constexpr auto kGenerateLimit = std::chrono::minutes(1);
// Some drivers take long to come up again.
constexpr auto kApplyLimit = std::chrono::minutes(2);
constexpr size_t kQuoted = 2000;

// What a netplan that failed has to say. Its tracebacks end with the reason.
std::string Said(const CommandResult& result) {
  std::string said(absl::StripAsciiWhitespace(result.error_output));
  if (said.empty()) said = std::string(absl::StripAsciiWhitespace(result.output));
  if (said.size() > kQuoted) said = absl::StrCat("... ", said.substr(said.size() - kQuoted));
  return said.empty() ? absl::StrCat("exit status ", result.exit_status) : said;
}

}  // namespace

std::string FormatNetplan(const YamlValue& network) {
  YamlValue document;
  document.kind = YamlValue::Kind::kMapping;
  document.mapping.emplace_back("network", network);
  return absl::StrCat("# Written by Trident from `network` of the Host Configuration.\n",
                      WriteYaml(FromYamlValue(document)));
}

bool HasNetplan(const Files& files, const std::string& root) {
  const absl::StatusOr<std::string> path = ResolveBelow(files, root, kNetplanProgram);
  return path.ok() && files.Exists(*path);
}

absl::Status NoNetplan(const std::string& where) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "network", "no-netplan",
      absl::StrCat("the network of ", where, " cannot be configured: it has no netplan (",
                   kNetplanProgram, " is missing)"),
      "Build the image with netplan (package netplan.io), or leave `network` out.");
}

absl::Status WriteNetplan(Files& files, const std::string& root, const YamlValue& network) {
  const std::string attempt = absl::StrCat("write ", kNetplanPath);
  TRIDENT_ASSIGN_OR_RETURN(const std::string path, ResolveBelow(files, root, kNetplanPath));
  TRIDENT_RETURN_IF_ERROR(
      Annotate(files.MakeDirectories(path.substr(0, path.rfind('/')), 0755), attempt));
  return Annotate(files.Write(path, FormatNetplan(network), 0600), attempt);
}

absl::Status CheckNetplan(const Files& files, CommandRunner& commands, const std::string& root) {
  if (!HasNetplan(files, root)) return NoNetplan("the new system");
  Command generate;
  generate.argv = {"netplan", "generate"};
  generate.root = root;
  generate.timeout = kGenerateLimit;
  const absl::StatusOr<CommandResult> result = commands.Run(generate);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(result.status(), "let the netplan of the new system read its documents"));
  if (result->exit_status == 0) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "network", "netplan-refuses",
      absl::StrCat("the netplan of the new system does not take the network: ", Said(*result)),
      "Mend `network` in the Host Configuration, or the image's own files in "
      "/etc/netplan.");
}

absl::Status ApplyNetplan(CommandRunner& commands, const Cancellation* cancellation) {
  Command apply;
  apply.argv = {"netplan", "apply"};
  apply.timeout = kApplyLimit;
  apply.cancellation = cancellation;
  const absl::StatusOr<CommandResult> result = commands.Run(apply);
  TRIDENT_RETURN_IF_ERROR(Annotate(result.status(), "apply the network"));
  if (result->exit_status == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "network", "netplan-apply",
                   absl::StrCat("netplan could not apply the network: ", Said(*result)),
                   "Mend `network` in the Host Configuration, or the files in /etc/netplan.");
}

}  // namespace trident
