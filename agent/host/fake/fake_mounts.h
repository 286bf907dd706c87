// Mounting in memory: a mounted device shows its tree in FakeFiles.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_MOUNTS_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_MOUNTS_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/mounts.h"

namespace trident {

// Thread safe. Every device has one tree, empty until something is written there; what is mounted
// shows it, also at several places. While mounted the device has the user "mounted at <target>".
// proc, sysfs, tmpfs, devtmpfs, ... : an empty tree for each mount. Option "bind": the tree of the
// source folder. "overlay": what is in lowerdir and upperdir; what is changed is in upperdir when
// it has been unmounted, except for removals.
class FakeMounts : public Mounts {
 public:
  // Both are used as long as this lives.
  FakeMounts(FakeFiles& files, FakeBlockDevices& devices);

  // A device of FakeBlockDevices is mounted only with the file system type that Probe finds there
  // ("auto" takes any).
  absl::Status Mount(const std::string& source, const std::string& target,
                     const std::string& filesystem,
                     const std::vector<std::string>& options) override;
  // Does not wait: FAILED_PRECONDITION when something is mounted below it or SetBusy says so.
  absl::Status Unmount(const std::string& target) override;
  absl::StatusOr<std::vector<MountEntry>> List() const override;
  absl::StatusOr<std::vector<std::string>> Swaps() const override;

  // A file on a device, whether or not it is mounted: what an image brings along.
  void SetFileOn(const std::string& device, const std::string& path, std::string_view content);
  void SetLinkOn(const std::string& device, const std::string& path, const std::string& target);
  // Content of a file on a device, nothing when there is none.
  std::optional<std::string> GetFrom(const std::string& device, const std::string& path) const;
  // Forgets the files of a device, as mkfs does.
  void Clear(const std::string& device);
  // Called with the kernel device when one is mounted for the first time since Clear, before its
  // tree shows: a place to call SetFileOn when a test cannot know the device before.
  void OnFirstMount(std::function<void(const std::string& device)> function);

  void AddSwap(const std::string& device);
  // Faults. The `nth` Mount from now on gives `status`.
  void FailMount(int nth, absl::Status status);
  void SetBusy(const std::string& target, bool busy);

 private:
  struct Mounted {
    MountEntry entry;
    std::string device;  // kernel device, empty for others
    // Of an overlay: what it shows, what it showed at first, and where changes go.
    std::shared_ptr<FakeFiles::Tree> shown = {};
    FakeFiles::Tree lower = {};
    std::shared_ptr<FakeFiles::Tree> upper = {};
    std::string upper_folder = {};
  };

  // Needs the lock.
  absl::Status MountOverlay(const std::string& target, const std::vector<std::string>& options,
                            Mounted& mounted);

  std::shared_ptr<FakeFiles::Tree> TreeOf(const std::string& device) const;

  FakeFiles& files_;
  FakeBlockDevices& devices_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<FakeFiles::Tree>> trees_;
  std::map<std::string, bool> seen_;
  std::vector<Mounted> mounted_;
  std::vector<std::string> swaps_;
  std::function<void(const std::string&)> on_first_mount_;
  int mounts_ = 0;
  std::map<int, absl::Status> failures_;
  std::map<std::string, bool> busy_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_MOUNTS_H_
