// Bodies as FlatBuffers: finished records, which are OTLP bytes, read and written again as the buffers of
// schemas/judgeval.fbs; and how such a body divides.
//
// Used by a compressor on its thread. The scratch memory is not of the budget: it is that of one piece, a
// chunk's worth or one large record, a few times over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "encode/flatbuffers_writer.hpp"
#include "export/batch.hpp"
#include "judgeval/options.hpp"

namespace judgeval::detail {

/// How many times the memory of its records a batch may take. Records of nothing but tiny array elements can
/// take more; what then finds no memory is dropped as DropReason::kInternal.
constexpr std::size_t body_growth(Encoding encoding) noexcept {
    return encoding == Encoding::kFlatBuffers ? 3 : 1;
}

class Transcoder {
  public:
    /// `frame` is a request without spans: every buffer repeats its resource and scope. False when it cannot
    /// be read, or memory is out.
    [[nodiscard]] bool begin(std::string_view frame) noexcept;
    /// One buffer with the segment's records, valid until the next call. Empty when a record cannot be read,
    /// or memory is out.
    [[nodiscard]] std::string_view encode(const Segment& segment) noexcept;

  private:
    encode::ResourceSpans resource_;
    std::string records_;
    encode::FlatBuffersWriter writer_;
};

struct DividedBody {
    std::string first;
    std::string second;
    std::uint64_t first_spans = 0;
};

/// Divides a body between two buffers, near its middle, or an only one between its spans. Nothing when there
/// is but one span, the body cannot be read, or memory is out.
[[nodiscard]] std::optional<DividedBody> divide_body(std::string_view body) noexcept;

}  // namespace judgeval::detail
