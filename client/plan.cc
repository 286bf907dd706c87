#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/document_file.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident::client {
namespace {

void PrintPlan(const pb::PlanHostResponse& plan, std::ostream& out) {
  if (plan.servicing_kind() == "none") {
    out << "nothing to do: the host is as desired\n";
  } else {
    out << Printable(DescribeWork(plan.servicing_kind(), plan.target_volume()))
        << (plan.reboots() ? ", with a reboot" : ", without a reboot") << '\n';
    out << "to fetch: " << FormatBytes(static_cast<double>(plan.bytes_to_fetch()))
        << ", to write: " << FormatBytes(static_cast<double>(plan.bytes_to_write())) << "\n\n";
    std::vector<std::vector<std::string>> rows = {{"#", "phase", "bytes", "step"}};
    for (const pb::PlannedStep& step : plan.steps()) {
      rows.push_back({std::to_string(rows.size()), Printable(step.phase()),
                      step.bytes() == 0 ? "-" : FormatBytes(static_cast<double>(step.bytes())),
                      Printable(step.description().empty() ? step.id() : step.description())});
    }
    out << FormatTable(rows);
  }
  if (!plan.destroyed().empty()) {
    out << "\ndestroyed:\n";
    for (const pb::Destroyed& item : plan.destroyed()) {
      out << "  " << Printable(item.device()) << ": " << Printable(item.what()) << '\n';
    }
  }
  if (!plan.warnings().empty()) {
    out << "\nwarnings:\n";
    for (const std::string& warning : plan.warnings()) out << "  " << Printable(warning) << '\n';
  }
  out << "\ndigest: " << Printable(plan.digest()) << '\n';
}

}  // namespace

int PlanCommand(const PlanOptions& options, Session& session) {
  const auto document = ReadDocument(options.file, session.in);
  if (!document.ok()) {
    PrintError(session.err, document.status());
    return kExitUsage;
  }
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::PlanHostRequest request;
  request.set_host_configuration(*document);
  request.set_force(options.force);
  pb::PlanHostResponse plan;
  const grpc::Status status =
      Call(connection, &pb::HostManagement::Stub::PlanHost, request, plan, kLongCall);
  if (!status.ok()) {
    pb::ErrorDetail detail;
    const std::string name = options.file == "-" ? "<stdin>" : options.file;
    if (ReadDetail(status, detail) && detail.finding_count() > 0) {
      // The status has room for the first findings only; the same checks are built in here.
      const absl::Status own = ParseHostConfiguration(*document).status();
      if (GetErrorDetail(own).findings.size() == detail.finding_count()) {
        PrintFindings(session.err, name, GetErrorDetail(own).findings);
      } else {
        PrintFindings(session.err, name, detail.findings());
      }
    }
    return Fail(session.err, status, session.target);
  }
  switch (session.format) {
    case OutputFormat::kText:
      PrintPlan(plan, session.out);
      break;
    case OutputFormat::kYaml:
      session.out << ToYaml(plan);
      break;
    case OutputFormat::kJson:
      session.out << ToJson(plan, true) << '\n';
      break;
  }
  return kExitSuccess;
}

}  // namespace trident::client
