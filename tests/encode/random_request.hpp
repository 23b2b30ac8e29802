// Random requests with everything that the OTLP schema allows: each kind of value, nested and empty ones,
// several resources and scopes. The same seed makes the same request.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "encode/otlp_reader.hpp"

namespace judgeval::test {

class RandomRequest {
  public:
    explicit RandomRequest(std::uint64_t seed) : random_(seed) {}

    encode::TraceRequest make() {
        encode::TraceRequest request;
        for (std::uint64_t resources = 1 + below(2); resources != 0; --resources) {
            encode::ResourceSpans& resource = request.resource_spans.emplace_back();
            resource.resource = {attributes(4), dropped()};
            if (one_in(2)) resource.schema_url = "https://opentelemetry.io/schemas/1.24.0";
            for (std::uint64_t scopes = 1 + below(2); scopes != 0; --scopes) {
                encode::ScopeSpans& scope = resource.scope_spans.emplace_back();
                scope.scope = {text(), text(), attributes(2), dropped()};
                if (one_in(2)) scope.schema_url = "https://example.com/" + text();
                for (std::uint64_t spans = below(6); spans != 0; --spans) scope.spans.push_back(span());
            }
        }
        return request;
    }

    encode::Span span() {
        encode::Span span;
        span.trace_id = id(16);
        span.span_id = id(8);
        if (!one_in(3)) span.parent_span_id = id(8);
        if (one_in(3)) span.trace_state = "vendor=" + std::to_string(below(100));
        span.name = text();
        span.kind = static_cast<std::int32_t>(below(7));
        span.flags = static_cast<std::uint32_t>(below(0x400));
        span.start_time_unix_nano = number();
        span.end_time_unix_nano = number();
        span.attributes = attributes(8);
        span.dropped_attributes_count = dropped();
        for (std::uint64_t events = below(3); events != 0; --events) {
            span.events.push_back({number(), text(), attributes(3), dropped()});
        }
        span.dropped_events_count = dropped();
        for (std::uint64_t links = below(3); links != 0; --links) {
            span.links.push_back({id(16), id(8), one_in(2) ? "a=b" : "", attributes(2), dropped(),
                                  static_cast<std::uint32_t>(below(0x400))});
        }
        span.dropped_links_count = dropped();
        span.status = {static_cast<encode::StatusCode>(below(4)), one_in(2) ? text() : ""};
        return span;
    }

  private:
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    bool one_in(std::uint64_t chances) { return below(chances) == 0; }
    /// Of any length, with the extremes.
    std::uint64_t number() { return random_() >> below(65 - 1); }
    std::uint32_t dropped() { return one_in(3) ? static_cast<std::uint32_t>(number()) : 0; }

    std::string id(std::size_t length) {
        std::string bytes;
        while (bytes.size() < length) bytes += static_cast<char>(random_());
        bytes.back() = static_cast<char>(1 + below(255));  // all zeros are no id
        return bytes;
    }

    std::string text() {
        static const std::vector<std::string> kTexts = {
            "", "name", "service.name", "grüßt", "語", std::string("with a \0 inside", 15), "\x7f\n\t\"\\"};
        std::string text = kTexts[below(kTexts.size())];
        if (one_in(20)) text.append(below(3000), 'x');
        return text;
    }

    encode::AnyValue value(int depth) {
        switch (below(depth > 4 ? 6 : 8)) {
            case 0:
                return {};
            case 1:
                return {text()};
            case 2:
                return {one_in(2)};
            case 3:
                return {static_cast<std::int64_t>(one_in(2) ? number() : ~number())};
            case 4: {
                static constexpr double kDoubles[] = {0.0,
                                                      -0.0,
                                                      1.5,
                                                      std::numeric_limits<double>::quiet_NaN(),
                                                      -std::numeric_limits<double>::infinity(),
                                                      std::numeric_limits<double>::denorm_min()};
                return {one_in(2) ? kDoubles[below(std::size(kDoubles))] : std::bit_cast<double>(random_())};
            }
            case 5: {
                std::string bytes;
                for (std::uint64_t left = below(20); left != 0; --left) bytes += static_cast<char>(random_());
                return {encode::Bytes{std::move(bytes)}};
            }
            case 6: {
                std::vector<encode::AnyValue> elements;
                for (std::uint64_t left = below(4); left != 0; --left) elements.push_back(value(depth + 1));
                return {std::move(elements)};
            }
            default:
                return {attributes(3, depth + 1)};
        }
    }

    encode::Attributes attributes(std::uint64_t most, int depth = 1) {
        encode::Attributes result;
        for (std::uint64_t left = below(most + 1); left != 0; --left) {
            result.push_back({one_in(8) ? text() : "key." + std::to_string(below(10)), value(depth)});
        }
        return result;
    }

    std::mt19937_64 random_;
};

}  // namespace judgeval::test
