// Capturing: the tracer writes to a file that is only memory, as a FileExporter does, and the file is read
// with the library's own reader. On the thread of the test.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "encode/otlp_reader.hpp"
#include "judgeval/testing.hpp"

namespace judgeval::testing {

namespace {

constexpr std::chrono::minutes kPatience{1};

CapturedValue captured(const encode::AnyValue& read) {
    if (const auto* const text = std::get_if<std::string>(&read.value)) return {*text};
    if (const auto* const boolean = std::get_if<bool>(&read.value)) return {*boolean};
    if (const auto* const integer = std::get_if<std::int64_t>(&read.value)) return {*integer};
    if (const auto* const number = std::get_if<double>(&read.value)) return {*number};
    std::vector<CapturedValue> array;  // the library writes nothing else
    if (const auto* const values = std::get_if<std::vector<encode::AnyValue>>(&read.value)) {
        for (const encode::AnyValue& value : *values) array.push_back(captured(value));
    }
    return {std::move(array)};
}

CapturedAttributes captured(const encode::Attributes& read) {
    CapturedAttributes attributes;
    for (const encode::KeyValue& attribute : read) {
        attributes.emplace_back(attribute.key, captured(attribute.value));
    }
    return attributes;
}

/// An id of another length stays invalid.
template <typename Id>
Id id_of(const std::string& bytes) {
    Id id;
    if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
    return id;
}

Time time_of(std::uint64_t nanoseconds) {
    return Time(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

CapturedSpan captured(const encode::Span& read) {
    CapturedSpan span;
    span.name = read.name;
    span.trace_id = id_of<TraceId>(read.trace_id);
    span.span_id = id_of<SpanId>(read.span_id);
    span.parent_span_id = id_of<SpanId>(read.parent_span_id);
    span.flags = read.flags;
    span.start = time_of(read.start_time_unix_nano);
    span.end = time_of(read.end_time_unix_nano);
    span.attributes = captured(read.attributes);
    for (const encode::Event& event : read.events) {
        span.events.push_back({event.name, time_of(event.time_unix_nano), captured(event.attributes)});
    }
    for (const encode::Link& link : read.links) {
        CapturedLink& made = span.links.emplace_back();
        made.context.trace_id = id_of<TraceId>(link.trace_id);
        made.context.span_id = id_of<SpanId>(link.span_id);
        made.context.trace_flags = static_cast<std::uint8_t>(link.flags & 0xFFU);
        made.context.is_remote = (link.flags & 0x200U) != 0;
        made.context.trace_state = link.trace_state;
        made.attributes = captured(link.attributes);
    }
    span.status = static_cast<StatusCode>(read.status.code);
    span.status_message = read.status.message;
    return span;
}

std::int64_t update_of(const CapturedSpan& span) {
    const CapturedValue* const found = span.attribute("judgment.update_id");
    const auto* const update = found == nullptr ? nullptr : std::get_if<std::int64_t>(&found->value);
    return update == nullptr ? 0 : *update;
}

int memory_file() {
    const int file = ::memfd_create("judgeval-capture", MFD_CLOEXEC);
    if (file < 0) throw std::system_error(errno, std::generic_category(), "cannot capture spans");
    return file;
}

Tracer make_tracer(TracerOptions options, int file) {
    options.exporter = FileExporter{"/proc/self/fd/" + std::to_string(file)};
    options.enable_monitoring = true;
    options.pipeline.encoding = Encoding::kOtlp;
    options.pipeline.compression = Compression::kNone;
    return Judgeval({.project_name = "captured"}).tracer.create(std::move(options));
}

std::size_t size_of(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

}  // namespace

SpanCapture::SpanCapture(TracerOptions options) : file_(memory_file()) {
    try {
        tracer_ = make_tracer(std::move(options), file_);
    } catch (...) {
        ::close(file_);
        throw;
    }
}

SpanCapture::~SpanCapture() {
    tracer_.shutdown(kPatience);
    ::close(file_);
}

CapturedSpans SpanCapture::spans() const {
    if (!tracer_.force_flush(kPatience)) {
        throw std::runtime_error("the spans did not arrive within a minute");
    }
    return CapturedSpans(read());
}

void SpanCapture::clear() {
    static_cast<void>(spans());
    forgotten_ = size_of(file_);
}

std::vector<CapturedSpan> SpanCapture::read() const {
    std::string bytes(size_of(file_) - forgotten_, '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t some =
            ::pread(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(forgotten_ + done));
        if (some <= 0)
            throw std::system_error(errno, std::generic_category(), "cannot read the captured spans");
        done += static_cast<std::size_t>(some);
    }
    // Batches one after the other are one valid message.
    const auto request = encode::read_trace_request(bytes);
    if (!request.message) throw std::runtime_error("the captured spans cannot be read: " + request.error);

    std::vector<CapturedSpan> spans;
    std::map<std::pair<std::string, std::string>, std::size_t> positions;
    for (const auto& resource : request.message->resource_spans) {
        for (const auto& scope : resource.scope_spans) {
            for (const encode::Span& read : scope.spans) {
                CapturedSpan span = captured(read);
                const auto [position, is_new] =
                    positions.try_emplace({read.trace_id, read.span_id}, spans.size());
                if (is_new) {
                    spans.push_back(std::move(span));
                } else if (update_of(span) >= update_of(spans[position->second])) {
                    spans[position->second] = std::move(span);
                }
            }
        }
    }
    // Parents before their children where a fake clock stands still: a parent is recorded after them.
    std::reverse(spans.begin(), spans.end());
    std::stable_sort(spans.begin(), spans.end(),
                     [](const CapturedSpan& a, const CapturedSpan& b) { return a.start < b.start; });
    return spans;
}

}  // namespace judgeval::testing
