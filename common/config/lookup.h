// Finding things in a Host Configuration by id or path.
#ifndef TRIDENT_COMMON_CONFIG_LOOKUP_H_
#define TRIDENT_COMMON_CONFIG_LOOKUP_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// Each gives null when there is none. The result lives as long as the configuration.
const Disk* FindDisk(const HostConfiguration& configuration, const BlockDeviceId& id);
const Partition* FindPartition(const HostConfiguration& configuration, const BlockDeviceId& id);
const AdoptedPartition* FindAdopted(const HostConfiguration& configuration,
                                    const BlockDeviceId& id);
const SoftwareRaidArray* FindArray(const HostConfiguration& configuration, const BlockDeviceId& id);
const EncryptedVolume* FindEncryptedVolume(const HostConfiguration& configuration,
                                           const BlockDeviceId& id);
const VolumePair* FindPair(const HostConfiguration& configuration, const BlockDeviceId& id);
const VerityDevice* FindVerity(const HostConfiguration& configuration, const BlockDeviceId& id);
const Image* FindImage(const HostConfiguration& configuration, const BlockDeviceId& target_id);
const MountPoint* FindMount(const HostConfiguration& configuration, std::string_view path);
// What the file `path` lies on when everything is mounted: the longest of the mount points above
// it.
const MountPoint* FindMountOf(const HostConfiguration& configuration, std::string_view path);

// The mount point whose target is the EFI system partition (through its pair, and through an array
// of such partitions).
const MountPoint* FindEspMount(const HostConfiguration& configuration);

// There are volume pairs, and the EFI system partition is none: both volumes start from it.
bool SharesEsp(const HostConfiguration& configuration);

// The image is for an EFI system partition that both volumes share: only its boot loader is taken.
bool IsForSharedEsp(const HostConfiguration& configuration, const Image& image);

// The encrypted volume is mounted as swap and nothing else: it has no header and gets a fresh key
// at every boot.
bool HoldsOnlySwap(const Storage& storage, const BlockDeviceId& encrypted_volume);

// The registers that the TPM compares: those of the document, in ascending order, or 7.
std::vector<uint32_t> PcrsOf(const EncryptionSettings& encryption);

// What is written at `path` while a new root is made, is there when it runs: it is on no verity
// device, and on no overlay in memory.
bool IsWritten(const Storage& storage, std::string_view path);

// What holds the file system of `id`: the data of a verity device, otherwise the id itself.
BlockDeviceId DataDeviceOf(const HostConfiguration& configuration, const BlockDeviceId& id);

// The block device that `id` means on `volume`: the half of a pair, otherwise the id itself.
BlockDeviceId DeviceOn(const HostConfiguration& configuration, const BlockDeviceId& id,
                       Volume volume);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_LOOKUP_H_
