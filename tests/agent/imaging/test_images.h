// Contents and compressed images for tests, made by the real libraries.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_TEST_IMAGES_H_
#define TRIDENT_TESTS_AGENT_IMAGING_TEST_IMAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace trident::test {

// Half noise, half repetition; equal for equal arguments.
std::string MakeContent(size_t bytes, uint32_t seed);

struct ZstdOptions {
  int level = 1;
  int window_log = 0;        // 0: the library's choice
  bool content_size = true;  // in the frame's header
};
// One frame.
std::string Zstd(const std::string& content, const ZstdOptions& options = {});
// A skippable frame with `bytes` of payload.
std::string ZstdSkippable(size_t bytes);

struct XzOptions {
  uint32_t preset = 1;
  size_t block_bytes = 0;  // 0: one block, written without sizes in its header
  // What the first block's header says about its dictionary, as in the xz format 1.1.0 section
  // 5.3.1: 26 is 32 MiB, 31 is 192 MiB. 0: the truth.
  uint8_t dictionary_code = 0;
};
// One stream.
std::string Xz(const std::string& content, const XzOptions& options = {});

struct GzipOptions {
  int level = 1;
  bool name = false;  // a header with name, comment and extra field, as gzip(1) and others write it
};
// One member.
std::string Gzip(const std::string& content, const GzipOptions& options = {});

std::string Sha256Hex(const std::string& bytes);

// `bytes` with one bit turned over at `at`.
std::string Flipped(std::string bytes, size_t at);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_TEST_IMAGES_H_
