#include "agent/host/secret.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <type_traits>
#include <utility>

#include "tests/support/status_matchers.h"

namespace trident {
namespace {

// Line "VmFlags:" of the mapping that holds `address`; proc(5), smaps.
std::string FlagsOf(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    char mode[8] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %7s", &begin, &end, mode) == 3) {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return "";
}

std::string Text(const Secret& secret) { return {secret.chars(), secret.size()}; }

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);

TEST_CASE("no core dump and no child gets the pages of a secret") {
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{3} << 20}) {
    const auto secret = Secret::OfSize(size);
    REQUIRE_OK(secret);
    for (const uint8_t* place : {&secret->bytes().front(), &secret->bytes().back()}) {
      const std::string flags = FlagsOf(place);
      CAPTURE(size, flags);
      REQUIRE_THAT(flags, Catch::Matchers::Contains(" dd "));
      REQUIRE_THAT(flags, Catch::Matchers::Contains(" dc "));
    }
  }
}

// The sanitizers make mlock(2) do nothing.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a small secret is locked in memory") {
  const auto secret = Secret::OfSize(32);
  REQUIRE_OK(secret);
  REQUIRE_THAT(FlagsOf(secret->chars()), Catch::Matchers::Contains(" lo "));
}
#endif

TEST_CASE("a secret begins with zeros and keeps what is put into it") {
  auto secret = Secret::OfSize(5);
  REQUIRE_OK(secret);
  REQUIRE(Text(*secret) == std::string(5, '\0'));
  secret->bytes()[4] = 'x';
  REQUIRE(Text(*secret) == std::string("\0\0\0\0x", 5));
  REQUIRE(Text(*Secret::CopyOf("a key")) == "a key");
}

TEST_CASE("random secrets have their size and differ") {
  const auto one = Secret::Random(100'000);
  const auto other = Secret::Random(100'000);
  REQUIRE_OK(one);
  REQUIRE_OK(other);
  REQUIRE(one->size() == 100'000);
  REQUIRE_FALSE(std::ranges::equal(one->bytes(), other->bytes()));
  // Not a stretch that was left out: of 1000 bytes some are not 0.
  REQUIRE(std::ranges::any_of(one->bytes().last(1000), [](uint8_t byte) { return byte != 0; }));
}

TEST_CASE("an empty secret needs no memory and harms nobody") {
  auto secret = Secret::OfSize(0);
  REQUIRE_OK(secret);
  REQUIRE(secret->empty());
  REQUIRE(Secret().bytes().empty());
  secret->Truncate(0);
  REQUIRE(Secret::Random(0)->empty());
  REQUIRE(Secret::CopyOf("")->empty());
}

TEST_CASE("a secret moves and leaves nothing behind") {
  Secret first = std::move(*Secret::CopyOf("first"));
  Secret second = std::move(*Secret::CopyOf("second"));
  const char* const place = first.chars();
  second = std::move(first);
  REQUIRE(Text(second) == "first");
  REQUIRE(second.chars() == place);
  Secret third(std::move(second));
  REQUIRE(third.chars() == place);
  Secret& same = third;
  third = std::move(same);
  REQUIRE(Text(third) == "first");
}

TEST_CASE("what a secret is truncated to stays, the rest is wiped") {
  Secret secret = std::move(*Secret::CopyOf("key and more"));
  const char* const place = secret.chars();
  secret.Truncate(3);
  REQUIRE(Text(secret) == "key");
  REQUIRE(std::string(place + 3, 9) == std::string(9, '\0'));
  secret.Truncate(10);
  REQUIRE(secret.size() == 3);
}

TEST_CASE("more than there is memory is an error, not a crash") {
  REQUIRE_ERROR(Secret::OfSize(SIZE_MAX), absl::StatusCode::kResourceExhausted, "key");
  REQUIRE_ERROR(Secret::OfSize(SIZE_MAX / 2), absl::StatusCode::kResourceExhausted, "key");
}

}  // namespace
}  // namespace trident
