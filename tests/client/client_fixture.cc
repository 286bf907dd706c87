#include "tests/client/client_fixture.h"

#include <chrono>
#include <thread>

#include "client/command_line.h"
#include "proto/rpc_status.pb.h"

namespace trident::client::test {

pb::HostStatusState JobMessage(pb::JobState state, uint64_t sequence, uint64_t newest) {
  pb::HostStatusState message;
  message.set_status("reconcileState: ready\n");
  message.set_journal_id("journal-1");
  message.set_sequence(sequence);
  message.set_newest_sequence(newest);
  message.mutable_job()->set_id("job-1");
  message.mutable_job()->set_state(state);
  message.mutable_job()->set_servicing_kind("ab-update");
  message.mutable_job()->set_target_volume("volume-b");
  return message;
}

pb::HostStatusState EndMessage(pb::JobState state, const std::string& result, uint64_t sequence) {
  pb::HostStatusState message = JobMessage(state, sequence);
  message.mutable_outcome()->set_result(result);
  return message;
}

grpc::Status RichStatus(grpc::StatusCode code, const std::string& kind, const std::string& message,
                        const std::string& subkind) {
  pb::ErrorDetail detail;
  detail.set_kind(kind);
  detail.set_subkind(subkind);
  detail.set_message(message);
  detail.set_remedy("do something else");
  pb::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(message);
  auto& any = *rich.add_details();
  any.set_type_url("type.googleapis.com/trident.ErrorDetail");
  any.set_value(detail.SerializeAsString());
  return {code, message, rich.SerializeAsString()};
}

grpc::Status ScriptedAgent::Play(std::deque<Scripted>& script, grpc::ServerContext* context,
                                 grpc::ServerWriter<pb::HostStatusState>* writer) {
  Scripted stream;
  {
    const std::lock_guard lock(mutex_);
    if (script.empty()) return {grpc::StatusCode::NOT_FOUND, "the script has no more streams"};
    stream = script.front();
    script.pop_front();
  }
  for (const auto& message : stream.messages) writer->Write(message);
  stream.before_end();
  // A synchronous server has no notice of a client's going away but this.
  while (stream.hold && !context->IsCancelled()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return stream.status;
}

grpc::Status ScriptedAgent::UpdateHost(grpc::ServerContext* context,
                                       const pb::HostUpdateRequest* request,
                                       grpc::ServerWriter<pb::HostStatusState>* writer) {
  {
    const std::lock_guard lock(mutex_);
    submitted.push_back(*request);
  }
  return Play(updates, context, writer);
}

grpc::Status ScriptedAgent::GetStatus(grpc::ServerContext* context,
                                      const pb::GetStatusRequest* request,
                                      grpc::ServerWriter<pb::HostStatusState>* writer) {
  {
    const std::lock_guard lock(mutex_);
    asked.push_back(*request);
  }
  return Play(follows, context, writer);
}

grpc::Status ScriptedAgent::ListJobs(grpc::ServerContext*, const pb::ListJobsRequest*,
                                     pb::ListJobsResponse* response) {
  *response = jobs;
  return grpc::Status::OK;
}

grpc::Status ScriptedAgent::PlanHost(grpc::ServerContext*, const pb::PlanHostRequest*,
                                     pb::PlanHostResponse* response) {
  *response = plan;
  return plan_status;
}

grpc::Status ScriptedAgent::FinalizeHost(grpc::ServerContext*, const pb::FinalizeHostRequest*,
                                         pb::JobResponse* response) {
  *response = job;
  return grpc::Status::OK;
}

grpc::Status ScriptedAgent::CancelJob(grpc::ServerContext*, const pb::CancelJobRequest*,
                                      pb::JobResponse* response) {
  *response = job;
  return grpc::Status::OK;
}

grpc::Status ScriptedAgent::GetHostConfiguration(grpc::ServerContext*,
                                                 const pb::GetHostConfigurationRequest*,
                                                 pb::GetHostConfigurationResponse* response) {
  response->set_host_configuration("storage: {}\n");
  return grpc::Status::OK;
}

ClientFixture::ClientFixture()
    : session{.in = in,
              .out = out,
              .err = err,
              .terminal = {},
              .interrupt = interrupt,
              .target = {},
              .patience = {}} {
  session.patience.first_pause = std::chrono::milliseconds(10);
  session.patience.longest_pause = std::chrono::milliseconds(50);
}

ClientFixture::~ClientFixture() { StopAgent(); }

void ClientFixture::StartAgent() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + (folder / "agent.sock"), grpc::InsecureServerCredentials());
  builder.RegisterService(&agent);
  server_ = builder.BuildAndStart();
}

void ClientFixture::StopAgent() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

int ClientFixture::Run(std::vector<std::string> arguments) {
  session.format = OutputFormat::kText;  // of the run before this one
  arguments.push_back("--server");
  arguments.push_back("unix:" + (folder / "agent.sock"));
  return RunCommandLine(arguments, session);
}

}  // namespace trident::client::test
