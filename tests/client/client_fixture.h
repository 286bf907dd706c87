// A session that writes into strings, and an agent that plays a script.
#ifndef TRIDENT_TESTS_CLIENT_CLIENT_FIXTURE_H_
#define TRIDENT_TESTS_CLIENT_CLIENT_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "client/session.h"
#include "proto/trident.grpc.pb.h"
#include "tests/support/temporary_directory.h"

namespace trident::client::test {

namespace pb = ::trident_proto;

// About job-1; `sequence` 0 is a snapshot.
pb::HostStatusState JobMessage(pb::JobState state, uint64_t sequence, uint64_t newest = 0);
// The event that ends job-1.
pb::HostStatusState EndMessage(pb::JobState state, const std::string& result, uint64_t sequence);
grpc::Status RichStatus(grpc::StatusCode code, const std::string& kind, const std::string& message,
                        const std::string& subkind = "test");

// One stream of a script.
struct Scripted {
  std::vector<pb::HostStatusState> messages;
  grpc::Status status;
  bool hold = false;                         // stays open until the client goes away
  std::function<void()> before_end = [] {};  // runs when the messages are sent
};

// Plays the streams in turn; a call that the script does not have is refused with NOT_FOUND.
class ScriptedAgent : public pb::HostManagement::Service {
 public:
  std::deque<Scripted> updates;
  std::deque<Scripted> follows;
  pb::ListJobsResponse jobs;
  pb::PlanHostResponse plan;
  grpc::Status plan_status;
  pb::JobResponse job;
  std::vector<pb::GetStatusRequest> asked;  // by the followers
  std::vector<pb::HostUpdateRequest> submitted;

  grpc::Status UpdateHost(grpc::ServerContext* context, const pb::HostUpdateRequest* request,
                          grpc::ServerWriter<pb::HostStatusState>* writer) override;
  grpc::Status GetStatus(grpc::ServerContext* context, const pb::GetStatusRequest* request,
                         grpc::ServerWriter<pb::HostStatusState>* writer) override;
  grpc::Status ListJobs(grpc::ServerContext*, const pb::ListJobsRequest*,
                        pb::ListJobsResponse* response) override;
  grpc::Status PlanHost(grpc::ServerContext*, const pb::PlanHostRequest*,
                        pb::PlanHostResponse* response) override;
  grpc::Status FinalizeHost(grpc::ServerContext*, const pb::FinalizeHostRequest*,
                            pb::JobResponse* response) override;
  grpc::Status CancelJob(grpc::ServerContext*, const pb::CancelJobRequest*,
                         pb::JobResponse* response) override;
  grpc::Status GetHostConfiguration(grpc::ServerContext*, const pb::GetHostConfigurationRequest*,
                                    pb::GetHostConfigurationResponse* response) override;

 private:
  grpc::Status Play(std::deque<Scripted>& script, grpc::ServerContext* context,
                    grpc::ServerWriter<pb::HostStatusState>* writer);
  std::mutex mutex_;
};

class ClientFixture {
 public:
  ClientFixture();
  ~ClientFixture();

  void StartAgent();
  void StopAgent();
  // Runs a command line against the scripted agent's socket.
  int Run(std::vector<std::string> arguments);

  trident::test::TemporaryDirectory folder;
  ScriptedAgent agent;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Interrupt interrupt;
  Session session;

 private:
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace trident::client::test

#endif  // TRIDENT_TESTS_CLIENT_CLIENT_FIXTURE_H_
