#include "agent/datastore/schema.h"

#include <array>

namespace trident {
namespace {

constexpr char kFirst[] = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE hoststatus (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  contents  TEXT NOT NULL
);

CREATE TABLE jobs (
  number               INTEGER PRIMARY KEY AUTOINCREMENT,
  id                   TEXT NOT NULL UNIQUE,
  state                TEXT NOT NULL,
  configuration        TEXT NOT NULL,
  configuration_digest TEXT NOT NULL,
  allow_update         INTEGER NOT NULL,
  allow_transition     INTEGER NOT NULL,
  force                INTEGER NOT NULL,
  plan                 TEXT,
  steps_done           INTEGER NOT NULL,
  boot_id              TEXT NOT NULL,
  reason               TEXT NOT NULL,
  error                TEXT,
  own_oldest           INTEGER NOT NULL,
  own_newest           INTEGER NOT NULL,
  target_oldest        INTEGER,
  target_newest        INTEGER,
  roll_back_reboots    INTEGER NOT NULL,
  created_micros       INTEGER NOT NULL,
  updated_micros       INTEGER NOT NULL
);
CREATE INDEX jobs_by_digest ON jobs (configuration_digest, number);

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  body     TEXT NOT NULL
);

CREATE TABLE configuration (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  yaml            TEXT NOT NULL,
  digest          TEXT NOT NULL,
  job             INTEGER REFERENCES jobs (number) ON DELETE SET NULL,
  recorded_micros INTEGER NOT NULL
);
)sql";

constexpr std::array kMigrations = {
    Migration{.version = 1, .sql = kFirst, .additive = false},
};

}  // namespace

std::span<const Migration> BuiltinMigrations() { return kMigrations; }

StoreRange RangeOf(std::span<const Migration> migrations) {
  return {.oldest = migrations.front().version, .newest = migrations.back().version};
}

bool CanRead(const StoreRange& agent, int store_version, int min_reader) {
  return store_version >= agent.oldest && min_reader <= agent.newest;
}

}  // namespace trident
