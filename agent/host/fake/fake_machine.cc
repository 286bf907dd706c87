#include "agent/host/fake/fake_machine.h"

#include <utility>

#include "common/base/error.h"

namespace trident {

bool FakeMachine::IsRoot() const {
  const std::lock_guard lock(mutex_);
  return is_root_;
}

absl::StatusOr<std::string> FakeMachine::KernelCommandLine() const {
  const std::lock_guard lock(mutex_);
  return command_line_;
}

absl::StatusOr<std::string> FakeMachine::RootDevice() const {
  const std::lock_guard lock(mutex_);
  if (root_device_.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "environment", "no-root-device",
                     "the root file system is on no block device");
  }
  return root_device_;
}

bool FakeMachine::HasWatchdog() const {
  const std::lock_guard lock(mutex_);
  return has_watchdog_;
}

absl::Status FakeMachine::WaitForUnit(const std::string& unit, std::chrono::seconds,
                                      const Cancellation& cancellation) {
  if (cancellation.cancelled()) {
    return MakeError(absl::StatusCode::kCancelled, "cancelled", "wait-for-unit",
                     "waiting for " + unit + " was cancelled");
  }
  const std::lock_guard lock(mutex_);
  const auto found = units_.find(unit);
  return found == units_.end() ? absl::OkStatus() : found->second;
}

absl::Status FakeMachine::Reboot() {
  std::function<absl::Status()> function;
  {
    const std::lock_guard lock(mutex_);
    ++reboots_;
    function = on_reboot_;
  }
  return function ? function() : absl::OkStatus();
}

absl::Status FakeMachine::LoadKernel(const KernelToStart& kernel) {
  const std::lock_guard lock(mutex_);
  loaded_kernel_ = kernel;
  return absl::OkStatus();
}

absl::Status FakeMachine::RebootIntoKernel() {
  if (!loaded_kernel()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "environment", "kexec",
                     "no kernel is loaded");
  }
  return Reboot();
}

std::optional<KernelToStart> FakeMachine::loaded_kernel() const {
  const std::lock_guard lock(mutex_);
  return loaded_kernel_;
}

void FakeMachine::SetRoot(bool is_root) {
  const std::lock_guard lock(mutex_);
  is_root_ = is_root;
}

void FakeMachine::SetKernelCommandLine(const std::string& command_line) {
  const std::lock_guard lock(mutex_);
  command_line_ = command_line;
}

void FakeMachine::SetRootDevice(const std::string& device) {
  const std::lock_guard lock(mutex_);
  root_device_ = device;
}

void FakeMachine::SetWatchdog(bool has_watchdog) {
  const std::lock_guard lock(mutex_);
  has_watchdog_ = has_watchdog;
}

void FakeMachine::SetUnit(const std::string& unit, absl::Status status) {
  const std::lock_guard lock(mutex_);
  units_.insert_or_assign(unit, std::move(status));
}

void FakeMachine::OnReboot(std::function<absl::Status()> function) {
  const std::lock_guard lock(mutex_);
  on_reboot_ = std::move(function);
}

int FakeMachine::reboots() const {
  const std::lock_guard lock(mutex_);
  return reboots_;
}

}  // namespace trident
