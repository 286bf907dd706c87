// Which versions of the store an agent can work on.
#ifndef TRIDENT_AGENT_DATASTORE_STORE_RANGE_H_
#define TRIDENT_AGENT_DATASTORE_STORE_RANGE_H_

namespace trident {

// Range of store schema versions that an agent can read; it writes `newest`.
struct StoreRange {
  int oldest = 0;
  int newest = 0;

  bool operator==(const StoreRange&) const = default;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_STORE_RANGE_H_
