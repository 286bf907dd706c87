// The real LUKS2 headers, in plain files, and the fake ones keep the same promises.
#include "agent/host/encryption.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_encryption.h"
#include "agent/host/file_descriptor.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr uint64_t kSize = 32 << 20;
constexpr char kUuid[] = "5a4e8a59-4d3c-4a2b-9a8e-0c1f2e3d4b5a";

Secret Key(const std::string& text) { return std::move(*Secret::CopyOf(text)); }

// An empty device of kSize bytes.
struct World {
  test::TemporaryDirectory directory;
  FakeCommandRunner commands;
  FakeBlockDevices devices;
  std::unique_ptr<Encryption> encryption;
  std::string device;
};

std::unique_ptr<World> RealWorld() {
  auto world = std::make_unique<World>();
  world->device = world->directory / "device";
  const FileDescriptor file(open(world->device.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(ftruncate(file.get(), kSize) == 0);
  EncryptionOptions options;
  options.key_derivation_time = std::chrono::milliseconds(0);
  world->encryption = MakeLinuxEncryption(world->commands, options);
  return world;
}

std::unique_ptr<World> FakeWorld() {
  auto world = std::make_unique<World>();
  world->devices.AddDisk("/dev/vda", kSize);
  world->device = "/dev/vda";
  world->encryption = std::make_unique<FakeEncryption>(world->devices);
  return world;
}

#define REQUIRE_REFUSED(expression, expected_code, expected_subkind)                              \
  do {                                                                                            \
    const absl::Status trident_test_refused = test::StatusOf(expression);                         \
    INFO(trident_test_refused.ToString());                                                        \
    REQUIRE(trident_test_refused.code() == (expected_code));                                      \
    REQUIRE(GetErrorDetail(trident_test_refused).kind == "encryption");                           \
    REQUIRE(GetErrorDetail(trident_test_refused).subkind == (expected_subkind));                  \
    REQUIRE_THAT(std::string(trident_test_refused.message()), !Catch::Matchers::Contains("k3y")); \
  } while (false)

struct Case {
  const char* name;
  std::function<void(World&)> run;
};

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

const Case kContract[] = {
    {"a volume has its UUID, its label and one key slot",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "vault", Key("k3y")));
       const auto header = w.encryption->Inspect(w.device);
       REQUIRE_OK(header);
       REQUIRE(header->uuid == kUuid);
       REQUIRE(header->label == "vault");
       REQUIRE(header->cipher == "aes-xts-plain64");
       REQUIRE(header->key_bits == 512);
       REQUIRE(header->key_slots == std::vector<int>{0});
       REQUIRE(header->tokens.empty());
       REQUIRE_FALSE(HasTpm2Token(*header));
     }},
    {"a label that is too long is cut",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, std::string(60, 'l'), Key("k3y")));
       REQUIRE(w.encryption->Inspect(w.device)->label == std::string(47, 'l'));
     }},
    {"the key opens and another one does not",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE(*w.encryption->CheckKey(w.device, Key("k3y")) == 0);
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Key("k3y\n")),
                       absl::StatusCode::kPermissionDenied, "wrong-key");
     }},
    {"a key may be any bytes, and more than fit into a line",
     [](World& w) {
       const std::string bytes = std::string("\0\n\xff", 3) + std::string(100'000, 'x');
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key(bytes)));
       REQUIRE_OK(w.encryption->CheckKey(w.device, Key(bytes)));
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Key(bytes.substr(0, bytes.size() - 1))),
                       absl::StatusCode::kPermissionDenied, "wrong-key");
     }},
    {"an empty key is refused everywhere",
     [](World& w) {
       const auto invalid = absl::StatusCode::kInvalidArgument;
       REQUIRE_REFUSED(w.encryption->Format(w.device, kUuid, "", Secret()), invalid, "no-key");
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Secret()), invalid, "no-key");
       REQUIRE_REFUSED(w.encryption->AddKey(w.device, Key("k3y"), Secret()), invalid, "no-key");
       REQUIRE_REFUSED(w.encryption->AddKey(w.device, Secret(), Key("k3y")), invalid, "no-key");
       REQUIRE_REFUSED(w.encryption->Activate(w.device, "vault", Secret()), invalid, "no-key");
       REQUIRE_REFUSED(w.encryption->EnrolTpm2(w.device, {7}, Secret()), invalid, "no-key");
     }},
    {"a second key opens, too, and adding it again adds nothing",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE(*w.encryption->AddKey(w.device, Key("k3y"), Key("k3y 2")) == 1);
       REQUIRE(*w.encryption->AddKey(w.device, Key("k3y"), Key("k3y 2")) == 1);
       REQUIRE(*w.encryption->CheckKey(w.device, Key("k3y")) == 0);
       REQUIRE(*w.encryption->CheckKey(w.device, Key("k3y 2")) == 1);
       REQUIRE(w.encryption->Inspect(w.device)->key_slots == std::vector<int>{0, 1});
     }},
    {"a key is not added with a wrong one",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE_REFUSED(w.encryption->AddKey(w.device, Key("k3y 3"), Key("k3y 2")),
                       absl::StatusCode::kPermissionDenied, "wrong-key");
       REQUIRE(w.encryption->Inspect(w.device)->key_slots == std::vector<int>{0});
     }},
    {"a key slot is removed, twice is the same as once, and the last one stays",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE_OK(w.encryption->AddKey(w.device, Key("k3y"), Key("k3y 2")));
       REQUIRE_OK(w.encryption->RemoveKeySlot(w.device, 0));
       REQUIRE_OK(w.encryption->RemoveKeySlot(w.device, 0));
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Key("k3y")),
                       absl::StatusCode::kPermissionDenied, "wrong-key");
       REQUIRE_REFUSED(w.encryption->RemoveKeySlot(w.device, 1), kPrecondition, "last-key");
       REQUIRE_OK(w.encryption->CheckKey(w.device, Key("k3y 2")));
       REQUIRE_REFUSED(w.encryption->RemoveKeySlot(w.device, 99),
                       absl::StatusCode::kInvalidArgument, "no-key-slot");
     }},
    {"formatting again makes another volume",
     [](World& w) {
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y")));
       REQUIRE_OK(w.encryption->AddKey(w.device, Key("k3y"), Key("k3y 2")));
       REQUIRE_OK(w.encryption->Format(w.device, kUuid, "", Key("k3y 4")));
       REQUIRE(w.encryption->Inspect(w.device)->key_slots == std::vector<int>{0});
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Key("k3y")),
                       absl::StatusCode::kPermissionDenied, "wrong-key");
     }},
    {"what is no volume says so",
     [](World& w) {
       REQUIRE_REFUSED(w.encryption->Inspect(w.device), kPrecondition, "not-luks");
       REQUIRE_REFUSED(w.encryption->CheckKey(w.device, Key("k3y")), kPrecondition, "not-luks");
       REQUIRE_REFUSED(w.encryption->AddKey(w.device, Key("k3y"), Key("k3y 2")), kPrecondition,
                       "not-luks");
       REQUIRE_REFUSED(w.encryption->RemoveKeySlot(w.device, 0), kPrecondition, "not-luks");
       REQUIRE_REFUSED(w.encryption->Activate(w.device, "vault", Key("k3y")), kPrecondition,
                       "not-luks");
     }},
    {"a device that is not there is NOT_FOUND",
     [](World& w) {
       const auto missing = absl::StatusCode::kNotFound;
       REQUIRE_REFUSED(w.encryption->Format("/dev/no-such", kUuid, "", Key("k3y")), missing,
                       "no-such-device");
       REQUIRE_REFUSED(w.encryption->Inspect("/dev/no-such"), missing, "no-such-device");
     }},
    {"what is not open is closed already",
     [](World& w) {
       REQUIRE_FALSE(w.encryption->IsActive("trident-no-such"));
       REQUIRE_OK(w.encryption->Deactivate("trident-no-such"));
     }},
};

TEST_CASE("encryption keeps its promises") {
  for (const bool real : {true, false}) {
    for (const Case& one : kContract) {
      DYNAMIC_SECTION((real ? "real: " : "fake: ") << one.name) {
        const auto world = real ? RealWorld() : FakeWorld();
        one.run(*world);
      }
    }
  }
}

TEST_CASE("a device that would hold nothing but the header is refused") {
  const auto real = RealWorld();
  REQUIRE(truncate(real->device.c_str(), kLuksHeaderBytes) == 0);
  const auto fake = FakeWorld();
  fake->devices.AddDisk(fake->device, kLuksHeaderBytes);
  for (World* w : {real.get(), fake.get()}) {
    REQUIRE_REFUSED(w->encryption->Format(w->device, kUuid, "", Key("k3y")),
                    absl::StatusCode::kInvalidArgument, "too-small");
  }
}

TEST_CASE("what is too small for a header is no volume") {
  const auto w = RealWorld();
  REQUIRE(truncate(w->device.c_str(), 4096) == 0);
  REQUIRE_REFUSED(w->encryption->Inspect(w->device), kPrecondition, "not-luks");
}

TEST_CASE("a header that is damaged in both copies is no volume") {
  const auto w = RealWorld();
  REQUIRE_OK(w->encryption->Format(w->device, kUuid, "", Key("k3y")));
  const FileDescriptor file(open(w->device.c_str(), O_RDWR | O_CLOEXEC));
  const std::string noise(64, 'n');
  const auto damage = [&](off_t at) {
    return pwrite(file.get(), noise.data(), noise.size(), at) == 64;
  };
  REQUIRE(damage(4096 + 100));
  // The second copy is enough; it repairs the first.
  REQUIRE(w->encryption->Inspect(w->device)->uuid == kUuid);
  REQUIRE(damage(4096 + 100));
  REQUIRE(damage(16384 + 4096 + 100));
  REQUIRE_REFUSED(w->encryption->Inspect(w->device), kPrecondition, "not-luks");
}

TEST_CASE("the process may leave core dumps again after an operation with a key") {
  const auto w = RealWorld();
  const int before = prctl(PR_GET_DUMPABLE);
  REQUIRE_OK(w->encryption->Format(w->device, kUuid, "", Key("k3y")));
  REQUIRE_FALSE(w->encryption->CheckKey(w->device, Key("wrong")).ok());
  REQUIRE(prctl(PR_GET_DUMPABLE) == before);
}

TEST_CASE("argon2id gets half of the memory that is there, within its bounds") {
  struct Row {
    const char* name;
    uint64_t available;
    uint64_t expected;
  };
  constexpr uint64_t kMiB = 1 << 20;
  constexpr Row kRows[] = {
      {"a server", 64'000 * kMiB, 128 * kMiB},
      {"just enough", 256 * kMiB, 128 * kMiB},
      {"a ramdisk OS of 512 MiB that runs", 180 * kMiB, 90 * kMiB},
      {"almost nothing", 1, 32 << 10},
  };
  for (const Row& row : kRows) {
    INFO(row.name);
    REQUIRE(KeyDerivationMemory(row.available) == row.expected);
  }
}

TEST_CASE("only a token of the TPM that opens a key slot counts") {
  LuksHeader header;
  REQUIRE_FALSE(HasTpm2Token(header));
  header.tokens = {{0, "systemd-recovery", {1}}, {1, "systemd-tpm2", {}}};
  REQUIRE_FALSE(HasTpm2Token(header));
  header.tokens.push_back({2, "systemd-tpm2", {3}});
  REQUIRE(HasTpm2Token(header));
}

// --- systemd-cryptenroll, as far as it can be told without it ---

std::unique_ptr<World> WorldWithTpm() {
  auto world = RealWorld();
  EncryptionOptions options;
  options.key_derivation_time = std::chrono::milliseconds(0);
  options.tpm2_device = "swtpm:path=/nowhere";
  world->encryption = MakeLinuxEncryption(world->commands, options);
  REQUIRE_OK(world->encryption->Format(world->device, kUuid, "", Key("k3y")));
  return world;
}

CommandResult Failed(const std::string& words) {
  CommandResult result;
  result.exit_status = 1;
  result.error_output = words;
  return result;
}

TEST_CASE("the key goes to systemd-cryptenroll by its input alone") {
  const auto w = WorldWithTpm();
  std::string got;
  w->commands.On({"systemd-cryptenroll"}, [&](const Command& command) {
    got.assign(command.secret_input->chars(), command.secret_input->size());
    return CommandResult();
  });
  // The fake program enrols nothing, which is noticed.
  REQUIRE_REFUSED(w->encryption->EnrolTpm2(w->device, {7, 11}, Key("k3y")),
                  absl::StatusCode::kInternal, "tpm");
  REQUIRE(got == "k3y");
  REQUIRE(w->commands.commands().size() == 1);
  const Command command = w->commands.commands()[0];
  REQUIRE(command.argv == std::vector<std::string>{
                              "systemd-cryptenroll", "--unlock-key-file=/dev/stdin",
                              "--tpm2-device=swtpm:path=/nowhere", "--tpm2-pcrs=7+11", w->device});
  REQUIRE(command.environment.empty());
  REQUIRE(command.input.empty());
}

TEST_CASE("a failed enrolment says why, and what to do") {
  struct Row {
    const char* name;
    std::function<void(World&)> arrange;
    const char* key;
    absl::StatusCode code;
    const char* subkind;
    const char* remedy;
  };
  const auto fail_with = [](const char* words) {
    return [words](World& w) { w.commands.On({"systemd-cryptenroll"}, Failed(words)); };
  };
  const Row rows[] = {
      {"the program is not there", [](World&) {}, "k3y", kPrecondition, "tool-missing",
       "install the packages"},
      {"the libraries are not there", fail_with("TPM2 support is not installed.\n"), "k3y",
       kPrecondition, "tool-missing", "libtss2"},
      {"the TPM does not answer", fail_with("Failed to initialize TCTI context: tcti:IO failure"),
       "k3y", kPrecondition, "tpm", "firmware settings"},
      {"the key is wrong", fail_with("Unlocking via keyfile failed: Operation not permitted"),
       "k3y 2", absl::StatusCode::kPermissionDenied, "wrong-key", "recovery key"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const auto w = WorldWithTpm();
      row.arrange(*w);
      const absl::Status refused = w->encryption->EnrolTpm2(w->device, {7}, Key(row.key));
      REQUIRE_REFUSED(refused, row.code, row.subkind);
      REQUIRE_THAT(GetErrorDetail(refused).remedy, Catch::Matchers::Contains(row.remedy));
    }
  }
}

TEST_CASE("without a TPM nothing is run, and the error says what to do") {
  const auto w = RealWorld();
  if (w->encryption->HasTpm2()) return;  // this machine has one
  REQUIRE_OK(w->encryption->Format(w->device, kUuid, "", Key("k3y")));
  const absl::Status refused = w->encryption->EnrolTpm2(w->device, {7}, Key("k3y"));
  REQUIRE_REFUSED(refused, kPrecondition, "no-tpm");
  REQUIRE_THAT(GetErrorDetail(refused).remedy, Catch::Matchers::Contains("TPM 2.0"));
  REQUIRE(w->commands.commands().empty());
}

// --- what only the fake can show here ---

struct FakeVolume {
  FakeBlockDevices devices;
  FakeEncryption encryption{devices};
  FakeVolume() {
    devices.AddDisk("/dev/vda", kSize);
    REQUIRE_OK(encryption.Format("/dev/vda", kUuid, "vault", Key("k3y")));
  }
};

TEST_CASE("an opened fake volume is a disk that keeps its contents while it is closed") {
  FakeVolume w;
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  REQUIRE(w.encryption.IsActive("vault"));
  REQUIRE(*w.devices.Size("/dev/mapper/vault") == kSize - (16 << 20));
  w.devices.SetSignature("/dev/mapper/vault", {"ext4", "u", ""});
  REQUIRE_REFUSED(w.encryption.Format("/dev/vda", kUuid, "", Key("k3y")), kPrecondition, "busy");
  REQUIRE_OK(w.encryption.Deactivate("vault"));
  REQUIRE_FALSE(w.devices.Probe("/dev/mapper/vault").ok());
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  REQUIRE(w.devices.Probe("/dev/mapper/vault")->type == "ext4");
  REQUIRE_OK(w.encryption.Deactivate("vault"));
  REQUIRE_OK(w.encryption.Format("/dev/vda", kUuid, "", Key("k3y")));
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  REQUIRE(w.devices.Probe("/dev/mapper/vault")->type.empty());
}

TEST_CASE("a name below /dev/mapper belongs to one volume") {
  FakeVolume w;
  w.devices.AddDisk("/dev/vdb", kSize);
  REQUIRE_OK(w.encryption.Format("/dev/vdb", "another", "", Key("k3y")));
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  REQUIRE_REFUSED(w.encryption.Activate("/dev/vdb", "vault", Key("k3y")), kPrecondition,
                  "name-taken");
}

TEST_CASE("a fake volume that is used is not closed") {
  FakeVolume w;
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  w.devices.AddUser("/dev/mapper/vault", "mounted at /srv");
  REQUIRE_REFUSED(w.encryption.Deactivate("vault"), kPrecondition, "busy");
  w.devices.RemoveUser("/dev/mapper/vault", "mounted at /srv");
  w.encryption.SetBusy("vault", true);
  REQUIRE_REFUSED(w.encryption.Deactivate("vault"), kPrecondition, "busy");
  w.encryption.SetBusy("vault", false);
  REQUIRE_OK(w.encryption.Deactivate("vault"));
}

TEST_CASE("the fake TPM opens what it was enrolled for, until it is another one") {
  FakeVolume w;
  REQUIRE_FALSE(w.encryption.ActivateByTpm2("/dev/vda", "vault"));
  REQUIRE_OK(w.encryption.EnrolTpm2("/dev/vda", {7}, Key("k3y"), nullptr));
  REQUIRE_OK(w.encryption.EnrolTpm2("/dev/vda", {7}, Key("k3y"), nullptr));
  const auto header = w.encryption.Inspect("/dev/vda");
  REQUIRE(header->tokens.size() == 1);
  REQUIRE(header->key_slots.size() == 2);
  REQUIRE(w.encryption.ActivateByTpm2("/dev/vda", "vault"));
  REQUIRE_OK(w.encryption.Deactivate("vault"));
  w.encryption.ForgetSealedKeys();
  REQUIRE_FALSE(w.encryption.ActivateByTpm2("/dev/vda", "vault"));
  REQUIRE_OK(w.encryption.Activate("/dev/vda", "vault", Key("k3y")));
  w.encryption.SetTpm2(false);
  REQUIRE_REFUSED(w.encryption.EnrolTpm2("/dev/vda", {7}, Key("k3y"), nullptr), kPrecondition,
                  "no-tpm");
}

TEST_CASE("fake encryption fails when it is told to, and tells what it did") {
  FakeVolume w;
  w.encryption.FailChange(2, absl::DataLossError("bad sector"));
  REQUIRE_OK(w.encryption.AddKey("/dev/vda", Key("k3y"), Key("k3y 2")));
  REQUIRE_ERROR(w.encryption.RemoveKeySlot("/dev/vda", 0), absl::StatusCode::kDataLoss, "sector");
  REQUIRE_OK(w.encryption.CheckKey("/dev/vda", Key("k3y")));
  REQUIRE_OK(w.encryption.RemoveKeySlot("/dev/vda", 0));
  REQUIRE(w.encryption.changes() == std::vector<std::string>{"format /dev/vda",
                                                             "add-key /dev/vda 1",
                                                             "remove-key /dev/vda 0"});
}

TEST_CASE("what is written over a fake volume ends it") {
  FakeVolume w;
  w.devices.SetSignature("/dev/vda", {"ext4", "u", ""});
  REQUIRE_REFUSED(w.encryption.Inspect("/dev/vda"), kPrecondition, "not-luks");
}

}  // namespace
}  // namespace trident
