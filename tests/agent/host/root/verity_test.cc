// A verity device on real block devices. Needs root and loop devices.
#include "agent/host/verity.h"

#include <sys/stat.h>

#include <memory>

#include "absl/strings/str_split.h"
#include "agent/host/command_runner.h"
#include "common/base/error.h"
#include "tests/support/loop_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

TEST_CASE("without a device-mapper a verity device is not opened, and says so", "[root]") {
  struct stat about = {};
  if (stat("/dev/mapper/control", &about) == 0) return;  // e2e_tests/ boots from a verity root
  const test::TemporaryDirectory directory;
  const test::LoopDevice data(directory / "data", 4 << 20);
  const test::LoopDevice hash(directory / "hash", 4 << 20);
  const auto commands = MakeLinuxCommandRunner();
  Command format;
  format.argv = {"veritysetup", "format", data.path(), hash.path()};
  const auto said = commands->RunChecked(format);
  REQUIRE_OK(said);
  std::string root_hash;
  for (const auto line : absl::StrSplit(*said, '\n')) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() == 3 && words[0] == "Root") root_hash = words[2];
  }
  REQUIRE(root_hash.size() == 64);
  const auto verity = MakeLinuxVerity();
  const absl::Status refused = verity->Open({data.path(), hash.path(), root_hash}, "trident-test");
  REQUIRE_ERROR(refused, absl::StatusCode::kFailedPrecondition, "device-mapper");
  REQUIRE(GetErrorDetail(refused).subkind == "no-device-mapper");
  REQUIRE_FALSE(verity->IsOpen("trident-test"));
}

}  // namespace
}  // namespace trident
