// judgeval-local's bodies, through the real routes on a connection in memory: every request gets one of the
// documented answers, which says what the decoder and the reader say; nothing decompressed is larger than the
// limit; what is refused leaves no trace in the store, what is taken can be looked at.
#include <fuzzer/FuzzedDataProvider.h>
#include <httplib.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "encode/flatbuffers_reader.hpp"
#include "encode/json_view.hpp"
#include "encode/otlp_reader.hpp"
#include "local/body_decoder.hpp"
#include "local/compression.hpp"
#include "local/routes.hpp"
#include "local/store.hpp"
#include "local/trace_printer.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using local::BodyOutcome;
using nlohmann::json;

/// Small, so that the limits are met often.
constexpr std::size_t kMostBody = 16 * 1024;
constexpr std::size_t kMostDecompressed = 64 * 1024;

/// A connection on which a request has arrived, and what is answered.
class Connection : public httplib::Stream {
  public:
    explicit Connection(std::string request) : request_(std::move(request)) {}

    [[nodiscard]] const std::string& answer() const { return answer_; }

    bool is_readable() const override { return true; }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, std::size_t size) override {
        const std::size_t length = request_.copy(to, size, at_);
        at_ += length;
        return static_cast<ssize_t>(length);
    }
    ssize_t write(const char* from, std::size_t size) override {
        answer_.append(from, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return -1; }

  private:
    std::string request_;
    std::size_t at_ = 0;
    std::string answer_;
};

struct Answer {
    int status = 0;
    std::string body;
};

/// The backend without its threads and sockets.
class Backend : private httplib::Server {
  public:
    Backend() : printer_(store_, printed_, {}) {
        local::add_routes(*this, {.store = store_,
                                  .printer = &printer_,
                                  .capture = nullptr,
                                  .api_key = "key",
                                  .maximum_body_bytes = kMostBody,
                                  .maximum_decompressed_bytes = kMostDecompressed});
    }

    Answer answer(std::string request) {
        Connection connection(std::move(request));
        bool closed = false;
        process_request(connection, true, closed, nullptr);
        const std::string& text = connection.answer();
        const std::size_t head = text.find("\r\n\r\n");
        require(text.starts_with("HTTP/1.1 ") && head != std::string::npos, "every request is answered");
        return {std::stoi(text.substr(9, 3)), text.substr(head + 4)};
    }
    json get(const std::string& path) {
        const Answer answered = answer("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
        require(answered.status == 200, path);
        return json::parse(answered.body);
    }
    std::string resolve(const std::string& name) {
        const std::string body = json{{"project_name", name}}.dump();
        const Answer answered = answer(
            "POST /v1/projects/resolve/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\n"
            "X-Organization-Id: organization\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
        require(answered.status == 200, "a project is resolved");
        return json::parse(answered.body).at("project_id");
    }
    local::Counts counts() { return store_.counts(); }
    void print() { printer_.print_rest(); }

  private:
    local::Store store_{":memory:"};
    std::ostringstream printed_;
    local::TracePrinter printer_;
};

/// A request, and what it says of itself.
struct Sent {
    bool is_trace = true;
    std::string encoding;
    std::string body;
    /// What was packed into the body, where its encoding says so; of a body that is broken off, nothing comes
    /// out.
    std::optional<std::string> packed{};
    bool is_broken_off = false;
    bool has_key = true;
    bool has_organization = true;
    bool has_project = true;
    bool is_project_known = true;
    bool has_media_type = true;
    bool is_flatbuffers = false;
    bool is_chunked = false;
};

Sent choose(FuzzedDataProvider& choices) {
    static constexpr const char* kEncodings[] = {"", "identity", "gzip", "zstd", "GZip", "br", "gzip, zstd"};
    Sent sent;
    // What is usual is likely: one bit in so many is set when all of them are chosen.
    const auto unlikely = [&choices] { return choices.ConsumeIntegral<std::uint8_t>() == 0xFF; };
    sent.is_trace = !unlikely();
    sent.has_key = !unlikely();
    sent.has_organization = !unlikely();
    sent.has_project = !unlikely();
    sent.is_project_known = !unlikely();
    sent.has_media_type = !unlikely();
    const auto form = choices.ConsumeIntegralInRange<int>(0, 3);
    sent.is_chunked = (form & 1) != 0;
    sent.is_flatbuffers = (form & 2) != 0;
    sent.encoding = choices.PickValueInArray(kEncodings);
    const auto packing = choices.ConsumeIntegralInRange<int>(0, 3);
    const auto repetitions = choices.ConsumeIntegralInRange<int>(1, 200);  // reach beyond the limits
    const std::string once = choices.ConsumeRemainingBytesAsString();
    std::string bytes;
    for (int i = 0; i < repetitions && bytes.size() <= kMostDecompressed; ++i) bytes += once;
    const auto pack = [&sent](const std::string& plain) {
        return sent.encoding == "zstd" ? test::zstd(plain) : test::gzip(plain);
    };
    switch (packing) {
        case 0:
            sent.body = bytes;
            return sent;
        case 1:
            sent.body = pack(bytes);
            break;
        case 2: {  // a frame or member for each repetition
            const std::string frame = pack(once);
            bytes.clear();
            for (int i = 0; i < repetitions && sent.body.size() <= kMostBody; ++i) {
                sent.body += frame;
                bytes += once;
            }
            break;
        }
        default:
            sent.body = pack(bytes);
            sent.body.resize(sent.body.size() * static_cast<std::size_t>(repetitions) / 201);
            sent.is_broken_off = true;
    }
    if (sent.encoding == "gzip" || sent.encoding == "GZip" || sent.encoding == "zstd") {
        sent.packed = std::move(bytes);
    } else {
        sent.is_broken_off = false;
    }
    return sent;
}

std::string request_of(const Sent& sent, const std::string& project) {
    std::string text = sent.is_trace ? "POST /otel/v1/traces HTTP/1.1\r\nHost: x\r\n"
                                     : "POST /v1/projects/resolve/ HTTP/1.1\r\nHost: x\r\n";
    if (sent.has_key) text += "Authorization: Bearer key\r\n";
    if (sent.has_organization) text += "X-Organization-Id: organization\r\n";
    if (sent.has_project) text += "X-Project-Id: " + (sent.is_project_known ? project : "unknown") + "\r\n";
    if (!sent.encoding.empty()) text += "Content-Encoding: " + sent.encoding + "\r\n";
    std::string type = sent.is_trace ? "application/x-protobuf" : "application/json";
    if (sent.is_trace && sent.is_flatbuffers) type = encode::kFlatBuffersContentType;
    text += "Content-Type: " + (sent.has_media_type ? type : "text/plain") + "\r\n";
    if (!sent.is_chunked)
        return text + "Content-Length: " + std::to_string(sent.body.size()) + "\r\n\r\n" + sent.body;
    text += "Transfer-Encoding: chunked\r\n\r\n";
    constexpr std::size_t kPiece = 1000;
    for (std::size_t at = 0; at < sent.body.size(); at += kPiece) {
        const std::string piece = sent.body.substr(at, kPiece);
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        text += size + piece + "\r\n";
    }
    return text + "0\r\n\r\n";
}

encode::ReadResult<encode::TraceRequest> read(const Sent& sent, const local::DecodedBody& decoded) {
    return sent.is_flatbuffers ? encode::read_flatbuffers(decoded.bytes, kMostDecompressed)
                               : encode::read_trace_request(decoded.bytes);
}

/// The decoder alone; what it may never do, whatever the body.
local::DecodedBody decode(const Sent& sent) {
    local::DecodedBody decoded = local::decode_body(sent.encoding, sent.body, kMostDecompressed);
    require(decoded.bytes.size() <= kMostDecompressed, "what is decompressed stays within the limit");
    require((decoded.outcome == BodyOutcome::decoded) == decoded.error.empty(),
            "what is not decoded is told why");
    if (sent.is_broken_off) {
        require(decoded.outcome != BodyOutcome::decoded, "a body that is broken off is refused");
    } else if (sent.packed) {
        require(sent.packed->size() <= kMostDecompressed ? decoded.bytes == *sent.packed
                                                         : decoded.outcome == BodyOutcome::too_large,
                "what was packed comes out");
    }
    if (sent.packed) {
        require(sent.packed->starts_with(decoded.bytes),
                "what came out of a body that is refused is its beginning");
    }
    if (decoded.outcome != BodyOutcome::decoded) return decoded;
    const std::size_t size = decoded.bytes.size();
    require(local::decode_body(sent.encoding, sent.body, size).bytes == decoded.bytes,
            "a limit of exactly the size is enough");
    require(
        size == 0 || local::decode_body(sent.encoding, sent.body, size - 1).outcome == BodyOutcome::too_large,
        "a limit of one byte less is not");
    return decoded;
}

int expected_status(const Sent& sent, const local::DecodedBody& decoded) {
    if (sent.body.size() > kMostBody) return 413;
    if (!sent.has_key || !sent.has_organization) return 401;
    if (!sent.is_trace) {
        if (!sent.has_media_type) return 415;
        const json document = json::parse(sent.body, nullptr, false);
        const bool has_name = document.is_object() && document.contains("project_name") &&
                              document["project_name"].is_string() && document["project_name"] != "";
        return has_name ? 200 : 400;
    }
    if (!sent.has_project) return 400;
    if (!sent.is_project_known) return 404;
    if (!sent.has_media_type) return 415;
    switch (decoded.outcome) {
        case BodyOutcome::too_large:
            return 413;
        case BodyOutcome::unknown_encoding:
            return 415;
        case BodyOutcome::malformed:
            return 400;
        case BodyOutcome::decoded:
            break;
    }
    return read(sent, decoded).message ? 200 : 400;
}

std::int64_t rejected_in(const std::string& answer) {
    std::int64_t rejected = 0;
    for (protozero::pbf_reader message(answer); message.next(1);) {
        for (protozero::pbf_reader partial(message.get_message()); partial.next();) {
            if (partial.tag() == 1) {
                rejected = partial.get_int64();
            } else {
                require(partial.tag() == 2 && !partial.get_string().empty(), "a rejection has a reason");
            }
        }
    }
    return rejected;
}

void check_taken(Backend& backend, const Sent& sent, const local::DecodedBody& decoded,
                 const Answer& answer) {
    std::uint64_t spans = 0;
    std::uint64_t unfit = 0;
    const auto request = read(sent, decoded);
    for (const auto& resource_spans : request.message->resource_spans) {
        for (const auto& scope_spans : resource_spans.scope_spans) {
            for (const encode::Span& span : scope_spans.spans) {
                ++spans;
                if (!span.rejection.empty()) ++unfit;
            }
        }
    }
    const local::Counts counts = backend.counts();
    require(counts.requests == 1 && counts.decompressed_bytes == decoded.bytes.size(),
            "a request is counted");
    require(counts.rejected_spans == unfit && rejected_in(answer.body) == static_cast<std::int64_t>(unfit),
            "exactly the unfit spans are rejected");
    require(counts.receptions == spans - unfit && counts.spans <= counts.receptions,
            "every fit span is stored");

    const json traces = backend.get("/api/traces?limit=3");
    require(traces.at("traces").size() == std::min<std::uint64_t>(counts.traces, 3), "the traces are listed");
    for (const json& trace : traces.at("traces")) {
        const json shown = backend.get("/api/traces/" + trace.at("trace_id").get<std::string>());
        require(shown.at("spans").size() == trace.at("spans"), "every stored span can be looked at");
    }
    backend.print();
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace judgeval::fuzz;
    FuzzedDataProvider choices(data,
                               size);  // takes numbers from the end, so that a seed begins with the body
    const Sent sent = choose(choices);
    const judgeval::local::DecodedBody decoded = decode(sent);
    static std::unique_ptr<Backend> backend;  // a new one as soon as it has taken something
    if (!backend) backend = std::make_unique<Backend>();
    const std::string project = backend->resolve("project");
    const Answer answer = backend->answer(request_of(sent, project));
    const int expected = expected_status(sent, decoded);
    require(answer.status == expected, "the status is " + std::to_string(expected) + ", not " +
                                           std::to_string(answer.status) + ": " + answer.body);
    if (sent.is_trace && answer.status == 200) {
        check_taken(*backend, sent, decoded, answer);
        backend.reset();
    } else {
        const auto counts = backend->counts();
        require(counts.requests == 0 && counts.receptions == 0 && counts.traces == 0,
                "what is refused leaves no trace");
        require(!answer.body.empty(), "what is refused is told why");
    }
    return 0;
}
