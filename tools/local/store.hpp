// The backend's memory: projects, traces and spans in SQLite. A span's row holds the columns that lists and
// trees are made of, and beside them the Span message as it came, so that nothing a client sent is lost in
// translation. All functions may be called from any thread; one lock makes them take turns. Any of them may
// throw DatabaseError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encode/otlp_reader.hpp"
#include "local/database.hpp"

namespace judgeval::local {

struct Counts {
    std::uint64_t projects = 0;
    std::uint64_t traces = 0;
    /// Distinct spans, told apart by trace id and span id.
    std::uint64_t spans = 0;
    /// How often a span was received: a partial emission, a final one and a repetition each count.
    std::uint64_t receptions = 0;
    /// Since the store was opened: trace requests taken in, their size as sent and as decompressed, spans
    /// refused in them.
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    std::uint64_t decompressed_bytes = 0;
    std::uint64_t rejected_spans = 0;
};

struct Project {
    std::string project_id;
    std::string organization_id;
    std::string name;
    std::uint64_t traces = 0;
};

struct TraceSummary {
    std::string trace_id;  ///< 16 bytes
    std::string project_name;
    std::string root_name;  ///< empty while no root span has arrived
    std::uint64_t spans = 0;
    std::uint64_t errors = 0;
    std::uint64_t start_time_unix_nano = 0;
    std::uint64_t end_time_unix_nano = 0;
};

struct StoredSpan {
    encode::Span span;     ///< as last updated; `encoded` is empty
    std::string resource;  ///< as a JSON object
    std::string scope;     ///< as a JSON object
    std::int64_t update_id = 0;
    std::uint64_t receptions = 0;
};

struct StoredTrace {
    std::string trace_id;  ///< 16 bytes
    std::string project_id;
    std::string project_name;
    std::vector<StoredSpan> spans;  ///< by start time
};

/// Something asked of the platform beside taking spans: tags, an evaluation.
struct PlatformRequest {
    std::string kind;  ///< "tags", "example_evaluation"
    std::string project_id;
    std::string path;  ///< as it was sent to
    std::string body;  ///< as it came: a JSON object
};

/// A trace that a request brought spans of.
struct TouchedTrace {
    std::string trace_id;
    /// The request brought the finished root span. A root that ends when it starts is a partial emission of
    /// one still open.
    bool has_finished_root = false;
};

struct AddedSpans {
    std::uint64_t rejected = 0;
    std::string first_rejection;
    std::vector<TouchedTrace> touched;
};

class Store {
  public:
    /// Opens or creates the database; ":memory:" keeps everything in memory.
    explicit Store(const std::string& file);

    /// The id of the organization's project of that name, which is created at the first call.
    std::string resolve_project(std::string_view organization_id, std::string_view name);

    /// The row of the organization's project of that id; nothing when there is none.
    std::optional<std::int64_t> find_project(std::string_view organization_id, std::string_view project_id);

    /// Takes in all valid spans of a request, or none when it throws. Of several emissions of a span, the one
    /// with the highest judgment.update_id is kept, the earlier one of two that are equal. A trace belongs to
    /// `project`, unless its first span here names another project of the same organization in
    /// judgment.project_id_override.
    AddedSpans add(std::int64_t project, const encode::TraceRequest& request, std::size_t bytes,
                   std::size_t decompressed_bytes);

    void add_platform_request(std::int64_t project, std::string_view kind, std::string_view path,
                              std::string_view body);

    Counts counts() const;
    std::vector<Project> projects();
    /// Most recent first. An empty project name means all projects.
    std::vector<TraceSummary> traces(std::int64_t limit, std::int64_t offset, std::string_view project_name);
    /// In the order in which they came.
    std::vector<PlatformRequest> platform_requests(std::int64_t limit, std::int64_t offset);
    /// All of a trace's spans; nothing when none has arrived.
    std::optional<StoredTrace> trace(std::string_view trace_id);

  private:
    struct Statements {
        explicit Statements(const Database& database);
        Statement insert_project;
        Statement select_project_id;
        Statement select_project_row;
        Statement select_sibling_project;
        Statement insert_origin;
        Statement select_origin;
        Statement insert_trace;
        Statement select_trace_row;
        Statement insert_span;
        Statement update_span;
        Statement count_reception;
        Statement select_projects;
        Statement select_traces;
        Statement select_trace;
        Statement select_spans;
        Statement insert_platform_request;
        Statement select_platform_requests;
    };

    std::int64_t origin_row(const encode::Resource& resource, const encode::Scope& scope);
    std::int64_t project_of(const encode::Span& span, std::int64_t project);
    std::int64_t trace_row(std::int64_t project, std::string_view trace_id, Counts& counts);
    void add_span(std::int64_t trace, std::int64_t origin, const encode::Span& span, Counts& counts);
    std::uint64_t select_count(std::string_view sql) const;

    mutable std::mutex mutex_;
    Database database_;
    Statements statements_;
    Counts counts_;
};

}  // namespace judgeval::local
