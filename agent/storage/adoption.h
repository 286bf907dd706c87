// Partitions that a clean install keeps: which they are, and where the others go around them.
#ifndef TRIDENT_AGENT_STORAGE_ADOPTION_H_
#define TRIDENT_AGENT_STORAGE_ADOPTION_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "common/config/host_configuration.h"

namespace trident {

// One adopted partition of the document with what it is on the disk.
struct Adoption {
  const AdoptedPartition* wanted = nullptr;  // lives as long as the document
  TablePartition found;
  uint64_t size = 0;  // bytes that it shall have, at least those that it has
};

// Finds the adopted partitions of `disk` in its table. Every criterion that is given must match:
// uuid, name (the label), position (0-based, by number in the table), nextOfType (the first of this
// type that no other one took). Pure.
//
// Errors, kind "storage":
//   adoption-no-match       NOT_FOUND: nothing matches, and continueIfNoMatch is not set
//   adoption-ambiguous      FAILED_PRECONDITION: several match
//   adoption-shrinks        FAILED_PRECONDITION: it is larger than the size given
//   partition-size          INVALID_ARGUMENT: a size that is not a multiple of the disk's sectors
//   partition-would-be-lost FAILED_PRECONDITION: the disk has a partition that is neither adopted
//                           nor one of the document's by its label
absl::StatusOr<std::vector<Adoption>> MatchAdopted(const Disk& disk, const ObservedDisk& observed);

// The table of a disk with adopted partitions: those of the document in its order, then the adopted
// ones, which keep their place, number, ids and label and have `kept_as` set. New partitions take
// the first free room that is large enough; with `grow` the largest that is left. Other contracts
// as of MakeLayout, which calls it. Pure.
absl::StatusOr<PartitionTable> LayOutAround(
    const std::vector<Adoption>& adopted, const Disk& disk, const ObservedDisk& observed,
    const std::function<std::string(const std::string& id)>& uuid_of);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_ADOPTION_H_
