#include "agent/kickstart/pre_scripts.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/kickstart/script_log.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

constexpr auto kTimeLimit = std::chrono::minutes(10);
// Of what the script said last, in an error.
constexpr size_t kMostQuoted = 1000;
// Of what the script said, for its log file.
constexpr size_t kMostKept = 1 << 20;
// What a script is told may be a secret.
constexpr uint32_t kPrivateFile = 0600;
constexpr uint32_t kPrivateFolder = 0700;

// The last lines, as far as they fit.
std::string LastLines(const std::string& text) {
  std::string_view last = StripWhitespace(text);
  if (last.size() > kMostQuoted) {
    last.remove_prefix(last.size() - kMostQuoted);
    last.remove_prefix(std::min(last.size(), last.find('\n') + 1));
  }
  return std::string(last);
}

}  // namespace

PreScripts::PreScripts(Files& files, CommandRunner& commands, const Cancellation& cancellation,
                       std::string folder)
    : files_(files), commands_(commands), cancellation_(cancellation), folder_(std::move(folder)) {}

absl::Status PreScripts::WriteLog(const kickstart::ScriptSection& script, const std::string& said) {
  if (!script.log) return absl::OkStatus();
  const std::string folder = std::filesystem::path(*script.log).parent_path().string();
  TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder, 0755));
  return files_.Write(*script.log, said, kPrivateFile);
}

absl::Status PreScripts::Run(const kickstart::ScriptSection& script) {
  const std::string name = absl::StrCat("%pre (", kickstart::DescribePlace(script.line), ")");
  const std::string path = absl::StrCat(folder_, "/pre-", count_++);
  TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder_, kPrivateFolder));
  TRIDENT_RETURN_IF_ERROR(files_.Write(path, script.content, kPrivateFile));
  spdlog::info("{}: runs with {}", name, script.interpreter);
  Command command;
  command.argv = {script.interpreter, path};
  command.timeout = kTimeLimit;
  command.cancellation = &cancellation_;
  command.end_group = true;
  ScriptLog log(name);
  // The log file has what the script said also when it did not come to its end.
  std::string said;
  command.on_output = [&](std::string_view piece) {
    log.Add(piece);
    said += piece;
    if (said.size() > 2 * kMostKept) said.erase(0, said.size() - kMostKept);
  };
  const absl::StatusOr<CommandResult> result = commands_.Run(command);
  if (const absl::Status removed = files_.Remove(path); !removed.ok()) {
    spdlog::warn("{}: {} is left over: {}", name, path, std::string{removed.message()});
  }
  log.End();
  if (said.size() > kMostKept) said.erase(0, said.size() - kMostKept);
  const absl::Status logged = WriteLog(script, said);
  TRIDENT_RETURN_IF_ERROR(result.status());
  TRIDENT_RETURN_IF_ERROR(logged);
  if (result->exit_status == 0) return absl::OkStatus();
  const std::string last = LastLines(said);
  return MakeError(absl::StatusCode::kFailedPrecondition, "environment", "pre-script-failed",
                   absl::StrCat("the script ended with status ", result->exit_status,
                                last.empty() ? "" : ", and said last: ", last));
}

}  // namespace trident
