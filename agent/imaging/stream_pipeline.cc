#include "agent/imaging/stream_pipeline.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "agent/imaging/image_head.h"
#include "common/base/error.h"

namespace trident {
namespace {

// 2 MiB for compressed data, 4 MiB for decompressed: one block is filled, two wait, one is written.
// Larger ones are not faster (they leave the processor's cache in between), and the device's queue
// is the kernel's page cache; but all of them count in the agent's peak.
constexpr size_t kChunkBytes = size_t{256} * 1024;
constexpr size_t kChunks = 8;
constexpr size_t kBlockBytes = size_t{1} * 1024 * 1024;
constexpr size_t kBlocks = 4;
static_assert(kChunkBytes >= kHeadBytes, "the first chunk must hold the whole head");

// How soon a cancellation is noticed, and how often progress is reported.
constexpr std::chrono::milliseconds kWatchInterval{20};
constexpr std::chrono::milliseconds kProgressInterval{200};

// Joins at the end of its scope, whatever happens in it.
class Threads {
 public:
  explicit Threads(std::function<void()> abort) : abort_(std::move(abort)) {}
  ~Threads() {
    if (!joined_) abort_();
    Join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  void Start(std::function<void()> body) { threads_.emplace_back(std::move(body)); }
  void Join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    joined_ = true;
  }

 private:
  std::function<void()> abort_;
  std::vector<std::thread> threads_;
  bool joined_ = false;
};

absl::Status OutOfResources(const std::string& what) {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                   absl::StrCat("streaming the image: ", what));
}

}  // namespace

StreamPipeline::StreamPipeline(const StreamRequest& request, std::unique_ptr<ImageSource> source)
    : request_(request),
      volume_bytes_(request.target->size()),
      chunks_(kChunks, kChunkBytes),
      blocks_(kBlocks, kBlockBytes),
      source_(std::move(source)),
      feeder_(chunks_, state_) {}

absl::StatusOr<StreamResult> StreamPipeline::Run() {
  TRIDENT_ASSIGN_OR_RETURN(decoder_, MakeDecoder(request_.format));
  try {
    Threads threads([this] { Stop(StreamCancelled()); });
    threads.Start([this] { RunGuarded(&StreamPipeline::Fetch); });
    threads.Start([this] { RunGuarded(&StreamPipeline::Decode); });
    threads.Start([this] { RunGuarded(&StreamPipeline::Write); });
    Watch();
    threads.Join();
  } catch (const std::system_error& error) {
    return OutOfResources(absl::StrCat("starting a thread: ", error.what()));
  }
  Report();
  TRIDENT_RETURN_IF_ERROR(state_.failure());
  StreamResult result;
  result.sha256 = feeder_.DigestHex();
  result.fetched = feeder_.fed();
  result.written = state_.written.load(std::memory_order_relaxed);
  result.content_checksum = checksum_.Hex();
  return result;
}

void StreamPipeline::Watch() {
  auto next_report = std::chrono::steady_clock::now() + kProgressInterval;
  while (!state_.WaitForEnd(kWatchInterval)) {
    if (request_.cancellation->cancelled()) Stop(StreamCancelled());
    const auto now = std::chrono::steady_clock::now();
    if (now < next_report) continue;
    next_report = now + kProgressInterval;
    Report();
  }
}

void StreamPipeline::Report() {
  for (const std::string& note : state_.TakeNotes()) {
    if (request_.note) request_.note(note);
  }
  // A stream that starts over has not undone what a person has seen.
  reported_.fetched = std::max(reported_.fetched, state_.fetched.load(std::memory_order_relaxed));
  reported_.written = std::max(reported_.written, state_.written.load(std::memory_order_relaxed));
  reported_.fetch_total = state_.fetch_total.load(std::memory_order_relaxed);
  if (request_.progress) request_.progress(reported_);
}

void StreamPipeline::Stop(absl::Status status) {
  state_.Fail(std::move(status));
  chunks_.Abort();
  blocks_.Abort();
}

void StreamPipeline::RunGuarded(absl::Status (StreamPipeline::*part)()) {
  absl::Status status;
  try {
    status = (this->*part)();
  } catch (const std::bad_alloc&) {
    status = OutOfResources("there is not enough memory");
  }
  if (!status.ok()) Stop(std::move(status));
}

absl::Status StreamPipeline::Fetch() { return source_->Run(feeder_, state_); }

absl::Status StreamPipeline::BeginImage(std::span<const uint8_t> head) {
  const uint64_t total = state_.fetch_total.load(std::memory_order_relaxed);
  TRIDENT_ASSIGN_OR_RETURN(
      const ImageHead facts,
      InspectHead(request_.format, head, total > 0 ? std::optional(total) : std::nullopt));
  if (facts.first_content_bytes && *facts.first_content_bytes > volume_bytes_) {
    return ImageTooLarge(*facts.first_content_bytes, volume_bytes_);
  }
  return absl::OkStatus();
}

absl::Status StreamPipeline::Decode() {
  block_ = blocks_.Acquire();
  bool begun = false;
  while (std::unique_ptr<Buffer> chunk = chunks_.Receive()) {
    if (block_ == nullptr) return StreamCancelled();
    if (chunk->restart) {
      TRIDENT_RETURN_IF_ERROR(decoder_->Reset());
      decoded_ = 0;
      block_->Clear();
      block_->restart = true;
      begun = false;
    }
    // A chunk is full unless it is the last one, so the first one holds the whole head.
    if (!begun) TRIDENT_RETURN_IF_ERROR(BeginImage(chunk->content()));
    begun = true;
    TRIDENT_RETURN_IF_ERROR(Drive(chunk->content(), /*end=*/false));
    chunks_.Release(std::move(chunk));
  }
  if (state_.stopped() || block_ == nullptr) return StreamCancelled();
  if (!begun) return BeginImage({});
  TRIDENT_RETURN_IF_ERROR(Drive({}, /*end=*/true));
  if (decoded_ == 0) {
    return MakeError(absl::StatusCode::kDataLoss, "image", "empty-image",
                     "the image has no content: it decompresses to 0 bytes",
                     "Publish an image of the filesystem that the volume is to hold.");
  }
  if (block_->size() > 0 || block_->restart) blocks_.Send(std::move(block_));
  blocks_.Close();
  return absl::OkStatus();
}

absl::Status StreamPipeline::Drive(std::span<const uint8_t> input, bool end) {
  for (;;) {
    TRIDENT_ASSIGN_OR_RETURN(const Decoder::Step step,
                             decoder_->Decode(input, block_->room(), end));
    input = input.subspan(step.consumed);
    block_->Grow(step.produced);
    decoded_ += step.produced;
    if (decoded_ > volume_bytes_) return ImageTooLarge(decoded_, volume_bytes_);
    if (block_->full()) {
      blocks_.Send(std::move(block_));
      block_ = blocks_.Acquire();
      if (block_ == nullptr) return StreamCancelled();
      if (!step.done) continue;
    }
    if (end ? step.done : input.empty()) return absl::OkStatus();
  }
}

absl::Status StreamPipeline::Write() {
  uint64_t offset = 0;
  while (std::unique_ptr<Buffer> block = blocks_.Receive()) {
    if (block->restart) {
      offset = 0;
      checksum_.Reset();
    }
    checksum_.Update(block->content());
    TRIDENT_RETURN_IF_ERROR(request_.target->WriteAt(offset, block->content()));
    offset += block->size();
    state_.written.store(offset, std::memory_order_relaxed);
    blocks_.Release(std::move(block));
  }
  if (state_.stopped()) return StreamCancelled();
  state_.Complete();
  return absl::OkStatus();
}

}  // namespace trident
