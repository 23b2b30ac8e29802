// Where clients and tracers are put together: options, environment, pipeline, exporter; and how they end, or
// are forked.
//
// Set-up and tear-down, on whatever thread asks. The registry of tracers exists for fork() alone.
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

#include "arena/pipeline.hpp"
#include "arena/thread_arenas.hpp"
#include "export/curl_transport.hpp"
#include "export/exporter_thread.hpp"
#include "export/file_transport.hpp"
#include "export/flatbuffers_body.hpp"
#include "judgeval/detail/tracer_state.hpp"
#include "judgeval/error.hpp"
#include "judgeval/version.hpp"
#include "judgment/environment.hpp"
#include "judgment/offline_examples.hpp"
#include "judgment/otel_environment.hpp"
#include "judgment/project.hpp"
#include "judgment/prompt_scorers.hpp"
#include "judgment/tracer_parts.hpp"
#include "record/clock.hpp"
#include "record/random.hpp"
#include "record/span_bytes.hpp"

namespace judgeval::detail {

namespace {

constexpr const char* kDefaultApiUrl = "https://api.judgmentlabs.ai";

[[noreturn]] void refuse(const std::string& what) { throw SetupError(SetupErrorCode::kInvalidOption, what); }

/// Between the time points that the steady clock can count and the caller's idea of for ever.
SteadyTime deadline_after(std::chrono::nanoseconds timeout) noexcept {
    const auto bounded = std::clamp<std::chrono::nanoseconds>(timeout, std::chrono::nanoseconds(0),
                                                              std::chrono::hours(24 * 365));
    return std::chrono::steady_clock::now() + bounded;
}

void check(const TracerOptions& options) {
    const PipelineOptions& pipeline = options.pipeline;
    const SpanLimits& limits = options.limits;
    constexpr std::size_t kLeastBudget = std::size_t{4} << 20U;
    constexpr std::size_t kMostBudget = std::size_t{64} << 30U;
    const Sampler& sampler = options.sampler;
    switch (sampler.kind()) {
        case Sampler::Kind::kRatio:
            if (!(sampler.number() >= 0.0 && sampler.number() <= 1.0)) {
                refuse("sampler: the ratio must be between 0 and 1");
            }
            break;
        case Sampler::Kind::kRate:
            if (!(sampler.number() > 0.0 && sampler.number() <= 1e9)) {
                refuse("sampler: the traces per second must be more than 0 and at most 1e9");
            }
            break;
        case Sampler::Kind::kFunction:
            if (!sampler.function()) refuse("sampler: the function must not be empty");
            break;
    }
    if (pipeline.memory_budget_bytes < kLeastBudget || pipeline.memory_budget_bytes > kMostBudget) {
        refuse("pipeline.memory_budget_bytes must be between 4 MiB and 64 GiB");
    }
    if (pipeline.max_batch_bytes < 1024) refuse("pipeline.max_batch_bytes must be at least 1 KiB");
    if (pipeline.export_interval.count() < 1) refuse("pipeline.export_interval must be at least 1 ms");
    if (pipeline.emit_open_after.count() < 0) refuse("pipeline.emit_open_after must not be negative");
    if (pipeline.max_block.count() < 0) refuse("pipeline.max_block must not be negative");
    if (pipeline.max_requests_in_flight < 1 || pipeline.max_requests_in_flight > 64) {
        refuse("pipeline.max_requests_in_flight must be between 1 and 64");
    }
    if (pipeline.compressor_threads < 1 || pipeline.compressor_threads > 8) {
        refuse("pipeline.compressor_threads must be between 1 and 8");
    }
    if (pipeline.connect_timeout.count() < 1 || pipeline.request_timeout.count() < 1) {
        refuse("pipeline.connect_timeout and pipeline.request_timeout must be at least 1 ms");
    }
    if (pipeline.max_retry_time.count() < 0) refuse("pipeline.max_retry_time must not be negative");
    const int level = pipeline.compression_level;
    if (pipeline.compression == Compression::kZstd && (level < -7 || level > 19)) {
        refuse("pipeline.compression_level must be between -7 and 19 for zstd");
    }
    if (pipeline.compression == Compression::kGzip && (level < 1 || level > 9)) {
        refuse("pipeline.compression_level must be between 1 and 9 for gzip");
    }
    if (options.exporter && options.exporter->path.empty()) refuse("exporter: the path must not be empty");
    // the inline setters do not look at the limit for values this short
    if (limits.attribute_value_bytes < kShortValue)
        refuse("limits.attribute_value_bytes must be at least 32");
    if (limits.event_count > UINT16_MAX || limits.link_count > UINT16_MAX) {
        refuse("limits.event_count and limits.link_count must be at most 65535");
    }
    // a record's length has four bytes, of seven bits each
    constexpr std::size_t kMostSpan = std::size_t{255} << 20U;
    if (limits.span_bytes < 4096 || limits.span_bytes > kMostSpan) {
        refuse("limits.span_bytes must be between 4 KiB and 255 MiB");
    }
}

}  // namespace

struct ClientState {
    ClientOptions options;
    Log log;
    std::vector<std::string> credentials;  ///< headers; empty when something is missing
    std::string missing;                   ///< what is missing, for the warning
    std::shared_ptr<ProjectCache> projects = std::make_shared<ProjectCache>();
    std::unique_ptr<PromptScorerCache> prompt_scorers;
};

namespace {

/// A tracer's insides. Its memory stays until no span of it is open (see retire).
struct TracerCore : TracerState {
    Log log;
    bool is_enabled = false;  ///< as created; the switches above only matter when it is
    bool is_evaluating = false;
    PipelineSettings pipeline_settings;
    ExporterSettings exporter_settings;
    std::map<std::string, ResourceValue> resource;
    std::string project_name;
    std::shared_ptr<ProjectCache> projects;
    std::shared_ptr<PlatformRequests> platform_requests;  ///< null while the tracer is off
    ProjectRouting routing;

    std::mutex mutex;  ///< guards the four below; held for moments only
    bool is_shut_down = false;
    bool are_losses_told = false;
    std::unique_ptr<Pipeline> own_pipeline;
    std::unique_ptr<ExporterThread> exporter;

    TracerCore* next = nullptr;  ///< guarded by the registry's mutex, like the one below
    bool is_retired = false;     ///< its last handle is gone

    [[nodiscard]] ExporterThread* running_exporter() {
        const std::lock_guard lock(mutex);
        return exporter.get();
    }
};

/// All tracers, for fork(); also those that ended while spans of theirs were open. Nothing destroys it, as
/// spans may end during static destruction, and it holds no memory of its own, which a plugin that is
/// unloaded would leave behind.
struct Registry {
    std::mutex mutex;
    TracerCore* first = nullptr;
};
static_assert(std::is_trivially_destructible_v<Registry>);
constinit Registry registry;

/// Takes every mutex that the child will need: one that another thread of the parent holds at the fork stays
/// locked in the child for ever.
void before_fork() {
    registry.mutex.lock();
    for (TracerCore* core = registry.first; core != nullptr; core = core->next) {
        core->mutex.lock();
        core->platform_requests->mutex().lock();
    }
    ThreadArenas::lifetime_mutex().lock();
    ProjectCache::mutex().lock();
    OfflineExamples::mutex().lock();
    Clock::calibration_mutex().lock();
}

void after_fork_in_parent() {
    Clock::calibration_mutex().unlock();
    OfflineExamples::mutex().unlock();
    ProjectCache::mutex().unlock();
    ThreadArenas::lifetime_mutex().unlock();
    for (TracerCore* core = registry.first; core != nullptr; core = core->next) {
        core->platform_requests->mutex().unlock();
        core->mutex.unlock();
    }
    registry.mutex.unlock();
}

/// The child has one thread. What it inherited is its parent's to send: it is given up without a word, and
/// the first span of the child starts a pipeline of its own.
void after_fork_in_child() {
    ThreadState& thread = thread_state;
    clear_arena(thread);  // its memory goes with the pipeline
    for (TracerCore* core = registry.first; core != nullptr; core = core->next) {
        if (core->own_pipeline) core->own_pipeline->disinherit();
        // Not destroyed: exporter and transport belong to a thread that does not exist here, and closing a
        // shared TLS connection would end the parent's.
        static_cast<void>(core->exporter.release());
        core->platform_requests->disinherit();
        static_cast<void>(core->own_pipeline.release());
        core->pipeline.store(nullptr, std::memory_order_relaxed);  // relaxed: there is no other thread
    }
    thread.arena = nullptr;
    thread.pipeline_id = 0;
    reseed_after_fork(thread);
    after_fork_in_parent();
}

void watch_forks() {
    static const int registered = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    static_cast<void>(registered);
}

std::uint64_t random_seed() noexcept { return next_random(thread_state); }

bool has_open_spans(TracerCore& core) {
    if (!core.own_pipeline) return false;
    const Pipeline::Totals totals = core.own_pipeline->totals();
    return totals.started != totals.ended;
}

/// Takes the memory of tracers back whose last span has ended. Under the registry's mutex.
void reap() {
    TracerCore** link = &registry.first;
    while (TracerCore* const core = *link) {
        if (core->is_retired && !has_open_spans(*core)) {
            *link = core->next;
            delete core;  // NOLINT: the counterpart of make_tracer
        } else {
            link = &core->next;
        }
    }
}

/// What a tracer's last handle does.
void retire(TracerCore* core) noexcept {
    shutdown(*core, core->exporter_settings.options.shutdown_timeout);
    const std::lock_guard lock(registry.mutex);
    core->is_retired = true;
    reap();
}

std::string header_value(const std::string& from_code, const char* variable, const char* what,
                         const Log& log) {
    if (!from_code.empty()) {
        if (!is_header_value(from_code)) {
            throw SetupError(SetupErrorCode::kInvalidHeader,
                             std::string(what) + " has a character that may not stand in an HTTP header");
        }
        return from_code;
    }
    std::string value = environment_value(variable).value_or("");
    if (!is_header_value(value)) {
        log(LogLevel::kWarning,
            std::string(variable) + " has a character that may not stand in an HTTP header; it is ignored");
        value.clear();
    }
    return value;
}

std::string endpoint(const std::string& from_code, const Log& log) {
    std::string url = kDefaultApiUrl;
    if (!from_code.empty()) {
        url = from_code;
        if (const std::string error = check_url(url); !error.empty()) {
            throw SetupError(SetupErrorCode::kInvalidUrl, "api_url: " + error);
        }
    } else if (const auto value = environment_value("JUDGMENT_API_URL")) {
        if (const std::string error = check_url(*value); error.empty()) {
            url = *value;
        } else {
            log(LogLevel::kWarning, "JUDGMENT_API_URL is not usable (" + error + "); using " + url);
        }
    }
    while (!url.empty() && url.back() == '/') url.pop_back();
    return url;
}

bool is_switched_on(std::optional<bool> from_code, const char* documented, const char* other,
                    const Log& log) {
    if (from_code) return *from_code;
    if (const auto value = environment_switch(documented, true, log)) return *value;
    return environment_switch(other, true, log).value_or(true);
}

/// Where spans go when they cannot go to Judgment. Nothing when they can, and when they can go nowhere, which
/// is said. With credentials the environment of other exporters is not even looked at: its headers are
/// another's secrets.
std::optional<OtlpEndpoint> otlp_endpoint(const ClientState& client, const Log& log) {
    if (!client.credentials.empty()) return std::nullopt;
    auto endpoint = read_otlp_endpoint(log);
    if (!endpoint) {
        log(LogLevel::kWarning, client.missing + " not set: nothing is traced");
    } else if (!client.options.api_key.empty() || !client.options.organization_id.empty()) {
        log(LogLevel::kWarning, client.missing +
                                    " not set: spans go to the endpoint of OTEL_EXPORTER_OTLP_*, not to "
                                    "Judgment");
    }
    return endpoint;
}

PipelineSettings pipeline_settings(const TracerOptions& options, PipelineOptions& adjusted, const Log& log) {
    const std::size_t eighth = options.pipeline.memory_budget_bytes / 8;
    PipelineSettings settings;
    settings.memory_budget_bytes = options.pipeline.memory_budget_bytes;
    settings.when_full = options.pipeline.when_full;
    settings.max_block = options.pipeline.max_block;
    settings.limits = options.limits;
    settings.emit_open_after = options.pipeline.emit_open_after;
    settings.sampler = options.sampler;
    if (options.sampler.keeps_errors()) {
        settings.undecided_bytes = eighth;
        settings.memory_budget_bytes -= eighth;
    }
    if (settings.limits.span_bytes > eighth) {
        if (options.limits.span_bytes != SpanLimits{}.span_bytes) {
            log(LogLevel::kWarning, "limits.span_bytes is over an eighth of the memory budget; using that");
        }
        settings.limits.span_bytes = eighth;
    }
    settings.limits.attribute_value_bytes =
        std::min(settings.limits.attribute_value_bytes, settings.limits.span_bytes);
    if (adjusted.max_batch_bytes > eighth) {
        if (adjusted.max_batch_bytes != PipelineOptions{}.max_batch_bytes) {
            log(LogLevel::kWarning,
                "pipeline.max_batch_bytes is over an eighth of the memory budget; using that");
        }
        adjusted.max_batch_bytes = eighth;
    }
    // What a batch needs that does not compress at all, for each that may be compressed at a time; never over
    // half.
    const std::size_t largest = std::max(adjusted.max_batch_bytes, settings.limits.span_bytes);
    const std::size_t total = settings.memory_budget_bytes / kChunkBytes;
    settings.reserved_chunks = std::min(
        total / 2, (largest * body_growth(adjusted.encoding) / kChunkData + 4) * adjusted.compressor_threads);
    return settings;
}

}  // namespace

std::shared_ptr<ClientState> make_client(ClientOptions options) {
    auto client = std::make_shared<ClientState>();
    bool is_valid_level = true;
    const LogLevel level = environment_log_level(is_valid_level);
    client->log = Log(options.log_handler, level);
    const Log& log = client->log;
    if (!is_valid_level) {
        log(LogLevel::kWarning,
            "JUDGMENT_LOG_LEVEL is none of debug, info, warning, error, off; using warning");
    }
    if (options.project_name.empty()) refuse("project_name must not be empty");
    options.api_url = endpoint(options.api_url, log);
    options.api_key = header_value(options.api_key, "JUDGMENT_API_KEY", "api_key", log);
    options.organization_id =
        header_value(options.organization_id, "JUDGMENT_ORG_ID", "organization_id", log);
    if (options.api_key.empty()) client->missing = "JUDGMENT_API_KEY";
    if (options.organization_id.empty()) {
        client->missing += (client->missing.empty() ? "" : " and ") + std::string("JUDGMENT_ORG_ID");
    }
    client->log.hide(options.api_key);
    if (client->missing.empty()) {
        client->credentials = {"Authorization: Bearer " + options.api_key,
                               "X-Organization-Id: " + options.organization_id};
    }
    client->options = std::move(options);
    client->prompt_scorers = std::make_unique<PromptScorerCache>(
        client->options.api_url, client->credentials, client->options.project_name, client->projects);
    return client;
}

Scorer get_prompt_scorer(ClientState& client, const std::string& name,
                         std::chrono::nanoseconds timeout) noexcept try {
    const auto is_on = [&client](const char* documented, const char* other) {
        return is_switched_on({}, documented, other, client.log);
    };
    if (!is_on("JUDGMENT_EVALUATIONS", "JUDGMENT_ENABLE_EVALUATIONS") ||
        !is_on("JUDGMENT_MONITORING", "JUDGMENT_ENABLE_MONITORING")) {
        return {};
    }
    return client.prompt_scorers->get(name, timeout, client.log);
} catch (const std::exception& error) {  // no memory, or no thread
    client.log(LogLevel::kWarning, error.what());
    return {};
}

std::shared_ptr<TracerState> make_tracer(ClientState& client, TracerOptions options,
                                         std::shared_ptr<OfflineExamples> offline_examples) {
    check(options);
    auto core = std::make_unique<TracerCore>();
    core->log = client.log;
    core->routing.log = &core->log;
    const Log& log = core->log;
    core->is_enabled =
        is_switched_on(options.enable_monitoring, "JUDGMENT_MONITORING", "JUDGMENT_ENABLE_MONITORING", log);
    if (!options.enable_monitoring && is_otel_sdk_disabled(log)) core->is_enabled = false;
    const bool is_sent = !options.exporter;
    std::optional<OtlpEndpoint> otlp;
    if (core->is_enabled && is_sent && offline_examples && client.credentials.empty()) {
        log(LogLevel::kWarning, client.missing + " not set: nothing is traced offline");
        core->is_enabled = false;
    } else if (core->is_enabled && is_sent) {
        otlp = otlp_endpoint(client, log);
        core->is_enabled = otlp || !client.credentials.empty();
    }
    if (!core->is_enabled) return core;
    read_otel_options(options, log);
    if (otlp) {
        for (const std::string& secret : otlp->secrets) core->log.hide(secret);
        read_otlp_options(options.pipeline, log);
    }
    if (!is_sent) {
        const std::string& path = options.exporter->path;
        if (const std::string error = check_file(path); !error.empty()) {
            refuse("exporter: cannot write to " + (path == "-" ? "standard output" : path) + ": " + error);
        }
        core->exporter_settings.file = path;
    }

    core->resource = {{"service.name", client.options.project_name},
                      {"telemetry.sdk.name", "judgeval"},
                      {"telemetry.sdk.language", "cpp"},
                      {"telemetry.sdk.version", std::string(version)}};
    if (offline_examples) core->resource["judgment.offline"] = "true";
    for (auto& [key, value] : environment_resource(log)) core->resource[key] = value;
    if (!options.environment.empty()) core->resource["deployment.environment"] = options.environment;
    for (auto& [key, value] : options.resource_attributes) core->resource[key] = value;

    core->is_evaluating =
        is_switched_on(options.enable_evaluation, "JUDGMENT_EVALUATIONS", "JUDGMENT_ENABLE_EVALUATIONS", log);
    core->project_name = client.options.project_name;
    core->projects = client.projects;
    core->exporter_settings.options = options.pipeline;
    core->platform_requests = std::make_shared<PlatformRequests>();
    if (otlp) {
        core->exporter_settings.url = otlp->url;
        core->exporter_settings.headers = otlp->headers;
    } else if (is_sent) {
        core->exporter_settings.url =
            client.options.api_url + (offline_examples ? "/otel/v1/offline-traces" : "/otel/v1/traces");
        core->exporter_settings.headers = client.credentials;
        core->exporter_settings.preparation =
            resolve_project(client.options.api_url, client.credentials, core->project_name, core->projects);
        core->platform_requests = std::make_shared<PlatformRequests>(
            client.options.api_url, client.credentials,
            [projects = core->projects, name = core->project_name] { return projects->find(name); });
        core->exporter_settings.platform_requests = core->platform_requests;
        core->routing.projects = {
            [projects = core->projects](const std::string& name) { return projects->find(name); },
            [url = client.options.api_url, credentials = client.credentials, projects = core->projects](
                const std::string& name) { return resolve_project(url, credentials, name, projects); },
            core->project_name};
        core->exporter_settings.projects = core->routing.projects;
    }
    core->pipeline_settings = pipeline_settings(options, core->exporter_settings.options, log);
    if (offline_examples) {
        core->pipeline_settings.on_root_end = [offline_examples](const TraceId& trace_id) {
            offline_examples->add(trace_id);
        };
    }

    Clock::start();
    watch_forks();
    {
        const std::lock_guard lock(registry.mutex);
        reap();
        core->next = std::exchange(registry.first, core.get());
    }
    const std::shared_ptr<TracerState> handle(
        core.release(), [](TracerState* state) { retire(static_cast<TracerCore*>(state)); });
    static_cast<void>(start_pipeline(*handle));
    // relaxed: a switch; the pipeline behind it has an order of its own
    handle->is_recording.store(true, std::memory_order_relaxed);
    return handle;
}

Pipeline* start_pipeline(TracerState& tracer) noexcept {
    auto& core = static_cast<TracerCore&>(tracer);
    try {
        const std::lock_guard lock(core.mutex);
        if (core.own_pipeline) return core.own_pipeline.get();
        if (!core.is_enabled || core.is_shut_down) return nullptr;
        auto pipeline = std::make_unique<Pipeline>(core.pipeline_settings);
        ExporterSettings settings = core.exporter_settings;
        settings.random_seed = random_seed();
        const auto id =
            settings.preparation ? core.projects->find(core.project_name) : std::optional<std::string>();
        if (id) {
            settings.preparation.reset();
            settings.headers.push_back(project_header(*id));
        }
        core.exporter = std::make_unique<ExporterThread>(*pipeline, Frame(core.resource, "judgeval", version),
                                                         std::move(settings), core.log);
        core.own_pipeline = std::move(pipeline);
        // release: who sees the pipeline sees all of it
        core.pipeline.store(core.own_pipeline.get(), std::memory_order_release);
        return core.own_pipeline.get();
    } catch (const std::exception& error) {
        core.is_recording.store(false, std::memory_order_relaxed);  // relaxed: a switch
        core.log(LogLevel::kError,
                 std::string("nothing is traced: cannot start the exporter: ") + error.what());
        return nullptr;
    }
}

bool are_evaluations_on(const TracerState& tracer) noexcept {
    return &tracer != &no_tracer && static_cast<const TracerCore&>(tracer).is_evaluating;
}

PlatformRequests* platform_requests(TracerState& tracer) noexcept {
    if (&tracer == &no_tracer) return nullptr;
    auto& core = static_cast<TracerCore&>(tracer);
    // Started again in a forked child; else it runs, or has been shut down, which closed the queue.
    if (core.is_enabled) static_cast<void>(start_pipeline(tracer));
    return core.platform_requests.get();
}

ProjectRouting* project_routing(TracerState& tracer) noexcept {
    if (&tracer == &no_tracer) return nullptr;
    auto& core = static_cast<TracerCore&>(tracer);
    return core.is_enabled ? &core.routing : nullptr;
}

bool force_flush(TracerState& tracer, std::chrono::nanoseconds timeout) noexcept {
    if (&tracer == &no_tracer) return true;
    ExporterThread* const exporter = static_cast<TracerCore&>(tracer).running_exporter();
    return exporter == nullptr || exporter->flush(deadline_after(timeout));
}

/// One line for all that was lost, once the exporter has stopped.
void tell_losses(TracerCore& core) noexcept try {
    const Stats counted = stats(core);
    if (counted.dropped_total() == 0) return;
    {
        const std::lock_guard lock(core.mutex);
        if (std::exchange(core.are_losses_told, true)) return;
    }
    std::string line = std::to_string(counted.dropped_total()) + " of " +
                       std::to_string(counted.started + counted.partial_emissions) + " spans were lost:";
    const char* separator = " ";
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        if (counted.dropped[i] == 0) continue;
        const auto reason = static_cast<DropReason>(i);
        line += std::exchange(separator, "; ") + std::to_string(counted.dropped[i]) + " ";
        line.append(to_string(reason)).append(" (").append(advice_for(reason)).append(")");
    }
    core.log(LogLevel::kWarning, line);
} catch (const std::bad_alloc&) {  // no memory to say it with
}

bool shutdown(TracerState& tracer, std::chrono::nanoseconds timeout) noexcept {
    if (&tracer == &no_tracer) return true;
    auto& core = static_cast<TracerCore&>(tracer);
    core.is_recording.store(false, std::memory_order_relaxed);  // relaxed: a switch
    ExporterThread* exporter = nullptr;
    {
        const std::lock_guard lock(core.mutex);
        core.is_shut_down = true;
        exporter = core.exporter.get();
    }
    if (exporter == nullptr) {
        if (core.platform_requests) core.platform_requests->close();
        return true;
    }
    const bool left_nothing = exporter->stop(deadline_after(timeout));
    tell_losses(core);
    return left_nothing;
}

void set_monitoring(TracerState& tracer, bool enabled) noexcept {
    if (&tracer == &no_tracer) return;
    auto& core = static_cast<TracerCore&>(tracer);
    const std::lock_guard lock(core.mutex);
    // relaxed: a switch
    core.is_recording.store(enabled && core.is_enabled && !core.is_shut_down, std::memory_order_relaxed);
}

Stats stats(const TracerState& tracer) noexcept {
    Stats result;
    if (&tracer == &no_tracer) return result;
    // const_cast: the mutex of an object that was not made const
    auto& core = const_cast<TracerCore&>(static_cast<const TracerCore&>(tracer));
    const std::lock_guard lock(core.mutex);
    if (core.platform_requests) {
        const PlatformRequests::Counts platform = core.platform_requests->counts();
        result.platform_requests_queued = platform.queued;
        result.platform_requests_delivered = platform.delivered;
        result.platform_requests_dropped = platform.dropped;
    }
    if (!core.own_pipeline) return result;
    Pipeline& pipeline = *core.own_pipeline;
    const ExporterCounters& exporter = core.exporter->counters();
    // First: what is read after the exporter stopped does not change any more.
    const bool has_stopped = core.exporter->has_stopped();
    // From the end of a span's way to its beginning, so that a span on its way is not seen as more than
    // started; and each counter once, so that the sum is right at any moment.
    result.exported = exporter.exported.get();
    result.unsampled_spans = exporter.undecided.unsampled_spans.get();
    std::uint64_t finished = result.exported + result.unsampled_spans;
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        result.dropped[i] = exporter.dropped[i].get();
        finished += result.dropped[i];
    }
    const std::uint64_t collected = exporter.collected.get() + exporter.undecided.left_out.get();
    const Pipeline::Totals totals = pipeline.totals();

    result.started = totals.started;
    result.partial_emissions = totals.partial_emissions;
    for (std::size_t i = 0; i < kDropReasonCount; ++i) result.dropped[i] += totals.dropped[i];
    result.open = totals.started - totals.ended;
    result.in_flight = totals.kept() - finished;
    if (has_stopped) {
        // What ended in the moment in which the exporter stopped is collected by nobody any more.
        const std::uint64_t forgotten =
            totals.kept() - collected - std::min(result.open, totals.kept() - collected);
        result.dropped[static_cast<std::size_t>(DropReason::kShutdown)] += forgotten;
        result.in_flight -= forgotten;
    }
    result.unsampled_traces = totals.unsampled_traces + exporter.undecided.unsampled_traces.get();
    result.dropped_attributes = totals.dropped_attributes;
    result.truncated_values = totals.truncated_values;
    result.requests = exporter.requests.get();
    result.retries = exporter.retries.get();
    result.encoded_bytes = exporter.encoded_bytes.get();
    result.sent_bytes = exporter.sent_bytes.get();
    result.memory_used =
        (pipeline.pool().total() - pipeline.pool().free()) * kChunkBytes + exporter.undecided.bytes.get();
    return result;
}

}  // namespace judgeval::detail
