#include "agent/storage/uuid.h"

#include <catch2/catch.hpp>

namespace trident {
namespace {

TEST_CASE("version 5 UUIDs are those of RFC 4122") {
  // Namespaces of RFC 4122, appendix C; results as of Python's uuid.uuid5.
  const std::string dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  REQUIRE(DeriveUuid(dns, "python.org") == "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  REQUIRE(DeriveUuid(dns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST_CASE("any text is a namespace, and the same words give the same UUID") {
  const std::string one = DeriveUuid("job-1", "root-a");
  REQUIRE(IsUuid(one));
  REQUIRE(one == DeriveUuid("job-1", "root-a"));
  REQUIRE(one != DeriveUuid("job-2", "root-a"));
  REQUIRE(one != DeriveUuid("job-1", "root-b"));
  REQUIRE(one[14] == '5');
}

TEST_CASE("only the text of a UUID is one") {
  REQUIRE(IsUuid("6ba7b810-9dad-11d1-80b4-00C04FD430C8"));
  REQUIRE_FALSE(IsUuid(""));
  REQUIRE_FALSE(IsUuid("6ba7b810-9dad-11d1-80b4-00c04fd430c"));
  REQUIRE_FALSE(IsUuid("6ba7b810-9dad-11d1-80b4-00c04fd430cg"));
  REQUIRE_FALSE(IsUuid("6ba7b8109-dad-11d1-80b4-00c04fd430c8"));
}

TEST_CASE("a FAT serial number is the beginning of the UUID") {
  REQUIRE(FatSerialOf("6ba7b810-9dad-11d1-80b4-00c04fd430c8") == "6BA7B810");
  REQUIRE(FatSerialAsShown("6BA7B810") == "6BA7-B810");
}

}  // namespace
}  // namespace trident
