// Spans that are written to a file or a pipe: complete, counted, and never in half a batch.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "archive/shell.hpp"
#include "client.hpp"
#include "encode/json_view.hpp"
#include "end_to_end/peer.hpp"
#include "local/body_decoder.hpp"

namespace judgeval {
namespace {

using end_to_end::RecordedSpan;
using nlohmann::json;
using test::expect_balanced;
using test::kPatience;
using test::LogLines;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileExporting : public test::ShellTest {
  protected:
    [[nodiscard]] Tracer make_tracer(const std::string& path, Compression compression = Compression::kZstd) {
        TracerOptions options = end_to_end::lossless();
        options.exporter = FileExporter{path};
        options.pipeline.compression = compression;
        options.pipeline.max_retry_time = std::chrono::seconds(0);
        return Judgeval({.project_name = "project", .log_handler = log_.handler()})
            .tracer.create(test::each_span_once(options));
    }

    LogLines log_;
};

/// The spans of an archive by id, and a failure for one that is there twice.
std::map<std::string, json> read_spans(const std::string& bytes, const char* encoding) {
    const local::DecodedBody body = local::decode_body(encoding, bytes, std::size_t{1} << 30U);
    EXPECT_EQ(body.error, "");
    const auto read = encode::read_trace_request(body.bytes);
    EXPECT_EQ(read.error, "");
    std::map<std::string, json> spans;
    if (!read.message) return spans;
    for (const auto& resource : read.message->resource_spans) {
        for (const auto& scope : resource.scope_spans) {
            for (const auto& span : scope.spans) {
                EXPECT_TRUE(spans.emplace(span.span_id, end_to_end::received_span(span)).second);
            }
        }
    }
    return spans;
}

/// How many different spans judgeval-cat printed as OTLP/JSON.
std::size_t count_printed(const std::string& lines) {
    std::set<std::string> ids;
    std::istringstream input(lines);
    for (std::string line; std::getline(input, line);) {
        const json batch = json::parse(line);
        for (const auto& resource : batch.at("resourceSpans")) {
            for (const auto& scope : resource.at("scopeSpans")) {
                for (const auto& span : scope.at("spans")) ids.insert(span.at("spanId"));
            }
        }
    }
    return ids.size();
}

/// Reads what a pipe holds, without waiting for more.
std::string drain(int pipe) {
    std::string bytes;
    char block[65536];
    for (ssize_t size = 0; (size = ::read(pipe, block, sizeof block)) > 0;) {
        bytes.append(block, static_cast<std::size_t>(size));
    }
    return bytes;
}

/// A named pipe with a reader.
class NamedPipe {
  public:
    explicit NamedPipe(const std::filesystem::path& path) {
        if (::mkfifo(path.c_str(), S_IRUSR | S_IWUSR) != 0) throw std::runtime_error("no named pipe");
        reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    }
    ~NamedPipe() { close_reader(); }
    NamedPipe(const NamedPipe&) = delete;
    NamedPipe& operator=(const NamedPipe&) = delete;
    void close_reader() {
        if (reader >= 0) ::close(reader);
        reader = -1;
    }
    int reader = -1;
};

TEST_F(FileExporting, WritesEverySpanAsItWasRecorded) {
    const std::vector<std::pair<Compression, const char*>> kCompressions = {
        {Compression::kZstd, "zstd"}, {Compression::kGzip, "gzip"}, {Compression::kNone, "identity"}};
    for (const auto& [compression, encoding] : kCompressions) {
        const std::string path = folder_ / encoding;
        const Tracer tracer = make_tracer(path, compression);
        const auto records = end_to_end::record_traces_on_threads(tracer, 11, 4, 50);
        EXPECT_TRUE(tracer.force_flush(kPatience));
        const auto spans = read_spans(test::read_file(path), encoding);  // there before the tracer ends
        EXPECT_TRUE(tracer.shutdown(kPatience));
        end_to_end::expect_all_delivered(tracer.stats(), records.size());
        ASSERT_EQ(spans.size(), records.size());
        for (const RecordedSpan& record : records) {
            const auto found = spans.find(end_to_end::bytes_of(record.self.span_id));
            ASSERT_NE(found, spans.end());
            EXPECT_EQ(found->second, end_to_end::expected_span(record));
        }
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777U, 0600U);
    }
    EXPECT_THAT(log_.take(), IsEmpty());
}

TEST_F(FileExporting, AppendsToWhatIsThere) {
    const std::string path = folder_ / "spans";
    for (std::size_t i = 1; i <= 3; ++i) {
        const Tracer tracer = make_tracer(path);
        std::vector<RecordedSpan> records;
        end_to_end::record_traces(tracer, i, 1, records);
        EXPECT_TRUE(tracer.shutdown(kPatience));
        end_to_end::expect_all_delivered(tracer.stats(), records.size());
        EXPECT_EQ(read_spans(test::read_file(path), "zstd").size(), i * records.size());
    }
}

TEST_F(FileExporting, AFullDeviceIsTriedAgainAndThenCounted) {
    const Tracer tracer = make_tracer("/dev/full");
    for (int i = 0; i < 100; ++i) tracer.span("span").end();
    EXPECT_TRUE(tracer.force_flush(kPatience));
    EXPECT_TRUE(tracer.shutdown(kPatience));
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.started, 100U);
    EXPECT_EQ(stats.dropped_by(DropReason::kRetriesExhausted), 100U);
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("cannot write to /dev/full: No space left on device"),
                                         HasSubstr("100 of 100 spans were lost: 100 retries_exhausted")));
}

TEST_F(FileExporting, APipeWithoutAReaderIsRefusedAndEndsNothing) {
    NamedPipe pipe(folder_ / "pipe");
    const Tracer tracer = make_tracer(folder_ / "pipe");
    tracer.span("read").end();
    EXPECT_TRUE(tracer.force_flush(kPatience));
    EXPECT_EQ(read_spans(drain(pipe.reader), "zstd").size(), 1U);
    pipe.close_reader();  // from now on a write is a SIGPIPE, whose default ends the process
    for (int i = 0; i < 100; ++i) tracer.span("not read").end();
    EXPECT_TRUE(tracer.shutdown(kPatience));
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.exported, 1U);
    EXPECT_EQ(stats.dropped_by(DropReason::kRefused), 100U);
    EXPECT_THAT(log_.take(), ElementsAre(HasSubstr("Broken pipe"), HasSubstr("100 of 101 spans were lost")));
}

TEST_F(FileExporting, APipeThatIsNotReadHoldsUpNobody) {
    NamedPipe pipe(folder_ / "pipe");
    const Tracer tracer = make_tracer(folder_ / "pipe", Compression::kNone);
    const std::string text(1000, 'x');
    for (int i = 0; i < 1000; ++i) {  // more than a pipe holds
        const auto span = tracer.span("span");
        span.set_attribute("text", text);
    }
    EXPECT_FALSE(tracer.force_flush(std::chrono::milliseconds(50)));
    EXPECT_FALSE(tracer.shutdown(std::chrono::milliseconds(50)));
    const Stats stats = tracer.stats();
    expect_balanced(stats);
    EXPECT_EQ(stats.started, 1000U);
    EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 1000U);
    EXPECT_FALSE(drain(pipe.reader).empty());
}

/// Standard output is something else, and nobody may write a message to it, while this lives.
class StandardOutput {
  public:
    explicit StandardOutput(int file) : saved_(::dup(STDOUT_FILENO)) {
        std::fflush(stdout);
        ::dup2(file, STDOUT_FILENO);
    }
    ~StandardOutput() {
        ::dup2(saved_, STDOUT_FILENO);
        ::close(saved_);
    }
    StandardOutput(const StandardOutput&) = delete;
    StandardOutput& operator=(const StandardOutput&) = delete;

  private:
    const int saved_;
};

TEST_F(FileExporting, StandardOutputThatIsNotReadHoldsUpNobody) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_TRUE(terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
    const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(screen, 0);
    const std::string text(1000, 'x');
    for (const int out : {pipe[1], screen}) {
        bool is_flushed = true;
        bool is_shut_down = true;
        Stats stats;
        {
            const StandardOutput replaced(out);
            const Tracer tracer = make_tracer("-", Compression::kNone);
            for (int i = 0; i < 1000; ++i) {  // more than either holds
                const auto span = tracer.span("span");
                span.set_attribute("text", text);
            }
            is_flushed = tracer.force_flush(std::chrono::milliseconds(50));
            is_shut_down = tracer.shutdown(std::chrono::milliseconds(50));
            stats = tracer.stats();
            // It is the same for the program's own output, which may wait.
            EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
        }
        EXPECT_FALSE(is_flushed);
        EXPECT_FALSE(is_shut_down);
        expect_balanced(stats);
        EXPECT_EQ(stats.dropped_by(DropReason::kShutdown), 1000U);
    }
    for (const int file : {pipe[0], pipe[1], terminal, screen}) ::close(file);
}

TEST_F(FileExporting, APathThatCannotBeWrittenIsSaidAtOnce) {
    for (const auto& [path, reason] : std::map<std::string, std::string>{
             {"/no/such/folder/spans", "cannot write to /no/such/folder/spans: No such file or directory"},
             {folder_, "Is a directory"},
             {"", "the path must not be empty"}}) {
        try {
            static_cast<void>(make_tracer(path));
            ADD_FAILURE() << path << " was taken";
        } catch (const SetupError& error) {
            EXPECT_EQ(error.code(), SetupErrorCode::kInvalidOption);
            EXPECT_THAT(error.what(), HasSubstr(reason));
        }
    }
}

TEST_F(FileExporting, StandardOutputIsAPipeOrAFile) {
    const test::Said piped = shell("$write - zstd 20 1 | $cat --format otlp-json");
    EXPECT_EQ(piped.exit_code, 0) << piped.errors;
    EXPECT_EQ(count_printed(piped.output), 200U);
    EXPECT_EQ(json::parse(piped.errors).at("exported"), 200);

    const test::Said redirected =
        shell("$write - gzip 20 1 >spans; $write - gzip 20 1 >>spans; $cat --format otlp-json spans");
    EXPECT_EQ(redirected.exit_code, 0) << redirected.errors;
    EXPECT_EQ(count_printed(redirected.output), 400U);

    const test::Said closed = shell("$write - zstd 1 1 >&-");
    EXPECT_NE(closed.exit_code, 0);
    EXPECT_THAT(closed.errors, HasSubstr("cannot write to standard output: Bad file descriptor"));
}

TEST_F(FileExporting, AReaderThatLeavesDoesNotEndTheProcess) {
    const test::Said said = shell("{ $write - none 200 1; echo $? >code; } | head -c 1000 >/dev/null");
    EXPECT_EQ(test::read_file(folder_ / "code"), "0\n");
    const json stats = json::parse(said.errors.substr(said.errors.find('{')));
    EXPECT_EQ(stats.at("started"), 2000);
    EXPECT_EQ(stats.at("exported").get<int>() + stats.at("refused").get<int>(), 2000);
    EXPECT_GT(stats.at("refused"), 0);
}

TEST_F(FileExporting, ABatchThatDoesNotFitLeavesNothingBehind) {
    // The limit, in blocks of 512 bytes, cuts the first write that exceeds it short and fails the next.
    for (const char* const compression : {"none", "gzip", "zstd"}) {
        const test::Said said = shell("rm -f spans; (ulimit -f 50; $write spans " + std::string(compression) +
                                      " 40 1 2>stats); $cat --format otlp-json spans");
        EXPECT_EQ(said.exit_code, 0) << said.errors;
        const std::string errors = test::read_file(folder_ / "stats");
        const json stats = json::parse(errors.substr(errors.find('{')));
        EXPECT_GT(stats.at("exported"), 0);
        EXPECT_GT(stats.at("refused"), 0);
        EXPECT_EQ(stats.at("exported").get<int>() + stats.at("refused").get<int>(), 400);
        EXPECT_EQ(count_printed(said.output), stats.at("exported"));
    }
}

TEST_F(FileExporting, ProcessesShareAFileAndFilesAreOneWhenConcatenated) {
    const test::Said said = shell(
        "$write one zstd 20 1 & $write one zstd 20 2 & wait; $write two zstd 20 3 2>/dev/null\n"
        "cat one two | $cat --format otlp-json");
    EXPECT_EQ(said.exit_code, 0) << said.errors;
    int exported = 200;
    std::istringstream lines(said.errors);
    for (std::string line; std::getline(lines, line);) {
        if (line.front() == '{') exported += json::parse(line).at("exported").get<int>();
    }
    EXPECT_EQ(count_printed(said.output), exported);
    EXPECT_EQ(exported, 600);
}

}  // namespace
}  // namespace judgeval
