// Everything that reads the journal of a running agent along, as the agent's configuration asks.
#ifndef TRIDENT_AGENT_REPORTING_REPORTING_H_
#define TRIDENT_AGENT_REPORTING_REPORTING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/clock.h"
#include "agent/host/files.h"
#include "agent/jobs/job_manager.h"
#include "agent/reporting/journal_watcher.h"
#include "agent/reporting/log_stream.h"
#include "agent/reporting/metrics.h"
#include "agent/reporting/metrics_file.h"
#include "agent/reporting/metrics_server.h"
#include "agent/reporting/phonehome.h"
#include "agent/reporting/phonehome_reporter.h"
#include "agent/reporting/service_status.h"
#include "agent/reporting/watchdog.h"
#include "common/config/agent_configuration.h"

namespace trident {

// Makes the log go to the server at `url` as well, as long as what is returned lives. Call it
// before there are threads that log.
std::shared_ptr<LogStream> StreamLogTo(const std::string& url);

std::unique_ptr<Phonehome> MakePhonehome(const std::string& url);

class Reporting {
 public:
  struct Agent {
    JobManager& jobs;  // started
    Files& files;
    Clock& clock;
    // The newest event before the manager was started: what it did since then is reported.
    uint64_t after_sequence = 0;
    std::shared_ptr<LogStream> log_stream;  // may be null
    // PhonehomeReporter::Functions::address: a job may have changed it.
    std::function<absl::StatusOr<std::optional<std::string>>()> phonehome;
  };

  // Says "started" to phonehome. What cannot be had, such as the metrics' port, is told to the log:
  // a host must not be without its agent for it.
  static std::unique_ptr<Reporting> Start(const AgentConfiguration& configuration,
                                          const Agent& agent);
  // After the manager was stopped and before it is destroyed. Gives phonehome some seconds to say
  // what happened last.
  ~Reporting();
  Reporting(const Reporting&) = delete;
  Reporting& operator=(const Reporting&) = delete;

  // Only Start makes one.
  class Key {
    friend class Reporting;
    Key() = default;
  };
  explicit Reporting(Key) {}

 private:
  std::unique_ptr<PhonehomeReporter> phonehome_reporter_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  std::unique_ptr<MetricsFile> metrics_file_;
  std::unique_ptr<ServiceStatus> service_status_;
  std::unique_ptr<JournalWatcher> watcher_;
  std::unique_ptr<Watchdog> watchdog_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_REPORTING_H_
