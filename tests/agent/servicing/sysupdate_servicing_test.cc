// systemd-sysupdate as the engine, from the plan to what is recorded.
#include <map>

#include "agent/servicing/sysupdate_engine.h"
#include "agent/storage/sysupdate.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

// What the real programs do to the disk of the world.
class FakeSysupdate {
 public:
  explicit FakeSysupdate(FakeWorld& world, bool installed, bool damages = false) : world_(world) {
    if (installed) world.files.SetFile(kSysupdateProgram, "program");
    world.commands.On({"sfdisk"}, [this](const Command& command) {
      const size_t count = command.argv.size();
      SetLabel(std::stoul(command.argv[count - 2]), command.argv[count - 1]);
      return CommandResult();
    });
    world.commands.On({kSysupdateProgram}, [this, damages](const Command& command) {
      return Update(command.argv[2], damages);
    });
  }

  std::string Label(const BlockDeviceId& id) const {
    const std::string uuid = FindPartition(world_.recorded.status, id)->uuid;
    const auto disk = world_.devices.Observe("/dev/vda");
    for (const ObservedPartition& partition : disk->partitions) {
      if (partition.entry.uuid == uuid) return partition.entry.name;
    }
    return "(gone)";
  }

  std::vector<std::string> versions;

 private:
  void SetLabel(uint32_t number, const std::string& label) {
    PartitionTable table = *world_.devices.Observe("/dev/vda")->table;
    for (TablePartition& entry : table.partitions) {
      if (entry.number == number) entry.name = label;
    }
    world_.devices.SetTable("/dev/vda", table);
  }

  CommandResult Update(const std::string& version, bool damages) {
    versions.push_back(version);
    const auto definition = world_.files.Get("/run/trident/sysupdate/transfer-file.conf");
    const std::string text = definition.value_or("");
    const std::string type = text.find("MatchPartitionType=esp\n") != std::string::npos
                                 ? "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
                                 : "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
    const size_t path = text.find("Path=") + 5;
    const std::string folder = text.substr(path, text.find('\n', path) - path);
    std::string content = test::ReadFile(folder + "/" + version);
    if (damages) content[content.size() / 2] ^= 1;
    const auto disk = world_.devices.Observe("/dev/vda");
    for (const ObservedPartition& partition : disk->partitions) {
      if (partition.entry.type_guid != type || partition.entry.name != kEmptyLabel) continue;
      world_.devices.SetData(partition.path, 0, content);
      SetLabel(partition.entry.number, version);
      return {};
    }
    CommandResult full;
    full.exit_status = 1;
    full.error_output = "no empty partition";
    return full;
  }

  FakeWorld& world_;
};

Plan Stage(FakeWorld& world, Servicer& servicer, const HostConfiguration& document) {
  const auto plan = servicer.MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(servicer, document, *plan, Phase::kStage));
  return *plan;
}

TEST_CASE("partitions are labelled as sysupdate does it, whoever writes them") {
  for (const bool installed : {true, false}) {
    INFO((installed ? "with" : "without") << " systemd-sysupdate");
    FakeWorld world;
    FakeSysupdate sysupdate(world, installed);
    const auto servicer = world.MakeServicer();
    const HostConfiguration first = world.SysupdateDocument(1);
    const Plan install = Stage(world, *servicer, first);
    CHECK(sysupdate.Label("root-a") == "root_v1");
    CHECK(sysupdate.Label("root-b") == kEmptyLabel);
    CHECK(sysupdate.Label("esp-a") == "esp_v1");
    CHECK(sysupdate.Label("trident") == "trident");
    CHECK(sysupdate.versions.size() == (installed ? 2 : 0));
    const Contents& contents = FindPartition(world.recorded.status, "root-a")->contents;
    CHECK(contents.kind == Contents::Kind::kImage);
    CHECK(contents.sha256.size() == 64);
    CHECK(contents.length > 0);
    CHECK(contents.url == first.storage.images[1].url);
    for (const Phase phase : {Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, first, install, phase));
    }
    world.Boot(first);
    REQUIRE_OK(world.RunPhase(*servicer, first, install, Phase::kCommit));
    world.recorded.configuration = first;

    Stage(world, *servicer, world.SysupdateDocument(2));
    CHECK(sysupdate.Label("root-a") == "root_v1");
    CHECK(sysupdate.Label("root-b") == "root_v2");
    CHECK(sysupdate.Label("esp-b") == "esp_v2");
  }
}

TEST_CASE("what sysupdate wrote is read back: a difference fails the job and is not recorded") {
  FakeWorld world;
  FakeSysupdate sysupdate(world, true, /*damages=*/true);
  const auto servicer = world.MakeServicer();
  const HostConfiguration document = world.SysupdateDocument(1);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kStage),
                absl::StatusCode::kDataLoss, "differs from the image");
  CHECK(FindPartition(world.recorded.status, "esp-a")->contents.kind == Contents::Kind::kUnknown);
}

TEST_CASE("an image that sysupdate cannot take says why") {
  struct Case {
    const char* name;
    void (*change)(HostConfiguration&);
    const char* reason;
  };
  const Case cases[] = {
      {"fine", [](HostConfiguration&) {}, ""},
      {"zstd", [](HostConfiguration& c) { c.storage.images[1].format = ImageFormat::kRawZstd; },
       "zstd"},
      {"OCI", [](HostConfiguration& c) { c.storage.images[1].url = "oci://r/x:1"; }, "OCI"},
      {"no pair", [](HostConfiguration& c) { c.storage.images[1].target_id = "home"; },
       "no volume pair"},
      {"another type for B",
       [](HostConfiguration& c) { c.storage.disks[0].partitions[3].type = PartitionType::kUsr; },
       "different types"},
      {"two pairs alike",
       [](HostConfiguration& c) {
         for (size_t i : {0, 1}) c.storage.disks[0].partitions[i].type = PartitionType::kRoot;
       },
       "several pairs of type root"},
      {"a long name", [](HostConfiguration& c) { c.storage.images[1].url += std::string(40, 'x'); },
       "does not fit into a partition's label"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    FakeWorld world;
    HostConfiguration document = world.SysupdateDocument(1);
    c.change(document);
    const std::string reason = WhyNotSysupdate(document, document.storage.images[1]);
    if (*c.reason == '\0') {
      CHECK(reason.empty());
    } else {
      CHECK_THAT(reason, Catch::Contains(c.reason));
    }
  }
}

TEST_CASE("the definition of a transfer is that of the specification") {
  CHECK(FormatTransfer({.from_url = true,
                        .source = "http://10.0.2.2/images",
                        .disk = "/dev/disk/by-path/x",
                        .partition_type = "root"}) ==
        "[Transfer]\nVerify=no\n\n[Source]\nType=url-file\nPath=http://10.0.2.2/images\n"
        "MatchPattern=@v\n\n[Target]\nType=partition\nPath=/dev/disk/by-path/x\nMatchPattern=@v\n"
        "MatchPartitionType=root\nReadOnly=no\n");
}

}  // namespace
}  // namespace trident
