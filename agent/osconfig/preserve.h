// What an A/B update carries over from the running system into the new one.
#ifndef TRIDENT_AGENT_OSCONFIG_PRESERVE_H_
#define TRIDENT_AGENT_OSCONFIG_PRESERVE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/files.h"
#include "common/config/host_configuration.h"

namespace trident {

// The paths of the document and those that every host keeps: its machine id, the keys of its SSH
// server, its random seed. Without those that both volumes use anyway, because they lie on a
// mount that is no volume pair. The last part of a path may have "*" in it. Pure.
std::vector<std::string> PathsToPreserve(const HostConfiguration& configuration);

// Copies what is at `path` of the system at `from` to the same place of the system at `to`, which
// is mounted: files, folders with what is in them, links; with owners, modes and attributes. A file
// that the new system brings is replaced. Nothing at `path`: nothing is done. What is neither file,
// folder nor link is left out with a warning.
//
// Gives the paths of the files that the new system brought with another content, not empty.
absl::StatusOr<std::vector<std::string>> PreservePath(
    Files& files, const std::string& from, const std::string& to, const std::string& path,
    const std::function<void(std::string_view)>& warning);

// Whether `name` is what `pattern` means; "*" stands for any characters. Pure.
bool MatchesWildcard(std::string_view pattern, std::string_view name);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_PRESERVE_H_
