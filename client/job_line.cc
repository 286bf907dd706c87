#include "client/job_line.h"

#include <ostream>

#include "client/format.h"

namespace trident::client {

void PrintJob(const pb::JobResponse& response, Session& session) {
  if (session.format == OutputFormat::kJson) {
    session.out << ToJson(response, true) << '\n';
    return;
  }
  if (session.format == OutputFormat::kYaml) {
    session.out << ToYaml(response);
    return;
  }
  const pb::Job& job = response.job();
  session.out << "job " << Printable(job.id()) << ": " << StateName(job.state());
  const std::string work = DescribeWork(job.servicing_kind(), job.target_volume());
  if (!work.empty()) session.out << " (" << Printable(work) << ")";
  if (!job.reason().empty()) session.out << ": " << Printable(job.reason());
  session.out << '\n';
}

}  // namespace trident::client
