// What the local backend answers: the Judgment platform's protocol as far as tracing needs it, and queries
// with JSON answers. The handlers run on the HTTP server's threads.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace httplib {
class Server;
}

namespace judgeval::local {

class RequestCapture;
class Store;
class TracePrinter;

/// What the handlers work on. Everything referred to must outlive the server.
struct RouteContext {
    Store& store;
    TracePrinter* printer;    ///< null: traces are not printed
    RequestCapture* capture;  ///< null: requests are not captured
    std::string api_key;      ///< empty: any key is accepted
    std::size_t maximum_body_bytes;
    std::size_t maximum_decompressed_bytes;
    std::map<std::string, std::string> prompt_scorers;  ///< by name: JSON objects
};

void add_routes(httplib::Server& server, RouteContext context);

}  // namespace judgeval::local
