// See flatbuffers_body.hpp.
#include "export/flatbuffers_body.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <protozero/pbf_reader.hpp>
#include <utility>
#include <vector>

#include "encode/flatbuffers_reader.hpp"

namespace judgeval::detail {

namespace {

/// Scratch memory beyond this is given back: one large record must not cost its size for ever.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20U;

/// One buffer as two, each with half of its spans.
std::optional<DividedBody> divide_buffer(const flat::SpanBatch& batch) {
    std::size_t unlimited = SIZE_MAX;  // these are our own bytes
    auto read = encode::read_span_batch(batch, unlimited);
    if (!read.message) return std::nullopt;
    encode::ResourceSpans first = std::move(*read.message);
    encode::ResourceSpans second = first;
    auto& spans = first.scope_spans.front().spans;
    auto& rest = second.scope_spans.front().spans;
    const auto half = static_cast<std::ptrdiff_t>(spans.size() / 2);
    spans.erase(spans.begin() + half, spans.end());
    rest.erase(rest.begin(), rest.begin() + half);
    const std::uint64_t first_spans = spans.size();
    return DividedBody{encode::write_flatbuffers({{std::move(first)}}),
                       encode::write_flatbuffers({{std::move(second)}}), first_spans};
}

}  // namespace

bool Transcoder::begin(std::string_view frame) noexcept try {
    auto read = encode::read_trace_request(frame);
    if (!read.message || read.message->resource_spans.size() != 1 ||
        read.message->resource_spans.front().scope_spans.size() != 1) {
        return false;
    }
    resource_ = std::move(read.message->resource_spans.front());
    return true;
} catch (const std::exception&) {  // no memory
    return false;
}

std::string_view Transcoder::encode(const Segment& segment) noexcept try {
    if (records_.capacity() > kKeptBytes) std::string().swap(records_);
    records_.assign(reinterpret_cast<const char*>(segment.chunk->data) + segment.offset, segment.size);
    for (const Chunk* chunk = segment.chunk->next; chunk != nullptr; chunk = chunk->next) {
        records_.append(reinterpret_cast<const char*>(chunk->data), chunk->size);
    }
    writer_.begin(resource_, resource_.scope_spans.front());
    // A record is an entry of ScopeSpans.spans, with its tag and length.
    std::uint64_t spans = 0;
    for (protozero::pbf_reader records{records_}; records.next(2, protozero::pbf_wire_type::length_delimited);
         ++spans) {
        const protozero::data_view record = records.get_view();
        const auto read = encode::read_span({record.data(), record.size()});
        if (!read.message || !writer_.add(*read.message)) return {};
    }
    // What is counted must be what is sent.
    return spans == segment.spans ? writer_.finish() : std::string_view{};
} catch (const std::exception&) {
    return {};
}

std::optional<DividedBody> divide_body(std::string_view body) noexcept try {
    struct Part {
        std::size_t end;
        std::uint64_t spans;
    };
    std::vector<Part> parts;
    encode::FlatBuffersReader reader{body};
    std::size_t end = 0;
    const flat::SpanBatch* last = nullptr;
    while (const flat::SpanBatch* const batch = reader.next()) {
        end += reader.buffer().size();
        parts.push_back({end, batch->spans() == nullptr ? 0 : batch->spans()->size()});
        last = batch;
    }
    if (!reader.error().empty() || parts.empty()) return std::nullopt;
    if (parts.size() == 1) return parts.front().spans < 2 ? std::nullopt : divide_buffer(*last);
    std::size_t count = 1;
    while (count + 1 < parts.size() && parts[count].end <= body.size() / 2) ++count;
    std::uint64_t spans = 0;
    for (std::size_t i = 0; i < count; ++i) spans += parts[i].spans;
    const std::size_t middle = parts[count - 1].end;
    return DividedBody{std::string(body.substr(0, middle)), std::string(body.substr(middle)), spans};
} catch (const std::exception&) {  // no memory
    return std::nullopt;
}

}  // namespace judgeval::detail
