// The files of a kickstart, through the door to the machine.
#ifndef TRIDENT_AGENT_KICKSTART_PORT_FILES_H_
#define TRIDENT_AGENT_KICKSTART_PORT_FILES_H_

#include <string>

#include "agent/host/files.h"
#include "common/kickstart/source_files.h"

namespace trident {

class PortFiles : public kickstart::SourceFiles {
 public:
  // `files` must outlive this.
  explicit PortFiles(const Files& files) : files_(files) {}

  absl::StatusOr<std::string> Read(const std::string& path) const override;

 private:
  const Files& files_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_KICKSTART_PORT_FILES_H_
