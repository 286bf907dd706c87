// What a job needs of servicing: plan, run a step, look where we are after a boot.
#ifndef TRIDENT_AGENT_SERVICING_SERVICER_H_
#define TRIDENT_AGENT_SERVICING_SERVICER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/store_range.h"
#include "agent/host/cancellation.h"
#include "agent/servicing/plan.h"
#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident {

// What the store knows about the host.
struct Recorded {
  HostStatus status;
  // The configuration that the host was last brought to; no value: no installed host.
  std::optional<HostConfiguration> configuration;
};

// What a step tells while it works. Called from the thread that runs the step.
class StepReporter {
 public:
  virtual ~StepReporter() = default;
  // Ephemeral; any rate, the reporter thins out. `total` 0: unknown.
  virtual void Progress(uint64_t done, uint64_t total) = 0;
  // Durable. Never secrets.
  virtual void Info(std::string_view message) = 0;
  virtual void Warning(std::string_view message) = 0;
};

// One run of one step. References stay valid during the call only.
struct StepRun {
  const std::string& job_id;
  const HostConfiguration& configuration;
  const Plan& plan;
  const Step& step;
  // Changed by the step as the host changes; the caller stores it, also after an error (a target
  // that was being written is "unknown").
  HostStatus& status;
  StepReporter& reporter;
  const Cancellation& cancellation;
  // Stores `status` now, before an effect that it announces (contents unknown before the first
  // byte). The step must not go on when this fails.
  std::function<absl::Status()> save_status;
  // Copies the whole store to `path`, durably, replacing it (step kLeave of a clean install).
  std::function<absl::Status(const std::string& path)> copy_store;
  // Datastore::MoveTo (step kMoveStore).
  std::function<absl::Status(const std::string& path)> move_store;
  // Range of this agent, and where the target's agent's is recorded (step kConfigureManagement).
  StoreRange own_range;
  std::function<absl::Status(StoreRange target)> record_target_range;
  // The operator has accepted what the job did (CommitHost). Asked by a step that waits for it.
  std::function<bool()> confirmed = [] { return false; };
  // What the host was brought to last; null: it is not installed.
  const HostConfiguration* recorded = nullptr;
};

// What is found after a boot, for a job in state "verifying" or "rebooting".
struct BootFinding {
  // The running root is the job's target.
  bool target_booted = false;
  // "volume-a", "volume-b", or the device when it is neither: for messages.
  std::string booted;
  // The kernel was not started with the options that the job wanted to be tried.
  bool lacks_options = false;
};

class Servicer {
 public:
  virtual ~Servicer() = default;

  // Observes the machine and plans. Refusals are errors with code FAILED_PRECONDITION,
  // INVALID_ARGUMENT, UNIMPLEMENTED, PERMISSION_DENIED, NOT_FOUND, and name what they refuse.
  // kNone: the host is as desired, no steps. `force` lifts only the check against installing over
  // an installed disk.
  virtual absl::StatusOr<Plan> MakePlan(const HostConfiguration& desired, const Recorded& recorded,
                                        bool force, const Cancellation& cancellation) = 0;

  // Refreshes the observed parts of the status (root device, active volume). What is recorded of a
  // disk stays when the disk is away: it may come back, and updates need the record then.
  virtual absl::Status Refresh(const Recorded& recorded, HostStatus& status) = 0;

  // Looks at what changes by itself while nothing is being done to the host: arrays lose members
  // and get them back. Cheap; called every few seconds. Changes `status` and gives a sentence for
  // each change.
  virtual std::vector<std::string> Watch(HostStatus& status) = 0;

  // Running a step twice is the same as running it once; a step that was interrupted is run again
  // from its beginning. kLeave returns OK when the machine is about to go down.
  virtual absl::Status RunStep(const StepRun& run) = 0;

  // Before a staged target is given up (cancelled, failed): unmounts and closes what is left.
  virtual absl::Status CleanUp(const Recorded& recorded) = 0;

  // Which volume runs? Does not wait.
  virtual absl::StatusOr<BootFinding> InspectBoot(const HostConfiguration& configuration,
                                                  const Plan& plan, const HostStatus& status) = 0;

  // The minimum rule of commit, besides which volume booted: all mounts of the document are there,
  // the system reached multi-user.target. Kind "health".
  virtual absl::Status CheckHealth(const HostConfiguration& configuration, const Plan& plan,
                                   const HostStatus& status, const Cancellation& cancellation) = 0;

  // Restores the previous state as far as possible without leaving: BootNext and BootOrder.
  // `needs_reboot` is set when the running system is the target, so that only a reboot goes back.
  virtual absl::Status RollBack(const HostConfiguration& configuration, const Plan& plan,
                                const HostStatus& status, bool& needs_reboot) = 0;

  // Orderly reboot through the firmware.
  virtual absl::Status Reboot() = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_SERVICER_H_
