#include "agent/reporting/reporting.h"

#include <utility>
#include <vector>

#include "agent/host/service_notification.h"
#include "agent/reporting/http_poster.h"
#include "common/base/logging.h"

namespace trident {
namespace {

constexpr auto kPhonehomeLimit = std::chrono::seconds(10);
constexpr auto kLogStreamLimit = std::chrono::seconds(5);
// A series of attempts takes about as long.
constexpr auto kLastWords = std::chrono::seconds(6);

// What the store knows from before this process.
void Recall(JobManager& jobs, Metrics& metrics) {
  if (const Snapshot now = jobs.Now(); now.job.has_value() && !IsFinal(now.job->state)) {
    metrics.SetActiveJob(now.job->state);
  }
  const auto recorded = jobs.List(0);
  if (!recorded.ok()) return;
  for (const JobSummary& job : *recorded) {
    if (job.state != JobState::kSucceeded) continue;
    metrics.SetLastSuccess(job.updated_micros);
    return;
  }
}

}  // namespace

std::shared_ptr<LogStream> StreamLogTo(const std::string& url) {
  auto stream = std::make_shared<LogStream>(MakeHttpPoster(url, kLogStreamLimit));
  // The listener lives as long as the process, the stream only as long as its owner wants.
  AddLogListener([weak = std::weak_ptr<LogStream>(stream)](const LogRecord& record) {
    if (const auto alive = weak.lock()) alive->Add(record);
  });
  return stream;
}

std::unique_ptr<Phonehome> MakePhonehome(const std::string& url) {
  return std::make_unique<Phonehome>(MakeHttpPoster(url, kPhonehomeLimit));
}

std::unique_ptr<Reporting> Reporting::Start(const AgentConfiguration& configuration,
                                            const Agent& agent) {
  auto reporting = std::make_unique<Reporting>(Key());
  JobManager& jobs = agent.jobs;
  const auto status_yaml = [&jobs] { return jobs.Now().status_yaml; };
  std::vector<EventSink*> sinks;

  reporting->service_status_ = std::make_unique<ServiceStatus>(NotifyStatus);
  sinks.push_back(reporting->service_status_.get());
  reporting->phonehome_reporter_ = std::make_unique<PhonehomeReporter>(
      configuration.phonehome,
      PhonehomeReporter::Functions{
          .status_yaml = status_yaml, .address = agent.phonehome, .connect = MakePhonehome});
  reporting->phonehome_reporter_->Started();
  sinks.push_back(reporting->phonehome_reporter_.get());
  if (configuration.metrics) {
    Metrics::Sources sources{.status_yaml = status_yaml, .dropped_records = nullptr};
    if (agent.log_stream != nullptr) {
      sources.dropped_records = [stream = agent.log_stream] { return stream->dropped(); };
    }
    reporting->metrics_ = std::make_unique<Metrics>(std::move(sources), agent.clock.WallMicros());
    Metrics& metrics = *reporting->metrics_;
    Recall(jobs, metrics);
    // Before the file: it reads what the metrics have counted.
    sinks.push_back(&metrics);
    const auto text = [&metrics] { return metrics.Text(); };
    if (configuration.metrics->listen_port) {
      auto server = MetricsServer::Start(*configuration.metrics->listen_port, text);
      if (server.ok()) {
        reporting->metrics_server_ = *std::move(server);
      } else {
        Log(LogLevel::kError, std::string{server.status().message()});
      }
    }
    if (configuration.metrics->textfile) {
      reporting->metrics_file_ =
          std::make_unique<MetricsFile>(agent.files, *configuration.metrics->textfile, text);
      sinks.push_back(reporting->metrics_file_.get());
    }
  }
  reporting->watcher_ =
      std::make_unique<JournalWatcher>(jobs, agent.after_sequence, std::move(sinks));
  if (const auto interval = WatchdogInterval()) {
    reporting->watchdog_ = std::make_unique<Watchdog>(
        *interval, kWorkerPatience,
        Watchdog::Functions{.silence = [&jobs] { return jobs.WorkerSilence(); },
                            .ping = NotifyAlive});
  }
  return reporting;
}

Reporting::~Reporting() {
  // First what feeds the others.
  watcher_.reset();
  if (phonehome_reporter_ != nullptr) phonehome_reporter_->Flush(kLastWords);
}

}  // namespace trident
