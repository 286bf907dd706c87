// Real block devices: loop devices over sparse files. Needs root.
#include "agent/host/block_devices.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <numeric>

#include "agent/host/command_runner.h"
#include "agent/host/device_facts.h"
#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/gpt.h"
#include "agent/host/mounts.h"
#include "tests/support/loop_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kSize = 64 * kMiB;

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> data(size);
  std::iota(data.begin(), data.end(), uint8_t{1});
  return data;
}

// A disk of kSize bytes without anything on it, at `path`.
struct World {
  test::TemporaryDirectory directory;
  std::unique_ptr<test::LoopDevice> loop;
  std::unique_ptr<CommandRunner> commands;
  std::unique_ptr<BlockDevices> devices;
  std::string path;
};

std::unique_ptr<World> RealWorld(uint32_t sector_size = 512) {
  auto world = std::make_unique<World>();
  world->loop = std::make_unique<test::LoopDevice>(world->directory / "disk", kSize, sector_size);
  world->commands = MakeLinuxCommandRunner();
  world->devices = MakeLinuxBlockDevices(*world->commands);
  world->path = world->loop->path();
  return world;
}

std::unique_ptr<World> FakeWorld() {
  auto world = std::make_unique<World>();
  auto devices = std::make_unique<FakeBlockDevices>();
  devices->AddDisk("/dev/vda", kSize);
  world->devices = std::move(devices);
  world->path = "/dev/vda";
  return world;
}

struct Case {
  const char* name;
  std::function<void(World&)> run;
};

const Case kContract[] = {
    {"an empty disk is observed with its size and nothing else",
     [](World& w) {
       const auto disk = w.devices->Observe(w.path);
       REQUIRE_OK(disk);
       REQUIRE(disk->path == w.path);
       REQUIRE(disk->size == kSize);
       REQUIRE(disk->sector_size == 512);
       REQUIRE_FALSE(disk->read_only);
       REQUIRE_FALSE(disk->table.has_value());
       REQUIRE(disk->partitions.empty());
       REQUIRE(disk->users.empty());
       REQUIRE(*w.devices->Size(w.path) == kSize);
       REQUIRE(*w.devices->Probe(w.path) == Signature());
     }},
    {"what is written is read back from the medium, at any offset and length",
     [](World& w) {
       const std::vector<uint8_t> data = Pattern(3 * kMiB + 17);
       const auto writer = w.devices->OpenForWriting(w.path);
       REQUIRE_OK(writer);
       REQUIRE((*writer)->size() == kSize);
       REQUIRE_OK((*writer)->WriteAt(kMiB + 3, data));
       REQUIRE_OK((*writer)->Flush());
       const auto reader = w.devices->OpenForReading(w.path);
       REQUIRE_OK(reader);
       REQUIRE((*reader)->size() == kSize);
       std::vector<uint8_t> read(data.size());
       REQUIRE_OK((*reader)->ReadAt(kMiB + 3, read));
       REQUIRE(read == data);
       std::vector<uint8_t> few(5);
       REQUIRE_OK((*reader)->ReadAt(kMiB + 10, few));
       REQUIRE(few == std::vector<uint8_t>(data.begin() + 7, data.begin() + 12));
     }},
    {"the last byte can be written and read, and nothing beyond it",
     [](World& w) {
       const auto writer = w.devices->OpenForWriting(w.path);
       const std::vector<uint8_t> data = {1, 2, 3};
       REQUIRE_OK((*writer)->WriteAt(kSize - 3, data));
       REQUIRE_ERROR((*writer)->WriteAt(kSize - 2, data), absl::StatusCode::kOutOfRange, "bytes");
       REQUIRE_ERROR((*writer)->WriteAt(UINT64_MAX, data), absl::StatusCode::kOutOfRange, "bytes");
       REQUIRE_OK((*writer)->Flush());
       const auto reader = w.devices->OpenForReading(w.path);
       std::vector<uint8_t> read(3);
       REQUIRE_OK((*reader)->ReadAt(kSize - 3, read));
       REQUIRE(read == data);
       REQUIRE_ERROR((*reader)->ReadAt(kSize - 2, read), absl::StatusCode::kOutOfRange, "bytes");
     }},
    {"a device that is open for writing is not opened again, until it is closed",
     [](World& w) {
       {
         const auto writer = w.devices->OpenForWriting(w.path);
         REQUIRE_OK(writer);
         REQUIRE_ERROR(w.devices->OpenForWriting(w.path), absl::StatusCode::kFailedPrecondition,
                       "in use");
         REQUIRE_ERROR(w.devices->WriteTable(w.path, {}), absl::StatusCode::kFailedPrecondition,
                       "in use");
       }
       REQUIRE_OK(w.devices->OpenForWriting(w.path));
     }},
    {"a device that is not there is NOT_FOUND by name",
     [](World& w) {
       const auto missing = absl::StatusCode::kNotFound;
       REQUIRE_ERROR(w.devices->Observe("/dev/no-such"), missing, "no-such");
       REQUIRE_ERROR(w.devices->OpenForWriting("/dev/no-such"), missing, "no-such");
       REQUIRE_ERROR(w.devices->OpenForReading("/dev/no-such"), missing, "no-such");
       REQUIRE_ERROR(w.devices->Probe("/dev/no-such"), missing, "no-such");
       REQUIRE_ERROR(w.devices->WriteTable("/dev/no-such", {}), missing, "no-such");
     }},
};

TEST_CASE("block devices keep their promises", "[root]") {
  for (const bool real : {true, false}) {
    for (const Case& one : kContract) {
      DYNAMIC_SECTION((real ? "real: " : "fake: ") << one.name) {
        const auto world = real ? RealWorld() : FakeWorld();
        one.run(*world);
      }
    }
  }
}

TEST_CASE("more than fits in flight is written in order and arrives whole", "[root]") {
  const auto w = RealWorld();
  const std::vector<uint8_t> data = Pattern(4 * kMiB);
  const auto writer = w->devices->OpenForWriting(w->path);
  REQUIRE_OK(writer);
  for (uint64_t at = 0; at < kSize; at += data.size()) REQUIRE_OK((*writer)->WriteAt(at, data));
  REQUIRE_OK((*writer)->Flush());
  const auto reader = w->devices->OpenForReading(w->path);
  std::vector<uint8_t> read(data.size());
  for (uint64_t at = 0; at < kSize; at += data.size()) {
    REQUIRE_OK((*reader)->ReadAt(at, read));
    REQUIRE(read == data);
  }
}

TEST_CASE("a table on a disk with sectors of 512 and of 4096 bytes is observed", "[root]") {
  const uint32_t sector_size = GENERATE(512, 4096);
  const auto w = RealWorld(sector_size);
  PartitionTable table;
  table.disk_uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
  table.partitions = {
      {"11111111-2222-4333-8444-555555555555", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp", kMiB,
       8 * kMiB, 1},
      {"21111111-2222-4333-8444-555555555555", "0fc63daf-8483-4772-8e79-3d69d8477de4", "data",
       9 * kMiB, 40 * kMiB + 4096, 2},
  };
  {
    const FileDescriptor fd(open(w->path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
    REQUIRE(fd.valid());
    REQUIRE_OK(WriteGpt(fd.get(), w->path, table));
  }
  const auto disk = w->devices->Observe(w->path);
  REQUIRE_OK(disk);
  REQUIRE(disk->sector_size == sector_size);
  REQUIRE(disk->table == table);
  REQUIRE(disk->partitions.size() == 2);
  REQUIRE(disk->partitions[1].entry == table.partitions[1]);
  REQUIRE(disk->partitions[1].path == w->path + "p2");
}

TEST_CASE("what is on a disk without GPT is told, and a blank one has nothing", "[root]") {
  const auto w = RealWorld();
  REQUIRE(w->devices->Observe(w->path)->other_contents.empty());
  Command command;
  command.argv = {"mkswap", w->path};
  REQUIRE_OK(w->commands->RunChecked(command));
  REQUIRE(w->devices->Observe(w->path)->other_contents == "swap");
  command.argv = {"wipefs", "-a", w->path};
  REQUIRE_OK(w->commands->RunChecked(command));
  REQUIRE(w->devices->Observe(w->path)->other_contents.empty());
  command.argv = {"sfdisk", "--quiet", "--no-reread", w->path};
  command.input = "label: dos\n,,L\n";
  REQUIRE_OK(w->commands->RunChecked(command));
  REQUIRE(w->devices->Observe(w->path)->other_contents == "dos");
}

TEST_CASE("a mounted device is refused and shown with its user, also when bound elsewhere",
          "[root]") {
  const auto w = RealWorld();
  Command mkfs;
  mkfs.argv = {"mkfs.ext4", "-q",   "-F",   "-U", "5a4e8a59-4d3c-4a2b-9a8e-0c1f2e3d4b5a",
               "-L",        "disk", w->path};
  REQUIRE_OK(w->commands->RunChecked(mkfs));
  REQUIRE(*w->devices->Probe(w->path) ==
          Signature{"ext4", "5a4e8a59-4d3c-4a2b-9a8e-0c1f2e3d4b5a", "disk"});
  const test::TemporaryDirectory target;
  const auto mounts = MakeLinuxMounts();
  REQUIRE_OK(mounts->Mount(w->path, target.path(), "ext4", {"defaults"}));
  const std::string user = "mounted at " + target.path();
  const auto observed = w->devices->Observe(w->path);
  const auto writer = w->devices->OpenForWriting(w->path).status();
  const auto table = w->devices->WriteTable(w->path, {});
  REQUIRE_OK(mounts->Unmount(target.path()));
  REQUIRE_OK(observed);
  REQUIRE(observed->users == std::vector<std::string>{user});
  REQUIRE_ERROR(writer, absl::StatusCode::kFailedPrecondition, user);
  REQUIRE_ERROR(table, absl::StatusCode::kFailedPrecondition, user);
  REQUIRE_OK(w->devices->OpenForWriting(w->path));
}

TEST_CASE("a read-only device is shown and refused", "[root]") {
  const auto w = RealWorld();
  Command command;
  command.argv = {"blockdev", "--setro", w->path};
  REQUIRE_OK(w->commands->RunChecked(command));
  REQUIRE(w->devices->Observe(w->path)->read_only);
  REQUIRE_ERROR(w->devices->OpenForWriting(w->path), absl::StatusCode::kPermissionDenied,
                "read-only");
  command.argv = {"blockdev", "--setrw", w->path};
  REQUIRE_OK(w->commands->RunChecked(command));
}

}  // namespace
}  // namespace trident
