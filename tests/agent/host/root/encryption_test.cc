// LUKS2 on real block devices, and a real TPM in software. Needs root and loop devices.
#include "agent/host/encryption.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <future>
#include <memory>

#include "agent/host/block_devices.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/file_descriptor.h"
#include "common/base/error.h"
#include "tests/support/loop_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr uint64_t kSize = 32 << 20;
constexpr char kUuid[] = "5a4e8a59-4d3c-4a2b-9a8e-0c1f2e3d4b5a";

Secret Key(const std::string& text) { return std::move(*Secret::CopyOf(text)); }

struct World {
  test::TemporaryDirectory directory;
  std::unique_ptr<test::LoopDevice> loop;
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::unique_ptr<Encryption> encryption;

  explicit World(uint32_t sector_size = 512, const std::string& tpm = "auto",
                 std::chrono::milliseconds key_derivation_time = std::chrono::milliseconds(0)) {
    loop = std::make_unique<test::LoopDevice>(directory / "disk", kSize, sector_size);
    EncryptionOptions options;
    options.key_derivation_time = key_derivation_time;
    options.tpm2_device = tpm;
    encryption = MakeLinuxEncryption(*commands, options);
  }
  absl::StatusOr<std::string> Run(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    return commands->RunChecked(command);
  }
};

TEST_CASE("a LUKS2 volume is what others take for one, with the sectors of its device", "[root]") {
  const uint32_t sector_size = GENERATE(512, 4096);
  World w(sector_size);
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "vault", Key("the key")));
  const auto header = w.encryption->Inspect(w.loop->path());
  REQUIRE_OK(header);
  REQUIRE(header->sector_size >= sector_size);
  const auto devices = MakeLinuxBlockDevices(*w.commands);
  REQUIRE(*devices->Probe(w.loop->path()) == Signature{"crypto_LUKS", kUuid, "vault"});
  // Another program opens it with the key, and finds what was asked for.
  test::WriteFile(w.directory / "key", "the key");
  REQUIRE_OK(w.Run({"cryptsetup", "open", "--test-passphrase", "--key-file", w.directory / "key",
                    w.loop->path()}));
  const auto dump = w.Run({"cryptsetup", "luksDump", w.loop->path()});
  REQUIRE_OK(dump);
  REQUIRE_THAT(*dump, Catch::Matchers::Contains("argon2id"));
  REQUIRE_THAT(*dump, Catch::Matchers::Contains("cipher: aes-xts-plain64"));
  REQUIRE_THAT(*dump, Catch::Matchers::Contains("Key:        512 bits"));
}

TEST_CASE("keys are derived with what this machine can bear, in the installer's own setting",
          "[root]") {
  World w(512, "auto", EncryptionOptions().key_derivation_time);
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  REQUIRE_OK(w.encryption->CheckKey(w.loop->path(), Key("the key")));
  const auto dump = w.Run({"cryptsetup", "luksDump", w.loop->path()});
  REQUIRE_OK(dump);
  REQUIRE_THAT(*dump, Catch::Matchers::Contains("argon2id"));
  const size_t memory = dump->find("Memory:");
  REQUIRE(memory != std::string::npos);
  const unsigned long kibibytes = std::stoul(dump->substr(memory + 7));
  CAPTURE(kibibytes);
  REQUIRE(kibibytes >= 32);
  REQUIRE(kibibytes <= 128 << 10);
}

TEST_CASE("a device that is used is not formatted", "[root]") {
  World w;
  const auto devices = MakeLinuxBlockDevices(*w.commands);
  const auto writer = devices->OpenForWriting(w.loop->path());
  REQUIRE_OK(writer);
  const absl::Status refused = w.encryption->Format(w.loop->path(), kUuid, "vault", Key("the key"));
  REQUIRE_ERROR(refused, absl::StatusCode::kFailedPrecondition, "in use");
  REQUIRE(GetErrorDetail(refused).subkind == "busy");
}

TEST_CASE("a device that is too small for a header is refused with the reason", "[root]") {
  World w;
  const test::LoopDevice small(w.directory / "small", kLuksHeaderBytes);
  REQUIRE_ERROR(w.encryption->Format(small.path(), kUuid, "", Key("the key")),
                absl::StatusCode::kInvalidArgument, "16777216 bytes");
  const test::LoopDevice larger(w.directory / "larger", kLuksHeaderBytes + 4096);
  REQUIRE_OK(w.encryption->Format(larger.path(), kUuid, "", Key("the key")));
}

TEST_CASE("what was on the device is not found any more", "[root]") {
  World w;
  REQUIRE_OK(w.Run({"mkfs.ext4", "-q", "-F", w.loop->path()}));
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  REQUIRE(MakeLinuxBlockDevices(*w.commands)->Probe(w.loop->path())->type == "crypto_LUKS");
}

TEST_CASE("without a device-mapper opening says so, and nothing is open", "[root]") {
  World w;
  struct stat about = {};
  if (stat("/dev/mapper/control", &about) == 0) return;  // e2e_tests/ opens volumes
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  const absl::Status refused =
      w.encryption->Activate(w.loop->path(), "trident-test", Key("the key"));
  REQUIRE_ERROR(refused, absl::StatusCode::kFailedPrecondition, "device-mapper");
  REQUIRE(GetErrorDetail(refused).subkind == "no-device-mapper");
  REQUIRE_FALSE(w.encryption->IsActive("trident-test"));
}

// A TPM 2.0 in software that systemd-cryptenroll talks to through a socket.
class SoftwareTpm {
 public:
  SoftwareTpm() {
    REQUIRE(mkdir((directory_ / "state").c_str(), 0700) == 0);
    running_ = std::async(std::launch::async, [this] {
      Command command;
      command.argv = {"swtpm",
                      "socket",
                      "--tpm2",
                      "--tpmstate",
                      "dir=" + (directory_ / "state"),
                      "--server",
                      "type=unixio,path=" + (directory_ / "socket"),
                      "--ctrl",
                      "type=unixio,path=" + (directory_ / "socket.ctrl"),
                      "--flags",
                      "not-need-init,startup-clear"};
      command.cancellation = &stop_;
      return MakeLinuxCommandRunner()->Run(command).status();
    });
    struct stat about = {};
    while (stat((directory_ / "socket.ctrl").c_str(), &about) != 0 ||
           stat((directory_ / "socket").c_str(), &about) != 0) {
      REQUIRE(running_.wait_for(std::chrono::milliseconds(10)) == std::future_status::timeout);
    }
  }
  ~SoftwareTpm() { stop_.Cancel(); }

  std::string device() const { return "swtpm:path=" + (directory_ / "socket"); }

 private:
  test::TemporaryDirectory directory_;
  Cancellation stop_;
  std::future<absl::Status> running_;
};

TEST_CASE("a TPM is enrolled, twice leaves one token, and the key still opens", "[root]") {
  const SoftwareTpm tpm;
  World w(512, tpm.device());
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  REQUIRE_OK(w.encryption->EnrolTpm2(w.loop->path(), {7}, Key("the key")));
  const auto once = w.encryption->Inspect(w.loop->path());
  REQUIRE_OK(once);
  REQUIRE(HasTpm2Token(*once));
  REQUIRE(once->key_slots == std::vector<int>{0, 1});
  REQUIRE_OK(w.encryption->EnrolTpm2(w.loop->path(), {7, 11}, Key("the key")));
  const auto twice = w.encryption->Inspect(w.loop->path());
  REQUIRE_OK(twice);
  REQUIRE(twice->tokens.size() == 1);
  REQUIRE(HasTpm2Token(*twice));
  REQUIRE(twice->key_slots == std::vector<int>{0, 1});
  REQUIRE(*w.encryption->CheckKey(w.loop->path(), Key("the key")) == 0);
  // Only the TPM is left, as without a recovery key.
  REQUIRE_OK(w.encryption->RemoveKeySlot(w.loop->path(), 0));
  REQUIRE_FALSE(w.encryption->CheckKey(w.loop->path(), Key("the key")).ok());
  REQUIRE_FALSE(w.encryption->RemoveKeySlot(w.loop->path(), 1).ok());
}

TEST_CASE("the token of a TPM is replaced, whichever TPM made it", "[root]") {
  const SoftwareTpm first;
  World w(512, first.device());
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  std::vector<std::string> tokens;
  const auto enrol = [&](Encryption& encryption) {
    REQUIRE_OK(encryption.EnrolTpm2(w.loop->path(), {7}, Key("the key")));
    const auto header = encryption.Inspect(w.loop->path());
    REQUIRE(header->key_slots == std::vector<int>{0, 1});
    REQUIRE(header->tokens == std::vector<LuksToken>{{0, kTpm2TokenType, {1}}});
    tokens.push_back(*w.Run({"cryptsetup", "token", "export", "--token-id", "0", w.loop->path()}));
  };
  enrol(*w.encryption);
  enrol(*w.encryption);
  REQUIRE(tokens[0] != tokens[1]);
  // Another mainboard: the registers are the same, but the first TPM's token would open nothing.
  const SoftwareTpm second;
  EncryptionOptions options;
  options.key_derivation_time = std::chrono::milliseconds(0);
  options.tpm2_device = second.device();
  enrol(*MakeLinuxEncryption(*w.commands, options));
  REQUIRE(tokens[1] != tokens[2]);
}

TEST_CASE("a token of the TPM outlives an enrolment with a wrong key", "[root]") {
  const SoftwareTpm tpm;
  World w(512, tpm.device());
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  REQUIRE_OK(w.encryption->EnrolTpm2(w.loop->path(), {7}, Key("the key")));
  REQUIRE_ERROR(w.encryption->EnrolTpm2(w.loop->path(), {7}, Key("another")),
                absl::StatusCode::kPermissionDenied, "no key slot opens");
  REQUIRE(HasTpm2Token(*w.encryption->Inspect(w.loop->path())));
}

TEST_CASE("a key of any bytes arrives at systemd-cryptenroll as it is", "[root]") {
  const SoftwareTpm tpm;
  World w(512, tpm.device());
  const std::string bytes = std::string("\0\n\xff", 3) + std::string(70'000, 'x') + "\n";
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key(bytes)));
  REQUIRE_OK(w.encryption->EnrolTpm2(w.loop->path(), {}, Key(bytes)));
  REQUIRE(HasTpm2Token(*w.encryption->Inspect(w.loop->path())));
}

TEST_CASE("a TPM is not enrolled with a wrong key", "[root]") {
  const SoftwareTpm tpm;
  World w(512, tpm.device());
  REQUIRE_OK(w.encryption->Format(w.loop->path(), kUuid, "", Key("the key")));
  REQUIRE_ERROR(w.encryption->EnrolTpm2(w.loop->path(), {7}, Key("another")),
                absl::StatusCode::kPermissionDenied, "no key slot opens");
  REQUIRE(w.encryption->Inspect(w.loop->path())->tokens.empty());
}

}  // namespace
}  // namespace trident
