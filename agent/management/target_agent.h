// The agent in a new root: there, started at boot, and able to read the store.
#ifndef TRIDENT_AGENT_MANAGEMENT_TARGET_AGENT_H_
#define TRIDENT_AGENT_MANAGEMENT_TARGET_AGENT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/store_range.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"

namespace trident {

// Where an image keeps the agent, seen from its root.
inline constexpr char kAgentPath[] = "/usr/bin/tridentd";
// The unit that finishes a job after the boot.
inline constexpr char kAgentUnit[] = "tridentd.service";

// Copies `program` over the agent of the new root (management.selfUpgrade).
absl::Status UpgradeTargetAgent(Files& files, const std::string& root, const std::string& program);

// The store versions that the new root's agent can read: asks that program itself, in a chroot.
// FAILED_PRECONDITION, kind "precondition", when there is no agent, it does not run there, or its
// unit is not enabled.
absl::StatusOr<StoreRange> InspectTargetAgent(const Files& files, CommandRunner& commands,
                                              const std::string& root);

// "oldest newest" as `tridentd store-range` prints it.
std::string FormatStoreRange(StoreRange range);
absl::StatusOr<StoreRange> ParseStoreRange(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_AGENT_MANAGEMENT_TARGET_AGENT_H_
