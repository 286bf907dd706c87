#include "common/kickstart/kickstart.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "client/commands.h"
#include "client/document_file.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "common/config/document.h"

namespace trident::client {
namespace {

// What was translated and what is wrong, as one JSON object.
void PrintJson(const kickstart::Translation& translation, std::ostream& out) {
  nlohmann::ordered_json json;
  if (translation.configuration) {
    json["hostConfiguration"] = WriteHostConfiguration(*translation.configuration);
  } else {
    json["hostConfiguration"] = nullptr;
  }
  json["problems"] = nlohmann::ordered_json::parse(kickstart::ProblemsToJson(translation.problems));
  out << json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace

int KickstartCommand(const KickstartOptions& options, Session& session) {
  const auto text = ReadDocument(options.file, session.in);
  if (!text.ok()) {
    PrintError(session.err, text.status());
    return kExitUsage;
  }
  kickstart::Options how;
  how.missing_includes_allowed = true;
  how.dangerous_passwords = options.dangerous_options;
  const kickstart::Translation translation = kickstart::Translate(
      *text, options.file == "-" ? "" : options.file, kickstart::LocalFiles(), how);
  if (session.format == OutputFormat::kJson) {
    PrintJson(translation, session.out);
  } else {
    for (const kickstart::Problem& problem : translation.problems) {
      session.err << Printable(kickstart::FormatProblem(problem)) << '\n';
    }
    if (translation.configuration) {
      session.out << WriteHostConfiguration(*translation.configuration);
    }
  }
  return translation.configuration ? kExitSuccess : kExitRefused;
}

}  // namespace trident::client
