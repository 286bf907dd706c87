// What the kernel says about a block device: sysfs, mountinfo, swaps.
#ifndef TRIDENT_AGENT_HOST_DEVICE_FACTS_H_
#define TRIDENT_AGENT_HOST_DEVICE_FACTS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

// Number of the block device behind `path`, links followed. NOT_FOUND: nothing there;
// INVALID_ARGUMENT: no block device.
absl::StatusOr<dev_t> DeviceNumber(const std::string& path);

// "/dev/vda2". NOT_FOUND when the kernel has no such device.
absl::StatusOr<std::string> KernelDevicePath(dev_t device);

// It is a partition of another device.
bool IsPartition(dev_t device);

// The partitions that the kernel knows of a disk, by their number in the table.
std::map<uint32_t, dev_t> KernelPartitions(dev_t disk);

// The disk that holds a partition; the device itself when it is none.
dev_t DiskOf(dev_t device);

// Numbers of all RAID arrays (md), in the order of their names.
std::vector<dev_t> RaidArrays();

// What a stacked device (md, dm) is made of.
std::vector<dev_t> SlavesOf(dev_t device);

// Who uses a device: "mounted at /home", "swap", "held by dm-0", and what uses those that hold it:
// "held by dm-0, mounted at /srv". Empty: nobody that the kernel tells of.
absl::StatusOr<std::vector<std::string>> DeviceUsers(dev_t device);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_DEVICE_FACTS_H_
