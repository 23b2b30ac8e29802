// Encoding of resource and scope, with protozero's writer.
#include "export/frame.hpp"

#include <protozero/pbf_writer.hpp>

#include "record/utf8.hpp"

namespace judgeval::detail {

namespace {

std::string valid(const std::string& text) { return is_valid_utf8(text) ? text : mend_utf8(text); }

void write_value(protozero::pbf_writer& any, const ResourceValue& value) {
    switch (value.index()) {
        case 0:
            any.add_string(1, valid(std::get<std::string>(value)));
            break;
        case 1:
            any.add_bool(2, std::get<bool>(value));
            break;
        case 2:
            any.add_int64(3, std::get<std::int64_t>(value));
            break;
        default:
            any.add_double(4, std::get<double>(value));
            break;
    }
}

/// A length-delimited field's tag and length.
std::string header(protozero::pbf_tag_type tag, std::size_t size) {
    std::string bytes;
    protozero::add_varint_to_buffer(&bytes, tag << 3U | 2U);
    protozero::add_varint_to_buffer(&bytes, size);
    return bytes;
}

}  // namespace

Frame::Frame(const std::map<std::string, ResourceValue>& resource, std::string_view scope_name,
             std::string_view scope_version) {
    {
        protozero::pbf_writer resource_spans(resource_);
        protozero::pbf_writer message(resource_spans, 1);
        for (const auto& [key, value] : resource) {
            if (key.empty()) continue;
            protozero::pbf_writer pair(message, 1);
            pair.add_string(1, valid(key));
            protozero::pbf_writer any(pair, 2);
            write_value(any, value);
        }
    }
    protozero::pbf_writer scope_spans(scope_);
    protozero::pbf_writer scope(scope_spans, 1);
    scope.add_string(1, scope_name.data(), scope_name.size());
    scope.add_string(2, scope_version.data(), scope_version.size());
}

std::string Frame::before(std::size_t records_size) const {
    const std::size_t scope_spans_size = scope_.size() + records_size;
    const std::string scope_spans = header(2, scope_spans_size);
    const std::string resource_spans = header(1, resource_.size() + scope_spans.size() + scope_spans_size);
    return resource_spans + resource_ + scope_spans + scope_;
}

}  // namespace judgeval::detail
