#include <iostream>
#include <memory>
#include <string>

#include "agent/commands.h"
#include "agent/host/files.h"
#include "agent/kickstart/kickstart_document.h"
#include "common/base/error.h"

namespace trident {

absl::Status ParseKickstartCommand(const std::string& file, bool dangerous_options) {
  kickstart::Options options;
  // The scripts that may make them are not run.
  options.missing_includes_allowed = true;
  options.dangerous_passwords = dangerous_options;
  TRIDENT_ASSIGN_OR_RETURN(const std::string document,
                           KickstartDocument(std::nullopt, file, *MakeLinuxFiles(), options));
  std::cout << document;
  if (!std::cout.flush()) {
    return absl::InternalError("the Host Configuration could not be written to standard output");
  }
  return absl::OkStatus();
}

}  // namespace trident
