#include "agent/reporting/log_stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace trident {
namespace {

// How long the end of the agent may be held up by what waits.
constexpr std::chrono::milliseconds kLastWords = std::chrono::seconds(2);

std::string BodyOf(const LogRecord& record, size_t limit) {
  std::string message(record.message.substr(0, limit));
  if (record.message.size() > limit) message += " [cut]";
  const nlohmann::json body = {
      {"level", absl::AsciiStrToLower(std::string(LogLevelName(record.level)))},
      {"message", std::move(message)},
      {"target", std::string(record.target)},
      {"module", ""},
      {"file", std::string(record.file)},
      {"line", record.line}};
  // Messages may quote bytes of a tool's output that are not UTF-8.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

LogStream::LogStream(std::unique_ptr<HttpPoster> poster, LogStreamOptions options)
    : poster_(std::move(poster)), options_(options), thread_([this] { Send(); }) {}

LogStream::~LogStream() {
  {
    std::unique_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kLastWords, [this] { return waiting_.empty() && !sending_; });
  }
  cancellation_.Cancel();
  changed_.notify_all();
  thread_.join();
}

void LogStream::Add(const LogRecord& record) {
  if (record.level == LogLevel::kTrace) return;
  std::string body = BodyOf(record, options_.message_bytes);
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    waiting_bytes_ += body.size();
    waiting_.push_back(std::move(body));
    while (waiting_.size() > options_.kept || waiting_bytes_ > options_.kept_bytes) DropOldest();
  }
  changed_.notify_all();
}

void LogStream::DropOldest() {
  waiting_bytes_ -= waiting_.front().size();
  waiting_.pop_front();
  ++dropped_;
}

uint64_t LogStream::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

uint64_t LogStream::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

void LogStream::Send() {
  std::chrono::milliseconds pause = options_.first_pause;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const uint64_t untold = dropped_ - dropped_told_;
    std::string body;
    if (untold > 0) {
      const std::string words =
          absl::StrCat(untold, " records were dropped: this server did not take them in time");
      LogRecord record;
      record.level = LogLevel::kWarn;
      record.message = words;
      record.target = "trident";
      body = BodyOf(record, options_.message_bytes);
    } else {
      // Out of the queue while it is on its way: what is dropped meanwhile is something else.
      body = std::move(waiting_.front());
      waiting_bytes_ -= body.size();
      waiting_.pop_front();
    }
    sending_ = true;
    lock.unlock();
    const bool sent = poster_->Post(body, cancellation_).ok();
    lock.lock();
    sending_ = false;
    if (sent) {
      pause = options_.first_pause;
      if (untold > 0) {
        dropped_told_ += untold;
      } else {
        ++sent_;
      }
    } else {
      if (untold == 0) {
        waiting_bytes_ += body.size();
        waiting_.push_front(std::move(body));
        while (waiting_.size() > options_.kept || waiting_bytes_ > options_.kept_bytes) {
          DropOldest();
        }
      }
      if (cancellation_.cancelled()) return;
      changed_.wait_for(lock, pause, [this] { return ending_; });
      if (ending_) return;
      pause = std::min(pause * 2, options_.longest_pause);
    }
    changed_.notify_all();
  }
}

}  // namespace trident
