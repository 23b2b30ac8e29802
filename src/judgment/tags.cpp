// Tags of a trace: POST {api}/v1/projects/{project_id}/traces/{trace_id}/tags.
#include <exception>
#include <nlohmann/json.hpp>

#include "judgeval/detail/tracer_state.hpp"
#include "judgment/tracer_parts.hpp"

namespace judgeval::detail {

void tag_trace(TracerState& tracer, std::span<const std::string_view> tags) noexcept {
    PlatformRequests* const requests = tags.empty() ? nullptr : platform_requests(tracer);
    const SpanIdentity* const here = current_kept_span();
    if (requests == nullptr || here == nullptr) return;
    try {
        using nlohmann::json;
        json list = json::array();
        for (const std::string_view tag : tags) list.push_back(std::string(tag));
        // replace: what is not UTF-8 must not make it throw
        PlatformRequest request{
            .path = "/v1/projects/" + std::string(kProjectIdPlaceholder) + "/traces/" +
                    here->trace_id.to_hex() + "/tags",
            .body = json{{"tags", std::move(list)}}.dump(-1, ' ', false, json::error_handler_t::replace)};
        follow_override(request);
        requests->push(std::move(request));
    } catch (const std::exception&) {
        requests->count_lost();
    }
}

}  // namespace judgeval::detail
