// The backend as its users meet it: real HTTP on 127.0.0.1, on a port the system chose.
#include "local/backend.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "encode/flatbuffers_reader.hpp"
#include "encode/flatbuffers_writer.hpp"
#include "encode/json_view.hpp"
#include "encode/otlp_builder.hpp"
#include "local/compression.hpp"

namespace judgeval::local {
namespace {

using nlohmann::json;
using test::gzip;
using test::span_id_of;
using test::span_message;
using test::trace_id_of;
using test::trace_request;
using test::zstd;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

const httplib::Headers kIdentity{{"Authorization", "Bearer key"}, {"X-Organization-Id", "org"}};
constexpr const char* kProtobuf = "application/x-protobuf";
constexpr const char* kFlatBuffers = encode::kFlatBuffersContentType.data();
constexpr const char* kJson = "application/json";

struct Answer {
    int status = 0;
    std::string body;
};

class Backend : public ::testing::Test {
  protected:
    void start(LocalBackendOptions options = {}) {
        backend_ = std::make_unique<LocalBackend>(std::move(options));
        backend_->start();
        client_ = std::make_unique<httplib::Client>("127.0.0.1", backend_->port());
        client_->set_keep_alive(true);
        client_->set_tcp_nodelay(true);
        client_->set_read_timeout(30);
    }
    ~Backend() override {
        client_.reset();  // an idle connection would hold up the backend's stop
        backend_.reset();
    }

    Answer post(const std::string& path, const httplib::Headers& headers, const std::string& body,
                const char* type) {
        const auto result = client_->Post(path, headers, body, type);
        return result ? Answer{result->status, result->body} : Answer{0, httplib::to_string(result.error())};
    }
    Answer get(const std::string& path) {
        const auto result = client_->Get(path);
        return result ? Answer{result->status, result->body} : Answer{0, httplib::to_string(result.error())};
    }
    json get_json(const std::string& path) {
        const Answer answer = get(path);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body, nullptr, false);
    }
    std::string resolve(const std::string& name = "demo") {
        const Answer answer =
            post("/v1/projects/resolve/", kIdentity, json{{"project_name", name}}.dump(), kJson);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body).at("project_id");
    }
    httplib::Headers trace_headers(const std::string& encoding = "") {
        httplib::Headers headers = kIdentity;
        headers.emplace("X-Project-Id", resolve());
        if (!encoding.empty()) {
            headers.emplace("Content-Encoding", encoding);
        }
        return headers;
    }
    Answer send(const std::string& body, const std::string& encoding = "", const char* type = kProtobuf) {
        return post("/otel/v1/traces", trace_headers(encoding), body, type);
    }

    std::unique_ptr<LocalBackend> backend_;
    std::unique_ptr<httplib::Client> client_;
};

std::string request_of(std::uint64_t span_number, const std::string& name = "work") {
    return trace_request(std::vector{span_message({.span_id = span_id_of(span_number), .name = name})});
}

TEST_F(Backend, ResolvesProjects) {
    start();
    const std::string id = resolve("demo");
    EXPECT_THAT(id, SizeIs(36));
    EXPECT_EQ(resolve("demo"), id);
    EXPECT_NE(resolve("other"), id);
    const json projects = get_json("/api/projects").at("projects");
    ASSERT_THAT(projects, SizeIs(2));
    EXPECT_EQ(projects[0],
              (json{{"project_id", id}, {"organization_id", "org"}, {"name", "demo"}, {"traces", 0}}));
}

TEST_F(Backend, ResolvingNeedsAName) {
    start();
    for (const char* const body : {"", "{", "[]", "{}", R"({"project_name": ""})", R"({"project_name": 7})",
                                   "\"demo\"", "{\"project_name\": \"\xff\"}"}) {
        const Answer answer = post("/v1/projects/resolve/", kIdentity, body, kJson);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_THAT(answer.body, HasSubstr("project_name")) << body;
    }
    EXPECT_EQ(post("/v1/projects/resolve/", kIdentity, R"({"project_name": "demo"})", "text/plain").status,
              415);
    EXPECT_EQ(get_json("/api/counts").at("projects"), 0);
}

TEST_F(Backend, TakesEveryContentCodingItKnows) {
    start();
    EXPECT_EQ(send(request_of(1)).status, 200);
    EXPECT_EQ(send(request_of(2), "identity").status, 200);
    EXPECT_EQ(send(gzip(request_of(3)), "gzip").status, 200);
    EXPECT_EQ(send(zstd(request_of(4)), "zstd").status, 200);
    EXPECT_EQ(send(zstd(request_of(5)) + zstd(request_of(6)), "zstd").status, 200);
    EXPECT_EQ(send(gzip(request_of(7)) + gzip(request_of(8)), "gzip").status, 200);
    EXPECT_EQ(send("").status, 200);
    const Counts counts = backend_->counts();
    EXPECT_EQ(counts.spans, 8U);
    EXPECT_EQ(counts.receptions, 8U);
    EXPECT_EQ(counts.requests, 7U);
}

TEST_F(Backend, RefusesOtherCodingsAndTypes) {
    start();
    for (const char* const encoding : {"br", "deflate", "gzip, zstd", "lz4"}) {
        const Answer answer = send(request_of(1), encoding);
        EXPECT_EQ(answer.status, 415) << encoding;
        EXPECT_THAT(answer.body, HasSubstr("Content-Encoding"));
    }
    for (const char* const type : {"text/json", "text/plain", "multipart/form-data; boundary=x",
                                   "application/x-www-form-urlencoded"}) {
        EXPECT_EQ(post("/otel/v1/traces", trace_headers(), request_of(1), type).status, 415) << type;
    }
    EXPECT_EQ(post("/otel/v1/traces", trace_headers(), request_of(1), "application/x-protobuf; v=1").status,
              200);
    EXPECT_EQ(backend_->counts().spans, 1U);
}

TEST_F(Backend, TakesOtlpJson) {
    start();
    const auto request = [](const char* trace_id) {
        return std::string{R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":")"} + trace_id +
               R"(","spanId":"b7ad6b7169203331","name":"from elsewhere"}]}]}]})";
    };
    const char* const trace_id = "0af7651916cd43dd8448eb211c80319c";
    Answer answer = send(gzip(request(trace_id)), "gzip", kJson);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body), json::object());
    EXPECT_EQ(get_json(std::string{"/api/traces/"} + trace_id).at("spans").at(0).at("name"),
              "from elsewhere");
    answer = send(request("00"), "", kJson);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(json::parse(answer.body).at("partialSuccess").at("rejectedSpans"), "1");
    answer = send("{", "", kJson);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("not JSON"));
}

TEST_F(Backend, SaysWhyABodyIsMalformed) {
    start();
    const std::string good = request_of(1);
    Answer answer = send(good.substr(0, good.size() - 1));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "malformed protobuf: a field reaches beyond the end of its message\n");
    const std::string packed = gzip(good);
    answer = send(packed.substr(0, packed.size() - 8), "gzip");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("gzip: it ends too early"));
    answer = send("no zstd", "zstd");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("not valid zstd"));
    EXPECT_EQ(backend_->counts().requests, 0U);
    EXPECT_EQ(send(good).status, 200);  // the connection is still good
}

TEST_F(Backend, AsksWhoSends) {
    start({.api_key = "the key"});
    const auto status_with = [this](const httplib::Headers& headers) {
        const int resolving =
            post("/v1/projects/resolve/", headers, R"({"project_name": "demo"})", kJson).status;
        const int tracing = post("/otel/v1/traces", headers, request_of(1), kProtobuf).status;
        return std::pair{resolving, tracing};
    };
    EXPECT_EQ(status_with({}), (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"X-Organization-Id", "org"}}), (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"Authorization", "Bearer the key"}}), (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"Authorization", "Bearer "}, {"X-Organization-Id", "org"}}),
              (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"Authorization", "Basic the key"}, {"X-Organization-Id", "org"}}),
              (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"Authorization", "Bearer wrong"}, {"X-Organization-Id", "org"}}),
              (std::pair{401, 401}));
    EXPECT_EQ(status_with({{"Authorization", "Bearer the key"}, {"X-Organization-Id", "org"}}),
              (std::pair{200, 400}));
    EXPECT_EQ(backend_->counts().spans, 0U);
}

TEST_F(Backend, AsksForAProjectOfTheOrganization) {
    start();
    const std::string project = resolve();
    const auto send_as = [&](const std::string& organization, const std::string& id) {
        return post("/otel/v1/traces",
                    {{"Authorization", "Bearer key"},
                     {"X-Organization-Id", organization},
                     {"X-Project-Id", id}},
                    request_of(1), kProtobuf)
            .status;
    };
    EXPECT_EQ(send_as("org", "no such project"), 404);
    EXPECT_EQ(send_as("another org", project), 404);
    EXPECT_EQ(post("/otel/v1/traces", kIdentity, request_of(1), kProtobuf).status, 400);
    EXPECT_EQ(backend_->counts().spans, 0U);
    EXPECT_EQ(send_as("org", project), 200);
}

TEST_F(Backend, TheBodyLimitHolds) {
    const std::string body = request_of(1, std::string(10'000, 'n'));
    start({.maximum_body_bytes = body.size()});
    EXPECT_EQ(send(body).status, 200);
    EXPECT_EQ(send(request_of(1, std::string(10'001, 'n'))).status, 413);

    // Without a Content-Length the size shows only while reading.
    const std::string larger(body.size() + 1, 'x');
    const auto send_chunked = [&](const std::string& bytes, const char* path = "/otel/v1/traces") {
        const auto result = client_->Post(
            path, trace_headers(),
            [&](std::size_t offset, httplib::DataSink& sink) {
                if (offset < bytes.size()) {
                    sink.write(bytes.data() + offset, std::min<std::size_t>(4'000, bytes.size() - offset));
                } else {
                    sink.done();
                }
                return true;
            },
            kProtobuf);
        return result ? result->status : 0;
    };
    EXPECT_EQ(send_chunked(body), 200);
    EXPECT_EQ(send_chunked(larger), 413);
    EXPECT_EQ(send_chunked(larger, "/v1/projects/resolve/"), 413);
    EXPECT_EQ(send(body).status, 200);
    EXPECT_EQ(backend_->counts().requests, 3U);
}

TEST_F(Backend, TheDecompressedLimitHolds) {
    start({.maximum_decompressed_bytes = 1'000'000});
    const std::string zeros(100'000'000, '\0');
    for (const auto& [encoding, bomb] : {std::pair{"zstd", zstd(zeros)}, std::pair{"gzip", gzip(zeros)}}) {
        EXPECT_LT(bomb.size(), 1'000'000U);
        const Answer answer = send(bomb, encoding);
        EXPECT_EQ(answer.status, 413) << encoding;
        EXPECT_THAT(answer.body, HasSubstr("decompressed body is larger than 1000000 bytes"));
    }
    EXPECT_EQ(send(zstd(request_of(1)), "zstd").status, 200);
}

TEST_F(Backend, AnswersWithThePartialSuccessOfInvalidSpans) {
    start();
    EXPECT_EQ(send(request_of(1)).body, "");
    const Answer answer = send(trace_request(
        std::vector{span_message({.span_id = span_id_of(2)}), span_message({.span_id = std::string(8, '\0')}),
                    span_message({.span_id = span_id_of(3), .name = "\xff"})}));
    EXPECT_EQ(answer.status, 200);
    protozero::pbf_reader message{answer.body};
    ASSERT_TRUE(message.next(1));
    protozero::pbf_reader partial_success = message.get_message();
    ASSERT_TRUE(partial_success.next(1));
    EXPECT_EQ(partial_success.get_int64(), 2);
    ASSERT_TRUE(partial_success.next(2));
    EXPECT_EQ(partial_success.get_string(),
              "2 spans were rejected, the first because the span id is all zeros");
    EXPECT_EQ(get_json("/api/counts").at("rejected_spans"), 2);
    EXPECT_EQ(backend_->counts().spans, 2U);
}

/// What an OTLP request says, as FlatBuffers.
std::string as_flatbuffers(const std::string& request) {
    return encode::write_flatbuffers(encode::read_trace_request(request).message.value());
}

TEST_F(Backend, TakesFlatBuffersForTheSameSpans) {
    std::string body = request_of(1);
    body += trace_request(std::vector{
        span_message({.trace_id = trace_id_of(2), .error = "broken"}),
        span_message(
            {.trace_id = trace_id_of(2), .span_id = span_id_of(2), .parent_span_id = span_id_of(1)})});
    const std::string buffers = as_flatbuffers(body);
    std::vector<json> seen;
    for (const auto& [bytes, encoding, type] : {std::tuple{body, "", kProtobuf},
                                                {buffers, "", kFlatBuffers},
                                                {zstd(buffers), "zstd", kFlatBuffers},
                                                {gzip(buffers), "gzip", kFlatBuffers}}) {
        start();
        const Answer answer = send(bytes, encoding, type);
        EXPECT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(backend_->counts().spans, 3U);
        seen.push_back({get_json("/api/traces/" + encode::to_hex(trace_id_of(1))),
                        get_json("/api/traces/" + encode::to_hex(trace_id_of(2)))});
        for (json& trace : seen.back()) trace.erase("project_id");
        EXPECT_EQ(seen.back(), seen.front()) << type << encoding;
    }
}

TEST_F(Backend, RejectsInvalidSpansInFlatBuffers) {
    start();
    const Answer answer =
        send(as_flatbuffers(trace_request(std::vector{span_message({.span_id = span_id_of(2)}),
                                                      span_message({.span_id = std::string(8, '\0')})})),
             "", kFlatBuffers);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("1 spans were rejected, the first because the span id is all zeros"));
    EXPECT_EQ(backend_->counts().spans, 1U);
}

TEST_F(Backend, RefusesWhatIsNotFlatBuffers) {
    start();
    const std::string buffers = as_flatbuffers(request_of(1));
    for (const std::string& body :
         {request_of(1), buffers.substr(0, buffers.size() - 1), buffers + "x", std::string(100, '\xff')}) {
        const Answer answer = send(body, "", kFlatBuffers);
        EXPECT_EQ(answer.status, 400);
        EXPECT_THAT(answer.body, HasSubstr("malformed FlatBuffers"));
    }
    EXPECT_EQ(send(buffers).status, 400) << "FlatBuffers under the name of OTLP";
    EXPECT_EQ(backend_->counts().spans, 0U);
}

TEST_F(Backend, CountsASpanSentTwiceAsReceivedTwice) {
    start();
    send(request_of(1));
    send(request_of(1));
    send(request_of(2));
    json counts = get_json("/api/counts");
    EXPECT_GT(counts.at("bytes"), 0);
    EXPECT_EQ(counts.at("bytes"), counts.at("decompressed_bytes"));
    counts.erase("bytes");
    counts.erase("decompressed_bytes");
    EXPECT_EQ(counts, (json{{"projects", 1},
                            {"traces", 1},
                            {"spans", 2},
                            {"receptions", 3},
                            {"requests", 3},
                            {"rejected_spans", 0}}));
}

TEST_F(Backend, ShowsTracesAsJson) {
    start();
    std::string span = span_message({.name = "root", .error = "broken"});
    {
        protozero::pbf_writer writer{span};
        protozero::pbf_writer event{writer, 11};
        event.add_string(2, "exception");
    }
    {
        protozero::pbf_writer writer{span};
        protozero::pbf_writer link{writer, 13};
        link.add_bytes(1, trace_id_of(5));
        link.add_bytes(2, span_id_of(6));
    }
    EXPECT_EQ(send(trace_request(std::vector{span})).status, 200);
    const std::string id = "11111111111111110000000000000001";

    const json traces = get_json("/api/traces?limit=10&offset=0&project=demo").at("traces");
    EXPECT_EQ(traces, json::array({{{"trace_id", id},
                                    {"project", "demo"},
                                    {"root_name", "root"},
                                    {"spans", 1},
                                    {"errors", 1},
                                    {"start_time_unix_nano", 1'000'000'000},
                                    {"end_time_unix_nano", 1'002'500'000}}}));
    EXPECT_THAT(get_json("/api/traces?project=other").at("traces"), SizeIs(0));
    EXPECT_THAT(get_json("/api/traces?offset=1").at("traces"), SizeIs(0));

    const json trace = get_json("/api/traces/" + id);
    EXPECT_EQ(trace.at("project"), "demo");
    const json& shown = trace.at("spans").at(0);
    EXPECT_EQ(shown.at("name"), "root");
    EXPECT_EQ(shown.at("receptions"), 1);
    EXPECT_EQ(shown.at("update_id"), 0);
    EXPECT_EQ(shown.at("status"), (json{{"code", "error"}, {"message", "broken"}}));
    EXPECT_EQ(shown.at("attributes").at("judgment.span_kind"), "function");
    EXPECT_EQ(shown.at("events").at(0).at("name"), "exception");
    EXPECT_EQ(shown.at("links").at(0).at("span_id"), "0000000000000006");
    EXPECT_EQ(shown.at("resource").at("attributes").at("service.name"), "tests");
    EXPECT_EQ(shown.at("scope").at("name"), "judgeval");
}

TEST_F(Backend, AnswersWrongQueriesWithAReason) {
    start();
    EXPECT_EQ(get("/api/traces?limit=many").status, 400);
    EXPECT_EQ(get("/api/traces?limit=-1").status, 400);
    EXPECT_EQ(get("/api/traces?limit=1001").status, 400);
    EXPECT_EQ(get("/api/traces?offset=1x").status, 400);
    EXPECT_EQ(get("/api/traces/123").status, 400);
    EXPECT_EQ(get("/api/traces/" + std::string(32, 'a')).status, 404);
    EXPECT_EQ(get("/nowhere").status, 404);
    EXPECT_EQ(post("/nowhere", kIdentity, "some body", kJson).status, 404);
    EXPECT_EQ(get_json("/healthz"), (json{{"status", "ok"}}));
}

TEST_F(Backend, TakesSpansFromManyThreadsAtOnce) {
    start();
    const httplib::Headers headers = trace_headers("zstd");
    constexpr std::uint64_t kThreads = 8;
    constexpr std::uint64_t kRequests = 20;
    constexpr std::uint64_t kSpans = 50;
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            httplib::Client client{"127.0.0.1", backend_->port()};
            client.set_keep_alive(true);
            client.set_tcp_nodelay(true);
            for (std::uint64_t request = 0; request < kRequests; ++request) {
                std::vector<std::string> messages;
                for (std::uint64_t span = 0; span < kSpans; ++span) {
                    messages.push_back(span_message(
                        {.trace_id = trace_id_of(1 + request),
                         .span_id = span_id_of(1 + (thread * kRequests + request) * kSpans + span)}));
                }
                const auto result =
                    client.Post("/otel/v1/traces", headers, zstd(trace_request(messages)), kProtobuf);
                EXPECT_TRUE(result && result->status == 200);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const Counts counts = backend_->counts();
    EXPECT_EQ(counts.spans, kThreads * kRequests * kSpans);
    EXPECT_EQ(counts.receptions, kThreads * kRequests * kSpans);
    EXPECT_EQ(counts.traces, kRequests);
    EXPECT_EQ(counts.requests, kThreads * kRequests);
}

TEST_F(Backend, PrintsWhatIsLeftWhenItStops) {
    std::ostringstream output;
    start({.trace_output = &output, .printing = {.quiet_time = std::chrono::hours{1}}});
    send(request_of(1, "the root"));
    client_.reset();
    backend_->stop();
    EXPECT_EQ(output.str(),
              "trace 11111111111111110000000000000001 · demo · 1 span · 2.50 ms\n"
              "the root  function  2.50 ms\n"
              "\n");
    EXPECT_EQ(backend_->counts().spans, 1U);
    backend_.reset();  // it prints nothing more
}

TEST_F(Backend, CapturesRequests) {
    const std::filesystem::path directory =
        std::filesystem::path{::testing::TempDir()} / ("judgeval-capture-" + std::to_string(getpid()));
    start({.capture_directory = directory});
    const std::string body = request_of(1);
    EXPECT_EQ(send(zstd(body), "zstd").status, 200);  // each of these three resolves the project first
    EXPECT_EQ(send("not protobuf").status, 400);
    EXPECT_EQ(send("not flat", "", kFlatBuffers).status, 400);
    const auto content_of = [&](const char* name) {
        std::ifstream file{directory / name, std::ios::binary};
        return std::string{std::istreambuf_iterator<char>{file}, {}};
    };
    EXPECT_EQ(content_of("request-000002.pb"), body);
    EXPECT_EQ(content_of("request-000004.pb"), "not protobuf");
    EXPECT_EQ(content_of("request-000006.flatbuffers"), "not flat");
    EXPECT_EQ(json::parse(content_of("request-000001.body")), (json{{"project_name", "demo"}}));
    EXPECT_EQ(json::parse(content_of("request-000001.json")).at("path"), "/v1/projects/resolve/");
    EXPECT_EQ(get("/v1/projects/id/scorers?names=tone").status, 401);
    EXPECT_EQ(json::parse(content_of("request-000007.json")).at("target"),
              "/v1/projects/id/scorers?names=tone");
    const json description = json::parse(content_of("request-000002.json"));
    EXPECT_EQ(description.at("path"), "/otel/v1/traces");
    EXPECT_EQ(description.at("bytes"), zstd(body).size());
    EXPECT_EQ(description.at("decompressed_bytes"), body.size());
    EXPECT_EQ(description.at("headers").at("Content-Encoding"), "zstd");
    EXPECT_EQ(description.at("headers").at("Content-Type"), kProtobuf);
    EXPECT_EQ(description.at("headers").at("X-Organization-Id"), "org");
    EXPECT_THAT(description.dump(), ::testing::Not(HasSubstr("Bearer key")));
    std::filesystem::remove_all(directory);
}

TEST_F(Backend, SaysThatAPortIsTaken) {
    start();
    LocalBackend second{{.port = backend_->port()}};
    try {
        second.start();
        FAIL() << "two backends listen on one port";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("the port may be in use"));
    }
}

enum class Ending { stay_open, break_off };

/// Sends bytes as they are and returns what comes back until the other side closes.
std::string exchange(int port, const std::string& bytes, Ending ending) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    const timeval patience{20, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())) {
        if (ending == Ending::break_off) {
            shutdown(connection, SHUT_WR);
        }
        std::vector<char> buffer(65536);
        for (ssize_t length = 0; (length = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
            answer.append(buffer.data(), static_cast<std::size_t>(length));
        }
    }
    close(connection);
    return answer;
}

TEST_F(Backend, NothingIsTakenFromABodyThatBreaksOff) {
    start();
    const std::string body = request_of(1);
    const std::string head =
        "POST /otel/v1/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\n"
        "X-Organization-Id: org\r\nX-Project-Id: " +
        resolve() + "\r\nContent-Type: application/x-protobuf\r\nContent-Length: ";
    exchange(backend_->port(), head + std::to_string(body.size() + 1) + "\r\n\r\n" + body, Ending::break_off);
    EXPECT_EQ(backend_->counts().requests, 0U);
    const std::string whole = head + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    EXPECT_THAT(exchange(backend_->port(), whole, Ending::stay_open), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(backend_->counts().spans, 1U);
}

TEST_F(Backend, ARefusedBodyIsNotTakenForTheNextRequest) {
    start();
    std::string hidden;
    for (int i = 0; i < 10'000; ++i) {  // more than the server reads at a time
        hidden += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    for (const char* const path : {"/otel/v1/traces", "/v1/projects/resolve/", "/nowhere"}) {
        EXPECT_GE(post(path, {}, hidden, kJson).status, 400);
        EXPECT_EQ(get_json("/api/projects"), (json{{"projects", json::array()}})) << path;
    }
}

}  // namespace
}  // namespace judgeval::local
