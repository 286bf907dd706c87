// mkfs, tune2fs and their like over disks in memory.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_FILESYSTEM_TOOLS_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_FILESYSTEM_TOOLS_H_

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_command_runner.h"

namespace trident {

// Teaches `commands` mkfs.ext4, mkfs.vfat, mkswap, e2fsck, tune2fs -U, resize2fs and fatlabel -i:
// each reads and changes what FakeBlockDevices::Probe finds, and refuses a device that is not
// there. `devices` is used as long as `commands` lives.
void AddFilesystemTools(FakeCommandRunner& commands, FakeBlockDevices& devices);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_FILESYSTEM_TOOLS_H_
