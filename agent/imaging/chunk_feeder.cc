#include "agent/imaging/chunk_feeder.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace trident {

std::span<uint8_t> ChunkFeeder::Room() {
  if (state_.stopped()) return {};
  if (!chunk_) chunk_ = channel_.Acquire();
  if (!chunk_) return {};
  return chunk_->room();
}

bool ChunkFeeder::Commit(size_t bytes) {
  sha256_.Update(chunk_->room().first(bytes));
  chunk_->Grow(bytes);
  fed_ += bytes;
  state_.fetched.store(fed_, std::memory_order_relaxed);
  return !chunk_->full() || Flush();
}

bool ChunkFeeder::Append(std::span<const uint8_t> data) {
  while (!data.empty()) {
    const std::span<uint8_t> room = Room();
    if (room.empty()) return false;
    const size_t bytes = std::min(room.size(), data.size());
    std::memcpy(room.data(), data.data(), bytes);
    if (!Commit(bytes)) return false;
    data = data.subspan(bytes);
  }
  return true;
}

bool ChunkFeeder::Restart() {
  if (Room().empty()) return false;
  chunk_->Clear();
  chunk_->restart = true;
  sha256_.Reset();
  fed_ = 0;
  state_.fetched.store(0, std::memory_order_relaxed);
  return true;
}

bool ChunkFeeder::Finish() {
  if (chunk_ && (chunk_->size() > 0 || chunk_->restart) && !Flush()) return false;
  channel_.Close();
  return !state_.stopped();
}

bool ChunkFeeder::Flush() {
  channel_.Send(std::exchange(chunk_, nullptr));
  return !state_.stopped();
}

}  // namespace trident
