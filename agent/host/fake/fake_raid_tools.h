// mdadm(8) for tests with FakeBlockDevices.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_RAID_TOOLS_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_RAID_TOOLS_H_

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"

namespace trident {

// Answers mdadm --create, --stop and --zero-superblock: arrays of `devices`, with their links in
// /dev/disk/by-id and /dev/md and their folders in /sys/block of `files`. A new array is in step
// at once. All are used as long as `commands` lives.
void AddRaidTools(FakeCommandRunner& commands, FakeBlockDevices& devices, FakeFiles& files);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_RAID_TOOLS_H_
