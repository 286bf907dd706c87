#include "agent/jobs/job_reporter.h"

#include <string>
#include <utility>

namespace trident {

Event StepTold(const Plan& plan, size_t index, StepEvent::State state) {
  const Step& step = plan.steps[index];
  Event event;
  event.step = {.id = step.id,
                .description = step.description,
                .phase = step.phase,
                .index = static_cast<uint32_t>(index + 1),
                .count = static_cast<uint32_t>(plan.steps.size()),
                .bytes_to_write = step.kind == StepKind::kWriteImage ? step.bytes : 0,
                .bytes_to_fetch = step.fetch_bytes,
                .state = state};
  return event;
}

JobReporter::JobReporter(Ledger& ledger, Journal& journal, Clock& clock, Pulse& pulse,
                         const Job& job, size_t index, ProgressMeter* meter)
    : ledger_(ledger),
      journal_(journal),
      clock_(clock),
      pulse_(pulse),
      job_(job),
      index_(index),
      meter_(meter) {}

void JobReporter::Progress(uint64_t done, uint64_t total) {
  pulse_.Beat(clock_.BootNanos());
  if (meter_ == nullptr) return;
  const auto progress = meter_->Update(done, total, clock_.BootNanos());
  if (!progress.has_value()) return;
  Event event = StepTold(*job_.plan, index_, StepEvent::State::kStarted);
  event.job = Summarize(job_);
  event.progress = *progress;
  journal_.Tell(std::move(event));
}

void JobReporter::Info(std::string_view message) { Tell(LogLevel::kInfo, "info", message); }

void JobReporter::Warning(std::string_view message) { Tell(LogLevel::kWarn, "warn", message); }

void JobReporter::Tell(LogLevel level, const char* name, std::string_view message) {
  pulse_.Beat(clock_.BootNanos());
  Log(level, message, {.job = job_.id, .step = job_.plan->steps[index_].id});
  if (meter_ == nullptr) return;
  Event event = StepTold(*job_.plan, index_, StepEvent::State::kStarted);
  event.log = LogEvent{name, std::string(message)};
  const auto written = ledger_.Edit(job_, Telling(std::move(event)));
  if (!written.ok() && !HasMovedOn(written.status()) && error_.ok()) error_ = written.status();
}

}  // namespace trident
