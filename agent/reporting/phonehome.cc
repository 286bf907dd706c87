#include "agent/reporting/phonehome.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"
#include "common/base/strings.h"
#include "common/config/url.h"

namespace trident {

Phonehome::Phonehome(std::unique_ptr<HttpPoster> poster, PhonehomeOptions options)
    : poster_(std::move(poster)), options_(std::move(options)), thread_([this] { Send(); }) {}

Phonehome::~Phonehome() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  cancellation_.Cancel();
  changed_.notify_all();
  thread_.join();
}

void Phonehome::Started(std::string host_status) {
  Add({.state = "started", .text = "", .host_status = std::move(host_status)});
}

void Phonehome::Succeeded(std::string host_status) {
  Add({.state = "succeeded",
       .text = "provisioning succeeded",
       .host_status = std::move(host_status)});
}

void Phonehome::Failed(const ErrorDetail& error, std::string host_status) {
  Add({.state = "failed", .text = FailureText(error), .host_status = std::move(host_status)});
}

void Phonehome::Add(Message message) {
  bool given_up = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(message));
    ++added_;
    resting_ = false;
    // Not the one that is being sent.
    if (waiting_.size() > options_.kept) {
      waiting_.erase(waiting_.begin() + (sending_ ? 1 : 0));
      given_up = true;
    }
  }
  changed_.notify_all();
  if (given_up) Log(LogLevel::kWarn, "phonehome: the oldest message that waited is given up");
}

bool Phonehome::Flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return waiting_.empty() || resting_; });
  return waiting_.empty();
}

void Phonehome::Leave() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_all();
}

bool Phonehome::has_left() {
  const std::lock_guard lock(mutex_);
  return left_;
}

void Phonehome::Send() {
  std::chrono::milliseconds pause = options_.first_pause;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || leaving_ || !waiting_.empty(); });
    if (ending_) return;
    if (waiting_.empty()) {
      left_ = true;
      return;
    }
    const bool is_last_series = leaving_;
    const Message message = waiting_.front();
    const uint64_t added = added_;
    sending_ = true;
    lock.unlock();
    const bool sent = SendSeries(message);
    lock.lock();
    sending_ = false;
    if (sent) {
      pause = options_.first_pause;
      waiting_.pop_front();
      changed_.notify_all();
      continue;
    }
    // A new message is worth a new series at once.
    if (added_ != added) continue;
    resting_ = true;
    changed_.notify_all();
    if (is_last_series) {
      left_ = true;
      return;
    }
    changed_.wait_for(lock, pause, [&] { return ending_ || leaving_ || added_ != added; });
    pause = std::min(pause * 2, options_.longest_pause);
    resting_ = false;
  }
}

bool Phonehome::SendSeries(const Message& message) {
  absl::Status status;
  for (const std::chrono::milliseconds wait : options_.waits) {
    const std::string text = message.text.empty() ? absl::StrCat(
                                                        "Trident started (connection "
                                                        "attempt ",
                                                        connections_++, ")")
                                                  : message.text;
    status = poster_->Post(Body(message, text), cancellation_);
    if (status.ok()) return true;
    if (cancellation_.WaitFor(wait)) return false;
  }
  Log(LogLevel::kWarn,
      absl::StrCat("phonehome: '", message.state,
                   "' could not be reported and is tried again: ", std::string{status.message()}));
  return false;
}

std::string Phonehome::Body(const Message& message, const std::string& text) {
  nlohmann::json body = {{"state", message.state}, {"message", text}};
  if (!message.host_status.empty()) body["host_status"] = message.host_status;
  // Errors may quote bytes of a tool's output that are not UTF-8.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string FailureText(const ErrorDetail& error) {
  std::string text = error.message;
  for (const std::string& cause : error.causes) absl::StrAppend(&text, "\nbecause: ", cause);
  for (const Finding& finding : error.findings) {
    absl::StrAppend(&text, "\n", finding.line, ":", finding.column, ": ", finding.path, ": ",
                    finding.reason);
  }
  if (!error.remedy.empty()) absl::StrAppend(&text, "\nwhat to do: ", error.remedy);
  return text;
}

std::optional<std::string> PhonehomeUrlIn(std::string_view broken_configuration) {
  constexpr std::string_view kKey = "phonehome:";
  for (const std::string_view line : StrSplit(broken_configuration, '\n')) {
    if (!line.starts_with(kKey)) continue;
    std::string_view rest = StripWhitespace(line.substr(kKey.size()));
    if (rest.size() >= 2 && (rest.front() == '"' || rest.front() == '\'') &&
        rest.back() == rest.front()) {
      rest = rest.substr(1, rest.size() - 2);
    }
    const auto url = ParseUrl(rest);
    if (url.ok() && (url->scheme == "http" || url->scheme == "https") && !url->host.empty()) {
      return std::string(rest);
    }
  }
  return std::nullopt;
}

}  // namespace trident
