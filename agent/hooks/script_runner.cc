#include "agent/hooks/script_runner.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/hooks/script_output.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

// Folder for the scripts, private, in memory in this system as in a new root.
constexpr char kFolder[] = "/run/trident/scripts";
// Of a script's file, and of what of its output is kept in its log file.
constexpr uint64_t kMostScriptBytes = 16 << 20;
constexpr uint64_t kMostLogFileBytes = 16 << 20;

std::string NameOf(const ScriptRun& run) {
  return absl::StrCat("the script '", run.script.name, "' (", run.place, ")");
}

// The log file of a script: written as the output comes, up to its limit.
class LogFile {
 public:
  LogFile(Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  // Makes the folders and an empty file.
  absl::Status Begin() {
    if (path_.empty()) return absl::OkStatus();
    const std::string folder = path_.substr(0, std::max<size_t>(path_.rfind('/'), 1));
    TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder, 0755));
    return files_.Write(path_, "", 0640);
  }

  void Take(std::string_view chunk) {
    if (path_.empty() || !error_.ok()) return;
    const std::string_view kept = chunk.substr(0, kMostLogFileBytes - written_);
    dropped_ += chunk.size() - kept.size();
    if (kept.empty()) return;
    written_ += kept.size();
    error_ = files_.Append(path_, kept, 0640);
  }

  // The first thing that went wrong.
  absl::Status Finish() {
    if (dropped_ > 0 && error_.ok()) {
      error_ = files_.Append(path_, absl::StrCat("\n... ", dropped_, " more bytes are left out\n"),
                             0640);
    }
    return error_;
  }

 private:
  Files& files_;
  const std::string path_;  // empty: none is asked for
  uint64_t written_ = 0;
  uint64_t dropped_ = 0;
  absl::Status error_;
};

// A file that is there as long as the object is.
class ScriptFile {
 public:
  ScriptFile(Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  ~ScriptFile() {
    // Nothing is lost when it stays: the folder is private and in memory.
    files_.Remove(path_).IgnoreError();
  }

  absl::Status Write(std::string_view text) {
    const std::string folder = path_.substr(0, path_.rfind('/'));
    TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder, 0700));
    return files_.Write(path_, text, 0700);
  }

 private:
  Files& files_;
  const std::string path_;
};

absl::StatusOr<std::string> TextOf(const Files& files, const Script& script) {
  if (script.content) return *script.content;
  return files.Read(script.path.value_or(""), kMostScriptBytes);
}

// "clean_install", as UPDATE_KIND has it.
std::string UpdateKindWord(ServicingKind kind) {
  return absl::StrReplaceAll(std::string(ServicingKindName(kind)), {{"-", "_"}});
}

std::map<std::string, std::string> EnvironmentOf(const ScriptRun& run) {
  std::map<std::string, std::string> environment = run.script.environment_variables;
  environment["UPDATE_KIND"] = UpdateKindWord(run.kind);
  environment["SERVICING_TYPE"] = std::string(ServicingKindName(run.kind));
  environment["TARGET_ROOT"] = run.target_root;
  environment["HOST_ROOT_DEVICE"] = run.host_root_device;
  return environment;
}

// Where a path of the system that the script runs in is, seen from here.
absl::StatusOr<std::string> Seen(const Files& files, const ScriptRun& run,
                                 const std::string& path) {
  if (run.root.empty()) return path;
  return ResolveBelow(files, run.root, path);
}

absl::Status Failed(const ScriptRun& run, absl::StatusCode code, std::string_view subkind,
                    const std::string& what, const ScriptOutput& output) {
  const std::string last = output.LastLines();
  return MakeError(code, "script", subkind,
                   absl::StrCat(NameOf(run), " ", what,
                                last.empty() ? "; it said nothing" : "; its last lines: ", last),
                   "Mend the script, or what it needs, and submit the configuration again.");
}

}  // namespace

std::string_view ScriptStageName(ScriptStage stage) {
  switch (stage) {
    case ScriptStage::kPreServicing:
      return "preServicing";
    case ScriptStage::kPostProvision:
      return "postProvision";
    case ScriptStage::kPostConfigure:
      return "postConfigure";
  }
  return "";
}

const std::vector<Script>& ScriptsOf(const Scripts& scripts, ScriptStage stage) {
  switch (stage) {
    case ScriptStage::kPreServicing:
      return scripts.pre_servicing;
    case ScriptStage::kPostProvision:
      return scripts.post_provision;
    case ScriptStage::kPostConfigure:
      break;
  }
  return scripts.post_configure;
}

std::string ScriptPlace(ScriptStage stage, size_t index) {
  return StrCat(ScriptStageName(stage), "[", index, "]");
}

std::pair<const Script*, ScriptStage> FindScript(const Scripts& scripts, std::string_view place) {
  for (const ScriptStage stage :
       {ScriptStage::kPreServicing, ScriptStage::kPostProvision, ScriptStage::kPostConfigure}) {
    const std::vector<Script>& list = ScriptsOf(scripts, stage);
    for (size_t i = 0; i < list.size(); ++i) {
      if (ScriptPlace(stage, i) == place) return {&list[i], stage};
    }
  }
  return {nullptr, ScriptStage::kPreServicing};
}

bool RunsIn(const Script& script, ServicingKind kind) {
  return std::any_of(script.servicing_type.begin(), script.servicing_type.end(),
                     [kind](ScriptServicing type) {
                       switch (type) {
                         case ScriptServicing::kCleanInstall:
                           return kind == ServicingKind::kCleanInstall;
                         case ScriptServicing::kNormalUpdate:
                           return kind == ServicingKind::kNormalUpdate;
                         case ScriptServicing::kAbUpdate:
                           return kind == ServicingKind::kAbUpdate;
                         case ScriptServicing::kUpdateAndReboot:
                           return kind == ServicingKind::kUpdateAndReboot;
                         case ScriptServicing::kAll:
                           return true;
                       }
                       return false;
                     });
}

absl::Status RunScript(Files& files, CommandRunner& commands, const Clock& clock,
                       const ScriptRun& run, const Cancellation& cancellation) {
  const Script& script = run.script;
  TRIDENT_ASSIGN_OR_RETURN(const std::string text, TextOf(files, script));
  const std::string file = absl::StrCat(kFolder, "/", run.place);
  TRIDENT_ASSIGN_OR_RETURN(const std::string seen_file, Seen(files, run, file));
  ScriptFile script_file(files, seen_file);
  TRIDENT_RETURN_IF_ERROR(Annotate(script_file.Write(text), "write " + NameOf(run)));

  std::string log_path;
  if (script.log_file_path) {
    TRIDENT_ASSIGN_OR_RETURN(log_path, Seen(files, run, *script.log_file_path));
  }
  LogFile log_file(files, log_path);
  TRIDENT_RETURN_IF_ERROR(Annotate(log_file.Begin(), "make the log file of " + NameOf(run)));
  ScriptOutput output({}, run.log,
                      [&clock] { return std::chrono::nanoseconds(clock.BootNanos()); });

  Command command;
  command.argv = {script.interpreter, file};
  command.environment = EnvironmentOf(run);
  command.root = run.root;
  command.timeout = std::chrono::seconds(script.timeout_seconds);
  command.cancellation = &cancellation;
  command.end_group = true;
  command.on_output = [&](std::string_view chunk) {
    log_file.Take(chunk);
    output.Take(chunk);
  };
  const absl::StatusOr<CommandResult> result = commands.Run(command);
  output.Finish();
  const absl::Status logged = log_file.Finish();

  switch (result.status().code()) {
    case absl::StatusCode::kOk:
      break;
    case absl::StatusCode::kCancelled:
      return result.status();
    case absl::StatusCode::kDeadlineExceeded:
      return Failed(run, absl::StatusCode::kDeadlineExceeded, "script-timeout",
                    absl::StrCat("did not end within ", script.timeout_seconds,
                                 " s (timeoutSeconds) and was ended"),
                    output);
    case absl::StatusCode::kNotFound:
      return MakeError(absl::StatusCode::kFailedPrecondition, "script", "interpreter-missing",
                       absl::StrCat(NameOf(run), " cannot run: there is no interpreter ",
                                    script.interpreter, run.root.empty() ? "" : " in the new root"),
                       "Install it in the image, or name another interpreter.");
    default:
      return Failed(run, result.status().code(), "script-failed",
                    absl::StrCat("failed: ", result.status().message()), output);
  }
  if (result->exit_status != 0) {
    return Failed(run, absl::StatusCode::kInternal, "script-failed",
                  absl::StrCat("ended with exit status ", result->exit_status), output);
  }
  return Annotate(logged, "write the log file of " + NameOf(run));
}

absl::Status CheckScriptFile(const Files& files, const Script& script) {
  if (!script.path) return absl::OkStatus();
  return files.Read(*script.path, kMostScriptBytes).status();
}

}  // namespace trident
