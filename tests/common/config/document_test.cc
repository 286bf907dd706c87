#include "common/config/document.h"

#include <catch2/catch.hpp>
#include <string>

#include "common/config/lookup.h"
#include "tests/common/config/sample.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using test::kSample;
using test::SampleWith;

TEST_CASE("the sample is read into the model") {
  const auto parsed = ParseHostConfiguration(kSample);
  REQUIRE_OK(parsed);
  const HostConfiguration& configuration = *parsed;
  CHECK(configuration.management.enable_grpc);
  CHECK_FALSE(configuration.management.disable);
  CHECK(DatastorePathOf(configuration) == "/var/lib/trident/state.sqlite");
  const Storage& storage = configuration.storage;
  REQUIRE(storage.disks.size() == 2);
  CHECK(storage.disks[0].partitions[0] ==
        Partition{.id = "esp", .type = PartitionType::kEsp, .size = {.bytes = 512 << 20}});
  CHECK(storage.disks[0].partitions[6].size.bytes == 1 << 30);
  CHECK(storage.disks[0].partitions[7].size.grow);
  CHECK(storage.disks[1].partitions[0].size.bytes == 1 << 30);
  CHECK(storage.disks[1].adopted_partitions[0].continue_if_no_match);
  CHECK(storage.encryption->volumes[0].device_name == "vault");
  CHECK(storage.raid.software[0].metadata_version == "1.0");
  CHECK(storage.raid.software[0].level == RaidLevel::kRaid1);
  CHECK(storage.mount_points[2].path == "none");
  CHECK(storage.ab_update->volume_pairs[0].volume_b_id == "rootB");
  CHECK(storage.images[0].sha256 == ImageHash::Ignored());
  CHECK(storage.images[1].sha256 ==
        ImageHash::Of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
  CHECK(storage.images[1].format == ImageFormat::kRawLzma);
  CHECK(configuration.network->Find("version")->scalar == "2");
  CHECK(configuration.scripts.post_provision[0].interpreter == "/bin/sh");
  CHECK(configuration.scripts.post_provision[0].environment_variables.at("STAMP") == "/tmp/stamp");
  CHECK(configuration.scripts.post_provision[0].timeout_seconds == 600);
  CHECK(configuration.scripts.pre_servicing[0].timeout_seconds == 30);
  const OsConfig& os = configuration.osconfig;
  CHECK(os.users[0].ssh_mode == SshMode::kKeyOnly);
  CHECK(os.hostname == "node-1.example.org");
  CHECK(os.timezone == "Europe/Oslo");
  CHECK(os.services.enable == std::vector<std::string>{"nginx", "fstrim.timer"});
  CHECK(os.services.disable == std::vector<std::string>{"getty@tty1.service"});
  CHECK(os.modules == std::vector<std::string>{"br_netfilter"});
  CHECK(os.kernel_command_line.extra_command_line ==
        std::vector<std::string>{"console=ttyS0", "panic=10"});
  REQUIRE(os.additional_files.size() == 2);
  CHECK(os.additional_files[0].content == "Hello\n");
  CHECK(os.additional_files[0].permissions == "0600");
  CHECK(os.additional_files[1].source == "/opt/site/check");
  CHECK(os.selinux.mode == SelinuxMode::kEnforcing);
  CHECK(os.preserve == std::vector<std::string>{"/etc/site", "/var/lib/site/*.key"});
}

TEST_CASE("encryption says what opens the volumes, and is silent about what is usual") {
  const auto usual = ParseHostConfiguration(kSample);
  REQUIRE_OK(usual);
  const EncryptionSettings& settings = *usual->storage.encryption;
  CHECK(settings.tpm2 == Tpm2Use::kPreferred);
  CHECK(settings.pcrs == std::nullopt);
  CHECK(PcrsOf(settings) == std::vector<uint32_t>{7});
  const std::string written = WriteHostConfiguration(*usual);
  CHECK_THAT(written, !Catch::Matchers::Contains("tpm2") && !Catch::Matchers::Contains("pcrs"));

  const auto parsed = ParseHostConfiguration(
      SampleWith("  encryption:\n", "  encryption:\n    tpm2: required\n    pcrs: [11, 0x7]\n"));
  REQUIRE_OK(parsed);
  CHECK(parsed->storage.encryption->tpm2 == Tpm2Use::kRequired);
  CHECK(parsed->storage.encryption->pcrs == std::vector<uint32_t>{11, 7});
  CHECK(PcrsOf(*parsed->storage.encryption) == std::vector<uint32_t>{7, 11});
}

TEST_CASE("a volume holds only swap when all that uses it is swap") {
  Storage storage;
  storage.ab_update = AbUpdate{{{"pair", "secret-a", "secret-b"}}};
  storage.mount_points = {
      {"none", "swap", {}, "pageout"}, {"none", "swap", {}, "pair"}, {"/srv", "ext4", {}, "vault"}};
  CHECK(HoldsOnlySwap(storage, "pageout"));
  CHECK(HoldsOnlySwap(storage, "secret-a"));
  CHECK(HoldsOnlySwap(storage, "secret-b"));
  CHECK_FALSE(HoldsOnlySwap(storage, "vault"));
  CHECK_FALSE(HoldsOnlySwap(storage, "unused"));
  storage.images.emplace_back().target_id = "pair";
  CHECK_FALSE(HoldsOnlySwap(storage, "secret-a"));
}

TEST_CASE("an empty mapping is a valid configuration and is written as one") {
  const auto parsed = ParseHostConfiguration("{}");
  REQUIRE_OK(parsed);
  CHECK(*parsed == HostConfiguration());
  CHECK(WriteHostConfiguration(*parsed) == "{}\n");
  CHECK(DatastorePathOf(*parsed) == kDefaultDatastorePath);
}

TEST_CASE("what is written is read back to an equal model") {
  const std::string documents[] = {
      kSample,
      "{}",
      SampleWith("size: 512M", "size: 1049600"),
      SampleWith("  encryption:\n", "  encryption:\n    tpm2: never\n"),
      SampleWith("  encryption:\n", "  encryption:\n    tpm2: required\n    pcrs: []\n"),
      SampleWith("  encryption:\n", "  encryption:\n    pcrs: [0, 2, 7]\n"),
      SampleWith("metadataVersion: '1.0'", "metadataVersion: 1.0"),
      SampleWith("continue_if_no_match: true", "continueIfNoMatch: false\n          size: 1G"),
      SampleWith("name: logs",
                 "uuid: 01234567-89ab-cdef-0123-456789ABCDEF\n"
                 "          position: 3\n          next_of_type: home"),
      SampleWith("content: date > \"$STAMP\"", "content: |\n        #!/bin/sh\n        a: b\n"),
      SampleWith("content: date > \"$STAMP\"", "content: \"\\ttab\\r\\n \\x07 caf\\xe9 # ~\""),
      SampleWith("{STAMP: /tmp/stamp}", "{A: '', B: 'yes', C: '0x10', D: ~x, E: \"a: b\\n\"}"),
      SampleWith("{mode: locked}", "{mode: dangerous-hashed, value: $6$salt$hash}"),
      SampleWith("{mode: locked}", "{mode: dangerous-plain-text, value: '12: #4'}"),
      SampleWith("name: 'en*'", "name: 'en*', mac: \"2\", n: 0x10, e: ~, l: [], m: {}, s: 'no'"),
      SampleWith("  enableGrpc: true\n",
                 "  enableGrpc: true\n  disable: true\n  selfUpgrade: true\n"),
      "network: {}\nnetworkProvision: ~\nstorage:\nscripts: null\n",
  };
  for (const std::string& document : documents) {
    INFO(document);
    const auto parsed = ParseHostConfiguration(document);
    REQUIRE_OK(parsed);
    const std::string written = WriteHostConfiguration(*parsed);
    INFO(written);
    const auto again = ParseHostConfiguration(written);
    REQUIRE_OK(again);
    CHECK(*again == *parsed);
    CHECK(WriteHostConfiguration(*again) == written);
  }
}

TEST_CASE("root keys are written in one order, camelCase, without defaults") {
  const auto parsed = ParseHostConfiguration(kSample);
  REQUIRE_OK(parsed);
  const std::string written = WriteHostConfiguration(*parsed);
  size_t position = 0;
  for (const char* key : {"management:", "\nstorage:", "\nnetworkProvision:", "\nnetwork:",
                          "\nscripts:", "\nosconfig:"}) {
    const size_t found = written.find(key);
    REQUIRE(found != std::string::npos);
    CHECK(found >= position);
    position = found;
  }
  CHECK(written.find("continueIfNoMatch: true") != std::string::npos);
  CHECK(written.find("_if_no") == std::string::npos);
  CHECK(written.find("selfUpgrade") == std::string::npos);
  CHECK(written.find("size: 1G") != std::string::npos);
  CHECK(written.find("size: grow") != std::string::npos);
  CHECK(written.find("sha256: ignored") != std::string::npos);
}

TEST_CASE("every way to say an image's hash and format is read and written again") {
  const std::string hex(64, 'a');
  const std::string written_as[][3] = {
      // In the document, in the written document, format.
      {"ignored", "sha256: ignored", "raw"},
      {"manifest", "sha256: manifest", "raw-gzip"},
      {"' manifest '", "sha256: manifest", "raw-zstd"},
      {std::string(64, 'A'), "sha256: " + hex, "raw-lzma"},
  };
  for (const auto& [hash, expected, format] : written_as) {
    INFO(hash);
    const auto parsed = ParseHostConfiguration(
        "storage:\n  disks: [{id: d, device: /dev/d, partitionTableType: gpt,\n"
        "    partitions: [{id: r, type: root, size: grow}]}]\n"
        "  mountPoints: [{path: /, filesystem: ext4, options: [], targetId: r}]\n"
        "  images: [{url: 'http://h/i', sha256: " +
        hash + ", format: " + format + ", targetId: r}]\n");
    REQUIRE_OK(parsed);
    const std::string written = WriteHostConfiguration(*parsed);
    CHECK(written.find(expected) != std::string::npos);
    CHECK(written.find("format: " + format + "\n") != std::string::npos);
    CHECK(*ParseHostConfiguration(written) == *parsed);
  }
}

TEST_CASE("the digest is that of the meaning, not of the spelling") {
  const auto digest = [](const std::string& text) {
    const auto parsed = ParseHostConfiguration(text);
    REQUIRE_OK(parsed);
    return ConfigurationDigest(*parsed);
  };
  const std::string original = digest(kSample);
  CHECK(original.size() == 64);
  CHECK(digest("# a comment\n" + std::string(kSample)) == original);
  CHECK(digest(SampleWith("size: 1 G", "size: 1024M")) == original);
  CHECK(digest(SampleWith("name: eno1", "name: 'eno1'")) == original);
  CHECK(digest(SampleWith("{mode: locked}", "~")) == original);
  CHECK(digest(SampleWith("size: 1 G", "size: 1073741824")) == original);
  CHECK(digest(SampleWith("size: 512M", "size: 513M")) != original);
  CHECK(digest(SampleWith("dhcp6: false", "dhcp6: 'false'")) != original);
}

TEST_CASE("the agent's configuration is read, checked and written") {
  const auto parsed = ParseAgentConfiguration(
      "phonehome: http://192.0.2.1/p\nlogstream: http://192.0.2.1/l\n"
      "datastore: /var/lib/trident/datastore.sqlite\nwaitForProvisioningNetwork: true\n"
      "networkOverride: {version: 2}\nallowedOperations: UPDATE|Transition\n"
      "grpc: {listenPort: 4242, insecureLoopback: true}\n"
      "registryCredentials: /etc/trident/registries.json\n"
      "manifestKeyring: /etc/trident/images.gpg\n"
      "dangerousOptions: true\n"
      "hostConfiguration: {management: {disable: true}}\n");
  REQUIRE_OK(parsed);
  CHECK(parsed->phonehome == "http://192.0.2.1/p");
  CHECK(parsed->grpc->listen_port == 4242);
  CHECK(parsed->registry_credentials == "/etc/trident/registries.json");
  CHECK(parsed->manifest_keyring == "/etc/trident/images.gpg");
  CHECK(parsed->dangerous_options);
  CHECK(parsed->grpc->insecure_loopback);
  CHECK(parsed->allowed_operations == AllowedOperations::All());
  CHECK(parsed->host_configuration->management.disable);
  const auto again = ParseAgentConfiguration(WriteAgentConfiguration(*parsed));
  REQUIRE_OK(again);
  CHECK(*again == *parsed);

  const auto minimal = ParseAgentConfiguration("allowedOperations: ''\ngrpc: {listenPort: null}\n");
  REQUIRE_OK(minimal);
  CHECK(minimal->allowed_operations == AllowedOperations::None());
  CHECK(minimal->grpc.has_value());
  CHECK_FALSE(minimal->dangerous_options);
  CHECK(minimal->grpc->listen_port == std::nullopt);
  const auto minimal_again = ParseAgentConfiguration(WriteAgentConfiguration(*minimal));
  REQUIRE_OK(minimal_again);
  CHECK(*minimal_again == *minimal);
  CHECK(ParseAgentConfiguration("{}")->allowed_operations == AllowedOperations::All());
}

TEST_CASE("faults of the agent's configuration have a path and a line") {
  struct Case {
    const char* name;
    std::string text;
    const char* path;
    uint32_t line;
    const char* reason;
  };
  const Case cases[] = {
      {"two sources", "hostConfigurationFile: /a\nkickstartFile: /b\n", "kickstartFile", 2,
       "only one source"},
      {"an unknown key", "grpc:\n  port: 1\n", "grpc.port", 2, "unknown"},
      {"an unknown operation", "allowedOperations: update|destroy\n", "allowedOperations", 1,
       "destroy"},
      {"operations that are null", "allowedOperations:\n", "allowedOperations", 1, "null"},
      {"a port over 16 bits", "grpc: {listenPort: 65536}\n", "grpc.listenPort", 1, "65535"},
      {"a bad log URL", "logstream: nowhere\n", "logstream", 1, "not a URL"},
      {"a fault in the embedded configuration",
       "hostConfiguration:\n  storage:\n    images:\n      - {url: 'http://h/', sha256: ignored,"
       " format: raw-zstd, targetId: x}\n",
       "hostConfiguration.storage.images[0].targetId", 4, "nothing has the id"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto parsed = ParseAgentConfiguration(c.text);
      REQUIRE(parsed.status().code() == absl::StatusCode::kInvalidArgument);
      const ErrorDetail detail = GetErrorDetail(parsed.status());
      CHECK(detail.subkind == "agent-configuration");
      REQUIRE(detail.findings.size() == 1);
      INFO(detail.findings[0].reason);
      CHECK(detail.findings[0].path == c.path);
      CHECK(detail.findings[0].line == c.line);
      CHECK(detail.findings[0].reason.find(c.reason) != std::string::npos);
    }
  }
}

TEST_CASE("the documentation in docs/ is what the declarations give") {
  CHECK(test::ReadFile(TRIDENT_SOURCE_DIR "/docs/host-configuration.md") ==
        HostConfigurationMarkdown());
}

TEST_CASE("the JSON Schema names every section and refuses unknown keys") {
  const std::string schema = HostConfigurationJsonSchema();
  for (const char* text :
       {"\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"", "\"osconfig\"",
        "\"$ref\": \"#/$defs/Partition\"", "\"additionalProperties\": false", "\"raw-lzma\"",
        "\"continue_if_no_match\"", "\"required\""}) {
    INFO(text);
    CHECK(schema.find(text) != std::string::npos);
  }
}

TEST_CASE("the examples in docs/ are valid") {
  REQUIRE_OK(
      ParseAgentConfiguration(test::ReadFile(TRIDENT_SOURCE_DIR "/docs/examples/config.yaml")));
  const auto host =
      ParseHostConfiguration(test::ReadFile(TRIDENT_SOURCE_DIR "/docs/examples/host.yaml"));
  REQUIRE_OK(host);
  CHECK(host->storage.ab_update->volume_pairs.size() == 2);
  REQUIRE_OK(
      ParseHostConfiguration(test::ReadFile(TRIDENT_SOURCE_DIR "/docs/examples/sample.yaml")));
}

TEST_CASE("the example in the documentation is valid") {
  const std::string page = HostConfigurationMarkdown();
  const std::string begin_mark = "```yaml\n";
  const size_t begin = page.find(begin_mark) + begin_mark.size();
  REQUIRE_OK(ParseHostConfiguration(page.substr(begin, page.find("```", begin) - begin)));
}

}  // namespace
}  // namespace trident
