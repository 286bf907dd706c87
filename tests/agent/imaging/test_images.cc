#include "tests/agent/imaging/test_images.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <random>

#include "agent/imaging/digests.h"

namespace trident::test {
namespace {

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Really compressing with a large dictionary would take seconds and gigabytes.
void DeclareDictionary(std::string& xz, uint8_t code) {
  const size_t begin = LZMA_STREAM_HEADER_SIZE;
  const size_t size = (static_cast<uint8_t>(xz.at(begin)) + size_t{1}) * 4 - sizeof(uint32_t);
  const size_t filter = xz.find("\x21\x01", begin + 2);  // LZMA2 with one byte of properties
  REQUIRE(filter < begin + size - 2);
  xz[filter + 2] = static_cast<char>(code);
  const uint32_t crc = lzma_crc32(reinterpret_cast<const uint8_t*>(xz.data()) + begin, size, 0);
  for (size_t i = 0; i < sizeof crc; ++i) {
    xz[begin + size + i] = static_cast<char>(crc >> (8 * i));
  }
}

}  // namespace

std::string MakeContent(size_t bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::string content;
  content.reserve(bytes + 512);
  while (content.size() < bytes) {
    std::array<uint32_t, 64> noise{};
    for (uint32_t& word : noise) word = static_cast<uint32_t>(random());
    content.append(reinterpret_cast<const char*>(noise.data()), sizeof noise);
    content.append(256, static_cast<char>(random()));
  }
  content.resize(bytes);
  return content;
}

std::string Zstd(const std::string& content, const ZstdOptions& options) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, options.level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, options.content_size ? 1 : 0);
  if (options.window_log > 0) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, options.window_log);
  }
  std::string compressed(ZSTD_compressBound(content.size()), '\0');
  ZSTD_inBuffer in{content.data(), content.size(), 0};
  ZSTD_outBuffer out{compressed.data(), compressed.size(), 0};
  if (options.content_size) ZSTD_CCtx_setPledgedSrcSize(context.get(), content.size());
  // A flush first: otherwise the library sees the whole content at once and writes a frame of one
  // segment, whose window is the content itself.
  if (!content.empty()) {
    REQUIRE(ZSTD_isError(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_continue)) == 0);
  }
  REQUIRE(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end) == 0);
  compressed.resize(out.pos);
  return compressed;
}

std::string ZstdSkippable(size_t bytes) {
  std::string frame = {'\x53', '\x2A', '\x4D', '\x18'};
  for (int shift = 0; shift < 32; shift += 8) frame.push_back(static_cast<char>(bytes >> shift));
  frame.append(bytes, 'x');
  return frame;
}

std::string Xz(const std::string& content, const XzOptions& options) {
  lzma_options_lzma lzma{};
  REQUIRE(!lzma_lzma_preset(&lzma, options.preset));
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &lzma}, {LZMA_VLI_UNKNOWN, nullptr}};
  lzma_stream stream = LZMA_STREAM_INIT;
  if (options.block_bytes > 0) {
    lzma_mt mt{};
    mt.threads = 1;
    mt.block_size = options.block_bytes;
    mt.filters = filters;
    mt.check = LZMA_CHECK_CRC64;
    REQUIRE(lzma_stream_encoder_mt(&stream, &mt) == LZMA_OK);
  } else {
    REQUIRE(lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC64) == LZMA_OK);
  }
  std::string compressed(content.size() * 2 + 4096, '\0');
  stream.next_in = reinterpret_cast<const uint8_t*>(content.data());
  stream.avail_in = content.size();
  stream.next_out = reinterpret_cast<uint8_t*>(compressed.data());
  stream.avail_out = compressed.size();
  lzma_ret result = LZMA_OK;
  while (result == LZMA_OK) result = lzma_code(&stream, LZMA_FINISH);
  REQUIRE(result == LZMA_STREAM_END);
  compressed.resize(stream.total_out);
  lzma_end(&stream);
  if (options.dictionary_code > 0) DeclareDictionary(compressed, options.dictionary_code);
  return compressed;
}

std::string Gzip(const std::string& content, const GzipOptions& options) {
  constexpr int kGzipWindowBits = 16 + MAX_WBITS;
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, options.level, Z_DEFLATED, kGzipWindowBits, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK);
  std::array<Bytef, 6> extra = {'T', 'R', 2, 0, 'x', 'y'};
  std::string name = "root.raw";
  std::string comment = "an image";
  gz_header header{};
  header.extra = extra.data();
  header.extra_len = extra.size();
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(comment.data());
  header.hcrc = 1;
  if (options.name) REQUIRE(deflateSetHeader(&stream, &header) == Z_OK);
  std::string compressed(deflateBound(&stream, content.size()), '\0');
  std::string input = content;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

std::string Sha256Hex(const std::string& bytes) {
  Sha256 digest;
  digest.Update(Bytes(bytes));
  return digest.Hex();
}

std::string Flipped(std::string bytes, size_t at) {
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 0x10);
  return bytes;
}

}  // namespace trident::test
