// What can be asked of the machine that runs the tests without being root.
#include "agent/host/block_devices.h"
#include "agent/host/clock.h"
#include "agent/host/command_runner.h"
#include "agent/host/machine.h"
#include "agent/host/mounts.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

TEST_CASE("the clocks go forward and the boot has an id") {
  const auto clock = MakeLinuxClock();
  REQUIRE(clock->WallMicros() > 1'700'000'000'000'000);
  const int64_t before = clock->BootNanos();
  REQUIRE(before > 0);
  REQUIRE(clock->BootNanos() >= before);
  REQUIRE(clock->BootId().size() == 36);
  REQUIRE(clock->BootId() == clock->BootId());
}

TEST_CASE("mounts are listed with their places") {
  const auto mounts = MakeLinuxMounts()->List();
  REQUIRE_OK(mounts);
  bool proc = false;
  for (const MountEntry& entry : *mounts) {
    proc = proc || (entry.target == "/proc" && entry.filesystem == "proc");
  }
  REQUIRE(proc);
  REQUIRE_OK(MakeLinuxMounts()->Swaps());
}

TEST_CASE("unmounting what is not mounted is done") {
  const test::TemporaryDirectory directory;
  REQUIRE_OK(MakeLinuxMounts()->Unmount(directory.path()));
}

TEST_CASE("the kernel command line is one line") {
  const auto line = MakeLinuxMachine()->KernelCommandLine();
  REQUIRE_OK(line);
  REQUIRE(line->find('\n') == std::string::npos);
}

TEST_CASE("the root device is a kernel device or NOT_FOUND") {
  const auto device = MakeLinuxMachine()->RootDevice();
  if (device.ok()) {
    REQUIRE(device->starts_with("/dev/"));
  } else {
    REQUIRE(device.status().code() == absl::StatusCode::kNotFound);
  }
}

TEST_CASE("what is no block device is refused at every door") {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "file", "x");
  const auto commands = MakeLinuxCommandRunner();
  const auto devices = MakeLinuxBlockDevices(*commands);
  const std::string file = directory / "file";
  const auto refused = absl::StatusCode::kInvalidArgument;
  REQUIRE_ERROR(devices->Observe(file), refused, "not a block device");
  REQUIRE_ERROR(devices->WriteTable(file, {}), refused, "not a block device");
  REQUIRE_ERROR(devices->OpenForWriting(file), refused, "not a block device");
  REQUIRE_ERROR(devices->OpenForReading(file), refused, "not a block device");
  REQUIRE_ERROR(devices->Probe(file), refused, "not a block device");
  REQUIRE_ERROR(devices->Size(file), refused, "not a block device");
  REQUIRE_ERROR(devices->Observe(directory / "none"), absl::StatusCode::kNotFound, "none");
  REQUIRE_OK(devices->WaitForPath(file));
}

}  // namespace
}  // namespace trident
