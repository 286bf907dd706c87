// The store's way to another management.datastorePath, on a running host or over an A/B update.
//
// Before the new path is used by anything, a link to the store is there; both systems work on the
// one store, and a change that is taken back has moved nothing. When the change is accepted the
// file itself moves, and a link stays at the old path.
#ifndef TRIDENT_AGENT_SERVICING_STORE_MOVE_H_
#define TRIDENT_AGENT_SERVICING_STORE_MOVE_H_

#include <string>

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

enum class StoreMove {
  kStays,  // the same file, if by another path: its file system is mounted elsewhere
  kMoves,
  // A file system that the store lies on, or goes to, is not mounted at the same path before and
  // after: one of the two systems would not find the store.
  kOutOfReach,
};

StoreMove StoreMoveOf(const HostConfiguration& desired, const HostConfiguration& recorded);

// Whether the store can come to the desired path: nothing is there but perhaps a link to it, and
// the file system that it is to lie on is mounted. Error kind "precondition".
absl::Status CheckStorePlace(const Host& host, const HostConfiguration& desired,
                             const HostConfiguration& recorded);

// Steps; contracts: Servicer::RunStep.
absl::Status LinkStoreStep(const Host& host, const StepRun& run);
// One that cannot be moved stays where it is, behind its link: a warning, not an error.
absl::Status MoveStoreStep(const StepRun& run);

// The topmost of the folders above the desired path that is not there yet, or the path itself: what
// undoing LinkStoreStep removes.
std::string FirstMissing(const Files& files, const std::string& path);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_STORE_MOVE_H_
