// See store.hpp.
#include "local/store.hpp"

#include <unordered_map>
#include <utility>
#include <variant>

#include "encode/json_view.hpp"
#include "encode/otlp_writer.hpp"

namespace judgeval::local {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

// A span's row refers to its trace by a small number that grows with time: the index stays short, and its
// pages that are written to are the most recent ones. `origins` has each pair of resource and scope once.
constexpr const char* kSchema = R"(
    CREATE TABLE projects (
        id INTEGER PRIMARY KEY,
        project_id TEXT NOT NULL UNIQUE,
        organization_id TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (organization_id, name)
    );
    CREATE TABLE origins (
        id INTEGER PRIMARY KEY,
        resource TEXT NOT NULL,
        scope TEXT NOT NULL,
        UNIQUE (resource, scope)
    );
    CREATE TABLE traces (
        id INTEGER PRIMARY KEY,
        trace_id BLOB NOT NULL UNIQUE,
        project INTEGER NOT NULL REFERENCES projects (id)
    );
    CREATE INDEX traces_of_project ON traces (project);
    CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        trace INTEGER NOT NULL REFERENCES traces (id),
        span_id BLOB NOT NULL,
        parent_span_id BLOB,
        origin INTEGER NOT NULL REFERENCES origins (id),
        name TEXT NOT NULL,
        span_kind TEXT,
        start_time_unix_nano INTEGER NOT NULL,
        end_time_unix_nano INTEGER NOT NULL,
        status_code INTEGER NOT NULL,
        update_id INTEGER NOT NULL,
        receptions INTEGER NOT NULL,
        span BLOB NOT NULL,
        UNIQUE (trace, span_id)
    );
)";

/// Beside the schema above: a database of before it gets the table, too.
constexpr const char* kPlatformRequests = R"(
    CREATE TABLE IF NOT EXISTS platform_requests (
        id INTEGER PRIMARY KEY,
        project INTEGER NOT NULL REFERENCES projects (id),
        kind TEXT NOT NULL,
        path TEXT NOT NULL,
        body TEXT NOT NULL
    );
)";

Database open_database(const std::string& file) {
    Database database{file};
    // 64 MiB of pages in memory (the negative number counts KiB), and as much of a log before it is folded
    // into the file.
    database.execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;"
        "PRAGMA wal_autocheckpoint = 16384;");
    Statement version{database, "PRAGMA user_version"};
    version.step();
    const std::int64_t found = version.integer(0);
    version.reset();
    if (found == 0) {
        Transaction transaction{database};
        database.execute(kSchema);
        database.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
        transaction.commit();
    } else if (found != kSchemaVersion) {
        throw DatabaseError{"the database " + file + " has schema version " + std::to_string(found) +
                            ", this program reads version " + std::to_string(kSchemaVersion)};
    }
    database.execute(kPlatformRequests);
    return database;
}

std::int64_t update_id_of(const encode::Span& span) {
    const encode::AnyValue* const value = encode::find_attribute(span.attributes, "judgment.update_id");
    const auto* const number = value == nullptr ? nullptr : std::get_if<std::int64_t>(&value->value);
    return number == nullptr ? 0 : *number;
}

const std::string* text_attribute(const encode::Span& span, std::string_view key) {
    const encode::AnyValue* const value = encode::find_attribute(span.attributes, key);
    return value == nullptr ? nullptr : std::get_if<std::string>(&value->value);
}

}  // namespace

Store::Statements::Statements(const Database& database)
    : insert_project(database, R"(
          INSERT OR IGNORE INTO projects (project_id, organization_id, name)
          SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-a' || substr(h, 18, 3) ||
                 '-' || substr(h, 21, 12), ?1, ?2
          FROM (SELECT lower(hex(randomblob(16))) AS h))"),
      select_project_id(database, "SELECT project_id FROM projects WHERE organization_id = ?1 AND name = ?2"),
      select_project_row(database, "SELECT id FROM projects WHERE organization_id = ?1 AND project_id = ?2"),
      select_sibling_project(database, R"(
          SELECT sibling.id FROM projects
          JOIN projects AS sibling ON sibling.organization_id = projects.organization_id
          WHERE projects.id = ?1 AND sibling.project_id = ?2)"),
      insert_origin(database, "INSERT INTO origins (resource, scope) VALUES (?1, ?2)"),
      select_origin(database, "SELECT id FROM origins WHERE resource = ?1 AND scope = ?2"),
      insert_trace(database, "INSERT OR IGNORE INTO traces (trace_id, project) VALUES (?1, ?2)"),
      select_trace_row(database, "SELECT id FROM traces WHERE trace_id = ?1"),
      insert_span(database, R"(
          INSERT INTO spans (trace, span_id, parent_span_id, origin, name, span_kind, start_time_unix_nano,
                             end_time_unix_nano, status_code, update_id, receptions, span)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11)
          ON CONFLICT (trace, span_id) DO NOTHING)"),
      update_span(database, R"(
          UPDATE spans SET parent_span_id = ?3, origin = ?4, name = ?5, span_kind = ?6, start_time_unix_nano = ?7,
                           end_time_unix_nano = ?8, status_code = ?9, update_id = ?10, receptions = receptions + 1,
                           span = ?11
          WHERE trace = ?1 AND span_id = ?2 AND update_id < ?10)"),
      count_reception(database,
                      "UPDATE spans SET receptions = receptions + 1 WHERE trace = ?1 AND span_id = ?2"),
      select_projects(database, R"(
          SELECT project_id, organization_id, name, (SELECT count(*) FROM traces WHERE project = projects.id)
          FROM projects ORDER BY id)"),
      select_traces(database, R"(
          SELECT page.trace_id, projects.name,
                 max(CASE WHEN spans.parent_span_id IS NULL THEN spans.name END),
                 count(*), sum(spans.status_code = 2), min(spans.start_time_unix_nano), max(spans.end_time_unix_nano)
          FROM (SELECT * FROM traces
                WHERE ?3 = '' OR project IN (SELECT id FROM projects WHERE name = ?3)
                ORDER BY id DESC LIMIT ?1 OFFSET ?2) AS page
          JOIN projects ON projects.id = page.project
          JOIN spans ON spans.trace = page.id
          GROUP BY page.id ORDER BY page.id DESC)"),
      select_trace(database, R"(
          SELECT traces.id, projects.project_id, projects.name
          FROM traces JOIN projects ON projects.id = traces.project WHERE traces.trace_id = ?1)"),
      select_spans(database, R"(
          SELECT spans.span, origins.resource, origins.scope, spans.update_id, spans.receptions
          FROM spans JOIN origins ON origins.id = spans.origin
          WHERE spans.trace = ?1 ORDER BY spans.start_time_unix_nano, spans.id)"),
      insert_platform_request(
          database, "INSERT INTO platform_requests (project, kind, path, body) VALUES (?1, ?2, ?3, ?4)"),
      select_platform_requests(database, R"(
          SELECT platform_requests.kind, projects.project_id, platform_requests.path, platform_requests.body
          FROM platform_requests JOIN projects ON projects.id = platform_requests.project
          ORDER BY platform_requests.id LIMIT ?1 OFFSET ?2)") {}

Store::Store(const std::string& file) : database_(open_database(file)), statements_(database_) {
    counts_.projects = select_count("SELECT count(*) FROM projects");
    counts_.traces = select_count("SELECT count(*) FROM traces");
    counts_.spans = select_count("SELECT count(*) FROM spans");
    counts_.receptions = select_count("SELECT total(receptions) FROM spans");
}

std::uint64_t Store::select_count(std::string_view sql) const {
    Statement statement{database_, sql};
    statement.step();
    return static_cast<std::uint64_t>(statement.integer(0));
}

std::string Store::resolve_project(std::string_view organization_id, std::string_view name) {
    const std::lock_guard lock{mutex_};
    statements_.insert_project.bind_text(1, organization_id).bind_text(2, name).run();
    counts_.projects += static_cast<std::uint64_t>(database_.changes());
    Statement& select = statements_.select_project_id;
    const ResetAtReturn reset_at_return{select};
    if (!select.bind_text(1, organization_id).bind_text(2, name).step()) {
        throw DatabaseError{"database: a project that was just created is not there"};
    }
    return select.bytes(0);
}

std::optional<std::int64_t> Store::find_project(std::string_view organization_id,
                                                std::string_view project_id) {
    const std::lock_guard lock{mutex_};
    Statement& select = statements_.select_project_row;
    const ResetAtReturn reset_at_return{select};
    if (!select.bind_text(1, organization_id).bind_text(2, project_id).step()) {
        return std::nullopt;
    }
    return select.integer(0);
}

AddedSpans Store::add(std::int64_t project, const encode::TraceRequest& request, std::size_t bytes,
                      std::size_t decompressed_bytes) {
    AddedSpans result;
    std::unordered_map<std::string_view, std::pair<std::int64_t, bool>> traces;

    const std::lock_guard lock{mutex_};
    Counts counts = counts_;
    Transaction transaction{database_};
    for (const encode::ResourceSpans& resource_spans : request.resource_spans) {
        for (const encode::ScopeSpans& scope_spans : resource_spans.scope_spans) {
            if (scope_spans.spans.empty()) {
                continue;
            }
            const std::int64_t origin = origin_row(resource_spans.resource, scope_spans.scope);
            for (const encode::Span& span : scope_spans.spans) {
                if (!span.rejection.empty()) {
                    ++result.rejected;
                    if (result.first_rejection.empty()) {
                        result.first_rejection = span.rejection;
                    }
                    continue;
                }
                auto found = traces.find(span.trace_id);
                if (found == traces.end()) {
                    const std::int64_t row = trace_row(project_of(span, project), span.trace_id, counts);
                    found = traces.emplace(span.trace_id, std::pair{row, false}).first;
                }
                auto& [trace, has_finished_root] = found->second;
                has_finished_root |= span.is_root() && span.end_time_unix_nano > span.start_time_unix_nano;
                add_span(trace, origin, span, counts);
            }
        }
    }
    counts.requests += 1;
    counts.bytes += bytes;
    counts.decompressed_bytes += decompressed_bytes;
    counts.rejected_spans += result.rejected;
    result.touched.reserve(traces.size());
    for (const auto& [trace_id, state] : traces) {
        result.touched.push_back({std::string{trace_id}, state.second});
    }
    transaction.commit();
    counts_ = counts;
    return result;
}

std::int64_t Store::origin_row(const encode::Resource& resource, const encode::Scope& scope) {
    const std::string resource_text = encode::to_text(encode::json_view(resource));
    const std::string scope_text = encode::to_text(encode::json_view(scope));
    {
        Statement& select = statements_.select_origin;
        const ResetAtReturn reset_at_return{select};
        if (select.bind_text(1, resource_text).bind_text(2, scope_text).step()) {
            return select.integer(0);
        }
    }
    statements_.insert_origin.bind_text(1, resource_text).bind_text(2, scope_text).run();
    return database_.last_insert_row();
}

std::int64_t Store::project_of(const encode::Span& span, std::int64_t project) {
    const std::string* const override_id = text_attribute(span, "judgment.project_id_override");
    if (override_id == nullptr) {
        return project;
    }
    Statement& select = statements_.select_sibling_project;
    const ResetAtReturn reset_at_return{select};
    return select.bind(1, project).bind_text(2, *override_id).step() ? select.integer(0) : project;
}

std::int64_t Store::trace_row(std::int64_t project, std::string_view trace_id, Counts& counts) {
    statements_.insert_trace.bind_blob(1, trace_id).bind(2, project).run();
    if (database_.changes() == 1) {
        ++counts.traces;
        return database_.last_insert_row();
    }
    Statement& select = statements_.select_trace_row;
    const ResetAtReturn reset_at_return{select};
    if (!select.bind_blob(1, trace_id).step()) {
        throw DatabaseError{"database: a trace that was just found is not there"};
    }
    return select.integer(0);
}

void Store::add_span(std::int64_t trace, std::int64_t origin, const encode::Span& span, Counts& counts) {
    // What came in another encoding is kept as OTLP, too.
    const std::string written = span.encoded.empty() ? encode::write_span(span) : std::string{};
    const std::string_view encoded = span.encoded.empty() ? std::string_view{written} : span.encoded;
    const auto run_with_span = [&](Statement& statement) {
        statement.bind(1, trace).bind_blob(2, span.span_id).bind(4, origin).bind_text(5, span.name);
        if (span.is_root()) {
            statement.bind_null(3);
        } else {
            statement.bind_blob(3, span.parent_span_id);
        }
        if (const std::string* const kind = text_attribute(span, "judgment.span_kind")) {
            statement.bind_text(6, *kind);
        } else {
            statement.bind_null(6);
        }
        statement.bind(7, static_cast<std::int64_t>(span.start_time_unix_nano))
            .bind(8, static_cast<std::int64_t>(span.end_time_unix_nano))
            .bind(9, static_cast<std::int64_t>(span.status.code))
            .bind(10, update_id_of(span))
            .bind_blob(11, encoded)
            .run();
        return database_.changes() == 1;
    };
    ++counts.receptions;
    if (run_with_span(statements_.insert_span)) {
        ++counts.spans;
    } else if (!run_with_span(statements_.update_span)) {
        // The emission that is stored is at least as recent.
        statements_.count_reception.bind(1, trace).bind_blob(2, span.span_id).run();
    }
}

void Store::add_platform_request(std::int64_t project, std::string_view kind, std::string_view path,
                                 std::string_view body) {
    const std::lock_guard lock{mutex_};
    statements_.insert_platform_request.bind(1, project)
        .bind_text(2, kind)
        .bind_text(3, path)
        .bind_text(4, body)
        .run();
}

std::vector<PlatformRequest> Store::platform_requests(std::int64_t limit, std::int64_t offset) {
    const std::lock_guard lock{mutex_};
    std::vector<PlatformRequest> result;
    Statement& select = statements_.select_platform_requests;
    const ResetAtReturn reset_at_return{select};
    select.bind(1, limit).bind(2, offset);
    while (select.step()) {
        result.push_back({select.bytes(0), select.bytes(1), select.bytes(2), select.bytes(3)});
    }
    return result;
}

Counts Store::counts() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

std::vector<Project> Store::projects() {
    const std::lock_guard lock{mutex_};
    std::vector<Project> result;
    Statement& select = statements_.select_projects;
    const ResetAtReturn reset_at_return{select};
    while (select.step()) {
        result.push_back({select.bytes(0), select.bytes(1), select.bytes(2),
                          static_cast<std::uint64_t>(select.integer(3))});
    }
    return result;
}

std::vector<TraceSummary> Store::traces(std::int64_t limit, std::int64_t offset,
                                        std::string_view project_name) {
    const std::lock_guard lock{mutex_};
    std::vector<TraceSummary> result;
    Statement& select = statements_.select_traces;
    const ResetAtReturn reset_at_return{select};
    select.bind(1, limit).bind(2, offset).bind_text(3, project_name);
    while (select.step()) {
        result.push_back({.trace_id = select.bytes(0),
                          .project_name = select.bytes(1),
                          .root_name = select.bytes(2),
                          .spans = static_cast<std::uint64_t>(select.integer(3)),
                          .errors = static_cast<std::uint64_t>(select.integer(4)),
                          .start_time_unix_nano = static_cast<std::uint64_t>(select.integer(5)),
                          .end_time_unix_nano = static_cast<std::uint64_t>(select.integer(6))});
    }
    return result;
}

std::optional<StoredTrace> Store::trace(std::string_view trace_id) {
    const std::lock_guard lock{mutex_};
    StoredTrace result;
    std::int64_t row = 0;
    {
        Statement& select = statements_.select_trace;
        const ResetAtReturn reset_at_return{select};
        if (!select.bind_blob(1, trace_id).step()) {
            return std::nullopt;
        }
        row = select.integer(0);
        result = {std::string{trace_id}, select.bytes(1), select.bytes(2), {}};
    }
    Statement& select = statements_.select_spans;
    const ResetAtReturn reset_at_return{select};
    select.bind(1, row);
    while (select.step()) {
        const std::string encoded = select.bytes(0);
        encode::ReadResult<encode::Span> read = encode::read_span(encoded);
        if (!read.message) {
            throw DatabaseError{"database: a stored span cannot be read: " + read.error};
        }
        read.message->encoded = {};
        result.spans.push_back({std::move(*read.message), select.bytes(1), select.bytes(2), select.integer(3),
                                static_cast<std::uint64_t>(select.integer(4))});
    }
    return result;
}

}  // namespace judgeval::local
