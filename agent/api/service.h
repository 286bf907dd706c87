// The RPCs: bytes in, job manager, bytes out. No servicing logic.
#ifndef TRIDENT_AGENT_API_SERVICE_H_
#define TRIDENT_AGENT_API_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/api/event_stream.h"
#include "agent/api/executor.h"
#include "agent/jobs/job_manager.h"
#include "proto/trident.grpc.pb.h"

namespace trident::api {

// The raw methods: gRPC 1.51's callback API answers a request that it cannot parse with
// UNIMPLEMENTED and no words, so the bytes are parsed here.
template <template <class> class... Methods>
struct RawMethods;
template <template <class> class First, template <class> class... Rest>
struct RawMethods<First, Rest...> {
  using Type = First<typename RawMethods<Rest...>::Type>;
};
template <>
struct RawMethods<> {
  using Type = ::trident_proto::HostManagement::Service;
};
using RawService =
    RawMethods<::trident_proto::HostManagement::WithRawCallbackMethod_UpdateHost,
               ::trident_proto::HostManagement::WithRawCallbackMethod_GetStatus,
               ::trident_proto::HostManagement::WithRawCallbackMethod_PlanHost,
               ::trident_proto::HostManagement::WithRawCallbackMethod_ValidateHostConfiguration,
               ::trident_proto::HostManagement::WithRawCallbackMethod_FinalizeHost,
               ::trident_proto::HostManagement::WithRawCallbackMethod_CommitHost,
               ::trident_proto::HostManagement::WithRawCallbackMethod_RollbackHost,
               ::trident_proto::HostManagement::WithRawCallbackMethod_CancelJob,
               ::trident_proto::HostManagement::WithRawCallbackMethod_ListJobs,
               ::trident_proto::HostManagement::WithRawCallbackMethod_GetHostConfiguration,
               ::trident_proto::HostManagement::WithRawCallbackMethod_GetVersion>::Type;

class Service final : public RawService {
 public:
  // `jobs` must outlive the service. The server must have ended before the service does.
  Service(JobManager& jobs, StoreRange store_range);

  // Ends every open stream when what is waiting for it has been sent; new ones end at once.
  void Drain();

  grpc::ServerWriteReactor<grpc::ByteBuffer>* UpdateHost(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetStatus(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* PlanHost(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ValidateHostConfiguration(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* FinalizeHost(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CommitHost(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RollbackHost(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetHostConfiguration(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetVersion(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  // Runs `work` on the executor and answers the call with what it returns.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Answer(Executor& executor, grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                   std::function<absl::StatusOr<Response>(const Request&)> work);
  template <typename Request>
  grpc::ServerUnaryReactor* Pull(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response,
      absl::StatusOr<JobSummary> (JobManager::*lever)(const std::string&));
  std::shared_ptr<EventStream> NewStream();

  JobManager& jobs_;
  const StoreRange store_range_;

  std::mutex mutex_;
  bool draining_ = false;
  std::vector<std::weak_ptr<EventStream>> streams_;

  // Reads of the store, and the streams' next messages: short, and bounded by the open calls.
  Executor reads_;
  // What may take long: parsing megabytes of YAML, planning, which asks servers on the network.
  Executor works_;
};

}  // namespace trident::api

#endif  // TRIDENT_AGENT_API_SERVICE_H_
