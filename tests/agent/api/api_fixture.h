// A real server on a unix socket in a temporary folder, a client of it, and the fake behind it.
#ifndef TRIDENT_TESTS_AGENT_API_API_FIXTURE_H_
#define TRIDENT_TESTS_AGENT_API_API_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/server.h"
#include "proto/trident.grpc.pb.h"
#include "tests/agent/jobs/fake/fake_job_manager.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

namespace pb = ::trident_proto;

// What a stream sent until its end.
struct Streamed {
  std::vector<pb::HostStatusState> messages;
  grpc::Status status;
};

Streamed ReadAll(grpc::ClientReader<pb::HostStatusState>& reader);

class ApiFixture {
 public:
  // Throws when the server does not start.
  ApiFixture();
  ~ApiFixture();

  // A channel of its own.
  std::shared_ptr<grpc::Channel> NewChannel() const;
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  Streamed UpdateHost(const pb::HostUpdateRequest& request);
  Streamed GetStatus(const pb::GetStatusRequest& request);

  TemporaryDirectory folder;
  const std::string socket_path = folder / "api.sock";
  FakeJobManager jobs;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<pb::HostManagement::Stub> stub;
};

// The ErrorDetail in the details of a status; throws when there is none.
pb::ErrorDetail DetailOf(const grpc::Status& status);

// A document that is accepted.
std::string GoodDocument();
JobSummary JobIn(JobState state, const std::string& id = "job-1");

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_API_API_FIXTURE_H_
