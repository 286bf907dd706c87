#include <ostream>

#include "client/commands.h"
#include "client/document_file.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident::client {

int ValidateCommand(const std::string& file, Session& session) {
  const auto document = ReadDocument(file, session.in);
  if (!document.ok()) {
    PrintError(session.err, document.status());
    return kExitUsage;
  }
  const absl::Status status = ParseHostConfiguration(*document).status();
  const ErrorDetail detail = GetErrorDetail(status);
  const std::string name = file == "-" ? "<stdin>" : file;
  if (session.format == OutputFormat::kText) {
    if (status.ok()) {
      session.out << name << ": valid\n";
    } else {
      PrintFindings(session.err, name, detail.findings);
      session.err << "error: " << Printable(detail.message) << '\n';
    }
  } else {
    pb::ValidateHostConfigurationResponse response;
    response.set_valid(status.ok());
    for (const Finding& finding : detail.findings) {
      pb::Finding& item = *response.add_findings();
      // A document that is not UTF-8 may be quoted; JSON cannot hold its bytes.
      item.set_path(Printable(finding.path));
      item.set_line(finding.line);
      item.set_column(finding.column);
      item.set_reason(Printable(finding.reason));
      item.set_remedy(Printable(finding.remedy));
    }
    session.out << (session.format == OutputFormat::kJson ? ToJson(response, true) + '\n'
                                                          : ToYaml(response));
  }
  return status.ok() ? kExitSuccess : kExitRefused;
}

}  // namespace trident::client
