// The store: which emission of a span wins, what is counted, and that a file keeps it all.
#include "local/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "encode/otlp_builder.hpp"

namespace judgeval::local {
namespace {

using test::span_id_of;
using test::span_message;
using test::SpanFields;
using test::trace_id_of;
using ::testing::SizeIs;

AddedSpans add(Store& store, std::int64_t project, const std::vector<SpanFields>& spans) {
    std::vector<std::string> messages;
    for (const SpanFields& fields : spans) {
        messages.push_back(span_message(fields));
    }
    const std::string bytes = test::trace_request(messages);
    const auto read = encode::read_trace_request(bytes);
    EXPECT_TRUE(read.message) << read.error;
    return store.add(project, *read.message, bytes.size(), bytes.size());
}

std::int64_t make_project(Store& store, const std::string& name = "demo") {
    return store.find_project("org", store.resolve_project("org", name)).value();
}

TEST(Store, AProjectsIdIsStableForOrganizationAndName) {
    Store store{":memory:"};
    const std::string id = store.resolve_project("org", "demo");
    EXPECT_THAT(id, SizeIs(36));
    EXPECT_EQ(store.resolve_project("org", "demo"), id);
    EXPECT_NE(store.resolve_project("org", "other"), id);
    EXPECT_NE(store.resolve_project("another org", "demo"), id);
    EXPECT_TRUE(store.find_project("org", id));
    EXPECT_FALSE(store.find_project("another org", id));
    EXPECT_EQ(store.counts().projects, 3U);
}

TEST(Store, EachReceptionOfASpanIsCounted) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store);
    add(store, project, {{.span_id = span_id_of(1)}, {.span_id = span_id_of(2)}});
    EXPECT_EQ(store.counts().spans, 2U);
    EXPECT_EQ(store.counts().receptions, 2U);
    add(store, project, {{.span_id = span_id_of(1)}});
    EXPECT_EQ(store.counts().spans, 2U);
    EXPECT_EQ(store.counts().receptions, 3U);
    EXPECT_EQ(store.counts().traces, 1U);
    EXPECT_EQ(store.counts().requests, 2U);
    const StoredTrace trace = store.trace(trace_id_of(1)).value();
    ASSERT_THAT(trace.spans, SizeIs(2));
    EXPECT_EQ(trace.spans[0].receptions, 2U);
    EXPECT_EQ(trace.spans[1].receptions, 1U);
}

TEST(Store, TheSameSpanIdInAnotherTraceIsAnotherSpan) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store);
    add(store, project, {{.trace_id = trace_id_of(1)}, {.trace_id = trace_id_of(2)}});
    EXPECT_EQ(store.counts().spans, 2U);
    EXPECT_EQ(store.counts().traces, 2U);
}

TEST(Store, TheEmissionWithTheHighestUpdateIdWinsInWhateverOrderTheyCome) {
    const SpanFields partial{.name = "partial", .end = 1'000'000'000, .update_id = 0};
    const SpanFields final{.name = "final", .update_id = 1};
    for (const std::vector<SpanFields>& order :
         {std::vector{partial, final}, std::vector{final, partial}, std::vector{partial, final, partial}}) {
        Store store{":memory:"};
        const std::int64_t project = make_project(store);
        for (const SpanFields& emission : order) {
            add(store, project, {emission});
        }
        const StoredTrace trace = store.trace(trace_id_of(1)).value();
        ASSERT_THAT(trace.spans, SizeIs(1));
        EXPECT_EQ(trace.spans[0].span.name, "final");
        EXPECT_EQ(trace.spans[0].update_id, 1);
        EXPECT_EQ(trace.spans[0].receptions, order.size());
        EXPECT_EQ(store.counts().spans, 1U);
        EXPECT_EQ(store.counts().receptions, order.size());
    }
}

TEST(Store, ARepetitionDoesNotReplaceWhatIsStored) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store);
    add(store, project, {{.name = "first", .update_id = 1}});
    add(store, project, {{.name = "second", .update_id = 1}});
    const StoredTrace trace = store.trace(trace_id_of(1)).value();
    EXPECT_EQ(trace.spans.at(0).span.name, "first");
    EXPECT_EQ(trace.spans.at(0).receptions, 2U);
}

TEST(Store, InvalidSpansAreRejectedAndTheOthersKept) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store);
    const AddedSpans added =
        add(store, project, {{.span_id = span_id_of(1)}, {.span_id = "bad"}, {.name = "\xff"}});
    EXPECT_EQ(added.rejected, 2U);
    EXPECT_EQ(added.first_rejection, "the span id has 3 bytes, not 8");
    EXPECT_EQ(store.counts().spans, 1U);
    EXPECT_EQ(store.counts().rejected_spans, 2U);
}

TEST(Store, TellsWhetherAFinishedRootCame) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store);
    EXPECT_TRUE(add(store, project, {{}}).touched.at(0).has_finished_root);
    EXPECT_FALSE(add(store, project, {{.start = 5, .end = 5}}).touched.at(0).has_finished_root);
    EXPECT_FALSE(add(store, project, {{.parent_span_id = span_id_of(9)}}).touched.at(0).has_finished_root);
}

TEST(Store, AProjectOverrideMovesTheTraceWithinTheOrganization) {
    Store store{":memory:"};
    const std::int64_t project = make_project(store, "default");
    const std::string other = store.resolve_project("org", "other");
    const std::string foreign = store.resolve_project("another org", "foreign");
    const auto add_with_override = [&](std::uint64_t trace, const std::string& id) {
        std::string message = span_message({.trace_id = trace_id_of(trace)});
        protozero::pbf_writer{message}.add_message(
            9, test::key_value("judgment.project_id_override", test::text_value(id)));
        const std::string bytes = test::trace_request(std::vector{message});
        store.add(project, *encode::read_trace_request(bytes).message, 0, 0);
        return store.trace(trace_id_of(trace)).value().project_name;
    };
    EXPECT_EQ(add_with_override(1, other), "other");
    EXPECT_EQ(add_with_override(2, foreign), "default");
    EXPECT_EQ(add_with_override(3, "no such id"), "default");
}

TEST(Store, ListsTracesMostRecentFirst) {
    Store store{":memory:"};
    const std::int64_t first = make_project(store, "first");
    const std::int64_t second = make_project(store, "second");
    for (std::uint64_t i = 1; i <= 5; ++i) {
        add(store, i % 2 == 0 ? second : first,
            {{.trace_id = trace_id_of(i), .name = "root " + std::to_string(i), .start = 100, .end = 200},
             {.trace_id = trace_id_of(i),
              .span_id = span_id_of(2),
              .parent_span_id = span_id_of(1),
              .start = 110,
              .end = 250,
              .error = "broken"}});
    }
    const auto page = store.traces(2, 1, "");
    ASSERT_THAT(page, SizeIs(2));
    EXPECT_EQ(page[0].trace_id, trace_id_of(4));
    EXPECT_EQ(page[0].root_name, "root 4");
    EXPECT_EQ(page[0].project_name, "second");
    EXPECT_EQ(page[0].spans, 2U);
    EXPECT_EQ(page[0].errors, 1U);
    EXPECT_EQ(page[0].start_time_unix_nano, 100U);
    EXPECT_EQ(page[0].end_time_unix_nano, 250U);
    EXPECT_EQ(page[1].trace_id, trace_id_of(3));
    EXPECT_THAT(store.traces(10, 0, "second"), SizeIs(2));
    EXPECT_THAT(store.traces(10, 0, "no such project"), SizeIs(0));
    EXPECT_EQ(store.projects().at(0).traces, 3U);
    EXPECT_FALSE(store.trace(trace_id_of(99)));
}

class StoreFile : public ::testing::Test {
  protected:
    StoreFile() { std::filesystem::create_directories(directory_); }
    ~StoreFile() override { std::filesystem::remove_all(directory_); }

    const std::filesystem::path directory_ =
        std::filesystem::path{::testing::TempDir()} / ("judgeval-store-" + std::to_string(getpid()));
    const std::string file_ = (directory_ / "spans.db").string();
};

TEST_F(StoreFile, KeepsEverythingWhenClosedAndOpenedAgain) {
    std::string project_id;
    {
        Store store{file_};
        project_id = store.resolve_project("org", "demo");
        add(store, store.find_project("org", project_id).value(), {{}, {.span_id = span_id_of(2)}, {}});
    }
    Store store{file_};
    EXPECT_EQ(store.resolve_project("org", "demo"), project_id);
    EXPECT_EQ(store.counts().projects, 1U);
    EXPECT_EQ(store.counts().traces, 1U);
    EXPECT_EQ(store.counts().spans, 2U);
    EXPECT_EQ(store.counts().receptions, 3U);
    EXPECT_EQ(store.counts().requests, 0U);
    EXPECT_THAT(store.trace(trace_id_of(1)).value().spans, SizeIs(2));
}

TEST_F(StoreFile, RefusesAFileOfAnotherVersionOrNone) {
    {
        Database database{file_};
        database.execute("PRAGMA user_version = 99");
    }
    EXPECT_THROW(Store{file_}, DatabaseError);
    EXPECT_THROW(Store{(directory_ / "no such directory" / "spans.db").string()}, DatabaseError);
}

}  // namespace
}  // namespace judgeval::local
