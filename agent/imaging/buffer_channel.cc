#include "agent/imaging/buffer_channel.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace trident {
namespace {

uint8_t* MapMemory(size_t capacity) {
  void* memory =
      mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<uint8_t*>(memory);
}

}  // namespace

Buffer::Buffer(size_t capacity) : data_(MapMemory(capacity)), capacity_(capacity) {}

Buffer::~Buffer() { munmap(data_, capacity_); }

BufferChannel::BufferChannel(size_t count, size_t capacity) {
  for (size_t i = 0; i < count; ++i) free_.push_back(std::make_unique<Buffer>(capacity));
}

std::unique_ptr<Buffer> BufferChannel::Acquire() {
  std::unique_lock lock(mutex_);
  free_changed_.wait(lock, [this] { return aborted_ || !free_.empty(); });
  if (aborted_) return nullptr;
  // The one released last: its memory is the warmest, and a short stream touches few buffers.
  std::unique_ptr<Buffer> buffer = std::move(free_.back());
  free_.pop_back();
  buffer->Clear();
  buffer->restart = false;
  return buffer;
}

void BufferChannel::Send(std::unique_ptr<Buffer> buffer) {
  {
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::move(buffer));
  }
  sent_changed_.notify_one();
}

void BufferChannel::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  sent_changed_.notify_one();
}

std::unique_ptr<Buffer> BufferChannel::Receive() {
  std::unique_lock lock(mutex_);
  sent_changed_.wait(lock, [this] { return aborted_ || closed_ || !sent_.empty(); });
  if (aborted_ || sent_.empty()) return nullptr;
  std::unique_ptr<Buffer> buffer = std::move(sent_.front());
  sent_.pop_front();
  return buffer;
}

void BufferChannel::Release(std::unique_ptr<Buffer> buffer) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }
  free_changed_.notify_one();
}

void BufferChannel::Abort() {
  {
    const std::lock_guard lock(mutex_);
    aborted_ = true;
  }
  free_changed_.notify_all();
  sent_changed_.notify_all();
}

}  // namespace trident
