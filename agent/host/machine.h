// The machine as a whole: privileges, kernel command line, service manager, reboot.
#ifndef TRIDENT_AGENT_HOST_MACHINE_H_
#define TRIDENT_AGENT_HOST_MACHINE_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"

namespace trident {

// What kexec starts. Paths of the running system.
struct KernelToStart {
  std::string kernel;
  std::vector<std::string> initrds;  // in their order; the kernel gets them as one
  std::string command_line;

  bool operator==(const KernelToStart&) const = default;
};

class Machine {
 public:
  virtual ~Machine() = default;

  // Effective user is root.
  virtual bool IsRoot() const = 0;
  // /proc/cmdline, without the final newline.
  virtual absl::StatusOr<std::string> KernelCommandLine() const = 0;
  // Kernel device that holds "/", canonical: /dev/vda2. NOT_FOUND when it is no block device (a
  // ramdisk).
  virtual absl::StatusOr<std::string> RootDevice() const = 0;
  // A hardware or software watchdog device is there.
  virtual bool HasWatchdog() const = 0;
  // Waits until the systemd unit is active (sd-bus), DEADLINE_EXCEEDED after `timeout`,
  // FAILED_PRECONDITION when it has failed, CANCELLED. UNAVAILABLE: no service manager to ask.
  virtual absl::Status WaitForUnit(const std::string& unit, std::chrono::seconds timeout,
                                   const Cancellation& cancellation) = 0;
  // Orderly restart through the firmware (systemctl reboot by sd-bus; where there is no service
  // manager, sync and reboot(2)). Returns when the request was taken; the process is ended soon.
  virtual absl::Status Reboot() = 0;
  // Puts a kernel into memory that the next restart can start without the firmware
  // (kexec_file_load(2)); a kernel that was there before is replaced. The files may go afterwards.
  // FAILED_PRECONDITION when this kernel does not allow it.
  virtual absl::Status LoadKernel(const KernelToStart& kernel) = 0;
  // As Reboot, into the loaded kernel.
  virtual absl::Status RebootIntoKernel() = 0;
};

std::unique_ptr<Machine> MakeLinuxMachine();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_MACHINE_H_
