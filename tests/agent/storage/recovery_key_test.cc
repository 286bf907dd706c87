#include "agent/storage/recovery_key.h"

#include <functional>

#include "agent/host/fake/fake_files.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr char kUrl[] = "file:///etc/recovery/luks.key";
constexpr char kPath[] = "/etc/recovery/luks.key";

std::string Text(const Secret& secret) { return {secret.chars(), secret.size()}; }

TEST_CASE("the whole file is the key, byte for byte") {
  const std::string keys[] = {"k", "typed by hand", "with a final line break\n",
                              std::string("\0\xff\n\0", 4), std::string(8 << 20, 'x')};
  for (const std::string& key : keys) {
    for (const uint32_t mode : {0400u, 0600u, 0700u, 0000u}) {
      FakeFiles files;
      files.SetFile(kPath, key, mode);
      const auto read = ReadRecoveryKey(files, kUrl);
      REQUIRE_OK(read);
      REQUIRE(Text(*read) == key);
    }
  }
}

TEST_CASE("a URL may escape letters and name this host") {
  FakeFiles files;
  files.SetFile("/my keys/%", "key", 0600);
  for (const char* url : {"file:///my%20keys/%25", "file://localhost/my%20keys/%25"}) {
    REQUIRE(Text(*ReadRecoveryKey(files, url)) == "key");
  }
}

TEST_CASE("a file that does not keep a key to itself is refused by name, with what to do") {
  struct Row {
    const char* name;
    std::function<void(FakeFiles&)> arrange;
    absl::StatusCode code;
    const char* reason;
    const char* remedy;
  };
  constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
  const auto with_mode = [](uint32_t mode) {
    return [mode](FakeFiles& files) { files.SetFile(kPath, "s3cret", mode); };
  };
  const Row rows[] = {
      {"not there", [](FakeFiles&) {}, absl::StatusCode::kNotFound, "no such file", "put the key"},
      {"empty", [](FakeFiles& files) { files.SetFile(kPath, "", 0600); }, kPrecondition, "is empty",
       "openssl rand"},
      {"one byte too large",
       [](FakeFiles& files) { files.SetFile(kPath, std::string((8 << 20) + 1, 'x'), 0600); },
       kPrecondition, "8 MiB", "itself"},
      {"a folder", [](FakeFiles& files) { files.SetDirectory(kPath, 0700); }, kPrecondition,
       "folder", "itself"},
      {"a link to a good file",
       [](FakeFiles& files) {
         files.SetFile("/etc/key", "s3cret", 0600);
         files.SetLink(kPath, "/etc/key");
       },
       kPrecondition, "symbolic link", "itself"},
      {"readable by the group", with_mode(0640), kPrecondition, "mode 0640", "chmod 0600"},
      {"writable by the group", with_mode(0620), kPrecondition, "mode 0620", "chmod 0600"},
      {"readable by others", with_mode(0604), kPrecondition, "mode 0604", "chmod 0600"},
      {"writable by others", with_mode(0602), kPrecondition, "mode 0602", "chmod 0600"},
      {"of another user",
       [](FakeFiles& files) {
         files.SetFile(kPath, "s3cret", 0600);
         files.SetOwner(kPath, 1000);
       },
       kPrecondition, "user 1000", "chown root"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      FakeFiles files;
      row.arrange(files);
      const auto read = ReadRecoveryKey(files, kUrl);
      REQUIRE_ERROR(read, row.code, row.reason);
      REQUIRE_ERROR(read, row.code, kPath);
      const ErrorDetail detail = GetErrorDetail(read.status());
      REQUIRE(detail.kind == "encryption");
      REQUIRE(detail.subkind == "recovery-key");
      REQUIRE_THAT(detail.remedy, Catch::Matchers::Contains(row.remedy));
      REQUIRE_THAT(ErrorDetailToJson(detail), !Catch::Matchers::Contains("s3cret"));
    }
  }
}

TEST_CASE("another URL is refused") {
  const FakeFiles files;
  for (const char* url :
       {"https://host/key", "file://other/key", "/etc/key", "file:///a%00b", ""}) {
    REQUIRE_ERROR(ReadRecoveryKey(files, url), absl::StatusCode::kInvalidArgument, url);
  }
}

}  // namespace
}  // namespace trident
