#include "agent/api/event_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <utility>

namespace trident::api {

std::shared_ptr<EventStream> EventStream::Start(Executor& executor) {
  std::shared_ptr<EventStream> stream(new EventStream(executor));
  stream->self_ = stream;
  return stream;
}

void EventStream::Open(std::unique_ptr<StreamSource> source) {
  // Declared before the lock: a source that comes too late is let go without it.
  std::unique_ptr<StreamSource> mine = std::move(source);
  const std::lock_guard lock(mutex_);
  if (done_) return;
  std::swap(source_, mine);
  Schedule();
}

void EventStream::Refuse(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(status);
  Schedule();
}

void EventStream::Wake() {
  const std::lock_guard lock(mutex_);
  Schedule();
}

void EventStream::Drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  Schedule();
}

void EventStream::Schedule() {
  noted_ = true;
  if (done_ || finished_ || pumping_ || writing_) return;
  pumping_ = true;
  executor_.Run([self = shared_from_this()] { self->Pump(); });
}

void EventStream::Pump() {
  while (true) {
    StreamSource* source = nullptr;
    bool draining = false;
    std::optional<grpc::Status> end;
    {
      const std::lock_guard lock(mutex_);
      noted_ = false;
      source = source_.get();
      draining = draining_;
      if (cancelled_) {
        end = grpc::Status(grpc::StatusCode::CANCELLED, "the client is gone");
      } else if (refusal_) {
        end = *refusal_;
      } else if (source == nullptr) {
        pumping_ = false;
        return;
      }
    }
    StreamStep step;
    if (end) {
      step.end = std::move(end);
    } else {
      step = draining ? source->NextWhileDraining() : source->Next();
    }
    if (step.message) {
      bool own_buffer = false;
      grpc::ByteBuffer bytes;
      const grpc::Status serialized =
          grpc::SerializationTraits<::trident_proto::HostStatusState>::Serialize(
              *step.message, &bytes, &own_buffer);
      if (serialized.ok()) {
        buffer_.Swap(&bytes);
      } else {  // beyond 2 GiB
        step = {.message = std::nullopt, .end = serialized};
      }
    }
    {
      const std::lock_guard lock(mutex_);
      if (!step.message && !step.end) {
        if (noted_) continue;
        pumping_ = false;
        return;
      }
      pumping_ = false;
      writing_ = step.message.has_value();
      finished_ = step.end.has_value();
    }
    // From here on OnWriteDone and OnDone may run on other threads; the queued piece of work that
    // called us holds the object.
    if (step.message && step.end) {
      StartWriteAndFinish(&buffer_, grpc::WriteOptions(), *std::move(step.end));
    } else if (step.message) {
      StartWrite(&buffer_);
    } else {
      Finish(*std::move(step.end));
    }
    return;
  }
}

void EventStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  cancelled_ = cancelled_ || !ok;
  Schedule();
}

void EventStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  Schedule();
}

void EventStream::OnDone() {
  // Let go without the lock, the source first: it knows the job manager.
  std::shared_ptr<EventStream> self;
  std::unique_ptr<StreamSource> source;
  const std::lock_guard lock(mutex_);
  done_ = true;
  self = std::move(self_);
  source = std::move(source_);
}

}  // namespace trident::api
