#include "agent/osconfig/services.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Toggler {
 public:
  explicit Toggler(TargetSystem& system) : system_(system) {}

  absl::Status Enable(const std::string& unit) {
    if (system_.is_running()) {
      TRIDENT_RETURN_IF_ERROR(MustExist("enable", unit));
      TRIDENT_ASSIGN_OR_RETURN(const bool is_enabled, Is("is-enabled", unit));
      if (!is_enabled) TRIDENT_RETURN_IF_ERROR(OnUndo("disable", unit));
    }
    TRIDENT_RETURN_IF_ERROR(Do("enable", unit));
    if (!system_.is_running()) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(const bool is_active, Is("is-active", unit));
    if (is_active) return absl::OkStatus();
    TRIDENT_RETURN_IF_ERROR(OnUndo("stop", unit));
    return Do("start", unit);
  }

  absl::Status Disable(const std::string& unit) {
    if (system_.is_running()) {
      TRIDENT_RETURN_IF_ERROR(MustExist("disable", unit));
      TRIDENT_ASSIGN_OR_RETURN(const bool is_active, Is("is-active", unit));
      TRIDENT_ASSIGN_OR_RETURN(const bool is_enabled, Is("is-enabled", unit));
      if (is_active) {
        TRIDENT_RETURN_IF_ERROR(OnUndo("start", unit));
        TRIDENT_RETURN_IF_ERROR(Do("stop", unit));
      }
      if (is_enabled) TRIDENT_RETURN_IF_ERROR(OnUndo("enable", unit));
    }
    return Do("disable", unit);
  }

 private:
  // Before it is noted how to set it back: that would fail as well.
  absl::Status MustExist(const char* verb, const std::string& unit) {
    TRIDENT_ASSIGN_OR_RETURN(const CommandResult result, system_.TrySystemctl({"cat", unit}));
    return result.exit_status == 0 ? absl::OkStatus() : Failed(verb, unit, result);
  }

  absl::StatusOr<bool> Is(const char* question, const std::string& unit) {
    TRIDENT_ASSIGN_OR_RETURN(const CommandResult result,
                             system_.TrySystemctl({question, "--quiet", unit}));
    return result.exit_status == 0;
  }

  absl::Status OnUndo(const char* verb, const std::string& unit) {
    return system_.SaveCommand(system_.Systemctl({verb, unit}));
  }

  absl::Status Do(const char* verb, const std::string& unit) {
    TRIDENT_ASSIGN_OR_RETURN(const CommandResult result, system_.TrySystemctl({verb, unit}));
    return result.exit_status == 0 ? absl::OkStatus() : Failed(verb, unit, result);
  }

  static absl::Status Failed(const char* verb, const std::string& unit,
                             const CommandResult& result) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "unit-failed",
                     absl::StrCat("osconfig.services: cannot ", verb, " the unit '", unit,
                                  "': ", std::string(StripWhitespace(result.error_output))),
                     "Look whether the system has the unit, and at its log.");
  }

  TargetSystem& system_;
};

}  // namespace

absl::Status ConfigureServices(TargetSystem& system, const Services& services,
                               const Services& earlier) {
  Toggler toggler(system);
  for (const std::string& unit : services.enable) {
    if (system.is_running() && Contains(earlier.enable, unit)) continue;
    TRIDENT_RETURN_IF_ERROR(toggler.Enable(unit));
  }
  for (const std::string& unit : services.disable) {
    if (system.is_running() && Contains(earlier.disable, unit)) continue;
    TRIDENT_RETURN_IF_ERROR(toggler.Disable(unit));
  }
  return absl::OkStatus();
}

}  // namespace trident
