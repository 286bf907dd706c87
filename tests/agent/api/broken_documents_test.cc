// Whole documents with several faults each, sent to an agent of a machine in memory: every fault is
// told, nothing is done.
//
// The expected findings stand beside the documents, one a line. With TRIDENT_WRITE_EXPECTED=1 in
// the environment the tests write them anew, to be read before they are committed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/datastore/datastore.h"
#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_clock.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_encryption.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_firmware.h"
#include "agent/host/fake/fake_machine.h"
#include "agent/host/fake/fake_mounts.h"
#include "agent/host/fake/fake_network_state.h"
#include "agent/host/fake/fake_verity.h"
#include "agent/servicing/host_servicer.h"
#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/config/document.h"
#include "tests/agent/api/api_fixture.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr char kFolder[] = TRIDENT_SOURCE_DIR "/tests/agent/api/broken_documents/";
constexpr char kDisk[] = "/dev/vda";

template <typename T>
T Got(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(value.status().ToString());
  return *std::move(value);
}

// An agent with everything but a real machine: the API, the jobs with their store, the servicing.
class Agent {
 public:
  Agent() {
    devices_.AddDisk(kDisk, uint64_t{8} << 30);
    if (const absl::Status status = jobs_->Start(); !status.ok()) {
      throw std::runtime_error(status.ToString());
    }
    ServerOptions options;
    options.socket_path = folder_ / "api.sock";
    options.store_range = store_->range();
    server_ = Got(StartServer(*jobs_, std::move(options)));
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    stub_ = pb::HostManagement::NewStub(grpc::CreateCustomChannel(
        StrCat("unix:", folder_ / "api.sock"), grpc::InsecureChannelCredentials(), arguments));
    newest_event_ = Got(store_->Bounds()).newest;
  }
  ~Agent() {
    server_->Shutdown();
    jobs_->Stop();
  }

  Streamed Update(const std::string& document) {
    pb::HostUpdateRequest request;
    request.set_host_configuration(document);
    const auto context = NewContext();
    const auto reader = stub_->UpdateHost(context.get(), request);
    Streamed streamed;
    pb::HostStatusState message;
    while (reader->Read(&message)) streamed.messages.push_back(message);
    streamed.status = reader->Finish();
    return streamed;
  }

  grpc::Status Plan(const std::string& document) {
    pb::PlanHostRequest request;
    request.set_host_configuration(document);
    pb::PlanHostResponse response;
    const auto context = NewContext();
    return stub_->PlanHost(context.get(), request, &response);
  }

  grpc::Status Validate(const std::string& document,
                        pb::ValidateHostConfigurationResponse& response) {
    pb::ValidateHostConfigurationRequest request;
    request.set_host_configuration(document);
    const auto context = NewContext();
    return stub_->ValidateHostConfiguration(context.get(), request, &response);
  }

  // The agent answers, has no job and nothing new in its journal, and the machine is as it was.
  void CheckNothingWasDone() {
    pb::ListJobsResponse listed;
    const auto context = NewContext();
    REQUIRE(stub_->ListJobs(context.get(), {}, &listed).ok());
    CHECK(listed.jobs().empty());
    CHECK(Got(store_->Bounds()).newest == newest_event_);
    CHECK_FALSE(Got(store_->Configuration()).has_value());
    CHECK(commands_.command_lines().empty());
    CHECK(files_.changes() == 0);
    CHECK(devices_.tables_written() == 0);
    CHECK(devices_.BytesWritten(kDisk) == 0);
  }

 private:
  static std::unique_ptr<grpc::ClientContext> NewContext() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return context;
  }

  TemporaryDirectory folder_;
  FakeFiles files_;
  FakeBlockDevices devices_;
  FakeMounts mounts_{files_, devices_};
  FakeCommandRunner commands_;
  FakeFirmware firmware_;
  FakeMachine machine_;
  FakeClock clock_;
  FakeEncryption encryption_{devices_};
  FakeNetworkState network_;
  FakeVerity verity_{devices_};
  std::unique_ptr<ImageProber> prober_ = MakeImageProber({}, files_, commands_);
  std::unique_ptr<ImageStreamer> streamer_ = MakeImageStreamer({}, files_, commands_);
  const HostServicerOptions options_ = {};
  std::unique_ptr<Servicer> servicer_ =
      MakeHostServicer({files_, commands_, devices_, mounts_, firmware_, machine_, clock_,
                        encryption_, network_, verity_},
                       *prober_, *streamer_, options_);
  std::unique_ptr<Datastore> store_ =
      Got(Datastore::Open(folder_ / "store", BuiltinMigrations(), OpenMode::kReadWrite));
  std::unique_ptr<JobManager> jobs_ = MakeJobManager(*store_, *servicer_, clock_, {});
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::HostManagement::Stub> stub_;
  uint64_t newest_event_ = 0;
};

// LINE:COLUMN path: reason
std::string Show(uint32_t line, uint32_t column, const std::string& path,
                 const std::string& reason) {
  return StrCat(line, ":", column, " ", path, path.empty() ? "" : ": ", reason);
}

template <typename Findings>
std::string Show(const Findings& findings) {
  std::string text;
  for (const pb::Finding& finding : findings) {
    CHECK_FALSE(finding.remedy().empty());
    StrAppend(&text, Show(finding.line(), finding.column(), finding.path(), finding.reason()),
              "\n");
  }
  return text;
}

std::string Show(const absl::Status& refusal) {
  std::string text;
  for (const Finding& finding : GetErrorDetail(refusal).findings) {
    CHECK_FALSE(finding.remedy.empty());
    StrAppend(&text, Show(finding.line, finding.column, finding.path, finding.reason), "\n");
  }
  return text;
}

// All three calls that take a document refuse it with these findings and do nothing.
void CheckIsRefused(Agent& agent, const std::string& document, const std::string& expected) {
  const Streamed update = agent.Update(document);
  CHECK(update.status.error_code() == grpc::INVALID_ARGUMENT);
  REQUIRE(update.messages.size() == 1);
  CHECK(update.messages[0].outcome().result() == "refused");
  CHECK(Show(update.messages[0].outcome().findings()) == expected);
  const pb::ErrorDetail of_update = DetailOf(update.status);
  CHECK(of_update.kind() == "invalid-input");
  CHECK(of_update.subkind() == "host-configuration");

  pb::ValidateHostConfigurationResponse answer;
  CHECK(agent.Validate(document, answer).ok());
  CHECK_FALSE(answer.valid());
  CHECK(Show(answer.findings()) == expected);

  // A status has room for the first findings only, and counts all.
  const grpc::Status plan = agent.Plan(document);
  CHECK(plan.error_code() == grpc::INVALID_ARGUMENT);
  const pb::ErrorDetail of_plan = DetailOf(plan);
  const auto lines = StrSplit(expected, '\n');
  CHECK(of_plan.finding_count() == lines.size() - 1);
  REQUIRE(of_plan.findings_size() > 0);
  for (int i = 0; i < of_plan.findings_size(); ++i) {
    const pb::Finding& finding = of_plan.findings(i);
    // Long reasons are cut there.
    std::string_view reason = finding.reason();
    if (reason.ends_with("...")) reason.remove_suffix(3);
    CHECK(lines[static_cast<size_t>(i)].starts_with(
        Show(finding.line(), finding.column(), finding.path(), std::string(reason))));
  }
  agent.CheckNothingWasDone();
}

std::vector<std::string> DocumentsIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void CheckExpected(const std::string& findings, const std::string& path) {
  if (std::getenv("TRIDENT_WRITE_EXPECTED") != nullptr) {
    WriteFile(path, findings);
    FAIL_CHECK("written, not compared: " << path);
    return;
  }
  CHECK(findings == ReadFile(path));
}

std::string Repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_CASE("every broken document tells all that is wrong, and nothing is done") {
  Agent agent;
  const auto names = DocumentsIn(kFolder);
  CHECK(names.size() >= 55);
  for (const std::string& name : names) {
    INFO(name);
    const std::string document = ReadFile(StrCat(kFolder, name, ".yaml"));
    const std::string findings = Show(ParseHostConfiguration(document).status());
    CHECK_FALSE(findings.empty());
    CheckExpected(findings, StrCat(kFolder, name, ".expected"));
    if (FindInvalidUtf8(document) == std::string_view::npos) {
      CheckIsRefused(agent, document, findings);
      continue;
    }
    // No message of the protocol can carry it; only who reads the file can say where it is wrong.
    const Streamed update = agent.Update(document);
    CHECK(update.status.error_code() == grpc::INVALID_ARGUMENT);
    CHECK_THAT(update.status.error_message(), Catch::Matchers::Contains("UTF-8"));
    agent.CheckNothingWasDone();
  }
}

TEST_CASE("broken documents that are too large or too odd for a file are refused alike") {
  struct Case {
    const char* name;
    std::string document;
    std::string expected;
  };
  const std::string long_name(2 << 20, 'x');
  const Case cases[] = {
      {"64 levels and one more", "osconfig: " + Repeated("[", 64) + Repeated("]", 64) + "\n",
       "1:74 mappings and lists are nested deeper than 64 levels\n"},
      // While a bracket is open it may yet become a key, which counts as a mapping around it.
      {"100,000 brackets that are never closed", Repeated("[", 100'000),
       "1:33 mappings and lists are nested deeper than 64 levels\n"},
      // Read once more to find where the quote begins, by a parser without that bound.
      {"a quote that is not closed behind 100,000 brackets", Repeated("[", 100'000) + "\"x\n",
       "1:100001 not valid YAML: the quoted text that begins here is not closed\n"},
      {"a line of 2 MiB in a host name", "osconfig:\n  hostname: " + long_name + "\n",
       "2:13 osconfig.hostname: must be a host name of at most 64 characters: labels of letters, "
       "digits and \"-\", which do not begin or end with \"-\", joined by dots, found \"" +
           std::string(60, 'x') + "...\"\n"},
      {"a key of 2 MiB", "osconfig:\n  ? " + long_name + "\n  : 1\n  hostname: node_1\n",
       "2:5 osconfig: a key is longer than 200 bytes\n"
       "4:13 osconfig.hostname: must be a host name of at most 64 characters: labels of letters, "
       "digits and \"-\", which do not begin or end with \"-\", joined by dots, found "
       "\"node_1\"\n"},
      {"more brackets than any document needs", "osconfig: [" + Repeated("[],", 70'000) + "]\n",
       "0:0 the document has 210003 brackets, commas, colons, quotes and the like, at most 200000 "
       "are taken\n"},
      {"a NUL byte", std::string("osconfig:\n  hostname: a\0b\n", 26),
       "2:14 the document contains a NUL byte (00 hexadecimal)\n"},
      {"two bytes for each letter", std::string("o\0s\0c\0o\0n\0f\0i\0g\0:\0 \0{\0}\0", 24),
       "1:2 the document contains a NUL byte (00 hexadecimal)\n"},
  };
  Agent agent;
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(Show(ParseHostConfiguration(c.document).status()) == c.expected);
    CheckIsRefused(agent, c.document, c.expected);
  }
}

}  // namespace
}  // namespace trident::test
