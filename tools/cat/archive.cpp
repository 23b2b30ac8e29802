// See archive.hpp.
#include "cat/archive.hpp"

#include <algorithm>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <utility>

#include "encode/flatbuffers_reader.hpp"
#include "encode/otlp_writer.hpp"
#include "local/body_decoder.hpp"

namespace judgeval::cat {
namespace {

using protozero::pbf_reader;

/// A frame of zstd, or one that is to be skipped, begins so; a member of gzip so.
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr std::string_view kZstdSkippableMagic = "\x2a\x4d\x18";
constexpr std::string_view kGzipMagic = "\x1f\x8b";

/// TracesData.resource_spans, ResourceSpans.scope_spans and ScopeSpans.spans, as the first byte of each.
constexpr std::uint32_t kResourceSpans =
    protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited);
constexpr std::uint32_t kInner = protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited);

std::string_view encoding_of(std::string_view bytes) {
    if (bytes.substr(0, kZstdMagic.size()) == kZstdMagic ||
        bytes.substr(std::min<std::size_t>(1, bytes.size()), kZstdSkippableMagic.size()) ==
            kZstdSkippableMagic) {
        return "zstd";
    }
    return bytes.substr(0, kGzipMagic.size()) == kGzipMagic ? "gzip" : "identity";
}

/// The bytes of the length-delimited field the reader stands at, which may be fewer than it says.
struct Field {
    std::string_view bytes;
    bool is_cut = false;
};

Field field_of(const pbf_reader& reader) {
    const protozero::data_view rest = reader.data();
    const char* position = rest.data();
    const char* const end = position + rest.size();
    const std::uint64_t length = protozero::decode_varint(&position, end);
    const auto left = static_cast<std::uint64_t>(end - position);
    return {{position, static_cast<std::size_t>(std::min(length, left))}, length > left};
}

/// What is whole of a ResourceSpans that is cut; `levels` is how many messages within it may be cut as well.
std::string mend(std::string_view cut, int levels) {
    std::string whole;
    protozero::pbf_writer writer{whole};
    try {
        for (pbf_reader reader{cut.data(), cut.size()}; reader.next();) {
            if (reader.wire_type() != protozero::pbf_wire_type::length_delimited) {
                break;  // the messages on this way have none
            }
            const Field field = field_of(reader);
            if (!field.is_cut) {
                writer.add_bytes(reader.tag(), field.bytes.data(), field.bytes.size());
                reader.skip();
                continue;
            }
            if (levels > 0 && reader.tag_and_type() == kInner) {
                writer.add_bytes(reader.tag(), mend(field.bytes, levels - 1));
            }
            break;
        }
    } catch (const protozero::exception&) {
        return whole;  // the cut goes through a tag or a length
    }
    return whole;
}

/// What is wrong with the first span of which something is; else an empty text.
std::string objection_to(const encode::ResourceSpans& spans) {
    for (const encode::ScopeSpans& scope : spans.scope_spans) {
        for (const encode::Span& span : scope.spans) {
            if (!span.rejection.empty()) {
                return "a span breaks the rules of OTLP: " + span.rejection;
            }
        }
    }
    return {};
}

/// Reads one batch and hands it on; what is wrong with it, or an empty text.
std::string take_batch(std::string_view bytes, const std::function<void(const ArchivedBatch&)>& take) {
    encode::ReadResult<encode::TraceRequest> read = encode::read_trace_request(bytes);
    if (!read.message) {
        return read.error;
    }
    std::string error;
    for (encode::ResourceSpans& spans : read.message->resource_spans) {
        error = objection_to(spans);
        take({bytes, std::move(spans)});
    }
    return error;
}

std::string take_batches(std::string_view bytes, const std::function<void(const ArchivedBatch&)>& take) {
    std::string first_error;
    const auto note = [&](const char* position, const std::string& error) {
        if (first_error.empty() && !error.empty()) {
            first_error = "at byte " + std::to_string(position - bytes.data()) + ": " + error;
        }
    };
    pbf_reader reader{bytes.data(), bytes.size()};
    const char* start = bytes.data();
    try {
        while (reader.next()) {
            if (reader.tag_and_type() != kResourceSpans) {
                note(start, "this is no batch of spans");
                break;
            }
            const Field field = field_of(reader);
            if (field.is_cut) {
                std::string whole;
                protozero::pbf_writer{whole}.add_bytes(1, mend(field.bytes, 1));
                static_cast<void>(take_batch(whole, take));
                note(start, "the batch ends too early");
                break;
            }
            reader.skip();
            const char* const end = reader.data().data();
            note(start, take_batch({start, static_cast<std::size_t>(end - start)}, take));
            start = end;
        }
    } catch (const protozero::end_of_buffer_exception&) {
        note(start,
             *start == char{kResourceSpans} ? "the batch ends too early" : "this is no batch of spans");
    } catch (const protozero::exception&) {
        note(start, "this is no batch of spans");
    }
    return first_error;
}

std::string take_flatbuffers(std::string_view bytes, std::size_t maximum_bytes,
                             const std::function<void(const ArchivedBatch&)>& take) {
    std::string first_error;
    encode::FlatBuffersReader reader{bytes};
    std::size_t number = 0;
    while (!reader.is_at_end()) {
        ++number;
        const auto* const buffer = reader.next();
        std::string error = reader.error();
        if (buffer != nullptr) {
            encode::ReadResult<encode::ResourceSpans> read = encode::read_span_batch(*buffer, maximum_bytes);
            error = read.error;
            if (read.message) {
                error = objection_to(*read.message);
                encode::TraceRequest request;
                request.resource_spans.push_back(std::move(*read.message));
                const std::string otlp = encode::write_trace_request(request);
                take({otlp, std::move(request.resource_spans.front())});
            }
        }
        if (first_error.empty() && !error.empty()) {
            first_error = "in batch " + std::to_string(number) + ": " + error;
        }
    }
    return first_error;
}

}  // namespace

std::string read_archive(std::string bytes, std::size_t maximum_bytes,
                         const std::function<void(const ArchivedBatch&)>& take) {
    const std::string_view encoding = encoding_of(bytes);
    const local::DecodedBody decoded = local::decode_body(encoding, std::move(bytes), maximum_bytes);
    const std::string error = encode::is_flatbuffers(decoded.bytes)
                                  ? take_flatbuffers(decoded.bytes, maximum_bytes, take)
                                  : take_batches(decoded.bytes, take);
    return decoded.outcome == local::BodyOutcome::decoded ? error : decoded.error;
}

}  // namespace judgeval::cat
