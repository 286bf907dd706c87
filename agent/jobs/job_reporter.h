// What a running step tells.
#ifndef TRIDENT_AGENT_JOBS_JOB_REPORTER_H_
#define TRIDENT_AGENT_JOBS_JOB_REPORTER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "agent/host/clock.h"
#include "agent/jobs/job.h"
#include "agent/jobs/journal.h"
#include "agent/jobs/ledger.h"
#include "agent/jobs/progress.h"
#include "agent/jobs/pulse.h"
#include "agent/servicing/servicer.h"
#include "common/base/logging.h"

namespace trident {

// That the step with this index began or ended.
Event StepTold(const Plan& plan, size_t index, StepEvent::State state);

// Tells it to the journal and to the log. While leaving (`meter` null): to the log only. All are
// used as long as this lives.
class JobReporter final : public StepReporter {
 public:
  JobReporter(Ledger& ledger, Journal& journal, Clock& clock, Pulse& pulse, const Job& job,
              size_t index, ProgressMeter* meter);

  void Progress(uint64_t done, uint64_t total) override;
  void Info(std::string_view message) override;
  void Warning(std::string_view message) override;

  // The first failure to write what was told.
  const absl::Status& error() const { return error_; }

 private:
  void Tell(LogLevel level, const char* name, std::string_view message);

  Ledger& ledger_;
  Journal& journal_;
  Clock& clock_;
  Pulse& pulse_;
  const Job& job_;
  const size_t index_;
  ProgressMeter* const meter_;
  absl::Status error_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOB_REPORTER_H_
