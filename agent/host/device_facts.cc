#include "agent/host/device_facts.h"

#include <libmount/libmount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/host/block_devices.h"
#include "common/base/error.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

using Table = std::unique_ptr<libmnt_table, void (*)(libmnt_table*)>;
using Iterator = std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)>;

std::string SysfsFolder(dev_t device) {
  return absl::StrCat("/sys/dev/block/", major(device), ":", minor(device));
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "254:3"
bool ParseDeviceNumber(const std::string& text, dev_t& device) {
  const size_t colon = text.find(':');
  uint32_t major_number = 0;
  uint32_t minor_number = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(0, colon), &major_number) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &minor_number)) {
    return false;
  }
  device = makedev(major_number, minor_number);
  return true;
}

bool IsDevice(const char* path, dev_t device) {
  struct stat about = {};
  return path != nullptr && path[0] == '/' && stat(path, &about) == 0 && S_ISBLK(about.st_mode) &&
         about.st_rdev == device;
}

absl::StatusOr<Table> Parse(const char* file, int (*parse)(libmnt_table*, const char*)) {
  Table table(mnt_new_table(), mnt_free_table);
  const int result = table ? parse(table.get(), file) : -ENOMEM;
  if (result != 0) {
    return ErrnoError(-result, "storage", "mounts", absl::StrCat("cannot read ", file));
  }
  return table;
}

// Both tables are read once for a device and all that holds it.
struct Tables {
  Table mounts;
  Table swaps;
};

void AddDirectUsers(const Tables& tables, dev_t device, const std::string& prefix,
                    std::vector<std::string>& users) {
  const Iterator iterator(mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
  libmnt_fs* entry = nullptr;
  while (iterator && mnt_table_next_fs(tables.mounts.get(), iterator.get(), &entry) == 0) {
    // btrfs has device numbers of its own in mountinfo: there the source tells.
    if (mnt_fs_get_devno(entry) != device && !IsDevice(mnt_fs_get_source(entry), device)) continue;
    users.push_back(absl::StrCat(prefix, "mounted at ", mnt_fs_get_target(entry)));
  }
  mnt_reset_iter(iterator.get(), MNT_ITER_FORWARD);
  while (iterator && mnt_table_next_fs(tables.swaps.get(), iterator.get(), &entry) == 0) {
    if (IsDevice(mnt_fs_get_source(entry), device)) users.push_back(prefix + "swap");
  }
}

void AddUsers(const Tables& tables, dev_t device, const std::string& prefix,
              std::set<dev_t>& visited, std::vector<std::string>& users) {
  if (!visited.insert(device).second) return;
  AddDirectUsers(tables, device, prefix, users);
  std::error_code error;
  for (const auto& holder : fs::directory_iterator(SysfsFolder(device) + "/holders", error)) {
    const std::string held = prefix + HeldBy(holder.path().string());
    users.push_back(held);
    dev_t number = 0;
    if (ParseDeviceNumber(FirstLine(holder.path() / "dev"), number)) {
      AddUsers(tables, number, held + ", ", visited, users);
    }
  }
}

}  // namespace

absl::StatusOr<dev_t> DeviceNumber(const std::string& path) {
  struct stat about = {};
  if (stat(path.c_str(), &about) != 0) {
    return ErrnoError(errno, "storage", "no-such-device", "cannot find the device " + path);
  }
  if (!S_ISBLK(about.st_mode)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "not-a-block-device",
                     path + " is not a block device");
  }
  return about.st_rdev;
}

absl::StatusOr<std::string> KernelDevicePath(dev_t device) {
  std::ifstream file(SysfsFolder(device) + "/uevent");
  std::string line;
  constexpr std::string_view kName = "DEVNAME=";
  while (std::getline(file, line)) {
    if (line.starts_with(kName)) return absl::StrCat("/dev/", line.substr(kName.size()));
  }
  return MakeError(
      absl::StatusCode::kNotFound, "storage", "no-such-device",
      absl::StrCat("the kernel knows no block device ", major(device), ":", minor(device)));
}

bool IsPartition(dev_t device) {
  std::error_code error;
  return fs::exists(SysfsFolder(device) + "/partition", error);
}

std::map<uint32_t, dev_t> KernelPartitions(dev_t disk) {
  std::map<uint32_t, dev_t> partitions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(SysfsFolder(disk) + "/", error)) {
    uint32_t number = 0;
    dev_t device = 0;
    if (absl::SimpleAtoi(FirstLine(entry.path() / "partition"), &number) &&
        ParseDeviceNumber(FirstLine(entry.path() / "dev"), device)) {
      partitions[number] = device;
    }
  }
  return partitions;
}

dev_t DiskOf(dev_t device) {
  dev_t disk = 0;
  // The folder of a partition lies in that of its disk.
  if (!IsPartition(device) ||
      !ParseDeviceNumber(FirstLine(SysfsFolder(device) + "/../dev"), disk)) {
    return device;
  }
  return disk;
}

std::vector<dev_t> RaidArrays() {
  std::map<std::string, dev_t> arrays;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/block", error)) {
    dev_t device = 0;
    if (fs::exists(entry.path() / "md", error) &&
        ParseDeviceNumber(FirstLine(entry.path() / "dev"), device)) {
      arrays[entry.path().filename()] = device;
    }
  }
  std::vector<dev_t> numbers;
  numbers.reserve(arrays.size());
  for (const auto& [name, number] : arrays) numbers.push_back(number);
  return numbers;
}

std::vector<dev_t> SlavesOf(dev_t device) {
  std::vector<dev_t> slaves;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(SysfsFolder(device) + "/slaves", error)) {
    dev_t slave = 0;
    if (ParseDeviceNumber(FirstLine(entry.path() / "dev"), slave)) slaves.push_back(slave);
  }
  return slaves;
}

absl::StatusOr<std::vector<std::string>> DeviceUsers(dev_t device) {
  TRIDENT_ASSIGN_OR_RETURN(Table mounts, Parse("/proc/self/mountinfo", mnt_table_parse_file));
  TRIDENT_ASSIGN_OR_RETURN(Table swaps, Parse("/proc/swaps", mnt_table_parse_swaps));
  const Tables tables{std::move(mounts), std::move(swaps)};
  std::vector<std::string> users;
  std::set<dev_t> visited;
  AddUsers(tables, device, "", visited, users);
  return users;
}

}  // namespace trident
