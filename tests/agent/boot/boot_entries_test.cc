#include "agent/boot/boot_entries.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/fake/fake_firmware.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Numbers = std::vector<uint16_t>;

constexpr char kEspA[] = "aaaaaaaa-0000-0000-0000-000000000000";
constexpr char kEspB[] = "bbbbbbbb-0000-0000-0000-000000000000";
constexpr char kLoader[] = "\\EFI\\BOOT\\BOOTX64.EFI";

BootTarget TargetOf(Volume volume, const std::string& loader = kLoader) {
  return BootTarget{.partition_uuid = volume == Volume::kA ? kEspA : kEspB,
                    .partition_number = volume == Volume::kA ? 1u : 2u,
                    .partition_start = 2048,
                    .partition_size = 131072,
                    .loader = loader};
}

BootEntry EntryOf(uint16_t number, Volume volume, const std::string& loader = kLoader) {
  return BootEntry{number, BootEntryLabel(volume), true, TargetOf(volume).partition_uuid, loader};
}

BootEntry Foreign(uint16_t number, const std::string& label) {
  return BootEntry{number, label, true, "", ""};
}

// The volume whose entry was started; nullopt: nothing, or something of others.
std::optional<Volume> Restart(FakeFirmware& firmware) {
  const std::optional<uint16_t> number = firmware.Restart();
  if (!number.has_value()) return std::nullopt;
  const std::optional<BootEntry> entry = firmware.Find(*number);
  if (entry->partition_uuid == kEspA) return Volume::kA;
  if (entry->partition_uuid == kEspB) return Volume::kB;
  return std::nullopt;
}

// What the firmware holds before an operation.
struct World {
  std::string name;
  std::vector<BootEntry> entries;
  Numbers order;
  std::optional<uint16_t> next;
  std::optional<uint16_t> current;
};

void Build(FakeFirmware& firmware, const World& world) {
  for (const BootEntry& entry : world.entries) firmware.AddEntry(entry);
  REQUIRE_OK(firmware.SetOrder(world.order));
  if (world.next.has_value()) REQUIRE_OK(firmware.SetNext(*world.next));
  firmware.SetCurrent(world.current);
}

// Installed hosts that run volume A.
std::vector<World> WorldsOnA() {
  const BootEntry a = EntryOf(1, Volume::kA);
  const BootEntry b = EntryOf(2, Volume::kB);
  const BootEntry setup = Foreign(0, "UiApp");
  return {
      {"fresh from an install", {a}, {1}, std::nullopt, 1},
      {"with entries of others behind", {setup, a}, {1, 0}, std::nullopt, 1},
      {"B known and last", {a, b}, {1, 2}, std::nullopt, 1},
      {"B known, not in the order", {a, b}, {1}, std::nullopt, 1},
      {"B known with an older loader",
       {a, EntryOf(2, Volume::kB, "\\EFI\\debian\\grubx64.efi")},
       {1, 2},
       std::nullopt,
       1},
      {"B known twice",
       {a, EntryOf(2, Volume::kB, "\\old.efi"), EntryOf(3, Volume::kB)},
       {1, 2, 3},
       std::nullopt,
       1},
      {"BootNext set to B by an interrupted attempt", {a, b}, {1, 2}, 2, 1},
      {"an order with numbers that have no entry", {a}, {7, 1, 9, 1}, std::nullopt, 1},
      {"A not in the order", {a}, {}, std::nullopt, 1},
      {"a gap in the numbers", {a, EntryOf(5, Volume::kB)}, {1, 5}, std::nullopt, 1},
      {"started by an entry of others on the ESP of A",
       {{4, "UEFI disk", true, kEspA, kLoader}},
       {4},
       std::nullopt,
       4},
      {"started by an entry of others that is in no order",
       {{4, "UEFI disk", true, kEspA, kLoader}},
       {},
       std::nullopt,
       4},
  };
}

// Runs `operate` in every world, cut after every number of writes, with and without a firmware that
// forgets, and hands each outcome to `check`.
void ForEveryPowerCut(const std::vector<World>& worlds,
                      const std::function<absl::Status(FakeFirmware&)>& operate,
                      const std::function<void(FakeFirmware&)>& check) {
  for (const World& world : worlds) {
    for (const bool forgets : {false, true}) {
      for (size_t writes = 0;; ++writes) {
        INFO(world.name << (forgets ? ", forgetful" : "") << ", power cut after " << writes);
        FakeFirmware firmware;
        Build(firmware, world);
        firmware.SetForgetsEntriesOutsideOrder(forgets);
        firmware.FailAfterWrites(writes);
        const absl::Status status = operate(firmware);
        check(firmware);
        if (status.ok()) break;
        REQUIRE(absl::IsUnavailable(status));
        REQUIRE(writes < 20);
      }
    }
  }
}

bool StartsAWithoutNext(const World& world, bool forgets) {
  FakeFirmware firmware;
  Build(firmware, world);
  firmware.SetForgetsEntriesOutsideOrder(forgets);
  REQUIRE_OK(firmware.ClearNext());
  return Restart(firmware) == Volume::kA;
}

TEST_CASE(
    "Pointing the firmware at the target: a power cut after any write leaves a volume that boots") {
  for (const World& world : WorldsOnA()) {
    for (const bool forgets : {false, true}) {
      // A host whose firmware cannot find A by itself is in that state before we touch it.
      if (!StartsAWithoutNext(world, forgets)) continue;
      for (size_t writes = 0;; ++writes) {
        INFO(world.name << (forgets ? ", forgetful" : "") << ", power cut after " << writes);
        FakeFirmware firmware;
        Build(firmware, world);
        firmware.SetForgetsEntriesOutsideOrder(forgets);
        firmware.FailAfterWrites(writes);
        const absl::Status status =
            PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false);
        const std::optional<Volume> first = Restart(firmware);
        REQUIRE(first.has_value());
        if (status.ok()) CHECK(*first == Volume::kB);
        // BootNext is consumed: whatever the trial was, the next start is the active volume.
        CHECK(Restart(firmware) == Volume::kA);
        if (status.ok()) break;
        REQUIRE(writes < 20);
      }
    }
  }
}

// Further members of the ESP of a volume.
std::vector<BootTarget> CopiesOf(Volume volume, size_t count) {
  std::vector<BootTarget> copies;
  for (size_t i = 0; i < count; ++i) {
    BootTarget copy = TargetOf(volume);
    copy.partition_uuid[0] = static_cast<char>('0' + i);
    copies.push_back(copy);
  }
  return copies;
}

TEST_CASE("After a power cut, pointing the firmware at the target again ends as it should") {
  for (const size_t count : {0U, 2U}) {
    INFO(count << " copies of the ESP");
    const auto point = [&](FakeFirmware& firmware) {
      return PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB),
                                   CopiesOf(Volume::kB, count), false);
    };
    ForEveryPowerCut(WorldsOnA(), point, [&](FakeFirmware& firmware) {
      firmware.FailAfterWrites(100);
      REQUIRE_OK(point(firmware));
      const size_t writes = firmware.writes().size();
      REQUIRE_OK(point(firmware));
      CHECK(firmware.writes().size() == writes);
      CHECK(Restart(firmware) == Volume::kB);
      CHECK(Restart(firmware) == Volume::kA);
    });
  }
}

TEST_CASE(
    "The copies of an ESP stand behind their volume, in their order, and go when it has less") {
  FakeFirmware firmware;
  const auto labels = [&] {
    std::vector<std::string> found;
    const Numbers order = firmware.Order().value();
    for (const uint16_t number : order) found.push_back(firmware.Find(number)->label);
    return found;
  };
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA),
                                   CopiesOf(Volume::kA, 1), true));
  CHECK(labels() == std::vector<std::string>{"trident-a", "trident-a-2"});
  REQUIRE(Restart(firmware) == Volume::kA);
  REQUIRE_OK(CommitBootOrder(firmware, Volume::kA));
  // More than nine: by number, not by letter.
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB),
                                   CopiesOf(Volume::kB, 9), false));
  REQUIRE(Restart(firmware) == Volume::kB);
  REQUIRE_OK(CommitBootOrder(firmware, Volume::kB));
  std::vector<std::string> expected = {"trident-b"};
  for (size_t copy = 2; copy <= 10; ++copy) expected.push_back(BootCopyLabel(Volume::kB, copy));
  expected.insert(expected.end(), {"trident-a", "trident-a-2"});
  CHECK(labels() == expected);
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA), {}, false));
  expected.resize(10);
  expected.push_back("trident-a");
  CHECK(labels() == expected);
  REQUIRE_OK(UndoFirmware(firmware, Volume::kB));
  CHECK(labels() == expected);
}

TEST_CASE("Entries that a firmware dropped with their disk come back where they were") {
  const auto entry = [](uint16_t number, Volume volume, const char* label, const char* esp) {
    BootEntry made = EntryOf(number, volume, "\\EFI\\own.efi");
    made.label = label;
    if (esp != nullptr) made.partition_uuid = esp;
    return made;
  };
  constexpr char kMirror[] = "aaaaaaaa-0000-0000-0000-000000000001";
  const BootEntry a = entry(1, Volume::kA, "trident-a", nullptr);
  const BootEntry a2 = entry(2, Volume::kA, "trident-a-2", kMirror);
  const BootEntry b = entry(3, Volume::kB, "trident-b", nullptr);
  BootTarget mirror = TargetOf(Volume::kA, "");
  mirror.partition_uuid = kMirror;
  const std::vector<BootTarget> members = {TargetOf(Volume::kA, ""), mirror};

  struct Case {
    const char* name;
    World before;
    std::vector<std::string> order;
  };
  const std::vector<Case> cases = {
      {"nothing was dropped",
       {"", {a, a2, b}, {3, 1, 2}, 3, 3},
       {"trident-b", "trident-a", "trident-a-2"}},
      {"the first disk's", {"", {a2, b}, {3, 2}, 3, 3}, {"trident-b", "trident-a", "trident-a-2"}},
      {"the second disk's", {"", {a, b}, {1, 3}, {}, 1}, {"trident-a", "trident-a-2", "trident-b"}},
      {"the order only",
       {"", {a, a2, b, Foreign(9, "setup")}, {9, 3, 2}, {}, 3},
       {"setup", "trident-b", "trident-a", "trident-a-2"}},
      {"all of the order", {"", {a, a2, b}, {3}, {}, 3}, {"trident-b", "trident-a", "trident-a-2"}},
      {"a volume that was never installed", {"", {b}, {3}, {}, 3}, {"trident-b"}},
  };
  for (const Case& each : cases) {
    DYNAMIC_SECTION(each.name) {
      FakeFirmware firmware;
      Build(firmware, each.before);
      REQUIRE_OK(RestoreVolumeEntries(firmware, Volume::kA, members));
      std::vector<std::string> labels;
      const Numbers order = firmware.Order().value();
      for (const uint16_t number : order) labels.push_back(firmware.Find(number)->label);
      CHECK(labels == each.order);
      CHECK(firmware.Next().value() == each.before.next);
      const auto once = firmware.Entries().value();
      for (const BootEntry& made : once) {
        if (made.label == "trident-a-2") CHECK(made.partition_uuid == kMirror);
        if (made.label == "trident-a") CHECK(made.partition_uuid == kEspA);
        if (made.label != "setup") CHECK(made.loader == "\\EFI\\own.efi");
      }
      REQUIRE_OK(RestoreVolumeEntries(firmware, Volume::kA, members));
      CHECK(firmware.Entries().value() == once);
      CHECK(firmware.Order().value() == order);
    }
  }
}

TEST_CASE("Undoing: a power cut after any write leaves the active volume to fall back to") {
  ForEveryPowerCut(
      {{"armed", {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)}, {1, 2}, 2, 1},
       {"armed, order turned round",
        {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)},
        {2, 1},
        2,
        1},
       {"on trial", {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)}, {1, 2}, std::nullopt, 2},
       {"on trial, A forgotten by the order",
        {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)},
        {2},
        std::nullopt,
        2}},
      [](FakeFirmware& firmware) { return UndoFirmware(firmware, Volume::kA); },
      [](FakeFirmware& firmware) {
        firmware.FailAfterWrites(100);
        REQUIRE_OK(UndoFirmware(firmware, Volume::kA));
        CHECK(Restart(firmware) == Volume::kA);
        CHECK(Restart(firmware) == Volume::kA);
        CHECK(firmware.Order().value() == Numbers{1, 2});
      });
}

TEST_CASE("Committing: a power cut after any write leaves a volume that boots") {
  ForEveryPowerCut(
      {{"after the trial",
        {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)},
        {1, 2},
        std::nullopt,
        2},
       {"BootNext not consumed", {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)}, {1, 2}, 2, 2},
       {"BootNext to the old volume",
        {EntryOf(1, Volume::kA), EntryOf(2, Volume::kB)},
        {1, 2},
        1,
        2}},
      [](FakeFirmware& firmware) { return CommitBootOrder(firmware, Volume::kB); },
      [](FakeFirmware& firmware) {
        CHECK(Restart(firmware).has_value());
        REQUIRE_OK(CommitBootOrder(firmware, Volume::kB));
        CHECK(Restart(firmware) == Volume::kB);
        CHECK(firmware.Order().value() == Numbers{2, 1});
      });
}

TEST_CASE("The order of writes: entry, order, BootNext, then what is not needed any more") {
  struct Case {
    World world;
    std::vector<std::string> writes;
  };
  const std::vector<World> worlds = WorldsOnA();
  const std::vector<Case> cases = {
      {worlds[0], {"entry 0000", "order 0001,0000", "next 0000"}},
      {worlds[1], {"entry 0002", "order 0001,0000,0002", "next 0002"}},
      {worlds[2], {"next 0002"}},
      {worlds[3], {"order 0001,0002", "next 0002"}},
      {worlds[4], {"entry 0002", "next 0002"}},
      {worlds[5], {"order 0001,0003", "next 0003", "delete 0002"}},
      {worlds[6], {}},
      {worlds[7], {"entry 0000", "order 0007,0001,0009,0000", "next 0000"}},
      {worlds[8], {"entry 0000", "order 0001,0000", "next 0000"}},
      {worlds[10], {"entry 0000", "order 0004,0000", "next 0000"}},
      {worlds[11], {"entry 0000", "order 0004,0000", "next 0000"}},
  };
  for (const Case& test : cases) {
    INFO(test.world.name);
    FakeFirmware firmware;
    Build(firmware, test.world);
    const size_t before = firmware.writes().size();
    REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false));
    std::vector<std::string> writes = firmware.writes();
    writes.erase(writes.begin(), writes.begin() + static_cast<ptrdiff_t>(before));
    CHECK(writes == test.writes);
  }
}

TEST_CASE("A clean install puts its volume first and keeps the entries of others") {
  FakeFirmware firmware;
  Build(firmware, {"", {Foreign(0, "UiApp"), Foreign(1, "UEFI PXEv4")}, {1, 0}, std::nullopt, 1});
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA), {}, true));
  CHECK(firmware.Order().value() == Numbers{2, 1, 0});
  CHECK(firmware.Next().value() == 2);
  CHECK(firmware.Find(0)->label == "UiApp");
  CHECK(firmware.Find(1)->label == "UEFI PXEv4");
  CHECK(firmware.Restart() == 2);
  CHECK(firmware.Restart() == 2);
}

TEST_CASE("A clean install over an older one rewrites the entry that it was started by") {
  FakeFirmware firmware;
  BootEntry old_entry = EntryOf(1, Volume::kA);
  old_entry.partition_uuid = "cccccccc-0000-0000-0000-000000000000";
  Build(firmware, {"", {old_entry, EntryOf(2, Volume::kB)}, {2, 1}, std::nullopt, 1});
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA), {}, true));
  CHECK(firmware.Find(1)->partition_uuid == kEspA);
  CHECK(firmware.Order().value() == Numbers{1, 2});
}

TEST_CASE("Install, update to B, update back to A: each commits and each trial falls back") {
  for (const bool forgets : {false, true}) {
    INFO("forgetful: " << forgets);
    FakeFirmware firmware;
    firmware.SetForgetsEntriesOutsideOrder(forgets);
    REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA), {}, true));
    REQUIRE(Restart(firmware) == Volume::kA);
    REQUIRE_OK(CommitBootOrder(firmware, Volume::kA));

    // B does not come up.
    REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false));
    REQUIRE(Restart(firmware) == Volume::kB);
    REQUIRE(Restart(firmware) == Volume::kA);
    REQUIRE_OK(UndoFirmware(firmware, Volume::kA));

    REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false));
    REQUIRE(Restart(firmware) == Volume::kB);
    REQUIRE_OK(CommitBootOrder(firmware, Volume::kB));
    REQUIRE(Restart(firmware) == Volume::kB);

    REQUIRE_OK(
        PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA, "\\v3.efi"), {}, false));
    REQUIRE(Restart(firmware) == Volume::kA);
    REQUIRE_OK(CommitBootOrder(firmware, Volume::kA));
    REQUIRE(Restart(firmware) == Volume::kA);

    CHECK(firmware.Entries()->size() == 2);
    CHECK(firmware.Order()->size() == 2);
    CHECK(firmware.Find(0)->loader == "\\v3.efi");
  }
}

TEST_CASE("A target whose loader does not start leaves the active volume") {
  FakeFirmware firmware;
  Build(firmware, WorldsOnA()[0]);
  firmware.SetUnbootable(kEspB);
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false));
  CHECK(Restart(firmware) == Volume::kA);
}

TEST_CASE("The entry that started the running system is not rewritten, whatever its label") {
  FakeFirmware firmware;
  BootEntry mislabelled = EntryOf(1, Volume::kA);
  mislabelled.label = BootEntryLabel(Volume::kB);
  Build(firmware, {"", {mislabelled}, {1}, std::nullopt, 1});
  REQUIRE_OK(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false));
  CHECK(firmware.Find(1) == mislabelled);
  CHECK(Restart(firmware) == Volume::kB);
  CHECK(Restart(firmware) == Volume::kA);
}

TEST_CASE("A full firmware is an error with a remedy, and changes nothing") {
  FakeFirmware firmware;
  Build(firmware, WorldsOnA()[0]);
  firmware.SetFull(true);
  const absl::Status status =
      PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false);
  REQUIRE_ERROR(status, absl::StatusCode::kResourceExhausted, "Making the boot entry 'trident-b'");
  CHECK_THAT(GetErrorDetail(status).remedy, Catch::Matchers::Contains("efibootmgr"));
  CHECK(firmware.Order().value() == Numbers{1});
  CHECK(firmware.Next().value() == std::nullopt);
}

TEST_CASE("A firmware that loses BootNext is found out before the machine leaves") {
  FakeFirmware firmware;
  Build(firmware, WorldsOnA()[0]);
  firmware.SetIgnoresNext(true);
  REQUIRE_ERROR(PointFirmwareAtTarget(firmware, Volume::kB, TargetOf(Volume::kB), {}, false),
                absl::StatusCode::kFailedPrecondition, "BootNext");
}

TEST_CASE("Without firmware variables everything says so") {
  FakeFirmware firmware;
  firmware.SetAvailable(false);
  CHECK(absl::IsUnavailable(
      PointFirmwareAtTarget(firmware, Volume::kA, TargetOf(Volume::kA), {}, true)));
  CHECK(absl::IsUnavailable(CommitBootOrder(firmware, Volume::kA)));
  CHECK(absl::IsUnavailable(UndoFirmware(firmware, Volume::kA)));
}

TEST_CASE("A commit looks for the entry that the machine runs by") {
  struct Case {
    World world;
    absl::StatusCode code;
    Numbers order;
    std::optional<uint16_t> next;
  };
  const BootEntry a = EntryOf(1, Volume::kA);
  const BootEntry b = EntryOf(2, Volume::kB);
  const std::vector<Case> cases = {
      {{"after a trial", {a, b}, {1, 2}, std::nullopt, 2}, absl::StatusCode::kOk, {2, 1}, {}},
      {{"already done", {a, b}, {2, 1}, std::nullopt, 2}, absl::StatusCode::kOk, {2, 1}, {}},
      {{"others keep their order", {a, b, Foreign(5, "x"), Foreign(3, "y")}, {5, 1, 3, 2}, {}, 2},
       absl::StatusCode::kOk,
       {2, 5, 1, 3},
       {}},
      {{"BootNext left over", {a, b}, {1, 2}, 2, 2}, absl::StatusCode::kOk, {2, 1}, {}},
      {{"BootNext without an entry", {a, b}, {1, 2}, 9, 2}, absl::StatusCode::kOk, {2, 1}, {}},
      {{"BootNext chosen by the operator", {a, b, Foreign(5, "setup")}, {1, 2}, 5, 2},
       absl::StatusCode::kOk,
       {2, 1},
       5},
      {{"two entries of B: the one that started", {a, b, EntryOf(3, Volume::kB)}, {1, 2, 3}, {}, 3},
       absl::StatusCode::kOk,
       {3, 1, 2},
       {}},
      {{"entry lost, started by one of the firmware's own",
        {a, {7, "UEFI disk", true, kEspB, kLoader}},
        {1, 7},
        {},
        7},
       absl::StatusCode::kOk,
       {7, 1},
       {}},
      {{"entry lost", {a}, {1}, {}, std::nullopt}, absl::StatusCode::kNotFound, {1}, {}},
      {{"entry lost, started by kexec from A", {a}, {1}, {}, 1},
       absl::StatusCode::kNotFound,
       {1},
       {}},
  };
  for (const Case& test : cases) {
    INFO(test.world.name);
    FakeFirmware firmware;
    Build(firmware, test.world);
    CHECK(CommitBootOrder(firmware, Volume::kB).code() == test.code);
    CHECK(firmware.Order().value() == test.order);
    CHECK(firmware.Next().value() == test.next);
  }
}

TEST_CASE("Undoing says so when nothing is left to go back to") {
  FakeFirmware firmware;
  Build(firmware, {"", {EntryOf(2, Volume::kB)}, {2}, 2, 2});
  REQUIRE_ERROR(UndoFirmware(firmware, Volume::kA), absl::StatusCode::kFailedPrecondition,
                "no boot entry but that of volume-b");
  CHECK(firmware.Next().value() == std::nullopt);
}

TEST_CASE("Undoing keeps an entry of others as the way back") {
  FakeFirmware firmware;
  Build(firmware,
        {"", {EntryOf(2, Volume::kB), {7, "UEFI disk", true, kEspA, kLoader}}, {2, 7}, 2, 7});
  REQUIRE_OK(UndoFirmware(firmware, Volume::kA));
  CHECK(firmware.Order().value() == Numbers{7, 2});
  CHECK(Restart(firmware) == Volume::kA);
}

}  // namespace
}  // namespace trident
