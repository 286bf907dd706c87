#include "agent/reporting/phonehome_reporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

PhonehomeReporter::PhonehomeReporter(Address address, Functions functions)
    : functions_(std::move(functions)), address_(std::move(address)) {
  Connect();
}

void PhonehomeReporter::Connect() {
  if (address_) phonehome_ = functions_.connect(*address_);
}

void PhonehomeReporter::Started() {
  if (phonehome_ != nullptr) phonehome_->Started(functions_.status_yaml());
}

void PhonehomeReporter::OnEvent(const Event& event) {
  if (!event.transition || !event.job.has_value() || !IsFinal(event.job->state)) return;
  if (phonehome_ != nullptr) Tell(*event.job);
  // Also after a job that failed: what it changed was taken back, perhaps since this agent started.
  FollowAddress();
}

void PhonehomeReporter::Tell(const JobSummary& job) {
  if (job.state == JobState::kSucceeded) {
    phonehome_->Succeeded(functions_.status_yaml());
    return;
  }
  ErrorDetail detail = job.error.value_or(ErrorDetail{});
  const std::string why = detail.message.empty() ? job.reason : detail.message;
  detail.message = absl::StrCat("job ", job.id, " ended as ", std::string(JobStateName(job.state)),
                                why.empty() ? "" : ": ", why);
  phonehome_->Failed(detail, functions_.status_yaml());
}

void PhonehomeReporter::FollowAddress() {
  std::erase_if(former_, [](const auto& phonehome) { return phonehome->has_left(); });
  absl::StatusOr<Address> address = functions_.address();
  if (!address.ok()) {
    Log(LogLevel::kWarn, absl::StrCat("phonehome: whether its address has changed is not known: ",
                                      std::string{address.status().message()}));
    return;
  }
  if (*address == address_) return;
  if (phonehome_ != nullptr) {
    phonehome_->Leave();
    former_.push_back(std::move(phonehome_));
  }
  address_ = *std::move(address);
  Connect();
}

void PhonehomeReporter::Flush(std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + limit;
  const auto left = [end] {
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()));
  };
  for (const auto& phonehome : former_) phonehome->Flush(left());
  if (phonehome_ != nullptr) phonehome_->Flush(left());
}

}  // namespace trident
