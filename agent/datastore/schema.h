// The store's schema as a list of migrations.
#ifndef TRIDENT_AGENT_DATASTORE_SCHEMA_H_
#define TRIDENT_AGENT_DATASTORE_SCHEMA_H_

#include <span>

#include "agent/datastore/store_range.h"

namespace trident {

// One step of the schema. Versions rise by one. The first of a list creates its version from
// nothing, so a store that is older than that cannot be read.
struct Migration {
  int version = 0;
  const char* sql = nullptr;  // any number of statements; run in one transaction
  // An agent that knows only the version before can still read and write the store (new tables, new
  // columns with a default). Other migrations wait until the new system is committed to.
  bool additive = false;
};

// What this agent knows. At least one.
std::span<const Migration> BuiltinMigrations();

// What an agent with these migrations can read.
StoreRange RangeOf(std::span<const Migration> migrations);

// A store at `store_version`, whose readers must know `min_reader`, can be read by an agent of
// this range.
bool CanRead(const StoreRange& agent, int store_version, int min_reader);

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_SCHEMA_H_
