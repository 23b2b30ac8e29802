// judgeval-cat as its users meet it: what it prints of good, cut and broken archives, and what it sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "archive/shell.hpp"
#include "each_span_once.hpp"
#include "encode/flatbuffers_writer.hpp"
#include "encode/otlp_builder.hpp"
#include "end_to_end/peer.hpp"
#include "local/compression.hpp"

namespace judgeval {
namespace {

using test::read_file;
using test::Said;
using test::span_id_of;
using test::write_file;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Cat : public test::ShellTest {
  protected:
    /// Spans named "span 1", "span 2", …, `per_batch` in each batch.
    static std::string archive(std::uint64_t spans, std::uint64_t per_batch) {
        std::string bytes;
        for (std::uint64_t i = 1; i <= spans; i += per_batch) {
            std::vector<std::string> messages;
            for (std::uint64_t j = i; j < i + per_batch && j <= spans; ++j) {
                messages.push_back(test::span_message({.span_id = span_id_of(j),
                                                       .parent_span_id = j == 1 ? "" : span_id_of(1),
                                                       .name = "span " + std::to_string(j),
                                                       .error = j == 2 ? "did not work" : ""}));
            }
            bytes += test::trace_request(messages);
        }
        return bytes;
    }

    /// The names in JSON that was printed, in order.
    static std::vector<std::string> names_of(const std::string& lines) {
        std::vector<std::string> names;
        std::istringstream input(lines);
        for (std::string line; std::getline(input, line);) {
            const auto batch = nlohmann::json::parse(line);
            for (const auto& scope : batch.at("scope_spans")) {
                for (const auto& span : scope.at("spans")) names.push_back(span.at("name"));
            }
        }
        return names;
    }
};

TEST_F(Cat, DrawsTracesWhoseSpansLieInSeveralBatchesAndFiles) {
    write_file(folder_ / "one", archive(2, 1));
    write_file(folder_ / "two", test::gzip(test::trace_request(std::vector{test::span_message(
                                    {.span_id = span_id_of(3), .parent_span_id = span_id_of(2)})})));
    const Said said = shell("$cat one two");
    EXPECT_EQ(said.exit_code, 0) << said.errors;
    EXPECT_THAT(said.output, HasSubstr(" · tests · 3 spans · 2.50 ms · 1 error\n"
                                       "span 1  function  2.50 ms\n"
                                       "└─ span 2  function  2.50 ms  ✗ error: did not work\n"
                                       "   └─ work  function  2.50 ms\n"));
    EXPECT_EQ(shell("cat one | $cat").output, shell("$cat one").output);
}

TEST_F(Cat, OfACutArchiveEverySpanIsPrintedThatIsWhole) {
    const std::string whole = archive(9, 3);
    const std::set<std::size_t> ends = {archive(3, 3).size(), archive(6, 3).size()};
    std::size_t last = 0;
    for (std::size_t length = 1; length < whole.size(); length += 31) {
        if (ends.count(length) != 0) continue;  // that is a whole archive
        write_file(folder_ / "cut", std::string_view(whole).substr(0, length));
        const Said said = shell("$cat --format json cut");
        const std::vector<std::string> names = names_of(said.output);
        EXPECT_GE(names.size(), last) << length;
        const auto whole_batches = std::distance(ends.begin(), ends.lower_bound(length));
        EXPECT_GE(names.size(), static_cast<std::size_t>(whole_batches * 3)) << length;
        last = names.size();
        for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], "span " + std::to_string(i + 1));
        EXPECT_EQ(said.exit_code, 1) << length;
        EXPECT_THAT(said.errors, HasSubstr("the batch ends too early")) << length;
    }
    EXPECT_GE(last, 8U);
}

TEST_F(Cat, OfACutCompressedArchiveTheRestIsSaid) {
    for (const auto& pack : {test::gzip, +[](std::string_view bytes) { return test::zstd(bytes); }}) {
        const std::string packed = pack(archive(3, 3)) + pack(archive(3, 3));
        write_file(folder_ / "cut", std::string_view(packed).substr(0, packed.size() - 10));
        const Said said = shell("$cat --format json cut");
        EXPECT_EQ(said.exit_code, 1);
        EXPECT_GE(names_of(said.output).size(), 3U);
        EXPECT_THAT(said.errors, HasSubstr("it ends too early"));
    }
}

TEST_F(Cat, SurvivesBrokenBytes) {
    const std::string good = archive(6, 2);
    const std::string flat = encode::write_flatbuffers(*encode::read_trace_request(good).message);
    for (const std::string& bytes : {good, flat, test::gzip(good), test::zstd(good)}) {
        for (std::size_t i = 0; i < 12; ++i) {
            std::string broken = bytes;
            broken[i * 7919 % broken.size()] ^= static_cast<char>(1U << i % 8);
            write_file(folder_ / "broken", broken);
            for (const char* const format : {"tree", "otlp-json"}) {
                const Said said = shell("$cat --format " + std::string(format) + " broken");
                EXPECT_THAT(said.exit_code, ::testing::AnyOf(0, 1)) << i << said.errors;
                EXPECT_EQ(said.exit_code == 0, said.errors.empty());
            }
        }
    }
    for (const char* const text : {"this is no archive", "{\"resourceSpans\":[]}", "\xff\xff\xff\xff"}) {
        write_file(folder_ / "text", text);
        const Said said = shell("$cat text");
        EXPECT_EQ(said.exit_code, 1);
        EXPECT_THAT(said.errors, StartsWith("judgeval-cat: text: at byte 0: this is no batch of spans"));
    }
}

TEST_F(Cat, OfACutArchiveOfFlatBuffersTheWholeBatchesArePrinted) {
    const std::string flat = encode::write_flatbuffers(*encode::read_trace_request(archive(9, 3)).message);
    write_file(folder_ / "cut", std::string_view(flat).substr(0, flat.size() - 10));
    const Said said = shell("$cat --format json cut");
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_EQ(names_of(said.output).size(), 6U);
    EXPECT_THAT(said.errors, HasSubstr("cut: in batch 3: "));
}

TEST_F(Cat, DecompressesNoMoreThanIsAllowed) {
    const std::string good = archive(100, 1);
    for (const std::string& bytes : {good, test::gzip(good), test::zstd(good)}) {
        write_file(folder_ / "large", bytes);
        const Said refused = shell("$cat --format json --maximum-bytes 2000 large");
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_THAT(refused.errors, HasSubstr("is larger than 2000 bytes"));
        EXPECT_LT(names_of(refused.output).size(), 20U);
        EXPECT_EQ(shell("$cat --maximum-bytes " + std::to_string(good.size()) + " large").exit_code, 0);
    }
}

TEST_F(Cat, AFileThatCannotBeReadDoesNotHideTheOthers) {
    write_file(folder_ / "good", archive(1, 1));
    const Said said = shell("$cat --format json missing . good");
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_EQ(said.errors, "judgeval-cat: missing: it cannot be read\njudgeval-cat: .: it cannot be read\n");
    EXPECT_THAT(names_of(said.output), ElementsAreArray({"span 1"}));
}

TEST_F(Cat, RefusesWrongOptionsWithAReason) {
    for (const auto& [options, reason] : std::vector<std::pair<std::string, std::string>>{
             {"--format xml", "xml"},
             {"--no-such-option", "--no-such-option"},
             {"--maximum-bytes 0", "0"},
             {"--header 'a: b'", "--header requires --send"},
             {"--send http://localhost --format json", "excludes"}}) {
        const Said said = shell("$cat " + options + " </dev/null");
        EXPECT_EQ(said.exit_code, 2) << options;
        EXPECT_THAT(said.errors, HasSubstr(reason));
    }
    const Said help = shell("$cat --help");
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.output, HasSubstr("judgeval-cat prints what a FileExporter wrote"));
}

TEST_F(Cat, SendsAgainWhatWasRecorded) {
    using enum Compression;
    for (const auto& [encoding, compression] :
         std::vector<std::pair<Encoding, Compression>>{{Encoding::kOtlp, kZstd},
                                                       {Encoding::kOtlp, kGzip},
                                                       {Encoding::kOtlp, kNone},
                                                       {Encoding::kFlatBuffers, kZstd},
                                                       {Encoding::kFlatBuffers, kNone}}) {
        const std::string path = folder_ / "spans";
        std::filesystem::remove(path);
        TracerOptions options = end_to_end::lossless();
        options.pipeline.encoding = encoding;
        options.exporter = FileExporter{path};
        options.pipeline.compression = compression;
        const Tracer tracer = Judgeval({.project_name = "project"}).tracer.create(test::each_span_once(options));
        const auto records = end_to_end::record_traces_on_threads(tracer, 5, 2, 20);
        ASSERT_TRUE(tracer.shutdown(test::kPatience));

        end_to_end::RunningBackend backend;
        const std::string project = backend.store().resolve_project("organization", "project");
        const std::string send = "$cat --send " + backend.url() + "/otel/v1/traces ";
        const Said said =
            shell(send + "--header 'Authorization: Bearer key' --header 'X-Organization-Id: organization' " +
                  "--header 'X-Project-Id: " + project + "' " + path);
        EXPECT_EQ(said.exit_code, 0) << said.errors;
        EXPECT_EQ(said.output, "sent 400 spans\n");
        end_to_end::expect_received(backend, records);

        const Said refused = shell(send + path);
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_THAT(refused.errors, HasSubstr("the endpoint did not take a request of"));
        EXPECT_THAT(refused.errors, HasSubstr("HTTP 40"));
        const Said header = shell(send + "--header \"$(printf 'X-Key: secret\\nX-Other: 1')\" " + path);
        EXPECT_EQ(header.exit_code, 1);
        EXPECT_THAT(header.errors, HasSubstr("a header must be"));
        EXPECT_THAT(header.errors, ::testing::Not(HasSubstr("secret")));
    }
}

}  // namespace
}  // namespace judgeval
