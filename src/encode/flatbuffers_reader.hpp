// Reads spans written as FlatBuffers (schemas/judgeval.fbs): a sequence of size-prefixed buffers, each
// verified before anything in it is looked at, and then readable where it lies or as the same structs that
// the OTLP reader hands out.
//
// The bytes come from outside and are trusted in nothing, as in otlp_reader.hpp; any thread may read bytes it
// holds. No more than a handful of bytes of memory is asked for that the input does not bring along: tables
// that are referred to again and again count each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "judgeval_generated.h"

namespace judgeval::encode {

/// Of a body of such buffers, in HTTP.
inline constexpr std::string_view kFlatBuffersContentType = "application/vnd.judgeval.flatbuffers";

/// What the texts of a body may amount to when each is copied wherever it is referred to.
inline constexpr std::size_t kMaximumTextBytes = std::size_t{256} << 20U;

/// Goes through the buffers of a body.
class FlatBuffersReader {
  public:
    /// The bytes must outlive the reader and what it hands out.
    explicit FlatBuffersReader(std::string_view bytes) : rest_{bytes} {}

    /// The next buffer, verified; it lies in the bytes themselves (where these are not aligned, in a copy
    /// that the next call overwrites). Null at the end, and when error() says what is wrong; further calls
    /// go on behind the bad buffer, if its size leaves something behind it.
    [[nodiscard]] const flat::SpanBatch* next();
    [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
    /// Of the last call; empty when there was nothing to object to.
    [[nodiscard]] const std::string& error() const { return error_; }
    /// The buffer that the last call handed out, with its size before it.
    [[nodiscard]] std::string_view buffer() const { return buffer_; }

  private:
    std::string_view rest_;
    std::string_view buffer_;
    std::string error_;
    std::vector<std::uint64_t> aligned_;
};

/// A verified buffer as structs; its one scope's spans with `rejection` as the OTLP reader has it, and
/// without `encoded`. `text_bytes_left` is lessened by the texts copied; when it does not suffice, or a text
/// of resource or scope is not UTF-8, or a value is nested too deeply, the buffer is refused.
ReadResult<ResourceSpans> read_span_batch(const flat::SpanBatch& batch, std::size_t& text_bytes_left);

/// Reads a whole body. An error in one buffer is an error as a whole. Does not throw, except std::bad_alloc.
ReadResult<TraceRequest> read_flatbuffers(std::string_view bytes,
                                          std::size_t maximum_text_bytes = kMaximumTextBytes);

/// True when the bytes begin like such a body: the identifier stands where it must. Says nothing about the
/// rest.
[[nodiscard]] bool is_flatbuffers(std::string_view bytes);

}  // namespace judgeval::encode
