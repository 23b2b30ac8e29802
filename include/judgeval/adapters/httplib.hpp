// cpp-httplib's requests as carriers. Its Headers are like a map and need no adapter; this one takes a whole
// Request, or a Response.
//
//     server.Post("/process", [](const httplib::Request& request, httplib::Response& response) {
//         const auto scope = judgeval::continue_trace(request);
#pragma once

#include <httplib.h>

#include <concepts>
#include <string_view>

#include "judgeval/propagation.hpp"

namespace judgeval {

template <typename Message>
requires std::same_as<Message, httplib::Request> || std::same_as<Message, httplib::Response>
struct CarrierTraits<Message> {
    static void set(Message& message, std::string_view name, std::string_view value) {
        CarrierTraits<httplib::Headers>::set(message.headers, name, value);
    }
    template <typename Visit>
    static void visit(const Message& message, Visit visit) {
        CarrierTraits<httplib::Headers>::visit(message.headers, visit);
    }
};

}  // namespace judgeval
