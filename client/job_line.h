// One job, as the operator's levers answer.
#ifndef TRIDENT_CLIENT_JOB_LINE_H_
#define TRIDENT_CLIENT_JOB_LINE_H_

#include "client/session.h"
#include "proto/trident.pb.h"

namespace trident::client {

// "job 6f2c: finalizing (ab-update, onto volume-b)", or the whole message in the session's format.
void PrintJob(const ::trident_proto::JobResponse& response, Session& session);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_JOB_LINE_H_
