#include "agent/host/host_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/host/file_descriptor.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kHowToStart[] =
    "Start the container with --privileged --pid host -v /:/host -v /etc/trident:/etc/trident "
    "-v /var/lib/trident:/var/lib/trident.";

// The mount namespace last: with it /proc is another one.
constexpr std::array<std::pair<const char*, int>, 4> kNamespaces = {{
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"net", CLONE_NEWNET},
    {"mnt", CLONE_NEWNS},
}};

absl::Status NotPossible(std::string message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "environment", "container",
                   std::move(message), kHowToStart);
}

absl::Status NotPossible(int error_number, std::string_view attempt) {
  return NotPossible(absl::StrCat(std::string(attempt), ": ", strerror(error_number)));
}

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

absl::Status CheckHostRoot(const ContainerView& view) {
  struct stat mounted = {};
  struct stat real = {};
  if (stat(view.host_root.c_str(), &mounted) != 0) {
    return NotPossible(absl::StrCat("the agent runs in a container (", kContainerMark,
                                    " is set), and the host's root is not mounted at ",
                                    view.host_root));
  }
  const std::string root = absl::StrCat(view.first_process, "/root/");
  if (stat(root.c_str(), &real) != 0) {
    return NotPossible(errno, "the agent runs in a container and may not look at process 1");
  }
  if (!IsSame(mounted, real)) {
    return NotPossible(absl::StrCat("the agent runs in a container, and ", view.host_root,
                                    " is not the root of process 1: either that is not the root of "
                                    "the host, or the container has processes of its own"));
  }
  return absl::OkStatus();
}

absl::Status CheckFolderOf(const std::string& file, const ContainerView& view) {
  std::error_code error;
  const std::string path = std::filesystem::absolute(file, error).parent_path().string();
  if (error) {
    return ErrnoError(error.value(), "environment", "container", absl::StrCat("find ", file));
  }
  struct stat here = {};
  struct stat there = {};
  if (stat(path.c_str(), &here) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
    return ErrnoError(errno, "environment", "container", absl::StrCat("look at ", path));
  }
  if (stat((view.host_root + path).c_str(), &there) == 0 && IsSame(here, there)) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "environment", "container",
      absl::StrCat(path, " of the container is not ", path,
                   " of the host, where the agent would look for it"),
      absl::StrCat("Mount it at the path that it has on the host: -v ", path, ":", path));
}

// A container has a /sys of its own, without the file system of the variables. True: it had to be
// mounted.
absl::StatusOr<bool> MountFirmwareVariables(const ContainerView& view) {
  const std::string& here = view.firmware_variables;
  const std::string there = view.host_root + here;
  struct stat seen = {};
  struct stat wanted = {};
  // Of a host that was not started by UEFI, or a container that shares /sys.
  if (stat(there.c_str(), &wanted) != 0) return false;
  if (stat(here.c_str(), &seen) == 0 && IsSame(seen, wanted)) return false;
  if (mount(there.c_str(), here.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ErrnoError(errno, "environment", "container",
                      absl::StrCat("mount the firmware's variables of the host at ", here));
  }
  // Otherwise the fresh process would do all this again.
  if (stat(here.c_str(), &seen) != 0 || !IsSame(seen, wanted)) {
    return NotPossible(absl::StrCat("the firmware's variables of the host were mounted at ", here,
                                    " of the container, and are not there"));
  }
  return true;
}

}  // namespace

absl::Status RestartProgram(char** arguments) {
  execv("/proc/self/exe", arguments);
  return ErrnoError(errno, "environment", "container", "start this program once more");
}

absl::Status EnterHostOfContainer(const std::vector<std::string>& files,
                                  const std::function<absl::Status()>& restart,
                                  const ContainerView& view) {
  if (getenv(kContainerMark) == nullptr) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(CheckHostRoot(view));
  for (const std::string& file : files) TRIDENT_RETURN_IF_ERROR(CheckFolderOf(file, view));
  TRIDENT_ASSIGN_OR_RETURN(const bool mounted, MountFirmwareVariables(view));
  if (mounted) TRIDENT_RETURN_IF_ERROR(restart());

  std::array<FileDescriptor, kNamespaces.size()> namespaces;
  for (size_t i = 0; i < kNamespaces.size(); ++i) {
    const std::string path = absl::StrCat(view.first_process, "/ns/", kNamespaces[i].first);
    namespaces[i] = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!namespaces[i].valid()) {
      return ErrnoError(errno, "environment", "container", absl::StrCat("open ", path));
    }
  }
  for (size_t i = 0; i < kNamespaces.size(); ++i) {
    if (setns(namespaces[i].get(), kNamespaces[i].second) != 0) {
      return NotPossible(errno, absl::StrCat("the agent may not leave its container for the host's "
                                             "namespace '",
                                             kNamespaces[i].first, "'"));
    }
  }
  // Not for the programs that are started, and not for those of a new root.
  unsetenv(kContainerMark);
  return absl::OkStatus();
}

}  // namespace trident
