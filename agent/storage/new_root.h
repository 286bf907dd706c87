// The new root: the target volume, mounted to be worked on.
#ifndef TRIDENT_AGENT_STORAGE_NEW_ROOT_H_
#define TRIDENT_AGENT_STORAGE_NEW_ROOT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/files.h"
#include "agent/host/mounts.h"
#include "agent/storage/mount_target.h"
#include "agent/storage/overlay.h"

namespace trident {

inline constexpr char kDefaultNewRootPath[] = "/run/trident/newroot";

// The document's mount points of one volume below a folder, parents first, and with them what
// programs need that run with the new root as their root: /dev, /proc, /sys, and empty /run and
// /tmp. A file system that the running system has mounted too is mounted once more: it is the same
// one.
//
// Nothing is unmounted with the object: a job that goes on after a restart finds its mounts again.
class NewRoot {
 public:
  // `targets` as of MountTargets; swap is left out, and so are options that would keep the agent
  // from writing ("ro"; not of what is adopted or cannot be written). Of `overlays` those in memory
  // are left out: what is written there would be lost. `files` and `mounts` are used as long as
  // this lives.
  NewRoot(Files& files, Mounts& mounts, std::vector<MountTarget> targets,
          std::string path = kDefaultNewRootPath, std::vector<OverlayTarget> overlays = {});

  // Where "/" of the new root is.
  const std::string& path() const { return path_; }

  // Mounts what is not mounted yet. When something else is found there, everything is mounted anew.
  // After an error nothing of it is left. FAILED_PRECONDITION when the document mounts no "/".
  absl::Status EnsureMounted();

  // Unmounts everything at and below the path, last first. OK when nothing is there.
  absl::Status UnmountAll();

 private:
  struct Wanted {
    std::string path;  // within the new root
    std::string source;
    std::string filesystem;
    std::vector<std::string> options;
    uint32_t mode = 0755;  // of a folder that has to be made
  };

  std::vector<Wanted> AllWanted() const;
  absl::Status MountAll();
  absl::Status MountOne(const Wanted& wanted);
  absl::StatusOr<std::vector<MountEntry>> MountedHere() const;

  Files& files_;
  Mounts& mounts_;
  const std::vector<MountTarget> targets_;
  const std::string path_;
  const std::vector<OverlayTarget> overlays_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_NEW_ROOT_H_
