// Kickstart text -> Host Configuration, with all that is wrong told at once. docs/kickstart.md says
// what becomes of each command.
#ifndef TRIDENT_COMMON_KICKSTART_KICKSTART_H_
#define TRIDENT_COMMON_KICKSTART_KICKSTART_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/config/host_configuration.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/source_files.h"

namespace trident::kickstart {

// Runs %pre scripts, on the system that the translation happens on.
class PreScriptRunner {
 public:
  virtual ~PreScriptRunner() = default;

  // Runs one to its end. The status says why it failed.
  virtual absl::Status Run(const ScriptSection& script) = 0;
};

struct Options {
  // Null: %pre scripts are not run.
  PreScriptRunner* pre_scripts = nullptr;
  // A file that %include names may be missing: a %pre script that was not run could make it.
  bool missing_includes_allowed = false;
  // Passwords are translated to the modes `dangerous-plain-text` and `dangerous-hashed`; otherwise
  // a command with one is a DisallowedCommand.
  bool dangerous_passwords = false;
};

struct Translation {
  // Only without errors. It may be incomplete (no root file system, say), which is then a warning.
  std::optional<HostConfiguration> configuration;
  // Errors and warnings, in the order in which they were found.
  std::vector<Problem> problems;
};

// Never throws; safe on hostile input: it is bounded in size, depth and number of problems.
//
// `file`: the name of the file that the text comes from; empty: none. What the text names by a
// relative name is beside it.
//
// The scripts run in order, before files are included, until one fails; none is run when the
// kickstart itself (without the files that the scripts could change) is not in order.
Translation Translate(const std::string& text, const std::string& file, const SourceFiles& files,
                      const Options& options);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_KICKSTART_H_
