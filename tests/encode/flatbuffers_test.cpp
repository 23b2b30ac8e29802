// FlatBuffers there and back: nothing is lost, spans are readable in place, and nothing that can be wrong
// with bytes from outside gets past the reader or brings it down. Equal are requests that make the same OTLP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "encode/flatbuffers_reader.hpp"
#include "encode/flatbuffers_writer.hpp"
#include "encode/otlp_builder.hpp"
#include "encode/otlp_writer.hpp"
#include "encode/random_request.hpp"

namespace judgeval::encode {
namespace {

using test::full_span;
using test::RandomRequest;
using ::testing::HasSubstr;

TraceRequest one_span(const Span& span) {
    TraceRequest request;
    ResourceSpans& resource = request.resource_spans.emplace_back();
    resource.resource.attributes.push_back({"service.name", {std::string{"tests"}}});
    ScopeSpans& scope = resource.scope_spans.emplace_back();
    scope.scope.name = "judgeval";
    scope.spans.push_back(span);
    return request;
}

/// A request as FlatBuffers have it: a resource for each scope.
TraceRequest with_a_resource_for_each_scope(const TraceRequest& request) {
    TraceRequest result;
    for (const ResourceSpans& resource : request.resource_spans) {
        for (const ScopeSpans& scope : resource.scope_spans) {
            result.resource_spans.push_back({resource.resource, resource.schema_url, {scope}});
        }
    }
    return result;
}

TEST(OtlpWriter, WritesEveryFieldOfASpanAsItWasRead) {
    const std::string bytes = full_span();
    EXPECT_EQ(write_span(*read_span(bytes).message), bytes);
}

TEST(OtlpWriter, WhatItWritesIsReadBack) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::string bytes = write_trace_request(RandomRequest(seed).make());
        const auto read = read_trace_request(bytes);
        ASSERT_TRUE(read.message) << read.error;
        ASSERT_EQ(write_trace_request(*read.message), bytes) << "seed " << seed;
    }
}

TEST(FlatBuffers, EveryFieldComesBack) {
    const std::string bytes = full_span();
    const TraceRequest request = one_span(*read_span(bytes).message);
    const auto read = read_flatbuffers(write_flatbuffers(request));
    ASSERT_TRUE(read.message) << read.error;
    EXPECT_EQ(read.message->resource_spans.at(0).scope_spans.at(0).spans.at(0).rejection, "");
    EXPECT_EQ(write_trace_request(*read.message), write_trace_request(request));
}

TEST(FlatBuffers, RandomRequestsComeBack) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        const TraceRequest request = RandomRequest(seed).make();
        const std::string body = write_flatbuffers(request);
        ASSERT_TRUE(is_flatbuffers(body));
        const auto read = read_flatbuffers(body);
        ASSERT_TRUE(read.message) << "seed " << seed << ": " << read.error;
        ASSERT_EQ(write_trace_request(*read.message),
                  write_trace_request(with_a_resource_for_each_scope(request)))
            << "seed " << seed;
    }
}

TEST(FlatBuffers, SpansAreReadableInPlace) {
    const std::string encoded = full_span();
    const std::string body = write_flatbuffers(one_span(*read_span(encoded).message));
    FlatBuffersReader reader{body};
    const flat::SpanBatch* const batch = reader.next();
    ASSERT_NE(batch, nullptr) << reader.error();
    ASSERT_EQ(batch->spans()->size(), 1U);
    const flat::Span* const span = batch->spans()->Get(0);
    const std::string_view name = span->name()->string_view();
    EXPECT_EQ(name, "résumé");
    EXPECT_GE(name.data(), body.data());
    EXPECT_LT(name.data(), body.data() + body.size());
    EXPECT_EQ(std::memcmp(span->trace_id()->bytes()->data(), test::trace_id_of(7).data(), 16), 0);
    EXPECT_EQ(span->start_time_unix_nano(), 1'700'000'000'123'456'789U);
    EXPECT_EQ(span->attributes()->Get(1)->int_value(), -42);
    EXPECT_EQ(span->events()->Get(0)->attributes()->Get(0)->string_value()->string_view(),
              "std::runtime_error");
    EXPECT_EQ(reader.buffer(), body);
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_EQ(reader.error(), "");
    EXPECT_TRUE(reader.is_at_end());
}

TEST(FlatBuffers, ABodyThatIsNotAlignedIsReadFromACopy) {
    const TraceRequest request = RandomRequest(3).make();
    const std::string body = write_flatbuffers(request);
    for (std::size_t shift = 1; shift < 8; ++shift) {
        const std::string shifted = std::string(shift, '\0') + body;
        const auto read = read_flatbuffers(std::string_view{shifted}.substr(shift));
        ASSERT_TRUE(read.message) << read.error;
    }
}

TEST(FlatBuffers, AKeyThatManySpansHaveIsThereOnce) {
    TraceRequest request = one_span({});
    auto& spans = request.resource_spans[0].scope_spans[0].spans;
    spans.clear();
    for (std::uint64_t i = 0; i < 50; ++i) {
        spans.push_back(*read_span(test::span_message({.span_id = test::span_id_of(i + 1)})).message);
    }
    const std::string body = write_flatbuffers(request);
    const std::size_t first = body.find("judgment.update_id");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(body.find("judgment.update_id", first + 1), std::string::npos);
    EXPECT_LT(body.size(), write_trace_request(request).size() * 3 / 2);
}

TEST(FlatBuffers, ASpanWithAnIdOfAnotherLengthIsNotWritten) {
    for (const auto& spoil : std::vector<void (*)(Span&)>{
             [](Span& span) { span.trace_id.pop_back(); }, [](Span& span) { span.span_id.clear(); },
             [](Span& span) { span.parent_span_id = "short"; },
             [](Span& span) { span.links.at(0).span_id += '\1'; }}) {
        const std::string bytes = full_span();
        Span span = *read_span(bytes).message;
        spoil(span);
        EXPECT_EQ(write_flatbuffers(one_span(span)), "");
    }
}

TEST(FlatBuffers, WhatIsWrongWithASpanRejectsItAlone) {
    const std::string bytes = full_span();
    Span span = *read_span(bytes).message;
    TraceRequest request = one_span(span);
    auto& spans = request.resource_spans[0].scope_spans[0].spans;
    spans.push_back(span);
    spans.back().name = "caf\xe9";
    spans.push_back(span);
    spans.back().trace_id.assign(16, '\0');
    spans.push_back(span);
    spans.back().parent_span_id.assign(8, '\0');  // some write a root so
    const auto read = read_flatbuffers(write_flatbuffers(request));
    ASSERT_TRUE(read.message) << read.error;
    const auto& found = read.message->resource_spans[0].scope_spans[0].spans;
    EXPECT_EQ(found.at(0).rejection, "");
    EXPECT_EQ(found.at(1).rejection, "the span's name is not valid UTF-8");
    EXPECT_EQ(found.at(2).rejection, "the trace id is all zeros");
    EXPECT_EQ(found.at(3).rejection, "");
    EXPECT_TRUE(found.at(3).is_root());

    request.resource_spans[0].resource.attributes[0].key = "\xc0";
    EXPECT_THAT(read_flatbuffers(write_flatbuffers(request)).error, HasSubstr("is not valid UTF-8"));
}

TEST(FlatBuffers, NestingIsLimited) {
    const auto nested = [](int depth) {
        AnyValue value{std::int64_t{1}};
        for (int i = 0; i < depth; ++i) {
            std::vector<AnyValue> elements;
            elements.push_back(std::move(value));
            value = {std::move(elements)};
        }
        Span span;
        span.trace_id = test::trace_id_of(1);
        span.span_id = test::span_id_of(1);
        span.events.emplace_back().attributes.push_back({"deep", std::move(value)});
        return write_flatbuffers(one_span(span));
    };
    EXPECT_EQ(read_flatbuffers(nested(kMaximumValueDepth - 1)).error, "");
    EXPECT_THAT(read_flatbuffers(nested(kMaximumValueDepth)).error, HasSubstr("nested more than"));
    EXPECT_THAT(read_flatbuffers(nested(200)).error, HasSubstr("no batch of spans"));
}

TEST(FlatBuffers, EveryTruncationIsRefused) {
    const std::string bytes = full_span();
    const std::string body = write_flatbuffers(one_span(*read_span(bytes).message));
    for (std::size_t length = 1; length < body.size(); ++length) {
        const std::string piece = body.substr(0, length);
        EXPECT_FALSE(read_flatbuffers(piece).message) << "at " << length;
        // and with a size that goes with it: but for the padding at the end
        if (length < 4 || length + 4 > body.size()) continue;
        std::string shorter = piece;
        const auto size = static_cast<std::uint32_t>(length - 4);
        std::memcpy(shorter.data(), &size, sizeof size);
        EXPECT_FALSE(read_flatbuffers(shorter).message) << "at " << length;
    }
    EXPECT_TRUE(read_flatbuffers({}).message);
}

TEST(FlatBuffers, SurvivesRandomDamage) {
    std::mt19937 random{20240607};
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        static const std::string good = write_flatbuffers(RandomRequest(11).make());
        std::string bytes = good;
        for (int i = 0; i < 3; ++i) {
            bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        const auto read = read_flatbuffers(bytes);
        ASSERT_NE(read.message.has_value(), !read.error.empty());
        refused += read.message ? 0U : 1U;
        if (read.message) {
            static_cast<void>(write_trace_request(*read.message));
        }
    }
    EXPECT_GT(refused, 1000U);
}

TEST(FlatBuffers, ABadBufferDoesNotHideTheNextOne) {
    const std::string good = write_flatbuffers(one_span(RandomRequest(5).span()));
    std::string bad = good;
    bad[8] = 'X';  // of the identifier
    const std::string body = good + bad + good;
    FlatBuffersReader reader{body};
    EXPECT_NE(reader.next(), nullptr);
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_THAT(reader.error(), HasSubstr("no batch of spans"));
    EXPECT_FALSE(reader.is_at_end());
    EXPECT_NE(reader.next(), nullptr);
    EXPECT_EQ(reader.error(), "");
    EXPECT_TRUE(reader.is_at_end());
}

/// A few bytes that refer to the same table, or text, again and again must not become gigabytes.
TEST(FlatBuffers, RepeatedReferencesDoNotUnfold) {
    flatbuffers::FlatBufferBuilder builder;
    auto element = flat::CreateKeyValue(builder);
    for (int level = 0; level < 20; ++level) {
        const auto elements = builder.CreateVector(std::vector(100, element));
        flat::KeyValueBuilder pair{builder};
        pair.add_type(flat::ValueType::Array);
        pair.add_array_value(elements);
        element = pair.Finish();
    }
    const auto finish = [&builder](flatbuffers::Offset<flat::KeyValue> pair, std::size_t times) {
        const auto attributes = builder.CreateVector(std::vector(times, pair));
        const auto resource = flat::CreateResource(builder, attributes);
        builder.FinishSizePrefixed(flat::CreateSpanBatch(builder, resource), flat::SpanBatchIdentifier());
        return std::string{reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
    };
    EXPECT_THAT(read_flatbuffers(finish(element, 1)).error, HasSubstr("no batch of spans"));

    builder.Clear();
    const std::string large(100'000, 'x');
    const auto text = flat::CreateKeyValueDirect(builder, "key", flat::ValueType::String, large.c_str());
    const std::string body = finish(text, 1000);
    EXPECT_EQ(read_flatbuffers(body).error, "");
    EXPECT_THAT(read_flatbuffers(body, 10'000'000).error, HasSubstr("more than is taken"));
}

TEST(FlatBuffers, AValueOfALaterSchemaIsAnUnknownValue) {
    flatbuffers::FlatBufferBuilder builder;
    const auto pair = flat::CreateKeyValueDirect(builder, "later", static_cast<flat::ValueType>(77));
    const auto resource = flat::CreateResource(builder, builder.CreateVector(std::vector{pair}));
    builder.FinishSizePrefixed(flat::CreateSpanBatch(builder, resource), flat::SpanBatchIdentifier());
    const auto read =
        read_flatbuffers({reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
    ASSERT_TRUE(read.message) << read.error;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        read.message->resource_spans[0].resource.attributes.at(0).value.value));
}

}  // namespace
}  // namespace judgeval::encode
