// Writes spans as FlatBuffers (schemas/judgeval.fbs): the exporter's other encoding, and that of archives.
//
// One writer belongs to one thread and keeps its memory for the next buffer. Cold compared to the calling
// thread's path: here spans were read from their OTLP bytes before.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <string>
#include <string_view>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "judgeval_generated.h"

namespace judgeval::encode {

class FlatBuffersWriter {
  public:
    /// Starts a buffer of spans of this resource and scope; spans in the two are not looked at.
    void begin(const ResourceSpans& resource, const ScopeSpans& scope);
    /// False when the span has an id (its own, its parent's, a link's) that is not of an id's length. The
    /// buffer has none of it then.
    [[nodiscard]] bool add(const Span& span);
    /// The buffer with its size before it. Valid until the next begin(). Throws std::bad_alloc, like the
    /// others.
    [[nodiscard]] std::string_view finish();

  private:
    using Attributes = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flat::KeyValue>>>;

    flatbuffers::Offset<flatbuffers::String> text(const std::string& text);
    flatbuffers::Offset<flatbuffers::String> shared_text(const std::string& text);
    flatbuffers::Offset<flat::KeyValue> value(const std::string& key, const AnyValue& value);
    Attributes attributes(const encode::Attributes& attributes);

    flatbuffers::FlatBufferBuilder builder_;
    flatbuffers::Offset<flat::Resource> resource_;
    flatbuffers::Offset<flatbuffers::String> resource_schema_url_;
    flatbuffers::Offset<flat::Scope> scope_;
    flatbuffers::Offset<flatbuffers::String> scope_schema_url_;
    std::vector<flatbuffers::Offset<flat::Span>> spans_;
};

/// A whole request as a body: a buffer for each scope. Empty when an id is not of an id's length.
[[nodiscard]] std::string write_flatbuffers(const TraceRequest& request);

}  // namespace judgeval::encode
