// What the journal has for the orchestrator.
#ifndef TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_
#define TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/reporting/event_sink.h"
#include "agent/reporting/phonehome.h"

namespace trident {

// Tells how each job ended, to the address that counted while it ran. A job may change the address:
// what comes after its end goes to the new one, and the old one still hears what was meant for it.
// One thread at a time.
class PhonehomeReporter : public EventSink {
 public:
  // No value: nobody is told.
  using Address = std::optional<std::string>;

  struct Functions {
    std::function<std::string()> status_yaml;  // the Host Status now
    // The address that an agent which starts now would report to. Any error: it stays as it is.
    std::function<absl::StatusOr<Address>()> address;
    std::function<std::unique_ptr<Phonehome>(const std::string& url)> connect;
  };

  PhonehomeReporter(Address address, Functions functions);

  void Started();
  void OnEvent(const Event& event) override;

  // Phonehome::Flush for all that has been told, at most `limit` together.
  void Flush(std::chrono::milliseconds limit);

 private:
  void Tell(const JobSummary& job);
  void FollowAddress();
  void Connect();

  const Functions functions_;
  Address address_;
  std::unique_ptr<Phonehome> phonehome_;            // null: nobody is told
  std::vector<std::unique_ptr<Phonehome>> former_;  // that may have something to send
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_
