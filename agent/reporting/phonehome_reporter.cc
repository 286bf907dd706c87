#include "agent/reporting/phonehome_reporter.h"

#include "absl/strings/str_cat.h"

namespace trident {

void PhonehomeReporter::OnEvent(const Event& event) {
  if (!event.transition || !event.job.has_value() || !IsFinal(event.job->state)) return;
  const JobSummary& job = *event.job;
  if (job.state == JobState::kSucceeded) {
    phonehome_.Succeeded(status_yaml_());
    return;
  }
  ErrorDetail detail = job.error.value_or(ErrorDetail{});
  const std::string why = detail.message.empty() ? job.reason : detail.message;
  detail.message = absl::StrCat("job ", job.id, " ended as ", std::string(JobStateName(job.state)),
                                why.empty() ? "" : ": ", why);
  phonehome_.Failed(detail, status_yaml_());
}

}  // namespace trident
