// The options of a client and of its tracers: plain structs for designated initialisers.
//
// An option set in code wins over the environment. Read once, when the client or tracer is made.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace judgeval {

struct SpanIdentity;
struct TraceId;

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

/// Takes the library's own diagnostics: a level and one line without line end. Called from the thread that
/// has something to say, never per span; must not call back into the tracer. What it throws is swallowed.
using LogHandler = std::function<void(LogLevel level, std::string_view line)>;

// Every member has an initialiser, so that leaving some out of a designated one is no warning under -Wextra.
struct ClientOptions {
    std::string project_name{};     ///< also the default service.name
    std::string api_key{};          ///< default: JUDGMENT_API_KEY
    std::string organization_id{};  ///< default: JUDGMENT_ORG_ID
    std::string api_url{};          ///< default: JUDGMENT_API_URL, else https://api.judgmentlabs.ai
    LogHandler log_handler{};       ///< default: standard error, from JUDGMENT_LOG_LEVEL (warning) on
};

/// A sampler of the user's own: true keeps the trace. `remote_parent` is null for a trace that begins here.
/// Called on the thread that starts a trace's first span in this process, for that span alone, by several
/// threads at once; one that throws means keep. What it is given is gone when it returns. It must not trace.
using SamplerFunction =
    std::function<bool(const TraceId& trace_id, std::string_view name, const SpanIdentity* remote_parent)>;

/// Which traces are recorded; decided when a trace's first span in this process starts. Spans below follow
/// their parent in this process, whatever the sampler. What a parent in another process decided (the sampled
/// flag of W3C Trace Context) is followed by parent_based() only (OpenTelemetry SDK specification, "Built-in
/// samplers"). A value; copies share nothing that changes.
class Sampler {
  public:
    enum class Kind : std::uint8_t { kRatio, kRate, kFunction };

    static Sampler always_on() { return {Kind::kRatio, 1.0}; }
    static Sampler always_off() { return {Kind::kRatio, 0.0}; }
    /// OpenTelemetry's TraceIdRatioBased: the same trace gets the same answer in every service. `ratio` from
    /// 0 to 1; anything else is a SetupError when the tracer is created.
    static Sampler trace_id_ratio(double ratio) { return {Kind::kRatio, ratio}; }
    /// At most so many traces a second, for the whole process, and after a quiet time as many at once as a
    /// second allows (at least one). More than 0 and at most 1e9; anything else is a SetupError.
    static Sampler rate_limiting(double traces_per_second) { return {Kind::kRate, traces_per_second}; }
    /// The user's own. An empty function is a SetupError.
    static Sampler function(SamplerFunction function) {
        Sampler sampler(Kind::kFunction, 0.0);
        sampler.function_ = std::move(function);
        return sampler;
    }
    /// Follows a remote parent's decision, and asks `root` where there is none.
    static Sampler parent_based(Sampler root) {
        root.is_parent_based_ = true;
        return root;
    }
    /// What `head` does not choose is recorded all the same, and kept if a span of the trace ended with an
    /// error status by the time the trace's first span in this process, its local root, ends. Other services
    /// are told that the trace is not sampled. Until then its spans wait, in at most an eighth of the memory
    /// budget: over that, and at shutdown, the oldest such traces are dropped and counted
    /// (DropReason::kBudgetExhausted, kShutdown). Spans that end after their local root share its fate.
    /// Such traces have no partial emissions, tags or evaluations of examples.
    static Sampler keep_on_error(Sampler head) {
        head.keeps_errors_ = true;
        return head;
    }

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /// The ratio, or the traces a second.
    [[nodiscard]] double number() const noexcept { return number_; }
    [[nodiscard]] const SamplerFunction& function() const noexcept { return function_; }
    [[nodiscard]] bool is_parent_based() const noexcept { return is_parent_based_; }
    [[nodiscard]] bool keeps_errors() const noexcept { return keeps_errors_; }

  private:
    Sampler(Kind kind, double number) noexcept : kind_(kind), number_(number) {}

    Kind kind_;
    bool is_parent_based_ = false;
    bool keeps_errors_ = false;
    double number_;
    SamplerFunction function_{};
};

/// What one span may hold; the rest is left out and counted (on the span as OTLP's dropped_*_count, and in
/// Stats).
struct SpanLimits {
    std::uint32_t attribute_count = 128;
    std::uint32_t event_count = 128;  ///< at most 65,535
    std::uint32_t link_count = 128;   ///< the same
    /// Bytes of a string value, at least 32; a longer one is cut at a UTF-8 boundary.
    std::size_t attribute_value_bytes = std::size_t{4} << 20U;
    /// Bytes of a whole span, from 4 KiB to 255 MiB; at most an eighth of the memory budget.
    std::size_t span_bytes = std::size_t{8} << 20U;
};

/// What spans are sent as. Any OpenTelemetry backend takes OTLP; FlatBuffers are for receivers that want to
/// read spans in place (docs/encodings.md).
enum class Encoding : std::uint8_t { kOtlp, kFlatBuffers };

enum class Compression : std::uint8_t { kZstd, kGzip, kNone };

enum class WhenFull : std::uint8_t {
    kShedTraces,  ///< never wait: give up whole traces from their root on
    kBlock,       ///< wait up to max_block for memory when a span ends
};

struct PipelineOptions {
    /// The one number: finished spans, batches and requests on their way never take more. At least 4 MiB.
    std::size_t memory_budget_bytes = std::size_t{64} << 20U;
    WhenFull when_full = WhenFull::kShedTraces;
    std::chrono::milliseconds max_block{100};  ///< with kBlock: the longest time ending a span may wait

    /// A finished span leaves after at most this time.
    std::chrono::milliseconds export_interval{1000};
    /// A span that has been open for this long is sent as it stands, once, when its thread next starts or
    /// ends a span, so that a long run can be watched; likewise all that is above an LLM call or an outgoing
    /// request, whatever its age. Its end replaces it. Zero: every observed call is sent when it is entered,
    /// as the Python SDK does; std::chrono::milliseconds::max(): never.
    std::chrono::milliseconds emit_open_after{1000};

    /// OTLP bytes of a request before compression; at most an eighth of the memory budget.
    std::size_t max_batch_bytes = std::size_t{1} << 20U;
    std::uint32_t max_requests_in_flight = 4;

    Encoding encoding = Encoding::kOtlp;
    Compression compression = Compression::kZstd;
    int compression_level = 1;  ///< zstd: -7 to 19, gzip: 1 to 9
    std::uint32_t compressor_threads =
        1;  ///< 1: the exporter's own thread compresses; 2 to 8: threads beside it

    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds request_timeout{10000};  ///< for one request, from connecting to the last byte
    std::chrono::milliseconds max_retry_time{120000};  ///< a batch older than this is given up and counted
    std::string ca_file{};  ///< PEM bundle to verify the server with; default: the system's

    /// How long the last handle of a tracer waits in its destructor for spans to leave.
    std::chrono::milliseconds shutdown_timeout{5000};
};

/// Writes spans to a file instead of sending them: the same batches, in the same encoding and compression,
/// one after the other. Needs no credentials and no network. What is written can be printed, and sent later,
/// by judgeval-cat.
struct FileExporter {
    /// Appended to; created, readable by its owner only, when it is not there. "-" is standard output, to
    /// which the program must then write nothing else.
    std::string path;
};

using ResourceValue = std::variant<std::string, bool, std::int64_t, double>;

struct TracerOptions {
    /// Win over the attributes the library sets and over OTEL_RESOURCE_ATTRIBUTES.
    std::map<std::string, ResourceValue> resource_attributes{};
    std::string environment{};                ///< sets deployment.environment
    std::optional<bool> enable_monitoring{};  ///< default: JUDGMENT_MONITORING, else true
    std::optional<bool> enable_evaluation{};  ///< default: JUDGMENT_EVALUATIONS, else true
    Sampler sampler = Sampler::parent_based(Sampler::always_on());
    std::optional<FileExporter> exporter{};  ///< default: spans are sent to the client's api_url
    SpanLimits limits{};
    PipelineOptions pipeline{};
};

}  // namespace judgeval
