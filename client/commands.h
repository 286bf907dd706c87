// The commands, one file each. All return tridentctl's exit code.
#ifndef TRIDENT_CLIENT_COMMANDS_H_
#define TRIDENT_CLIENT_COMMANDS_H_

#include <cstdint>
#include <string>

#include "client/session.h"

namespace trident::client {

struct UpdateOptions {
  std::string file;
  std::string allowed_operations = "update | transition";
  std::string plan_digest;
  bool force = false;
  bool wait = true;  // to the job's end
};
int UpdateCommand(const UpdateOptions& options, Session& session);

struct PlanOptions {
  std::string file;
  bool force = false;
};
int PlanCommand(const PlanOptions& options, Session& session);

// Needs no agent.
int ValidateCommand(const std::string& file, Session& session);

int StatusCommand(bool follow, Session& session);
// Gives arrays back what they lost with a disk: an update to the configuration that the host has.
int RebuildRaidCommand(Session& session);
int GetCommand(Session& session);
int JobsCommand(uint32_t limit, Session& session);

// An empty job id is the active job.
int FinalizeCommand(const std::string& job_id, bool follow, Session& session);
int CancelCommand(const std::string& job_id, Session& session);
int RollbackCommand(const std::string& job_id, Session& session);
int CommitCommand(const std::string& job_id, Session& session);

// Prints the Host Configuration that a kickstart means; -o text and -o yaml are the same. Needs no
// agent, and runs none of the scripts.
struct KickstartOptions {
  std::string file;
  bool dangerous_options = false;  // translate passwords
};
int KickstartCommand(const KickstartOptions& options, Session& session);

// Need no agent.
int SchemaCommand(bool markdown, Session& session);
int VersionCommand(Session& session);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_COMMANDS_H_
