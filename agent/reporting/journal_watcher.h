// Reads the journal and hands its events on.
#ifndef TRIDENT_AGENT_REPORTING_JOURNAL_WATCHER_H_
#define TRIDENT_AGENT_REPORTING_JOURNAL_WATCHER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/jobs/job_manager.h"
#include "agent/reporting/event_sink.h"

namespace trident {

class JournalWatcher {
 public:
  // From the event after `after_sequence`. The manager must have been started. All are used as long
  // as this lives.
  JournalWatcher(JobManager& jobs, uint64_t after_sequence, std::vector<EventSink*> sinks);
  // Reads what is there, then ends.
  ~JournalWatcher();
  JournalWatcher(const JournalWatcher&) = delete;
  JournalWatcher& operator=(const JournalWatcher&) = delete;

 private:
  void Watch(uint64_t after_sequence);

  JobManager& jobs_;
  const std::vector<EventSink*> sinks_;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_JOURNAL_WATCHER_H_
