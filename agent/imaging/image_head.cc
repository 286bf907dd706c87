#include "agent/imaging/image_head.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {
namespace {

// RFC 8878 section 3.1.1 and 3.1.2.
constexpr uint32_t kZstdMagic = 0xFD2FB528;
constexpr uint32_t kZstdSkippableMagic = 0x184D2A50;  // the lowest four bits are free
constexpr uint32_t kZstdSkippableMask = 0xFFFFFFF0;

uint64_t LittleEndian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = (value << 8) | bytes[i - 1];
  return value;
}

bool BeginsWith(std::span<const uint8_t> head, std::string_view magic) {
  return head.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), head.begin(),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

// What files that are no raw images begin with.
const char* RecognizeMagic(std::span<const uint8_t> head) {
  struct Known {
    std::string_view magic;
    const char* name;
  };
  static constexpr std::array<Known, 6> kKnown = {{{{"\x28\xB5\x2F\xFD", 4}, "zstd data"},
                                                   {{"\xFD"
                                                     "7zXZ\0",
                                                     6},
                                                    "xz data"},
                                                   {{"\x1F\x8B", 2}, "gzip data"},
                                                   {{"BZh", 3}, "bzip2 data"},
                                                   {{"QFI\xFB", 4}, "a qcow2 image"},
                                                   {{"<", 1}, "a web page"}}};
  for (const Known& known : kKnown) {
    if (BeginsWith(head, known.magic)) return known.name;
  }
  return nullptr;
}

absl::Status WrongFormat(const std::string& expected, std::span<const uint8_t> head) {
  const char* found = RecognizeMagic(head);
  return MakeError(absl::StatusCode::kDataLoss, "image", "wrong-format",
                   absl::StrCat("the image does not begin as ", expected, " data does; it is ",
                                found == nullptr ? "something else" : found),
                   "Check the URL, and that the image's 'format' says how it is compressed.");
}

absl::Status TooShort(std::span<const uint8_t> head) {
  if (head.empty()) return Truncated("it is an empty file");
  return Truncated(absl::StrCat("it is only ", head.size(), " bytes long and ends in its header"));
}

absl::StatusOr<ImageHead> InspectRaw(std::span<const uint8_t> head,
                                     std::optional<uint64_t> file_bytes) {
  if (head.empty()) return TooShort(head);
  if (RecognizeMagic(head) != nullptr) return WrongFormat("raw", head);
  return ImageHead{.window_bytes = 0, .first_content_bytes = file_bytes};
}

// RFC 1952 section 2.3.
absl::StatusOr<ImageHead> InspectGzip(std::span<const uint8_t> head) {
  constexpr size_t kFixedHeader = 10;
  constexpr uint8_t kDeflate = 8;
  constexpr uint8_t kReservedFlags = 0xE0;
  constexpr uint64_t kWindow =
      uint64_t{32} * 1024;  // the largest one of deflate, RFC 1951 section 2
  if (head.size() >= 2 && !BeginsWith(head, "\x1F\x8B")) return WrongFormat("gzip", head);
  if (head.size() < kFixedHeader) return TooShort(head);
  if (head[2] != kDeflate) return CorruptImage("its gzip header names an unknown method");
  if ((head[3] & kReservedFlags) != 0) return CorruptImage("its gzip header has unknown flags");
  return ImageHead{.window_bytes = kWindow, .first_content_bytes = std::nullopt};
}

absl::StatusOr<ImageHead> InspectZstd(std::span<const uint8_t> head) {
  ImageHead facts;
  bool skipped = false;
  if (head.size() < 4) return TooShort(head);
  for (;;) {
    if (head.size() < 4) return facts;
    const auto magic = static_cast<uint32_t>(LittleEndian(head.first(4)));
    if ((magic & kZstdSkippableMask) == kZstdSkippableMagic) {
      skipped = true;
      if (head.size() < 8) return facts;
      const uint64_t length = 8 + LittleEndian(head.subspan(4, 4));
      if (length >= head.size()) return facts;
      head = head.subspan(length);
      continue;
    }
    if (magic == kZstdMagic) break;
    if (skipped) return CorruptImage("after a skippable zstd frame there is no frame");
    return WrongFormat("zstd", head);
  }

  if (head.size() < 5) return TooShort(head);
  const uint8_t descriptor = head[4];
  const bool single_segment = (descriptor & 0x20) != 0;
  static constexpr std::array<size_t, 4> kDictionaryIdBytes = {0, 1, 2, 4};
  static constexpr std::array<size_t, 4> kContentSizeBytes = {0, 2, 4, 8};
  const size_t dictionary_bytes = kDictionaryIdBytes[descriptor & 3];
  size_t content_bytes = kContentSizeBytes[descriptor >> 6];
  if (content_bytes == 0 && single_segment) content_bytes = 1;
  const size_t window_at = 5;
  const size_t content_at = window_at + (single_segment ? 0 : 1) + dictionary_bytes;
  if (head.size() < content_at + content_bytes) return TooShort(head);
  if (content_bytes > 0) {
    facts.first_content_bytes = LittleEndian(head.subspan(content_at, content_bytes));
    if (content_bytes == 2) *facts.first_content_bytes += 256;
  }
  if (single_segment) {
    facts.window_bytes = *facts.first_content_bytes;
  } else {
    const uint8_t window = head[window_at];
    const uint64_t base = uint64_t{1} << (10 + (window >> 3));
    facts.window_bytes = base + base / 8 * (window & 7);
  }
  if (facts.window_bytes > kLargestWindow) {
    return WindowTooLarge("zstd window", facts.window_bytes);
  }
  return facts;
}

// The .xz file format 1.1.0, sections 2.1.1 and 3.1.
absl::StatusOr<ImageHead> InspectXz(std::span<const uint8_t> head) {
  if (!BeginsWith(head, std::string_view("\xFD"
                                         "7zXZ\0",
                                         6))) {
    if (head.size() < 6) return TooShort(head);
    return WrongFormat("xz", head);
  }
  if (head.size() < LZMA_STREAM_HEADER_SIZE + 1) return TooShort(head);
  lzma_stream_flags flags{};
  if (lzma_stream_header_decode(&flags, head.data()) != LZMA_OK) {
    return CorruptImage("the xz stream header is damaged or of an unknown version");
  }
  head = head.subspan(LZMA_STREAM_HEADER_SIZE);
  ImageHead facts;
  if (head.front() == 0) {  // the index follows at once: no blocks
    facts.first_content_bytes = 0;
    return facts;
  }
  lzma_block block{};
  std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters{};
  block.version = 1;
  block.check = flags.check;
  block.filters = filters.data();
  block.header_size = lzma_block_header_size_decode(head.front());
  if (head.size() < block.header_size) return TooShort(head);
  if (lzma_block_header_decode(&block, nullptr, head.data()) != LZMA_OK) {
    return CorruptImage("the header of the first xz block is damaged or uses an unknown filter");
  }
  for (const lzma_filter& filter : filters) {
    if (filter.id == LZMA_VLI_UNKNOWN) break;
    if (filter.id == LZMA_FILTER_LZMA2) {
      facts.window_bytes = static_cast<const lzma_options_lzma*>(filter.options)->dict_size;
    }
  }
  if (block.uncompressed_size != LZMA_VLI_UNKNOWN) {
    facts.first_content_bytes = block.uncompressed_size;
  }
  lzma_filters_free(filters.data(), nullptr);
  if (facts.window_bytes > kLargestWindow) {
    return WindowTooLarge("xz dictionary", facts.window_bytes);
  }
  return facts;
}

}  // namespace

absl::StatusOr<ImageHead> InspectHead(ImageFormat format, std::span<const uint8_t> head,
                                      std::optional<uint64_t> file_bytes) {
  switch (format) {
    case ImageFormat::kRaw:
      return InspectRaw(head, file_bytes);
    case ImageFormat::kRawGzip:
      return InspectGzip(head);
    case ImageFormat::kRawZstd:
      return InspectZstd(head);
    case ImageFormat::kRawLzma:
      return InspectXz(head);
  }
  return MakeError(absl::StatusCode::kInternal, "internal", "image-format",
                   "the image has a format that is not in the list of formats");
}

std::optional<uint64_t> XzContentBytes(std::span<const uint8_t> tail, uint64_t file_bytes) {
  // Enough for an index of a million blocks.
  constexpr uint64_t kIndexMemory = uint64_t{32} << 20;
  // Stream padding: null bytes, a multiple of four.
  uint64_t stream_bytes = file_bytes;
  while (tail.size() >= 4 && LittleEndian(tail.last(4)) == 0) {
    tail = tail.first(tail.size() - 4);
    stream_bytes -= 4;
  }
  if (tail.size() < LZMA_STREAM_HEADER_SIZE) return std::nullopt;
  lzma_stream_flags footer{};
  if (lzma_stream_footer_decode(&footer, tail.last(LZMA_STREAM_HEADER_SIZE).data()) != LZMA_OK) {
    return std::nullopt;
  }
  tail = tail.first(tail.size() - LZMA_STREAM_HEADER_SIZE);
  if (footer.backward_size > tail.size()) return std::nullopt;
  const std::span<const uint8_t> encoded = tail.last(footer.backward_size);
  lzma_index* index = nullptr;
  uint64_t memory = kIndexMemory;
  size_t position = 0;
  if (lzma_index_buffer_decode(&index, &memory, nullptr, encoded.data(), &position,
                               encoded.size()) != LZMA_OK) {
    return std::nullopt;
  }
  std::optional<uint64_t> content;
  if (lzma_index_stream_size(index) == stream_bytes) content = lzma_index_uncompressed_size(index);
  lzma_index_end(index, nullptr);
  return content;
}

}  // namespace trident
