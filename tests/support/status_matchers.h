// Checks of absl::Status in tests.
#ifndef TRIDENT_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define TRIDENT_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident::test {

inline absl::Status StatusOf(const absl::Status& status) { return status; }
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

}  // namespace trident::test

#define REQUIRE_OK(expression)                                                      \
  do {                                                                              \
    const absl::Status trident_test_status = ::trident::test::StatusOf(expression); \
    INFO(trident_test_status.ToString());                                           \
    REQUIRE(trident_test_status.ok());                                              \
  } while (false)

// The status has this code and its message contains `text`.
#define REQUIRE_ERROR(expression, expected_code, text)                                         \
  do {                                                                                         \
    const absl::Status trident_test_status = ::trident::test::StatusOf(expression);            \
    INFO(trident_test_status.ToString());                                                      \
    REQUIRE(trident_test_status.code() == (expected_code));                                    \
    REQUIRE_THAT(std::string(trident_test_status.message()), Catch::Matchers::Contains(text)); \
  } while (false)

#endif  // TRIDENT_TESTS_SUPPORT_STATUS_MATCHERS_H_
