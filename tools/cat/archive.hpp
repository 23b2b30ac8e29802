// Reads what a FileExporter wrote: batches one after the other, plain or compressed, of which the last may be
// cut, as OTLP or as FlatBuffers. Everything is in memory, in one go; the size is limited while it is
// decompressed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "encode/otlp_reader.hpp"

namespace judgeval::cat {

struct ArchivedBatch {
    std::string_view
        bytes;  ///< as an ExportTraceServiceRequest with one ResourceSpans; of FlatBuffers, made of them
    encode::ResourceSpans spans;
};

/// Hands on every batch that can be read, in order; of a batch that is cut, the spans that are whole. Returns
/// what is wrong with the rest, or an empty text. gzip and zstd are told by their first bytes.
std::string read_archive(std::string bytes, std::size_t maximum_bytes,
                         const std::function<void(const ArchivedBatch&)>& take);

}  // namespace judgeval::cat
