// From a container that carries the agent to the host that it is to work on. namespaces(7),
// setns(2).
#ifndef TRIDENT_AGENT_HOST_HOST_NAMESPACES_H_
#define TRIDENT_AGENT_HOST_HOST_NAMESPACES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace trident {

// In the environment of every process of the container; its value does not matter.
inline constexpr char kContainerMark[] = "DOCKER_ENVIRONMENT";

// How a container sees its host.
struct ContainerView {
  std::string host_root = "/host";
  // Folder of the host's first process: --pid host.
  std::string first_process = "/proc/1";
  // Looked for by libefivar when it is loaded, which is before anything of ours runs.
  std::string firmware_variables = "/sys/firmware/efi/efivars";
};

// Does nothing without the mark. With it, this process leaves the container's mount, network, UTS
// and IPC namespaces for those of the host: from then on paths, programs, mounts, addresses and the
// host name are the host's, as if the agent had been started there. The mark is taken out of the
// environment. Call it before the first thread.
//
// `restart` starts this program once more, in its place; it is called at most once, when the
// firmware's variables had to be mounted in the container, and returns only when it fails.
//
// FAILED_PRECONDITION when the container was started so that this cannot work, or when the folder
// of one of `files`, which the agent is going to open, exists in the container and is another one
// than the host's: what was mounted into the container to be used would silently be something else
// afterwards.
absl::Status EnterHostOfContainer(const std::vector<std::string>& files,
                                  const std::function<absl::Status()>& restart,
                                  const ContainerView& view = {});

// Replaces this process by a fresh one of its program with the same arguments (null-terminated) and
// environment. execve(2).
absl::Status RestartProgram(char** arguments);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_HOST_NAMESPACES_H_
