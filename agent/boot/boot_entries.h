// The firmware's boot entries of the two volumes, and which of them starts next.
//
// A trial is armed by BootNext, which the firmware consumes once; BootOrder keeps starting the
// active volume until the target has proved itself. Entries of others are kept and keep their
// order.
#ifndef TRIDENT_AGENT_BOOT_BOOT_ENTRIES_H_
#define TRIDENT_AGENT_BOOT_BOOT_ENTRIES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/firmware.h"
#include "common/config/servicing_kind.h"

namespace trident {

// The label by which the entry of a volume is known: "trident-a", "trident-b".
std::string BootEntryLabel(Volume volume);

// The label of the entry for the `copy`th copy of a mirrored ESP, from 2: "trident-a-2".
std::string BootCopyLabel(Volume volume, size_t copy);

// What starts the target for its trial. kexec passes the firmware by: BootNext would then start the
// target a second time, after a trial that failed.
enum class Trial { kBootNext, kKexec };

// Makes the next start a start of `target`: adds or refreshes its entry, puts it last in BootOrder
// (some firmware forgets entries outside BootOrder), first on a clean install, and sets BootNext,
// unless the trial is a kexec.
// Between any two of its writes the machine starts the active or the target volume, and the active
// one once BootNext is consumed. Reads everything back. Running it again is the same as running it
// once. UNAVAILABLE without firmware variables, RESOURCE_EXHAUSTED when they are full.
//
// `copies`: further members of a mirrored ESP. Each has an entry of its own that follows that of
// the volume in BootOrder, so that the machine starts when the first disk is gone.
absl::Status PointFirmwareAtTarget(Firmware& firmware, Volume target, const BootTarget& boot_target,
                                   const std::vector<BootTarget>& copies, bool clean_install,
                                   Trial trial = Trial::kBootNext);

// Gives back the entries of a volume with a mirrored ESP that a firmware dropped while it did not
// find their disk. `members`: of the volume's ESP, in their order; what `loader` says there does
// not count, an entry that is left has it. Which volume is preferred, and the next start, stay as
// they are; the members stand one behind the other where the first of them stood. A volume that has
// no entry gets none. Running it again is the same as running it once.
absl::Status RestoreVolumeEntries(Firmware& firmware, Volume volume,
                                  std::vector<BootTarget> members);

// After a proved start: the entry of `active` becomes the first of BootOrder and a BootNext of ours
// is removed. `active` is the volume that runs. NOT_FOUND when the firmware lost its entry and was
// not started by one of somebody else's either.
absl::Status CommitBootOrder(Firmware& firmware, Volume active);

// Before the reboot that goes back to `active`: BootNext is removed, the entry of `active` becomes
// the first of BootOrder, the other volume's the last. FAILED_PRECONDITION when nothing but the
// other volume's entry is left to start from.
absl::Status UndoFirmware(Firmware& firmware, Volume active);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_BOOT_ENTRIES_H_
