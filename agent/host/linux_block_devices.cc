#include <blkid/blkid.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/host/block_devices.h"
#include "agent/host/device_facts.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/gpt.h"
#include "agent/host/linux_block_io.h"
#include "common/base/error.h"

namespace trident {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kAppearLimit{30};
// udev opens devices for moments to look at them.
constexpr std::chrono::seconds kBusyLimit{5};
constexpr std::chrono::milliseconds kPause{50};

absl::Status DeviceError(int error_number, const std::string& attempt) {
  return ErrnoError(error_number, "storage", "device", attempt);
}

absl::Status InUse(const std::string& device, const std::vector<std::string>& users) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "storage", "device-in-use",
      absl::StrCat(device, " cannot be written, it is in use: ", absl::StrJoin(users, ", ")),
      "stop what uses it, then try again");
}

// Calls `attempt`, which gives 0 or an errno, until it gives something other than EBUSY or EAGAIN,
// for some seconds.
int RetryBusy(const std::function<int()>& attempt) {
  const auto limit = steady_clock::now() + kBusyLimit;
  while (true) {
    const int error = attempt();
    if ((error != EBUSY && error != EAGAIN) || steady_clock::now() >= limit) return error;
    std::this_thread::sleep_for(kPause);
  }
}

// A device that is open for reading, with its plain facts.
struct Opened {
  FileDescriptor fd;
  dev_t number = 0;
  uint64_t size = 0;
  uint32_t sector_size = 512;
  bool read_only = false;
};

absl::StatusOr<Opened> Open(const std::string& device) {
  Opened opened;
  TRIDENT_ASSIGN_OR_RETURN(opened.number, DeviceNumber(device));
  opened.fd = FileDescriptor(open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.fd.valid()) return DeviceError(errno, "cannot open " + device);
  int sector_size = 0;
  int read_only = 0;
  if (ioctl(opened.fd.get(), BLKGETSIZE64, &opened.size) != 0 ||
      ioctl(opened.fd.get(), BLKSSZGET, &sector_size) != 0 ||
      ioctl(opened.fd.get(), BLKROGET, &read_only) != 0) {
    return DeviceError(errno, "cannot measure " + device);
  }
  opened.sector_size = static_cast<uint32_t>(sector_size);
  opened.read_only = read_only != 0;
  return opened;
}

// A word for what is on a whole disk; empty when nothing is found.
std::string ContentsOf(int fd, const std::string& device) {
  const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                         blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) {
    return "what cannot be read of " + device;
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE);
  blkid_probe_enable_partitions(probe.get(), 1);
  const int result = blkid_do_safeprobe(probe.get());
  if (result == 1) return "";
  if (result == -2) return "several signatures";
  for (const char* name : {"TYPE", "PTTYPE"}) {
    const char* text = nullptr;
    if (result == 0 && blkid_probe_lookup_value(probe.get(), name, &text, nullptr) == 0) {
      return text;
    }
  }
  return "what cannot be read of " + device;
}

// Looks at `size` bytes at `offset` (size 0: all).
absl::StatusOr<Signature> ProbeArea(int fd, const std::string& device, uint64_t offset,
                                    uint64_t size) {
  const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                         blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), fd, static_cast<blkid_loff_t>(offset),
                                       static_cast<blkid_loff_t>(size)) != 0) {
    return DeviceError(EIO, "cannot probe " + device);
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(),
                                    BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
  const int result = blkid_do_safeprobe(probe.get());
  if (result == 1) return Signature();
  if (result == -2) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "ambiguous-signature",
                     absl::StrCat("more than one kind of file system seems to be on ", device),
                     absl::StrCat("look with `wipefs ", device, "` and erase what is stale"));
  }
  if (result != 0) return DeviceError(EIO, "cannot probe " + device);
  const auto value = [&](const char* name) -> std::string {
    const char* text = nullptr;
    return blkid_probe_lookup_value(probe.get(), name, &text, nullptr) == 0 ? text : "";
  };
  return Signature{value("TYPE"), value("UUID"), value("LABEL")};
}

class LinuxBlockDevices : public BlockDevices {
 public:
  explicit LinuxBlockDevices(CommandRunner& commands) : commands_(commands) {}

  absl::StatusOr<ObservedDisk> Observe(const std::string& device) const override;
  absl::StatusOr<std::vector<ObservedArray>> Arrays() const override;
  absl::Status WriteTable(const std::string& device, const PartitionTable& table) override;
  absl::StatusOr<std::unique_ptr<BlockWriter>> OpenForWriting(const std::string& device) override;
  absl::StatusOr<std::unique_ptr<BlockWriter>> CreateImageFile(const std::string& path,
                                                               uint64_t size) override;

  absl::StatusOr<std::unique_ptr<BlockReader>> OpenForReading(
      const std::string& device) const override {
    TRIDENT_ASSIGN_OR_RETURN(const Opened opened, Open(device));
    return MakeLinuxBlockReader(device, opened.size, opened.sector_size);
  }

  absl::StatusOr<Signature> Probe(const std::string& device) const override {
    TRIDENT_ASSIGN_OR_RETURN(const Opened opened, Open(device));
    return ProbeArea(opened.fd.get(), device, 0, 0);
  }

  absl::StatusOr<uint64_t> Size(const std::string& device) const override {
    TRIDENT_ASSIGN_OR_RETURN(const Opened opened, Open(device));
    return opened.size;
  }

  absl::Status WaitForPath(const std::string& path) const override;

 private:
  absl::Status Settle() const;

  CommandRunner& commands_;
};

absl::StatusOr<ObservedDisk> LinuxBlockDevices::Observe(const std::string& device) const {
  TRIDENT_ASSIGN_OR_RETURN(const Opened opened, Open(device));
  if (IsPartition(opened.number)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "not-a-disk",
                     device + " is a partition, not a whole disk");
  }
  ObservedDisk disk;
  TRIDENT_ASSIGN_OR_RETURN(disk.path, KernelDevicePath(opened.number));
  disk.size = opened.size;
  disk.sector_size = opened.sector_size;
  disk.read_only = opened.read_only;
  TRIDENT_ASSIGN_OR_RETURN(disk.users, DeviceUsers(opened.number));
  // A disk without a medium has no table to read.
  if (disk.size > 0) {
    TRIDENT_ASSIGN_OR_RETURN(disk.table, ReadGpt(disk.path));
  }
  if (disk.size > 0 && !disk.table) disk.other_contents = ContentsOf(opened.fd.get(), disk.path);
  std::map<uint32_t, dev_t> known = KernelPartitions(opened.number);
  if (disk.table) {
    const bool digit = std::isdigit(static_cast<unsigned char>(disk.path.back())) != 0;
    for (const TablePartition& entry : disk.table->partitions) {
      ObservedPartition partition;
      partition.entry = entry;
      partition.path = absl::StrCat(disk.path, digit ? "p" : "", entry.number);
      if (const auto found = known.find(entry.number); found != known.end()) {
        TRIDENT_ASSIGN_OR_RETURN(partition.path, KernelDevicePath(found->second));
        TRIDENT_ASSIGN_OR_RETURN(partition.users, DeviceUsers(found->second));
        known.erase(found);
      }
      // Through the disk, so that it works for a partition that the kernel has not seen. What
      // cannot be recognised is shown as nothing.
      partition.signature =
          ProbeArea(opened.fd.get(), partition.path, entry.start, entry.size).value_or(Signature());
      disk.partitions.push_back(std::move(partition));
    }
  }
  // Partitions of another kind of table.
  for (const auto& [number, partition] : known) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string path, KernelDevicePath(partition));
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> users, DeviceUsers(partition));
    for (const std::string& user : users) disk.users.push_back(absl::StrCat(path, " ", user));
  }
  return disk;
}

absl::StatusOr<std::vector<ObservedArray>> LinuxBlockDevices::Arrays() const {
  std::vector<ObservedArray> arrays;
  for (const dev_t number : RaidArrays()) {
    ObservedArray array;
    TRIDENT_ASSIGN_OR_RETURN(array.path, KernelDevicePath(number));
    for (const dev_t slave : SlavesOf(number)) {
      ArrayMember member;
      TRIDENT_ASSIGN_OR_RETURN(member.path, KernelDevicePath(slave));
      TRIDENT_ASSIGN_OR_RETURN(member.disk, KernelDevicePath(DiskOf(slave)));
      array.members.push_back(std::move(member));
    }
    std::sort(array.members.begin(), array.members.end(),
              [](const ArrayMember& a, const ArrayMember& b) { return a.path < b.path; });
    TRIDENT_ASSIGN_OR_RETURN(array.users, DeviceUsers(number));
    for (const auto& [index, partition] : KernelPartitions(number)) {
      TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> more, DeviceUsers(partition));
      array.users.insert(array.users.end(), more.begin(), more.end());
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

absl::Status LinuxBlockDevices::WriteTable(const std::string& device, const PartitionTable& table) {
  TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk disk, Observe(device));
  std::vector<std::string> users = disk.users;
  for (const ObservedPartition& partition : disk.partitions) {
    for (const std::string& user : partition.users) {
      users.push_back(absl::StrCat(partition.path, " ", user));
    }
  }
  if (!users.empty()) return InUse(device, users);
  {
    FileDescriptor fd;
    const int error = RetryBusy([&] {
      fd = FileDescriptor(open(disk.path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
      if (!fd.valid()) return errno;
      // The lock keeps udev from looking at half a table: systemd.io/BLOCK_DEVICE_LOCKING.
      return flock(fd.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    });
    if (error == EBUSY || error == EAGAIN) return InUse(device, {"another program holds it"});
    if (error != 0) return DeviceError(error, "cannot open " + device + " for writing");
    TRIDENT_RETURN_IF_ERROR(WriteGpt(fd.get(), disk.path, table));
    const int reread =
        RetryBusy([&] { return ioctl(fd.get(), BLKRRPART, nullptr) == 0 ? 0 : errno; });
    if (reread != 0) {
      return DeviceError(reread, "the kernel did not take the new partition table of " + device);
    }
  }
  // udev looks at the disk once more when the descriptor is closed, for which the partitions go
  // away for a moment: only after a second round all of them are there to stay.
  for (int round = 0; round < 2; ++round) {
    TRIDENT_RETURN_IF_ERROR(Settle());
    for (const TablePartition& partition : table.partitions) {
      TRIDENT_RETURN_IF_ERROR(WaitForPath("/dev/disk/by-partuuid/" + partition.uuid));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BlockWriter>> LinuxBlockDevices::OpenForWriting(
    const std::string& device) {
  TRIDENT_ASSIGN_OR_RETURN(const Opened opened, Open(device));
  TRIDENT_ASSIGN_OR_RETURN(std::vector<std::string> users, DeviceUsers(opened.number));
  for (const auto& [number, partition] : KernelPartitions(opened.number)) {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> more, DeviceUsers(partition));
    for (const std::string& user : more) {
      users.push_back(absl::StrCat("partition ", number, " ", user));
    }
  }
  if (!users.empty()) return InUse(device, users);
  if (opened.read_only) {
    return MakeError(absl::StatusCode::kPermissionDenied, "storage", "read-only",
                     device + " is read-only");
  }
  FileDescriptor fd;
  const int error = RetryBusy([&] {
    fd = FileDescriptor(open(device.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
    return fd.valid() ? 0 : errno;
  });
  if (error == EBUSY) return InUse(device, {"another program holds it"});
  if (error != 0) return DeviceError(error, "cannot open " + device + " for writing");
  return MakeLinuxBlockWriter(std::move(fd), device, opened.size);
}

absl::StatusOr<std::unique_ptr<BlockWriter>> LinuxBlockDevices::CreateImageFile(
    const std::string& path, uint64_t size) {
  const std::string attempt = "cannot make the temporary file " + path;
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return DeviceError(errno, attempt);
  FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid() || ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return DeviceError(errno, attempt);
  }
  return MakeLinuxBlockWriter(std::move(fd), path, size);
}

absl::Status LinuxBlockDevices::Settle() const {
  Command command;
  command.argv = {"udevadm", "settle", absl::StrCat("--timeout=", kAppearLimit.count())};
  command.timeout = kAppearLimit + std::chrono::seconds(5);
  const auto result = commands_.Run(command);
  // Without udev there is nothing to wait for but the path itself. A queue that is not empty in
  // time says nothing about our path either.
  if (!result.ok() && !absl::IsNotFound(result.status())) return result.status();
  return absl::OkStatus();
}

absl::Status LinuxBlockDevices::WaitForPath(const std::string& path) const {
  TRIDENT_RETURN_IF_ERROR(Settle());
  const auto limit = steady_clock::now() + kAppearLimit;
  while (access(path.c_str(), F_OK) != 0) {
    if (steady_clock::now() >= limit) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "storage", "device-did-not-appear",
                       absl::StrCat(path, " did not appear within ", kAppearLimit.count(), " s"),
                       "see that udev is running and that the kernel reads GPT tables");
    }
    std::this_thread::sleep_for(kPause);
  }
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<BlockDevices> MakeLinuxBlockDevices(CommandRunner& commands) {
  return std::make_unique<LinuxBlockDevices>(commands);
}

}  // namespace trident
