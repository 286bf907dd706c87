#include "agent/boot/boot_entries.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Numbers = std::vector<uint16_t>;

bool Contains(const Numbers& numbers, uint16_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// What the firmware says before anything is written.
struct Variables {
  std::vector<BootEntry> entries;
  Numbers order;
  std::optional<uint16_t> next;
  std::optional<uint16_t> current;

  const BootEntry* Find(uint16_t number) const {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const BootEntry& entry) { return entry.number == number; });
    return found == entries.end() ? nullptr : &*found;
  }

  // Entries of further members of the volume's ESP, by the number of the copy.
  std::vector<const BootEntry*> CopiesOfVolume(Volume volume) const {
    std::vector<const BootEntry*> found;
    for (const BootEntry& entry : entries) {
      if (entry.label.starts_with(BootEntryLabel(volume) + "-")) found.push_back(&entry);
    }
    const auto rank = [](const BootEntry* entry) {
      return std::pair(entry->label.size(), std::string_view{entry->label});
    };
    std::stable_sort(found.begin(), found.end(),
                     [&](const BootEntry* a, const BootEntry* b) { return rank(a) < rank(b); });
    return found;
  }

  // BootCurrent, when it still names an entry.
  const BootEntry* CurrentEntry() const { return current.has_value() ? Find(*current) : nullptr; }

  // Entries of `volume`: the one that the machine was started by, then as BootOrder has them, then
  // by number.
  std::vector<const BootEntry*> OfVolume(Volume volume) const {
    std::vector<const BootEntry*> found;
    for (const BootEntry& entry : entries) {
      if (entry.label == BootEntryLabel(volume)) found.push_back(&entry);
    }
    const auto rank = [this](const BootEntry* entry) {
      if (entry->number == current) return std::pair<int, ptrdiff_t>(0, 0);
      const auto place = std::find(order.begin(), order.end(), entry->number);
      return std::pair<int, ptrdiff_t>(place == order.end() ? 2 : 1, place - order.begin());
    };
    std::stable_sort(found.begin(), found.end(),
                     [&](const BootEntry* a, const BootEntry* b) { return rank(a) < rank(b); });
    return found;
  }
};

absl::StatusOr<Variables> ReadVariables(const Firmware& firmware) {
  Variables variables;
  TRIDENT_ASSIGN_OR_RETURN(variables.entries, firmware.Entries());
  TRIDENT_ASSIGN_OR_RETURN(variables.order, firmware.Order());
  TRIDENT_ASSIGN_OR_RETURN(variables.next, firmware.Next());
  TRIDENT_ASSIGN_OR_RETURN(variables.current, firmware.Current());
  return variables;
}

bool PointsAt(const BootEntry& entry, const BootTarget& target) {
  return EqualsIgnoringCase(entry.partition_uuid, target.partition_uuid) &&
         EqualsIgnoringCase(entry.loader, target.loader);
}

Numbers Without(const Numbers& order, const Numbers& unwanted) {
  Numbers kept;
  for (const uint16_t number : order) {
    if (!Contains(unwanted, number) && !Contains(kept, number)) kept.push_back(number);
  }
  return kept;
}

absl::Status SetOrderIfDifferent(Firmware& firmware, const Variables& variables,
                                 const Numbers& order) {
  return order == variables.order ? absl::OkStatus() : firmware.SetOrder(order);
}

// The number of the target's entry that can be rewritten; nullopt: a new one is needed.
std::optional<uint16_t> ReusableEntry(const Variables& variables, Volume target,
                                      const BootTarget& boot_target, bool clean_install) {
  const std::vector<const BootEntry*> ours = variables.OfVolume(target);
  for (const BootEntry* entry : ours) {
    if (PointsAt(*entry, boot_target)) return entry->number;
  }
  for (const BootEntry* entry : ours) {
    // The running system was started by it, whatever its label says: it may be the only way back.
    if (!clean_install && entry->number == variables.current) continue;
    return entry->number;
  }
  return std::nullopt;
}

Numbers Joined(Numbers first, const Numbers& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Numbers NumbersOf(const std::vector<const BootEntry*>& entries) {
  Numbers numbers;
  for (const BootEntry* entry : entries) numbers.push_back(entry->number);
  return numbers;
}

// Writes the entries of the copies and gives their numbers; those of copies that are no more go to
// `stale`.
absl::StatusOr<Numbers> WriteCopies(Firmware& firmware, const Variables& variables, Volume target,
                                    const std::vector<BootTarget>& copies, bool clean_install,
                                    Numbers& stale) {
  Numbers written;
  std::vector<const BootEntry*> known = variables.CopiesOfVolume(target);
  // The running system was started by it, whatever its label says: it may be the only way back.
  if (!clean_install) {
    std::erase_if(known,
                  [&](const BootEntry* entry) { return entry->number == variables.current; });
  }
  for (size_t i = 0; i < copies.size(); ++i) {
    const std::string label = BootCopyLabel(target, i + 2);
    std::optional<uint16_t> reusable;
    if (i < known.size()) reusable = known[i]->number;
    absl::StatusOr<uint16_t> number = firmware.WriteEntry(reusable, label, copies[i]);
    if (!number.ok()) {
      return Annotate(number.status(), absl::StrFormat("Making the boot entry '%s'", label));
    }
    written.push_back(*number);
  }
  for (size_t i = copies.size(); i < known.size(); ++i) stale.push_back(known[i]->number);
  return written;
}

// `numbers` are those of the entries of `targets`; `next` is what BootNext has to be.
absl::Status CheckKept(const Firmware& firmware, const Numbers& numbers,
                       const std::vector<BootTarget>& targets, std::optional<uint16_t> next) {
  TRIDENT_ASSIGN_OR_RETURN(const Variables variables, ReadVariables(firmware));
  std::string lost;
  for (size_t i = 0; i < numbers.size() && lost.empty(); ++i) {
    const BootEntry* entry = variables.Find(numbers[i]);
    if (entry == nullptr || !PointsAt(*entry, targets[i])) {
      lost = absl::StrFormat("Boot%04X", numbers[i]);
    } else if (!Contains(variables.order, numbers[i])) {
      lost = "BootOrder";
    }
  }
  if (lost.empty() && variables.next != next) lost = "BootNext";
  if (lost.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "firmware-forgot",
                   absl::StrFormat("The firmware accepted the write of %s, but it does not give "
                                   "back what was written.",
                                   lost),
                   "Update the firmware, or allow the operating system to change boot entries in "
                   "its setup.");
}

}  // namespace

std::string BootCopyLabel(Volume volume, size_t copy) {
  return absl::StrFormat("%s-%d", BootEntryLabel(volume), copy);
}

std::string BootEntryLabel(Volume volume) {
  return volume == Volume::kA ? "trident-a" : "trident-b";
}

absl::Status PointFirmwareAtTarget(Firmware& firmware, Volume target, const BootTarget& boot_target,
                                   const std::vector<BootTarget>& copies, bool clean_install,
                                   Trial trial) {
  TRIDENT_ASSIGN_OR_RETURN(const Variables variables, ReadVariables(firmware));
  const std::string label = BootEntryLabel(target);

  // 1. The entry. A new one is in no order yet; a known one names the target already.
  absl::StatusOr<uint16_t> number = firmware.WriteEntry(
      ReusableEntry(variables, target, boot_target, clean_install), label, boot_target);
  if (!number.ok()) {
    return Annotate(number.status(), absl::StrFormat("Making the boot entry '%s'", label));
  }

  // 2. The order, before BootNext: a firmware that forgets entries outside BootOrder would drop the
  // one that BootNext names.
  Numbers duplicates;
  for (const BootEntry* entry : variables.OfVolume(target)) {
    const bool way_back = !clean_install && entry->number == variables.current;
    if (entry->number != *number && !way_back) duplicates.push_back(entry->number);
  }
  TRIDENT_ASSIGN_OR_RETURN(
      const Numbers copy_numbers,
      WriteCopies(firmware, variables, target, copies, clean_install, duplicates));
  const Numbers of_target = Joined({*number}, copy_numbers);
  Numbers order = Without(variables.order, Joined(duplicates, of_target));
  if (clean_install) {
    order.insert(order.begin(), of_target.begin(), of_target.end());
  } else {
    // The way back must be in the order too.
    const std::vector<const BootEntry*> active = variables.OfVolume(OtherVolume(target));
    const BootEntry* way_back = active.empty() ? variables.CurrentEntry() : active.front();
    if (way_back != nullptr && way_back->number != *number && !Contains(order, way_back->number)) {
      order.insert(order.begin(), way_back->number);
    }
    order.insert(order.end(), of_target.begin(), of_target.end());
  }
  if (absl::Status status = SetOrderIfDifferent(firmware, variables, order); !status.ok()) {
    return Annotate(status, absl::StrFormat("Adding '%s' to the boot order", label));
  }

  // 3. The trial.
  const std::optional<uint16_t> next =
      trial == Trial::kBootNext ? std::optional<uint16_t>(*number) : std::nullopt;
  if (absl::Status status = next ? firmware.SetNext(*next) : firmware.ClearNext(); !status.ok()) {
    return Annotate(status, absl::StrFormat("Choosing '%s' for the next start", label));
  }

  // 4. What nobody needs any more.
  for (const uint16_t duplicate : duplicates) {
    if (absl::Status status = firmware.DeleteEntry(duplicate); !status.ok()) {
      return Annotate(status, absl::StrFormat("Deleting the old boot entry '%s'", label));
    }
  }
  std::vector<BootTarget> targets = {boot_target};
  targets.insert(targets.end(), copies.begin(), copies.end());
  return CheckKept(firmware, of_target, targets, next);
}

absl::Status RestoreVolumeEntries(Firmware& firmware, Volume volume,
                                  std::vector<BootTarget> members) {
  TRIDENT_ASSIGN_OR_RETURN(const Variables variables, ReadVariables(firmware));
  std::vector<const BootEntry*> ours = variables.OfVolume(volume);
  const std::vector<const BootEntry*> copies = variables.CopiesOfVolume(volume);
  ours.insert(ours.end(), copies.begin(), copies.end());
  if (ours.empty()) return absl::OkStatus();

  Numbers numbers;
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].loader = ours.front()->loader;
    const auto known = std::find_if(ours.begin(), ours.end(), [&](const BootEntry* entry) {
      return PointsAt(*entry, members[i]) && !Contains(numbers, entry->number);
    });
    if (known != ours.end()) {
      numbers.push_back((*known)->number);
      continue;
    }
    const std::string label = i == 0 ? BootEntryLabel(volume) : BootCopyLabel(volume, i + 1);
    const absl::StatusOr<uint16_t> number = firmware.WriteEntry(std::nullopt, label, members[i]);
    TRIDENT_RETURN_IF_ERROR(
        Annotate(number.status(), absl::StrFormat("Making the boot entry '%s' again", label)));
    numbers.push_back(*number);
  }

  const auto first = std::find_if(variables.order.begin(), variables.order.end(),
                                  [&](uint16_t number) { return Contains(numbers, number); });
  Numbers order = Joined(Without(Numbers(variables.order.begin(), first), numbers), numbers);
  order = Joined(order, Without(Numbers(first, variables.order.end()), order));
  TRIDENT_RETURN_IF_ERROR(Annotate(
      SetOrderIfDifferent(firmware, variables, order),
      absl::StrFormat("Adding the entries of '%s' to the boot order", BootEntryLabel(volume))));
  return CheckKept(firmware, numbers, members, variables.next);
}

absl::Status CommitBootOrder(Firmware& firmware, Volume active) {
  TRIDENT_ASSIGN_OR_RETURN(const Variables variables, ReadVariables(firmware));
  const std::vector<const BootEntry*> ours = variables.OfVolume(active);
  const BootEntry* entry = ours.empty() ? variables.CurrentEntry() : ours.front();
  if (entry == nullptr || entry->label == BootEntryLabel(OtherVolume(active))) {
    return MakeError(absl::StatusCode::kNotFound, "boot", "boot-entry-lost",
                     absl::StrFormat("Committing to %s: the firmware has no boot entry '%s' any "
                                     "more.",
                                     VolumeName(active), BootEntryLabel(active)),
                     "Create it with efibootmgr, pointing at the ESP of this volume, or update the "
                     "host once more.");
  }
  const Numbers first = Joined({entry->number}, NumbersOf(variables.CopiesOfVolume(active)));
  const Numbers order = Joined(first, Without(variables.order, first));
  if (absl::Status status = SetOrderIfDifferent(firmware, variables, order); !status.ok()) {
    return Annotate(status, absl::StrFormat("Putting '%s' first in the boot order", entry->label));
  }
  if (!variables.next.has_value()) return absl::OkStatus();
  // An operator's own choice for the next start stays.
  const BootEntry* next = variables.Find(*variables.next);
  const bool stale = next == nullptr || next->label == BootEntryLabel(Volume::kA) ||
                     next->label == BootEntryLabel(Volume::kB);
  if (!stale) return absl::OkStatus();
  return Annotate(firmware.ClearNext(), "Removing the firmware's choice for the next start");
}

absl::Status UndoFirmware(Firmware& firmware, Volume active) {
  TRIDENT_ASSIGN_OR_RETURN(const Variables variables, ReadVariables(firmware));
  // BootNext first: it alone decides what the next start is.
  if (variables.next.has_value()) {
    if (absl::Status status = firmware.ClearNext(); !status.ok()) {
      return Annotate(status, "Removing the firmware's choice for the next start");
    }
  }
  const Volume other = OtherVolume(active);
  const Numbers others =
      Joined(NumbersOf(variables.OfVolume(other)), NumbersOf(variables.CopiesOfVolume(other)));
  Numbers order = Without(variables.order, others);
  const std::vector<const BootEntry*> ours = variables.OfVolume(active);
  if (!ours.empty()) {
    const Numbers first =
        Joined({ours.front()->number}, NumbersOf(variables.CopiesOfVolume(active)));
    order = Joined(first, Without(order, first));
  }
  const bool way_back = std::any_of(order.begin(), order.end(), [&](uint16_t number) {
    return variables.Find(number) != nullptr;
  });
  if (!way_back && !others.empty()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "boot", "boot-entry-lost",
        absl::StrFormat("Going back to %s: the firmware has no boot entry but that of "
                        "%s.",
                        VolumeName(active), VolumeName(OtherVolume(active))),
        absl::StrFormat("Create the entry '%s' with efibootmgr, pointing at the ESP of "
                        "%s, then restart.",
                        BootEntryLabel(active), VolumeName(active)));
  }
  return Annotate(SetOrderIfDifferent(firmware, variables, Joined(order, others)),
                  absl::StrFormat("Putting '%s' first in the boot order", BootEntryLabel(active)));
}

}  // namespace trident
