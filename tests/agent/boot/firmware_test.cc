// The contract of the port Firmware, for the fake and for the real one. The real one runs in a
// process of its own: libefivar decides at its start where the variables are, and a folder of the
// test stands in for efivarfs.
#include "agent/host/firmware.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/host/efi_load_option.h"
#include "agent/host/fake/fake_firmware.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using Numbers = std::vector<uint16_t>;

constexpr char kGlobalGuid[] = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

BootTarget SomeTarget(const std::string& loader = "\\EFI\\BOOT\\BOOTX64.EFI") {
  return BootTarget{.partition_uuid = "01234567-89ab-cdef-0123-456789abcdef",
                    .partition_number = 3,
                    .partition_start = 2048,
                    .partition_size = 131072,
                    .loader = loader};
}

void CheckContract(Firmware& firmware) {
  REQUIRE(firmware.Available());
  CHECK(firmware.Entries()->empty());
  CHECK(firmware.Order()->empty());
  CHECK(firmware.Next().value() == std::nullopt);
  CHECK(firmware.Current().value() == std::nullopt);
  REQUIRE_OK(firmware.ClearNext());
  REQUIRE_OK(firmware.DeleteEntry(9));

  // The lowest free number.
  CHECK(firmware.WriteEntry(std::nullopt, "trident-a", SomeTarget()).value() == 0);
  CHECK(firmware.WriteEntry(2, "other", SomeTarget("\\x.efi")).value() == 2);
  CHECK(firmware.WriteEntry(std::nullopt, "trident-b", SomeTarget("\\EFI\\b.efi")).value() == 1);
  CHECK(firmware.WriteEntry(std::nullopt, "fourth", SomeTarget()).value() == 3);
  REQUIRE_OK(firmware.DeleteEntry(3));

  // Rewritten, also by the same.
  CHECK(firmware.WriteEntry(2, "trident-ü", SomeTarget("\\EFI\\ü.efi")).value() == 2);
  CHECK(firmware.WriteEntry(2, "trident-ü", SomeTarget("\\EFI\\ü.efi")).value() == 2);
  const std::string uuid = SomeTarget().partition_uuid;
  const std::vector<BootEntry> wanted = {
      {0, "trident-a", true, uuid, "\\EFI\\BOOT\\BOOTX64.EFI"},
      {1, "trident-b", true, uuid, "\\EFI\\b.efi"},
      {2, "trident-ü", true, uuid, "\\EFI\\ü.efi"},
  };
  CHECK(firmware.Entries().value() == wanted);

  const Numbers order = {2, 0x10, 0xABCD, 0};
  REQUIRE_OK(firmware.SetOrder(order));
  REQUIRE_OK(firmware.SetOrder(order));
  CHECK(firmware.Order().value() == order);
  // Not shorter: a plain file keeps what lies behind a write, which efivarfs does not.
  const Numbers other_order = {1, 0xABCD, 0, 2, 0x10};
  REQUIRE_OK(firmware.SetOrder(other_order));
  CHECK(firmware.Order().value() == other_order);
  REQUIRE_OK(firmware.SetOrder({}));
  CHECK(firmware.Order()->empty());

  REQUIRE_OK(firmware.SetNext(0xBEEF));
  CHECK(firmware.Next().value() == 0xBEEF);
  REQUIRE_OK(firmware.ClearNext());
  CHECK(firmware.Next().value() == std::nullopt);

  CHECK(firmware.LoaderEntry(LoaderChoice::kOneShot).value().empty());
  REQUIRE_OK(firmware.SetLoaderEntry(LoaderChoice::kOneShot, ""));
  REQUIRE_OK(firmware.SetLoaderEntry(LoaderChoice::kOneShot, "trident-b.conf"));
  REQUIRE_OK(firmware.SetLoaderEntry(LoaderChoice::kDefault, "trident-a.conf"));
  CHECK(firmware.LoaderEntry(LoaderChoice::kOneShot).value() == "trident-b.conf");
  CHECK(firmware.LoaderEntry(LoaderChoice::kDefault).value() == "trident-a.conf");
  REQUIRE_OK(firmware.SetLoaderEntry(LoaderChoice::kOneShot, ""));
  CHECK(firmware.LoaderEntry(LoaderChoice::kOneShot).value().empty());

  for (const uint16_t number : {0, 1, 2}) REQUIRE_OK(firmware.DeleteEntry(number));
  CHECK(firmware.Entries()->empty());
}

TEST_CASE("The fake firmware keeps the contract") {
  FakeFirmware firmware;
  CheckContract(firmware);
}

TEST_CASE("The fake firmware starts BootNext once, then the first of the order that starts") {
  FakeFirmware firmware;
  CHECK(firmware.Restart() == std::nullopt);
  firmware.AddEntry({1, "one", true, "p1", "\\x"});
  firmware.AddEntry({2, "two", true, "p2", "\\x"});
  firmware.AddEntry({3, "asleep", false, "p3", "\\x"});
  CHECK(firmware.Restart() == std::nullopt);
  REQUIRE_OK(firmware.SetOrder({9, 3, 1, 2}));
  REQUIRE_OK(firmware.SetNext(2));
  CHECK(firmware.Restart() == 2);
  CHECK(firmware.Current().value() == 2);
  CHECK(firmware.Restart() == 1);
  firmware.SetUnbootable("p1");
  CHECK(firmware.Restart() == 2);
  REQUIRE_OK(firmware.SetOrder({1}));
  firmware.SetForgetsEntriesOutsideOrder(true);
  CHECK(firmware.Restart() == std::nullopt);
  CHECK(firmware.Entries()->size() == 1);
}

// Run by the case below, with the folder in EFIVARFS_PATH; hidden from all other runs.
TEST_CASE("inner: the real firmware on a folder", "[.folder-as-efivarfs]") {
  const char* folder = std::getenv("EFIVARFS_PATH");
  REQUIRE(folder != nullptr);
  const std::unique_ptr<Firmware> firmware = MakeLinuxFirmware();
  CheckContract(*firmware);

  // Variables of others are listed as they are, and stay.
  const std::string attributes("\x07\x00\x00\x00", 4);
  const std::string broken = folder + std::string("Boot0005-") + kGlobalGuid;
  const std::string foreign =
      folder + std::string("Boot0007-") + "11111111-93ca-11d2-aa0d-00e098032b8c";
  test::WriteFile(broken, attributes + "??");
  test::WriteFile(foreign, attributes + "not of the firmware's own name space");
  test::WriteFile(folder + std::string("BootCurrent-") + kGlobalGuid,
                  attributes + std::string("\x05\x00", 2));
  CHECK(firmware->Current().value() == 5);
  REQUIRE(firmware->Entries()->size() == 1);
  CHECK(firmware->Entries()->front().number == 5);
  CHECK(firmware->Entries()->front().partition_uuid.empty());
  CHECK(test::ReadFile(broken) == attributes + "??");
}

TEST_CASE("inner: the real firmware without variables", "[.no-efivarfs]") {
  const std::unique_ptr<Firmware> firmware = MakeLinuxFirmware();
  CHECK_FALSE(firmware->Available());
  REQUIRE_ERROR(firmware->Entries(), absl::StatusCode::kUnavailable, "not started by UEFI");
  CHECK(absl::IsUnavailable(firmware->Order().status()));
  CHECK(absl::IsUnavailable(firmware->Next().status()));
  CHECK(absl::IsUnavailable(firmware->Current().status()));
  CHECK(absl::IsUnavailable(firmware->SetOrder({1})));
  CHECK(absl::IsUnavailable(firmware->SetNext(1)));
  CHECK(absl::IsUnavailable(firmware->ClearNext()));
  CHECK(absl::IsUnavailable(firmware->DeleteEntry(1)));
  CHECK(absl::IsUnavailable(firmware->WriteEntry(std::nullopt, "a", SomeTarget()).status()));
}

// Runs the test cases with this tag in a new process, with this variable in its environment. Gives
// whether they passed.
bool RunInNewProcess(std::string tag, std::string variable) {
  std::string program(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", program.data(), program.size());
  REQUIRE(length > 0);
  program.resize(static_cast<size_t>(length));
  // A tag without test cases is a failure.
  std::string option = "--warn";
  std::string no_tests = "NoTests";
  char* arguments[] = {program.data(), tag.data(), option.data(), no_tests.data(), nullptr};
  char* environment[] = {variable.data(), nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environment) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("The real firmware keeps the contract, on a folder in place of efivarfs") {
  const test::TemporaryDirectory directory;
  CHECK(RunInNewProcess("[.folder-as-efivarfs]", "EFIVARFS_PATH=" + directory.path() + "/"));
}

TEST_CASE("The real firmware says so when there are no variables") {
  CHECK(RunInNewProcess("[.no-efivarfs]", "LIBEFIVAR_OPS=default"));
}

TEST_CASE("A load option is read as it was written") {
  struct Case {
    std::string label;
    std::string loader;
  };
  const std::vector<Case> cases = {
      {"trident-a", "\\EFI\\BOOT\\BOOTX64.EFI"},
      {"x", "\\a"},
      {"Größe", "\\EFI\\größe\\ü.efi"},
      {std::string(200, 'l'), "\\" + std::string(400, 'f')},
  };
  for (const Case& test : cases) {
    INFO(test.label);
    BootTarget target = SomeTarget(test.loader);
    target.partition_uuid = "01234567-89AB-CDEF-0123-456789ABCDEF";
    const auto bytes = EncodeLoadOption(test.label, target);
    REQUIRE_OK(bytes);
    const auto entry = DecodeLoadOption(0x1A2, *bytes);
    REQUIRE_OK(entry);
    CHECK(entry->number == 0x1A2);
    CHECK(entry->label == test.label);
    CHECK(entry->active);
    CHECK(entry->partition_uuid == "01234567-89ab-cdef-0123-456789abcdef");
    CHECK(entry->loader == test.loader);
  }
}

TEST_CASE("A load option has the bytes that the UEFI specification asks for") {
  const auto bytes = EncodeLoadOption("a", SomeTarget("\\x"));
  REQUIRE_OK(bytes);
  const std::string wanted(
      "\x01\x00\x00\x00"                  // active
      "\x38\x00"                          // length of the device path
      "a\x00\x00\x00"                     // label
      "\x04\x01\x2A\x00\x03\x00\x00\x00"  // HD, partition 3
      "\x00\x08\x00\x00\x00\x00\x00\x00"  // start
      "\x00\x00\x02\x00\x00\x00\x00\x00"  // size
      "\x67\x45\x23\x01\xAB\x89\xEF\xCD\x01\x23\x45\x67\x89\xAB\xCD\xEF"
      "\x02\x02"                             // GPT, GUID
      "\x04\x04\x0A\x00\\\x00x\x00\x00\x00"  // File
      "\x7F\xFF\x04\x00",                    // end
      6 + 4 + 42 + 10 + 4);
  CHECK(*bytes == wanted);
}

TEST_CASE("What cannot be a load option is refused before it is written") {
  BootTarget target = SomeTarget();
  target.partition_uuid = "01234567";
  REQUIRE_ERROR(EncodeLoadOption("a", target), absl::StatusCode::kInvalidArgument, "'01234567'");
  target.partition_uuid = "zzzzzzzz-89ab-cdef-0123-456789abcdef";
  REQUIRE_ERROR(EncodeLoadOption("a", target), absl::StatusCode::kInvalidArgument, "UUID");
  REQUIRE_ERROR(EncodeLoadOption("a", SomeTarget("")), absl::StatusCode::kInvalidArgument,
                "needs a label and a loader");
  REQUIRE_ERROR(EncodeLoadOption("a", SomeTarget("\\EFI\\文.efi")),
                absl::StatusCode::kInvalidArgument, "cannot be written");
  REQUIRE_ERROR(EncodeLoadOption("", SomeTarget()), absl::StatusCode::kInvalidArgument,
                "needs a label and a loader");
}

TEST_CASE("Every cut and every flipped byte of a load option is survived") {
  const std::string bytes = EncodeLoadOption("trident-a", SomeTarget()).value();
  size_t refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    if (!DecodeLoadOption(1, bytes.substr(0, length)).ok()) ++refused;
  }
  // The device path is counted in the header: any cut is noticed.
  CHECK(refused == bytes.size());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const auto entry = DecodeLoadOption(1, changed);
      if (entry.ok()) CHECK(entry->number == 1);
    }
  }
}

TEST_CASE("Entries of other kinds have no partition") {
  struct Case {
    std::string name;
    std::string path;
  };
  const std::string end("\x7F\xFF\x04\x00", 4);
  const std::vector<Case> cases = {
      {"no path", ""},
      {"only an end", end},
      {"a file without a partition", std::string("\x04\x04\x0A\x00\\\x00x\x00\x00\x00", 10) + end},
      {"a node with length 0", std::string("\x04\x04\x00\x00", 4)},
      {"a node longer than the path", std::string("\x04\x01\xFF\x00", 4)},
      {"a partition node that is too short", std::string("\x04\x01\x04\x00", 4) + end},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    std::string bytes("\x00\x00\x00\x00", 4);
    bytes += static_cast<char>(test.path.size());
    bytes += '\0';
    bytes += std::string("n\x00\x00\x00", 4) + test.path;
    const auto entry = DecodeLoadOption(4, bytes);
    REQUIRE_OK(entry);
    CHECK(*entry == BootEntry{4, "n", false, "", ""});
  }
}

}  // namespace
}  // namespace trident
