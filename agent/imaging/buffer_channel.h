// A bounded queue between two threads of the image pipeline, with buffers that are used again.
#ifndef TRIDENT_AGENT_IMAGING_BUFFER_CHANNEL_H_
#define TRIDENT_AGENT_IMAGING_BUFFER_CHANNEL_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace trident {

// Page-aligned memory that goes back to the kernel when it is freed, so that an idle agent is as
// small after a stream as before.
class Buffer {
 public:
  // Throws std::bad_alloc.
  explicit Buffer(size_t capacity);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::span<const uint8_t> content() const { return {data_, size_}; }
  std::span<uint8_t> room() { return {data_ + size_, capacity_ - size_}; }
  void Grow(size_t bytes) { size_ += bytes; }  // `bytes` of room() were filled
  size_t size() const { return size_; }
  bool full() const { return size_ == capacity_; }
  void Clear() { size_ = 0; }

  // The stream starts over with this buffer: everything sent before it is void.
  bool restart = false;

 private:
  uint8_t* data_;
  size_t capacity_;
  size_t size_ = 0;
};

// One sender and one receiver. Memory is bounded by the number of buffers: Acquire waits until
// there is a free one.
class BufferChannel {
 public:
  // `count` buffers of `capacity` bytes; at least 2, so that both ends can work.
  BufferChannel(size_t count, size_t capacity);

  // An empty buffer. Null: aborted.
  std::unique_ptr<Buffer> Acquire();
  void Send(std::unique_ptr<Buffer> buffer);
  // No more will be sent.
  void Close();

  // The next buffer. Null: closed and nothing is left, or aborted.
  std::unique_ptr<Buffer> Receive();
  void Release(std::unique_ptr<Buffer> buffer);

  // Wakes both ends; from now on both get null. Any thread.
  void Abort();

 private:
  std::mutex mutex_;
  std::condition_variable free_changed_;
  std::condition_variable sent_changed_;
  std::vector<std::unique_ptr<Buffer>> free_;
  std::deque<std::unique_ptr<Buffer>> sent_;
  bool closed_ = false;
  bool aborted_ = false;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_BUFFER_CHANNEL_H_
