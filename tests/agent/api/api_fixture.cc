#include "tests/agent/api/api_fixture.h"

#include <stdexcept>
#include <utility>

#include "proto/rpc_status.pb.h"

namespace trident::test {

ApiFixture::ApiFixture() {
  ServerOptions options;
  options.socket_path = socket_path;
  options.store_range = {.oldest = 1, .newest = 2};
  auto started = StartServer(jobs, std::move(options));
  if (!started.ok()) throw std::runtime_error(std::string(started.status().message()));
  server = *std::move(started);
  channel = NewChannel();
  stub = pb::HostManagement::NewStub(channel);
}

ApiFixture::~ApiFixture() { server.reset(); }

std::shared_ptr<grpc::Channel> ApiFixture::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel("unix:" + socket_path, grpc::InsecureChannelCredentials(),
                                   arguments);
}

std::unique_ptr<grpc::ClientContext> ApiFixture::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  return context;
}

Streamed ReadAll(grpc::ClientReader<pb::HostStatusState>& reader) {
  Streamed streamed;
  pb::HostStatusState message;
  while (reader.Read(&message)) streamed.messages.push_back(message);
  streamed.status = reader.Finish();
  return streamed;
}

Streamed ApiFixture::UpdateHost(const pb::HostUpdateRequest& request) {
  const auto context = NewContext();
  return ReadAll(*stub->UpdateHost(context.get(), request));
}

Streamed ApiFixture::GetStatus(const pb::GetStatusRequest& request) {
  const auto context = NewContext();
  return ReadAll(*stub->GetStatus(context.get(), request));
}

pb::ErrorDetail DetailOf(const grpc::Status& status) {
  pb::rpc::Status rich;
  pb::ErrorDetail detail;
  if (!rich.ParseFromString(status.error_details()) || rich.details_size() != 1 ||
      rich.details(0).type_url() != "type.googleapis.com/trident.ErrorDetail" ||
      rich.code() != static_cast<int>(status.error_code()) ||
      !detail.ParseFromString(rich.details(0).value())) {
    throw std::runtime_error("no ErrorDetail in: " + status.error_message());
  }
  return detail;
}

std::string GoodDocument() {
  return "storage:\n"
         "  disks:\n"
         "    - id: os\n"
         "      device: /dev/disk/by-path/virtual-0\n"
         "      partitionTableType: gpt\n"
         "      partitions:\n"
         "        - id: root\n"
         "          type: root\n"
         "          size: 1G\n"
         "  mountPoints:\n"
         "    - path: /\n"
         "      targetId: root\n"
         "      filesystem: ext4\n"
         "      options: [defaults]\n";
}

JobSummary JobIn(JobState state, const std::string& id) {
  JobSummary job;
  job.id = id;
  job.state = state;
  job.kind = ServicingKind::kAbUpdate;
  job.target = Volume::kB;
  job.configuration_digest = "d1";
  job.created_micros = 1'700'000'000'000'000;
  job.updated_micros = 1'700'000'001'000'000;
  return job;
}

}  // namespace trident::test
