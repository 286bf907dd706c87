// An EFI system partition that both volumes share: a folder and an entry for each of them.
//
//   EFI/trident-a/            the boot loader of volume A, with what it reads beside itself
//   EFI/trident-b/
//   loader/loader.conf        of systemd-boot, read by both; from the image of the installation
//   loader/entries/trident-a.conf, trident-b.conf
//   EFI/BOOT/                 for a firmware that lost its boot entries
//
// Renaming on vfat is not atomic under power cuts, so that nothing is ever replaced that the
// running volume needs.
#ifndef TRIDENT_AGENT_BOOT_SHARED_ESP_H_
#define TRIDENT_AGENT_BOOT_SHARED_ESP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/loader.h"
#include "agent/host/files.h"
#include "agent/host/firmware.h"
#include "common/config/servicing_kind.h"

namespace trident {

// Copies the boot loader of an ESP image, mounted at `image`, to the places of `volume` on the
// shared ESP, mounted at `esp`; what was there of that volume is removed first, and again after an
// error. Everything is read back from the medium. FAILED_PRECONDITION when the image's loader
// cannot work from there: a GRUB that does not find its configuration beside itself, several
// entries of systemd-boot of which none is named as the default.
absl::Status InstallVolumeLoader(Files& files, const std::string& image, const std::string& esp,
                                 Volume volume,
                                 const std::string& architecture = kFirmwareArchitecture);

// What InstallVolumeLoader put there. NOT_FOUND when there is nothing.
absl::StatusOr<Loader> FindVolumeLoader(const Files& files, const std::string& esp, Volume volume,
                                        const std::string& architecture = kFirmwareArchitecture);

// Makes the next start, and that one alone, a start of the volume's entry of systemd-boot; at an
// installation also the later ones. Nothing to do when another loader is the volume's.
absl::Status ArmVolumeEntry(Firmware& firmware, const Loader& loader, bool clean_install);

// The running volume's entry becomes what systemd-boot starts. Nothing to do with another loader.
absl::Status CommitVolumeEntry(const Files& files, Firmware& firmware, const std::string& esp,
                               Volume active);

// The running volume becomes what a firmware finds that has lost its boot entries. Only such a one
// reads it: when this fails, the host starts all the same.
absl::Status PointFallbackAt(Files& files, const std::string& esp, Volume active);

// Takes back what ArmVolumeEntry chose for the next start.
absl::Status DisarmVolumeEntry(Firmware& firmware);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_SHARED_ESP_H_
