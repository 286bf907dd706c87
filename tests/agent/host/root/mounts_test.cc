// Real mounts of a real file system. Needs root and loop devices.
#include "agent/host/mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "agent/host/block_devices.h"
#include "agent/host/command_runner.h"
#include "agent/host/file_descriptor.h"
#include "tests/support/loop_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

struct World {
  test::TemporaryDirectory directory;
  test::LoopDevice loop{directory / "disk", 32 << 20};
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::unique_ptr<Mounts> mounts = MakeLinuxMounts();

  World() {
    Command command;
    command.argv = {"mkfs.ext4", "-q", "-F", loop.path()};
    REQUIRE_OK(commands->RunChecked(command));
    for (const char* name : {"one", "two"}) REQUIRE(mkdir((directory / name).c_str(), 0755) == 0);
  }
  ~World() {
    for (const char* name : {"two", "one"}) {
      const absl::Status unmounted = mounts->Unmount(directory / name);
      CHECK(unmounted.ok());
    }
  }
  std::vector<MountEntry> At(const std::string& target) const {
    std::vector<MountEntry> found;
    const auto entries = mounts->List();
    REQUIRE_OK(entries);
    for (const MountEntry& entry : *entries) {
      if (entry.target == target) found.push_back(entry);
    }
    return found;
  }
};

TEST_CASE("a file system is mounted with its options, listed, and unmounted", "[root]") {
  World w;
  REQUIRE_OK(w.mounts->Mount(w.loop.path(), w.directory / "one", "ext4",
                             {"noexec", "x-systemd.growfs", "commit=30"}));
  const auto entries = w.At(w.directory / "one");
  REQUIRE(entries.size() == 1);
  REQUIRE(entries[0].source == w.loop.path());
  REQUIRE(entries[0].filesystem == "ext4");
  REQUIRE_THAT(entries[0].options, Catch::Matchers::Contains("noexec"));
  REQUIRE_OK(w.mounts->Unmount(w.directory / "one"));
  REQUIRE(w.At(w.directory / "one").empty());
  REQUIRE_OK(w.mounts->Unmount(w.directory / "one"));
}

TEST_CASE("an image file is written, mounted by itself with the option loop, and let go",
          "[root]") {
  World w;
  const std::string file = w.directory / "image";
  const auto devices = MakeLinuxBlockDevices(*w.commands);
  {
    const auto writer = devices->CreateImageFile(file, 16 << 20);
    REQUIRE_OK(writer);
    REQUIRE((*writer)->size() == 16 << 20);
    const std::vector<uint8_t> data(4096, 'x');
    REQUIRE_OK((*writer)->WriteAt(0, data));
    REQUIRE(absl::IsOutOfRange((*writer)->WriteAt((16 << 20) - 1, data)));
    REQUIRE_OK((*writer)->Flush());
  }
  struct stat about = {};
  REQUIRE(stat(file.c_str(), &about) == 0);
  REQUIRE(about.st_blocks * 512 < 1 << 20);
  Command command;
  command.argv = {"mkfs.ext4", "-q", "-F", file};
  REQUIRE_OK(w.commands->RunChecked(command));
  REQUIRE_OK(w.mounts->Mount(file, w.directory / "one", "ext4", {"loop", "ro"}));
  const auto entries = w.At(w.directory / "one");
  REQUIRE(entries.size() == 1);
  REQUIRE_THAT(entries[0].source, Catch::Matchers::StartsWith("/dev/loop"));
  REQUIRE_OK(w.mounts->Unmount(w.directory / "one"));
  // Made anew, with nothing of the old one.
  REQUIRE_OK(devices->CreateImageFile(file, 1 << 20));
  REQUIRE(stat(file.c_str(), &about) == 0);
  REQUIRE(about.st_blocks == 0);
}

TEST_CASE("one device mounted twice is one file system", "[root]") {
  World w;
  REQUIRE_OK(w.mounts->Mount(w.loop.path(), w.directory / "one", "ext4", {}));
  REQUIRE_OK(w.mounts->Mount(w.loop.path(), w.directory / "two", "ext4", {"nodev"}));
  test::WriteFile(w.directory / "one/file", "content");
  REQUIRE(test::ReadFile(w.directory / "two/file") == "content");
}

TEST_CASE("a folder is bound", "[root]") {
  World w;
  test::WriteFile(w.directory / "one/file", "content");
  REQUIRE_OK(w.mounts->Mount(w.directory / "one", w.directory / "two", "none", {"bind"}));
  REQUIRE(test::ReadFile(w.directory / "two/file") == "content");
}

TEST_CASE("what cannot be mounted says what and where", "[root]") {
  World w;
  REQUIRE_ERROR(w.mounts->Mount("/dev/no-such", w.directory / "one", "ext4", {}),
                absl::StatusCode::kNotFound, "/dev/no-such");
  REQUIRE_ERROR(w.mounts->Mount(w.loop.path(), w.directory / "none", "ext4", {}),
                absl::StatusCode::kNotFound, w.directory / "none");
  const absl::Status wrong = w.mounts->Mount(w.loop.path(), w.directory / "one", "xfs", {});
  REQUIRE_FALSE(wrong.ok());
  REQUIRE(w.At(w.directory / "one").empty());
}

TEST_CASE("a busy file system is tried again and then named", "[root]") {
  World w;
  REQUIRE_OK(w.mounts->Mount(w.loop.path(), w.directory / "one", "ext4", {}));
  {
    const FileDescriptor holder(open((w.directory / "one").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(holder.valid());
    REQUIRE_ERROR(w.mounts->Unmount(w.directory / "one"), absl::StatusCode::kFailedPrecondition,
                  "busy");
  }
  REQUIRE_OK(w.mounts->Unmount(w.directory / "one"));
}

TEST_CASE("a program runs below another root", "[root]") {
  World w;
  Command command;
  command.root = "/";
  command.argv = {"pwd"};
  REQUIRE(*w.commands->RunChecked(command) == "/\n");
  command.root = w.directory / "one";
  REQUIRE_ERROR(w.commands->Run(command), absl::StatusCode::kNotFound, w.directory / "one");
  command.root = w.directory / "none";
  REQUIRE_ERROR(w.commands->Run(command), absl::StatusCode::kNotFound, "change root");
}

}  // namespace
}  // namespace trident
