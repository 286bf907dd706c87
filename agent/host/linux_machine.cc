#include <fcntl.h>
#include <libmount/libmount.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "agent/host/device_facts.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/machine.h"
#include "agent/host/service_manager.h"
#include "common/base/error.h"

namespace trident {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAskAgain{250};
// sd_booted(3): there when systemd runs this machine.
constexpr char kBooted[] = "/run/systemd/system";

class LinuxMachine : public Machine {
 public:
  bool IsRoot() const override { return geteuid() == 0; }

  absl::StatusOr<std::string> KernelCommandLine() const override {
    std::ifstream file("/proc/cmdline");
    std::string line;
    if (!std::getline(file, line)) {
      return ErrnoError(EIO, "environment", "command-line", "cannot read /proc/cmdline");
    }
    return line;
  }

  absl::StatusOr<std::string> RootDevice() const override;

  bool HasWatchdog() const override {
    std::error_code error;
    if (std::filesystem::exists("/dev/watchdog", error)) return true;
    const std::filesystem::directory_iterator devices("/sys/class/watchdog", error);
    return devices != std::filesystem::directory_iterator();
  }

  absl::Status WaitForUnit(const std::string& unit, std::chrono::seconds timeout,
                           const Cancellation& cancellation) override;
  absl::Status Reboot() override;
  absl::Status LoadKernel(const KernelToStart& kernel) override;
  absl::Status RebootIntoKernel() override;
};

absl::StatusOr<std::string> LinuxMachine::RootDevice() const {
  const absl::Status none =
      MakeError(absl::StatusCode::kNotFound, "environment", "no-root-device",
                "the root file system is on no block device (a ramdisk, or an overlay)");
  const std::unique_ptr<libmnt_table, void (*)(libmnt_table*)> table(mnt_new_table(),
                                                                     mnt_free_table);
  if (!table || mnt_table_parse_file(table.get(), "/proc/self/mountinfo") != 0) {
    return ErrnoError(EIO, "environment", "mounts", "cannot read /proc/self/mountinfo");
  }
  // The last one: an earlier "/" (rootfs) is hidden by it.
  libmnt_fs* const root = mnt_table_find_target(table.get(), "/", MNT_ITER_BACKWARD);
  if (root == nullptr) return none;
  if (auto path = KernelDevicePath(mnt_fs_get_devno(root)); path.ok()) return path;
  // btrfs: the number in mountinfo is no device's, the source is one.
  const char* const source = mnt_fs_get_source(root);
  if (source == nullptr || source[0] != '/') return none;
  const auto number = DeviceNumber(source);
  if (!number.ok()) return none;
  return KernelDevicePath(*number);
}

absl::Status LinuxMachine::WaitForUnit(const std::string& unit, std::chrono::seconds timeout,
                                       const Cancellation& cancellation) {
  std::error_code error;
  if (!std::filesystem::exists(kBooted, error)) {
    return MakeError(absl::StatusCode::kUnavailable, "environment", "service-manager",
                     absl::StrCat("cannot wait for ", unit, ": systemd does not run this machine"));
  }
  const ServiceManager manager = ServiceManager::OfThisMachine();
  const auto limit = steady_clock::now() + timeout;
  while (true) {
    if (cancellation.cancelled()) {
      return MakeError(absl::StatusCode::kCancelled, "cancelled", "wait-for-unit",
                       absl::StrCat("waiting for ", unit, " was cancelled"));
    }
    const auto state = manager.ActiveState(unit);
    if (state.ok() && *state == "active") return absl::OkStatus();
    if (state.ok() && *state == "failed") {
      return MakeError(absl::StatusCode::kFailedPrecondition, "health", "unit-failed",
                       absl::StrCat("the unit ", unit, " has failed"),
                       absl::StrCat("see `systemctl status ", unit, "`"));
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - steady_clock::now());
    if (left.count() <= 0) {
      if (!state.ok()) return state.status();
      return MakeError(absl::StatusCode::kDeadlineExceeded, "health", "unit-not-active",
                       absl::StrCat("the unit ", unit, " is ", *state, ", not active, after ",
                                    timeout.count(), " s"),
                       absl::StrCat("see `systemctl status ", unit, "` and `systemctl list-jobs`"));
    }
    cancellation.WaitFor(std::min(kAskAgain, left));
  }
}

absl::Status LinuxMachine::Reboot() {
  // Not the manager's method Reboot: that one does not stop services or unmount first.
  absl::Status asked =
      ServiceManager::OfThisMachine().StartUnit("reboot.target", "replace-irreversibly");
  if (asked.ok()) return asked;
  std::error_code error;
  if (std::filesystem::exists(kBooted, error)) {
    return Annotate(asked, "cannot restart the machine");
  }
  sync();
  if (reboot(RB_AUTOBOOT) != 0) {
    return ErrnoError(errno, "environment", "reboot", "cannot restart the machine");
  }
  return absl::OkStatus();
}

// One file after the other in memory: kexec_file_load(2) takes one descriptor.
absl::StatusOr<FileDescriptor> JoinFiles(const std::vector<std::string>& paths) {
  FileDescriptor joined(memfd_create("initrd", MFD_CLOEXEC));
  if (!joined.valid()) {
    return ErrnoError(errno, "environment", "kexec", "cannot make room for the initrd");
  }
  for (const std::string& path : paths) {
    const std::string attempt = "cannot read the initrd " + path;
    const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat about = {};
    if (!fd.valid() || fstat(fd.get(), &about) != 0) {
      return ErrnoError(errno, "environment", "kexec", attempt);
    }
    off_t done = 0;
    while (done < about.st_size) {
      const ssize_t count = sendfile(joined.get(), fd.get(), &done, about.st_size - done);
      if (count < 0) return ErrnoError(errno, "environment", "kexec", attempt);
      if (count == 0) return ErrnoError(EIO, "environment", "kexec", attempt + ": it got shorter");
    }
    // Parts begin at multiples of four bytes (Documentation/driver-api/early-userspace).
    const off_t end = lseek(joined.get(), 0, SEEK_END);
    if (ftruncate(joined.get(), (end + 3) / 4 * 4) != 0 || lseek(joined.get(), 0, SEEK_END) < 0) {
      return ErrnoError(errno, "environment", "kexec", attempt);
    }
  }
  return joined;
}

absl::Status LinuxMachine::LoadKernel(const KernelToStart& kernel) {
  const std::string attempt = "cannot load the kernel " + kernel.kernel;
  const FileDescriptor image(open(kernel.kernel.c_str(), O_RDONLY | O_CLOEXEC));
  if (!image.valid()) return ErrnoError(errno, "environment", "kexec", attempt);
  FileDescriptor initrd;
  if (!kernel.initrds.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(initrd, JoinFiles(kernel.initrds));
  }
  const unsigned long flags = initrd.valid() ? 0 : KEXEC_FILE_NO_INITRAMFS;
  // With the NUL that ends it.
  const long result = syscall(SYS_kexec_file_load, image.get(), initrd.valid() ? initrd.get() : -1,
                              kernel.command_line.size() + 1, kernel.command_line.c_str(), flags);
  if (result == 0) return absl::OkStatus();
  const absl::Status plain = ErrnoError(errno, "environment", "kexec", attempt);
  ErrorDetail detail = GetErrorDetail(plain);
  detail.remedy =
      "Let the document say management.transition: firmware. This kernel allows no kexec of that "
      "kernel (kernel.kexec_load_disabled, lockdown under Secure Boot, or no CONFIG_KEXEC_FILE).";
  return MakeError(absl::StatusCode::kFailedPrecondition, std::move(detail));
}

absl::Status LinuxMachine::RebootIntoKernel() {
  // systemd goes down as for a reboot, and starts the loaded kernel as its last act.
  absl::Status asked =
      ServiceManager::OfThisMachine().StartUnit("kexec.target", "replace-irreversibly");
  if (asked.ok()) return asked;
  std::error_code error;
  if (std::filesystem::exists(kBooted, error)) {
    return Annotate(asked, "cannot restart the machine with kexec");
  }
  sync();
  if (reboot(RB_KEXEC) != 0) {
    return ErrnoError(errno, "environment", "reboot", "cannot start the loaded kernel");
  }
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<Machine> MakeLinuxMachine() { return std::make_unique<LinuxMachine>(); }

}  // namespace trident
