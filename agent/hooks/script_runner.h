// Runs the scripts of a Host Configuration.
#ifndef TRIDENT_AGENT_HOOKS_SCRIPT_RUNNER_H_
#define TRIDENT_AGENT_HOOKS_SCRIPT_RUNNER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"
#include "agent/host/clock.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// When in a servicing the scripts of a list run.
enum class ScriptStage { kPreServicing, kPostProvision, kPostConfigure };

// "preServicing": the key of the list.
std::string_view ScriptStageName(ScriptStage stage);
const std::vector<Script>& ScriptsOf(const Scripts& scripts, ScriptStage stage);
// "preServicing[0]": the place of a script below `scripts`.
std::string ScriptPlace(ScriptStage stage, size_t index);
// The script at such a place, and its stage; a null script: there is none.
std::pair<const Script*, ScriptStage> FindScript(const Scripts& scripts, std::string_view place);

// Whether `servicingType` selects the script. Only `all` matches a hot patch.
bool RunsIn(const Script& script, ServicingKind kind);

// One run of one script.
struct ScriptRun {
  const Script& script;
  // Its place in the document, "scripts.preServicing[0]".
  std::string place;
  ServicingKind kind = ServicingKind::kNone;
  // Where the mounted new root is, when the script runs inside of it; empty: in this system. The
  // script's log file is a file of the system that it runs in.
  std::string root;
  // TARGET_ROOT and HOST_ROOT_DEVICE for it.
  std::string target_root;
  std::string host_root_device;
  // Gets what the script says, line by line.
  std::function<void(std::string_view line)> log;
};

// Runs it to its end. The script is written to a private file below /run/trident and removed
// afterwards; what it leaves running in its process group is ended with it. Errors name the script,
// its place, its exit status or what else ended it, and its last lines; kind "script".
absl::Status RunScript(Files& files, CommandRunner& commands, const Clock& clock,
                       const ScriptRun& run, const Cancellation& cancellation);

// Whether the file of a script that is given by `path` can be read here, for the plan.
absl::Status CheckScriptFile(const Files& files, const Script& script);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOOKS_SCRIPT_RUNNER_H_
