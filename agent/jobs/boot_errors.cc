#include "agent/jobs/boot_errors.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::Status TargetNotBooted(const Job& job, const BootFinding& finding) {
  const std::string wanted = job.plan->target.has_value()
                                 ? std::string(VolumeName(*job.plan->target))
                                 : std::string("the new system");
  ErrorDetail detail;
  detail.kind = "boot";
  detail.subkind = "target-not-booted";
  detail.message = absl::StrCat("The host came up on ", finding.booted, " instead of ", wanted,
                                ": the new system did not start.");
  if (job.error.has_value()) {
    detail.message = absl::StrCat("The host is still on ", finding.booted, " instead of ", wanted,
                                  ": ", job.error->message);
    detail.causes.push_back(job.error->message);
  }
  detail.remedy = "Look at the console of the failed boot, mend the image, and submit it again.";
  return MakeError(absl::StatusCode::kFailedPrecondition, std::move(detail));
}

absl::Status OptionsNotBooted(const Job& job) {
  ErrorDetail detail;
  detail.kind = "boot";
  detail.subkind = "options-not-booted";
  detail.message =
      "The host came up without the new options of the kernel: it did not start with them, or its "
      "boot loader did not try them.";
  if (job.error.has_value()) {
    detail.message = absl::StrCat("The host still runs without the new options of the kernel: ",
                                  job.error->message);
    detail.causes.push_back(job.error->message);
  }
  detail.remedy =
      "Look at the console of the failed boot, correct osconfig.kernelCommandLine, and submit it "
      "again; or make the change together with an A/B update.";
  return MakeError(absl::StatusCode::kFailedPrecondition, std::move(detail));
}

}  // namespace trident
