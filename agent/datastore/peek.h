// A look into a store that belongs to another system.
#ifndef TRIDENT_AGENT_DATASTORE_PEEK_H_
#define TRIDENT_AGENT_DATASTORE_PEEK_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace trident {

struct PeekedJob {
  std::string id;
  std::string state;  // as written; perhaps unknown to this agent
  std::string configuration_digest;

  bool operator==(const PeekedJob&) const = default;
};

struct PeekedStore {
  std::string journal_id;
  int schema_version = 0;
  int min_reader = 0;
  std::optional<PeekedJob> newest_job;
  // Of the configuration that the host was last brought to; empty: none.
  std::string configuration_digest;

  bool operator==(const PeekedStore&) const = default;
};

// Reads the store at `path` and changes nothing beside it (no -wal, no -shm, no lock), so that it
// may be on a read-only file system. Nobody may be writing it. NOT_FOUND: there is none.
// DATA_LOSS: not a store, or damaged.
absl::StatusOr<PeekedStore> PeekStore(const std::string& path);

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_PEEK_H_
