// `trident run` and `trident get` as clients of an agent that serves already.
#ifndef TRIDENT_AGENT_DAEMON_CLIENT_H_
#define TRIDENT_AGENT_DAEMON_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

class DaemonClient {
 public:
  virtual ~DaemonClient() = default;

  // The Host Status as YAML.
  virtual absl::StatusOr<std::string> Status() = 0;

  // Brings the host to the document, logging what happens: first waits for a job that is finding
  // out which volume booted, then submits unless the host is as the document says. OK also when
  // the host is about to reboot. An empty document: only the waiting.
  virtual absl::Status Run(const std::string& host_configuration) = 0;

  // The last Run began or rejoined a job.
  virtual bool job_seen() const = 0;

  // From any thread: ends a Run that is under way, and any later one, with CANCELLED. The job goes
  // on in the agent.
  virtual void Interrupt() = 0;
};

// UNAVAILABLE: nobody serves at `socket_path`.
absl::StatusOr<std::unique_ptr<DaemonClient>> ConnectToDaemon(const std::string& socket_path);

}  // namespace trident

#endif  // TRIDENT_AGENT_DAEMON_CLIENT_H_
