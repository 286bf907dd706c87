// One watcher's stream: a state machine that needs no thread while nothing happens.
#ifndef TRIDENT_AGENT_API_EVENT_STREAM_H_
#define TRIDENT_AGENT_API_EVENT_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/api/executor.h"
#include "proto/trident.pb.h"

namespace trident::api {

// What a stream does next. Neither: it waits until it is woken.
struct StreamStep {
  std::optional<::trident_proto::HostStatusState> message;
  std::optional<grpc::Status> end;  // after the message
};

// Where the messages of a stream come from. Used by one thread at a time.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  virtual StreamStep Next() = 0;
  // Asked instead of Next from the moment that the server drains: first what is waiting, then an
  // end.
  virtual StreamStep NextWhileDraining() = 0;
};

// Owns itself from Start until gRPC is done with it; everybody else holds weak references, so that
// a wake that comes too late finds nothing. All calls into gRPC are made by Pump, which runs on the
// executor, one at a time, without a lock.
class EventStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public std::enable_shared_from_this<EventStream> {
 public:
  // The executor must outlive the call (not this object).
  static std::shared_ptr<EventStream> Start(Executor& executor);

  // Begins to send what the source has.
  void Open(std::unique_ptr<StreamSource> source);
  // Ends a stream that was not opened.
  void Refuse(grpc::Status status);
  // There may be something new. Any thread, any time, with any locks held: it only makes a note.
  void Wake();
  // Ends the stream when everything that is waiting has been sent.
  void Drain();

 private:
  explicit EventStream(Executor& executor) : executor_(executor) {}

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Pump();
  // Makes sure that Pump will run and see what was noted. With mutex_ held.
  void Schedule();

  Executor& executor_;
  std::mutex mutex_;
  std::shared_ptr<EventStream> self_;
  std::unique_ptr<StreamSource> source_;
  std::optional<grpc::Status> refusal_;
  bool noted_ = false;      // something happened that Pump has not looked at yet
  bool pumping_ = false;    // Pump is queued or running
  bool writing_ = false;    // gRPC has a message of ours
  bool cancelled_ = false;  // the client is gone
  bool draining_ = false;
  bool finished_ = false;  // nothing may be started any more
  bool done_ = false;      // gRPC has let go

  grpc::ByteBuffer buffer_;  // the message being written
};

}  // namespace trident::api

#endif  // TRIDENT_AGENT_API_EVENT_STREAM_H_
