// What can be seen of verity devices without the device-mapper: superblocks that libcryptsetup
// reads from files.
#include "agent/host/verity.h"

#include <memory>

#include "agent/host/command_runner.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr char kName[] = "trident-test-that-nobody-has";

struct World {
  test::TemporaryDirectory directory;
  std::string data = directory / "data";
  std::string hash = directory / "hash";
  std::unique_ptr<Verity> verity = MakeLinuxVerity();

  World() {
    test::WriteFile(data, std::string(64 << 10, 'x'));
    const auto commands = MakeLinuxCommandRunner();
    Command format;
    format.argv = {"veritysetup", "format", data, hash};
    REQUIRE_OK(commands->RunChecked(format));
  }
};

TEST_CASE("what cannot be a verity device is refused with the reason, before the kernel is asked") {
  const World world;
  const std::string root_hash(64, 'a');
  struct Case {
    const char* name;
    VeritySource source;
    absl::StatusCode code;
    const char* subkind;
    const char* text;
  };
  test::WriteFile(world.directory / "nothing", std::string(64 << 10, '\0'));
  const Case cases[] = {
      {"no data",
       {world.directory / "gone", world.hash, root_hash},
       absl::StatusCode::kNotFound,
       "no-such-device",
       "there is no device"},
      {"no hashes",
       {world.data, world.directory / "gone", root_hash},
       absl::StatusCode::kNotFound,
       "no-such-device",
       "there is no device"},
      {"no superblock",
       {world.data, world.directory / "nothing", root_hash},
       absl::StatusCode::kFailedPrecondition,
       "not-verity",
       "no intact superblock"},
      {"data and hashes exchanged",
       {world.hash, world.data, root_hash},
       absl::StatusCode::kFailedPrecondition,
       "not-verity",
       "no intact superblock"},
      {"a root hash of another length",
       {world.data, world.hash, "abcd"},
       absl::StatusCode::kFailedPrecondition,
       "wrong-root-hash",
       "has 2 bytes"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const absl::Status opened = world.verity->Open(one.source, kName);
      REQUIRE_ERROR(opened, one.code, one.text);
      CHECK(GetErrorDetail(opened).kind == "verity");
      CHECK(GetErrorDetail(opened).subkind == one.subkind);
    }
  }
}

TEST_CASE("what is not open is closed without a word") {
  const auto verity = MakeLinuxVerity();
  REQUIRE_OK(verity->Close(kName));
  CHECK_FALSE(verity->IsOpen(kName));
}

}  // namespace
}  // namespace trident
