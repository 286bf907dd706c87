// A machine that only remembers what was asked of it.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_MACHINE_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_MACHINE_H_

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "agent/host/machine.h"

namespace trident {

// Thread safe. At first: root, a watchdog, the command line of a ramdisk OS ("root=/dev/ram0"), no
// root device, every unit active.
class FakeMachine : public Machine {
 public:
  bool IsRoot() const override;
  absl::StatusOr<std::string> KernelCommandLine() const override;
  absl::StatusOr<std::string> RootDevice() const override;
  bool HasWatchdog() const override;
  // Answers at once: what SetUnit said, or OK. Cancelled: CANCELLED.
  absl::Status WaitForUnit(const std::string& unit, std::chrono::seconds timeout,
                           const Cancellation& cancellation) override;
  // Counts, then calls the function of OnReboot.
  absl::Status Reboot() override;
  absl::Status LoadKernel(const KernelToStart& kernel) override;
  // As Reboot; FAILED_PRECONDITION when no kernel was loaded.
  absl::Status RebootIntoKernel() override;

  void SetRoot(bool is_root);
  void SetKernelCommandLine(const std::string& command_line);
  // Empty: none, as on a ramdisk.
  void SetRootDevice(const std::string& device);
  void SetWatchdog(bool has_watchdog);
  // What WaitForUnit of this unit gives.
  void SetUnit(const std::string& unit, absl::Status status);
  // Called by Reboot; its status is what Reboot gives.
  void OnReboot(std::function<absl::Status()> function);
  int reboots() const;
  // The kernel that is in memory.
  std::optional<KernelToStart> loaded_kernel() const;

 private:
  mutable std::mutex mutex_;
  bool is_root_ = true;
  std::string command_line_ = "console=ttyS0 root=/dev/ram0";
  std::string root_device_;
  bool has_watchdog_ = true;
  std::map<std::string, absl::Status> units_;
  std::function<absl::Status()> on_reboot_;
  int reboots_ = 0;
  std::optional<KernelToStart> loaded_kernel_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_MACHINE_H_
