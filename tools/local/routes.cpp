// See routes.hpp. Every handler of a request with a body reads the body to its end, whatever the answer: what
// stays unread would be taken for the next request on the same connection.
#include "local/routes.hpp"

#include <httplib.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <utility>

#include "encode/flatbuffers_reader.hpp"
#include "encode/json_view.hpp"
#include "encode/otlp_json_reader.hpp"
#include "encode/otlp_reader.hpp"
#include "local/body_decoder.hpp"
#include "local/request_capture.hpp"
#include "local/store.hpp"
#include "local/trace_printer.hpp"

namespace judgeval::local {
namespace {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr std::size_t kMaximumResolveBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaximumPlatformRequestBytes = std::size_t{8} << 20U;
constexpr std::int64_t kDefaultPage = 50;
constexpr std::int64_t kMaximumPage = 1000;

// The server would decode gzip and brotli by itself, without a limit and without noticing a body that ends
// too early. So the coding is carried past it under a name of our own.
constexpr const char* kCarriedEncoding = "judgeval-carried-content-encoding";

void carry_content_encoding(httplib::Headers& headers) {
    std::string encoding;
    const auto [first, last] = headers.equal_range("Content-Encoding");
    for (auto header = first; header != last; ++header) {
        encoding += (encoding.empty() ? "" : ", ") + header->second;
    }
    headers.erase("Content-Encoding");
    headers.erase(kCarriedEncoding);
    headers.emplace(kCarriedEncoding, std::move(encoding));
    // A multipart body would be taken apart before any handler sees it; no route here takes one.
    const auto type = headers.find("Content-Type");
    if (type != headers.end() && type->second.rfind("multipart/", 0) == 0) {
        headers.erase(type);
    }
}

void answer_text(Response& response, int status, const std::string& text) {
    response.status = status;
    response.set_content(text + "\n", "text/plain; charset=utf-8");
}

void answer_json(Response& response, const json& document) {
    response.status = 200;
    response.set_content(encode::to_text(document) + "\n", "application/json");
}

/// The whole body; nothing, and an answer, when it is too large or breaks off.
std::optional<std::string> read_body(const ContentReader& reader, std::size_t maximum_bytes,
                                     Response& response) {
    std::string body;
    bool is_too_large = false;
    const bool complete = reader([&](const char* data, std::size_t length) {
        is_too_large = is_too_large || length > maximum_bytes - body.size();
        if (is_too_large) {
            std::string{}.swap(body);
        } else {
            body.append(data, length);
        }
        return true;
    });
    if (is_too_large || response.status == 413) {
        answer_text(response, 413, "the body is larger than " + std::to_string(maximum_bytes) + " bytes");
        return std::nullopt;
    }
    if (!complete) {
        answer_text(response, 400, "the body ended before its announced length");
        return std::nullopt;
    }
    return body;
}

bool has_media_type(const Request& request, std::string_view expected) {
    std::string type = request.get_header_value("Content-Type");
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ') {
        type.pop_back();
    }
    return type == expected;
}

/// Who sent the request; nothing, and an answer, when it does not say or may not.
std::optional<std::string> authorized_organization(const Request& request, const std::string& api_key,
                                                   Response& response) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string authorization = request.get_header_value("Authorization");
    if (authorization.size() <= kScheme.size() || authorization.rfind(kScheme, 0) != 0) {
        answer_text(response, 401, "the header Authorization must be: Bearer <api key>");
        return std::nullopt;
    }
    if (!api_key.empty() && authorization.substr(kScheme.size()) != api_key) {
        answer_text(response, 401, "this API key is not known");
        return std::nullopt;
    }
    std::string organization = request.get_header_value("X-Organization-Id");
    if (organization.empty()) {
        answer_text(response, 401, "the header X-Organization-Id is missing");
        return std::nullopt;
    }
    return organization;
}

/// In whatever case.
bool is_authorization(std::string_view name) {
    constexpr std::string_view kAuthorization = "authorization";
    return std::equal(name.begin(), name.end(), kAuthorization.begin(), kAuthorization.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

json describe_request(const Request& request, std::size_t bytes, std::size_t decompressed_bytes) {
    json headers = json::object();
    for (const auto& [name, value] : request.headers) {
        // What the server adds about the connection, under names with underscores, was not sent.
        if (name.find('_') == std::string::npos && name != kCarriedEncoding) {
            headers[name] = is_authorization(name) ? "Bearer (not written down)" : value;
        }
    }
    if (const std::string encoding = request.get_header_value(kCarriedEncoding); !encoding.empty()) {
        headers["Content-Encoding"] = encoding;
    }
    return {{"method", request.method}, {"path", request.path},
            {"target", request.target}, {"headers", std::move(headers)},
            {"bytes", bytes},           {"decompressed_bytes", decompressed_bytes}};
}

void capture(const RouteContext& context, const Request& request, std::string_view body,
             std::string_view suffix) {
    if (context.capture != nullptr) {
        context.capture->write(body, suffix, describe_request(request, body.size(), body.size()));
    }
}

/// A request with a JSON body from somebody who may send it.
struct JsonRequest {
    std::string organization;
    std::string body;
    json document;  ///< discarded when the body does not parse
};

/// Nothing, and an answer, for any other.
std::optional<JsonRequest> read_json_request(const RouteContext& context, const Request& request,
                                             Response& response, const ContentReader& reader,
                                             std::size_t most) {
    // The server keeps to the limit only where the length is announced.
    std::optional<std::string> body = read_body(reader, std::min(most, context.maximum_body_bytes), response);
    if (!body) {
        return std::nullopt;
    }
    capture(context, request, *body, ".body");
    std::optional<std::string> organization = authorized_organization(request, context.api_key, response);
    if (!organization) {
        return std::nullopt;
    }
    if (!has_media_type(request, "application/json")) {
        answer_text(response, 415, "the Content-Type must be application/json");
        return std::nullopt;
    }
    json document = json::parse(*body, nullptr, false);
    return JsonRequest{std::move(*organization), std::move(*body), std::move(document)};
}

void resolve_project(const RouteContext& context, const Request& request, Response& response,
                     const ContentReader& reader) {
    const auto read = read_json_request(context, request, response, reader, kMaximumResolveBytes);
    if (!read) {
        return;
    }
    const json& document = read->document;
    const auto name = document.is_object() ? document.find("project_name") : document.end();
    if (name == document.end() || !name->is_string() || name->get_ref<const std::string&>().empty()) {
        answer_text(response, 400,
                    "the body must be a JSON object with a text project_name that is not empty");
        return;
    }
    answer_json(response, {{"project_id", context.store.resolve_project(
                                              read->organization, name->get_ref<const std::string&>())}});
}

/// Why the body of a tag request is none; empty when it is one.
std::string objection_to_tags(const json& document, const std::string& /*project_id*/) {
    const auto tags = document.find("tags");
    const bool is_list = document.size() == 1 && tags != document.end() && tags->is_array() && !tags->empty();
    const bool is_right = is_list && std::all_of(tags->begin(), tags->end(), [](const json& tag) {
                              return tag.is_string() && !tag.get_ref<const std::string&>().empty();
                          });
    return is_right ? "" : "the body must be {\"tags\": [...]} with texts that are not empty";
}

bool has_texts(const json& object, std::initializer_list<const char*> keys) {
    return object.is_object() && std::all_of(keys.begin(), keys.end(), [&object](const char* key) {
               const auto value = object.find(key);
               return value != object.end() && value->is_string() &&
                      !value->get_ref<const std::string&>().empty();
           });
}

/// Why the body is no ExampleEvaluationRun; empty when it is one.
std::string objection_to_evaluation(const json& document, const std::string& project_id) {
    if (!has_texts(document, {"project_id", "eval_name", "trace_id", "trace_span_id", "created_at"})) {
        return "project_id, eval_name, trace_id, trace_span_id and created_at must be texts";
    }
    if (document["project_id"] != project_id) {
        return "the body's project_id is not the path's";
    }
    const auto is_list = [&document](const char* key) {
        return document.contains(key) && document[key].is_array();
    };
    if (!is_list("examples") || !is_list("judgment_scorers") || !is_list("custom_scorers")) {
        return "examples, judgment_scorers and custom_scorers must be arrays";
    }
    for (const json& example : document["examples"]) {
        if (!has_texts(example, {"example_id", "created_at"})) {
            return "an example must have the texts example_id and created_at";
        }
    }
    for (const json& scorer : document["judgment_scorers"]) {
        if (!has_texts(scorer, {"score_type", "name"}) || !scorer.contains("threshold") ||
            !scorer["threshold"].is_number()) {
            return "a scorer must have the texts score_type and name, and the number threshold";
        }
    }
    return document["examples"].empty() ? "there is no example" : "";
}

/// What is asked about a project beside taking its spans: looked at, stored, and answered with nothing much.
void take_platform_request(const RouteContext& context, const Request& request, Response& response,
                           const ContentReader& reader, std::string_view kind,
                           std::string (*objection_to)(const json&, const std::string&)) {
    const auto read = read_json_request(context, request, response, reader, kMaximumPlatformRequestBytes);
    if (!read) {
        return;
    }
    const std::string project_id = request.matches[1];
    const std::optional<std::int64_t> project = context.store.find_project(read->organization, project_id);
    if (!project) {
        answer_text(response, 404, "the organization has no project of that id; resolve its name first");
        return;
    }
    const json& document = read->document;
    const std::string objection =
        document.is_object() ? objection_to(document, project_id) : "the body must be a JSON object";
    if (!objection.empty()) {
        answer_text(response, 400, objection);
        return;
    }
    context.store.add_platform_request(*project, kind, request.path, read->body);
    answer_json(response, {{"success", true}});
}

/// The prompt scorer of the name asked for, in a list; an empty one when there is none.
void list_prompt_scorers(const RouteContext& context, const Request& request, Response& response) {
    const std::optional<std::string> organization =
        authorized_organization(request, context.api_key, response);
    if (!organization) {
        return;
    }
    if (!context.store.find_project(*organization, request.matches[1].str())) {
        answer_text(response, 404, "the organization has no project of that id; resolve its name first");
        return;
    }
    json scorers = json::array();
    const auto found = context.prompt_scorers.find(request.get_param_value("names"));
    if (found != context.prompt_scorers.end()) {
        json scorer = json::parse(found->second);
        scorer["name"] = found->first;
        scorers.push_back(std::move(scorer));
    }
    answer_json(response, {{"scorers", std::move(scorers)}});
}

std::string rejection_text(const AddedSpans& added) {
    return std::to_string(added.rejected) + " spans were rejected, the first because " +
           added.first_rejection;
}

/// ExportTraceServiceResponse of the OTLP schema.
std::string encode_answer(const AddedSpans& added) {
    std::string message;
    if (added.rejected > 0) {
        protozero::pbf_writer answer{message};
        protozero::pbf_writer partial_success{answer, 1};
        partial_success.add_int64(1, static_cast<std::int64_t>(added.rejected));
        partial_success.add_string(2, rejection_text(added));
    }
    return message;
}

/// The same as OTLP/JSON.
json json_answer(const AddedSpans& added) {
    json answer = json::object();
    if (added.rejected > 0) {
        answer["partialSuccess"] = {{"rejectedSpans", std::to_string(added.rejected)},
                                    {"errorMessage", rejection_text(added)}};
    }
    return answer;
}

int status_of(BodyOutcome outcome) {
    switch (outcome) {
        case BodyOutcome::too_large:
            return 413;
        case BodyOutcome::unknown_encoding:
            return 415;
        case BodyOutcome::decoded:
        case BodyOutcome::malformed:
            break;
    }
    return 400;
}

void take_traces(const RouteContext& context, const Request& request, Response& response,
                 const ContentReader& reader) {
    std::optional<std::string> body = read_body(reader, context.maximum_body_bytes, response);
    if (!body) {
        return;
    }
    const std::optional<std::string> organization =
        authorized_organization(request, context.api_key, response);
    if (!organization) {
        return;
    }
    const std::string project_id = request.get_header_value("X-Project-Id");
    if (project_id.empty()) {
        answer_text(response, 400, "the header X-Project-Id is missing");
        return;
    }
    const std::optional<std::int64_t> project = context.store.find_project(*organization, project_id);
    if (!project) {
        answer_text(response, 404, "the organization has no project of that id; resolve its name first");
        return;
    }
    const bool is_flatbuffers = has_media_type(request, encode::kFlatBuffersContentType);
    const bool is_json = has_media_type(request, "application/json");
    if (!is_flatbuffers && !is_json && !has_media_type(request, "application/x-protobuf")) {
        answer_text(response, 415,
                    "the Content-Type must be application/x-protobuf, application/json or " +
                        std::string{encode::kFlatBuffersContentType});
        return;
    }
    const std::size_t bytes = body->size();
    DecodedBody decoded = decode_body(request.get_header_value(kCarriedEncoding), std::move(*body),
                                      context.maximum_decompressed_bytes);
    if (decoded.outcome != BodyOutcome::decoded) {
        answer_text(response, status_of(decoded.outcome), decoded.error);
        return;
    }
    if (context.capture != nullptr) {
        context.capture->write(decoded.bytes, is_flatbuffers ? ".flatbuffers" : (is_json ? ".body" : ".pb"),
                               describe_request(request, bytes, decoded.bytes.size()));
    }
    const std::size_t decompressed_bytes = decoded.bytes.size();
    if (is_json) {
        encode::ReadResult<std::string> protobuf = encode::protobuf_from_json(decoded.bytes);
        if (!protobuf.message) {
            answer_text(response, 400, protobuf.error);
            return;
        }
        decoded.bytes = *std::move(protobuf.message);
    }
    const encode::ReadResult<encode::TraceRequest> read =
        is_flatbuffers ? encode::read_flatbuffers(decoded.bytes, context.maximum_decompressed_bytes)
                       : encode::read_trace_request(decoded.bytes);
    if (!read.message) {
        answer_text(response, 400, read.error);
        return;
    }
    const AddedSpans added = context.store.add(*project, *read.message, bytes, decompressed_bytes);
    if (context.printer != nullptr) {
        context.printer->note(added.touched, TracePrinter::Clock::now());
    }
    if (is_json) {
        answer_json(response, json_answer(added));
        return;
    }
    response.status = 200;
    response.set_content(encode_answer(added), "application/x-protobuf");
}

void list_counts(const RouteContext& context, Response& response) {
    const Counts counts = context.store.counts();
    answer_json(response, {{"projects", counts.projects},
                           {"traces", counts.traces},
                           {"spans", counts.spans},
                           {"receptions", counts.receptions},
                           {"requests", counts.requests},
                           {"bytes", counts.bytes},
                           {"decompressed_bytes", counts.decompressed_bytes},
                           {"rejected_spans", counts.rejected_spans}});
}

void list_projects(const RouteContext& context, Response& response) {
    json projects = json::array();
    for (const Project& project : context.store.projects()) {
        projects.push_back({{"project_id", project.project_id},
                            {"organization_id", project.organization_id},
                            {"name", project.name},
                            {"traces", project.traces}});
    }
    answer_json(response, {{"projects", std::move(projects)}});
}

/// A parameter that counts something; nothing when it is no number in the range.
std::optional<std::int64_t> number_parameter(const Request& request, const char* name, std::int64_t otherwise,
                                             std::int64_t maximum) {
    if (!request.has_param(name)) {
        return otherwise;
    }
    const std::string text = request.get_param_value(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > maximum) {
        return std::nullopt;
    }
    return value;
}

void answer_wrong_page(Response& response) {
    answer_text(
        response, 400,
        "limit must be a number from 0 to " + std::to_string(kMaximumPage) + ", offset a number from 0");
}

void list_platform_requests(const RouteContext& context, const Request& request, Response& response) {
    const auto limit = number_parameter(request, "limit", kDefaultPage, kMaximumPage);
    const auto offset = number_parameter(request, "offset", 0, INT64_MAX);
    if (!limit || !offset) {
        answer_wrong_page(response);
        return;
    }
    json requests = json::array();
    for (const PlatformRequest& stored : context.store.platform_requests(*limit, *offset)) {
        requests.push_back({{"kind", stored.kind},
                            {"project_id", stored.project_id},
                            {"path", stored.path},
                            {"body", json::parse(stored.body)}});
    }
    answer_json(response, {{"platform_requests", std::move(requests)}});
}

void list_traces(const RouteContext& context, const Request& request, Response& response) {
    const auto limit = number_parameter(request, "limit", kDefaultPage, kMaximumPage);
    const auto offset = number_parameter(request, "offset", 0, INT64_MAX);
    if (!limit || !offset) {
        answer_wrong_page(response);
        return;
    }
    json traces = json::array();
    for (const TraceSummary& trace :
         context.store.traces(*limit, *offset, request.get_param_value("project"))) {
        traces.push_back({{"trace_id", encode::to_hex(trace.trace_id)},
                          {"project", trace.project_name},
                          {"root_name", trace.root_name},
                          {"spans", trace.spans},
                          {"errors", trace.errors},
                          {"start_time_unix_nano", trace.start_time_unix_nano},
                          {"end_time_unix_nano", trace.end_time_unix_nano}});
    }
    answer_json(response, {{"traces", std::move(traces)}});
}

/// The bytes of 32 hexadecimal digits.
std::string trace_id_of(std::string_view digits) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        unsigned value = 0;
        std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
        bytes += static_cast<char>(value);
    }
    return bytes;
}

void show_trace(const RouteContext& context, const Request& request, Response& response) {
    const std::string digits = request.matches[1];
    const std::optional<StoredTrace> trace = context.store.trace(trace_id_of(digits));
    if (!trace) {
        answer_text(response, 404, "no span of that trace has arrived");
        return;
    }
    json spans = json::array();
    for (const StoredSpan& stored : trace->spans) {
        json span = encode::json_view(stored.span);
        span["resource"] = json::parse(stored.resource);
        span["scope"] = json::parse(stored.scope);
        span["update_id"] = stored.update_id;
        span["receptions"] = stored.receptions;
        spans.push_back(std::move(span));
    }
    answer_json(response, {{"trace_id", encode::to_hex(trace->trace_id)},
                           {"project_id", trace->project_id},
                           {"project", trace->project_name},
                           {"spans", std::move(spans)}});
}

/// For requests nothing else matched.
void refuse(const RouteContext& context, const Request& request, Response& response,
            const ContentReader& reader) {
    if (const std::optional<std::string> body = read_body(reader, kMaximumResolveBytes, response)) {
        capture(context, request, *body, ".body");
        answer_text(response, 404, "nothing is here for this method");
    }
}

}  // namespace

void add_routes(httplib::Server& server, RouteContext route_context) {
    const auto context = std::make_shared<const RouteContext>(std::move(route_context));
    server.set_payload_max_length(context->maximum_body_bytes);
    server.set_pre_routing_handler([context](const Request& request, Response&) {
        // The server made this Request and owns it as a variable; the handler's signature alone makes it
        // const.
        carry_content_encoding(const_cast<Request&>(request).headers);
        if (request.method == "GET" && request.path.rfind("/v1/", 0) == 0) {
            capture(*context, request, {}, ".body");
        }
        return httplib::Server::HandlerResponse::Unhandled;
    });
    server.set_exception_handler([](const Request&, Response& response, std::exception_ptr failure) {
        try {
            std::rethrow_exception(std::move(failure));
        } catch (const std::exception& error) {
            answer_text(response, 503, error.what());  // nothing was taken in, so trying again is right
        } catch (...) {
            answer_text(response, 503, "an unknown failure");
        }
    });

    server.Post("/v1/projects/resolve/?",
                [context](const Request& request, Response& response, const ContentReader& reader) {
                    resolve_project(*context, request, response, reader);
                });
    // Offline traces say what they are, in their resource.
    server.Post("/otel/v1/(offline-)?traces",
                [context](const Request& request, Response& response, const ContentReader& reader) {
                    take_traces(*context, request, response, reader);
                });
    server.Post("/v1/projects/([^/]+)/traces/[0-9a-f]{32}/tags",
                [context](const Request& request, Response& response, const ContentReader& reader) {
                    take_platform_request(*context, request, response, reader, "tags", objection_to_tags);
                });
    server.Post("/v1/projects/([^/]+)/eval-queue/examples",
                [context](const Request& request, Response& response, const ContentReader& reader) {
                    take_platform_request(*context, request, response, reader, "example_evaluation",
                                          objection_to_evaluation);
                });
    server.Get("/v1/projects/([^/]+)/scorers", [context](const Request& request, Response& response) {
        list_prompt_scorers(*context, request, response);
    });
    const auto refuse_any = [context](const Request& request, Response& response,
                                      const ContentReader& reader) {
        refuse(*context, request, response, reader);
    };
    server.Post(".*", refuse_any);
    server.Put(".*", refuse_any);
    server.Patch(".*", refuse_any);
    server.Delete(".*", refuse_any);

    server.Get("/healthz", [](const Request&, Response& response) {
        answer_json(response, {{"status", "ok"}});
    });
    server.Get("/api/counts",
               [context](const Request&, Response& response) { list_counts(*context, response); });
    server.Get("/api/projects",
               [context](const Request&, Response& response) { list_projects(*context, response); });
    server.Get("/api/platform-requests", [context](const Request& request, Response& response) {
        list_platform_requests(*context, request, response);
    });
    server.Get("/api/traces", [context](const Request& request, Response& response) {
        list_traces(*context, request, response);
    });
    server.Get("/api/traces/([0-9a-fA-F]{32})", [context](const Request& request, Response& response) {
        show_trace(*context, request, response);
    });
    server.Get("/api/traces/.*", [](const Request&, Response& response) {
        answer_text(response, 400, "a trace id has 32 hexadecimal digits");
    });
}

}  // namespace judgeval::local
