// Runs the %pre scripts of a kickstart on this host.
#ifndef TRIDENT_AGENT_KICKSTART_PRE_SCRIPTS_H_
#define TRIDENT_AGENT_KICKSTART_PRE_SCRIPTS_H_

#include <cstddef>
#include <string>

#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/kickstart/kickstart.h"

namespace trident {

// A script has ten minutes. What it says goes to the agent's log as it appears, and the last
// MiB of it to the file that its --log names. What it has left running when it ends, and what does
// not end in time, is ended.
class PreScripts : public kickstart::PreScriptRunner {
 public:
  // All must outlive this. `folder`: where a script is kept while it runs; made when it is missing.
  PreScripts(Files& files, CommandRunner& commands, const Cancellation& cancellation,
             std::string folder = "/run/trident/kickstart");

  absl::Status Run(const kickstart::ScriptSection& script) override;

 private:
  absl::Status WriteLog(const kickstart::ScriptSection& script, const std::string& said);

  Files& files_;
  CommandRunner& commands_;
  const Cancellation& cancellation_;
  const std::string folder_;
  size_t count_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_KICKSTART_PRE_SCRIPTS_H_
