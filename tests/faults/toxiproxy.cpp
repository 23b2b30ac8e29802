// See toxiproxy.hpp. What is said to it is JSON over HTTP ("HTTP API" in its README).
#include "faults/toxiproxy.hpp"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "free_port.hpp"
#include "test_peers.hpp"

namespace judgeval::faults {

using nlohmann::json;

Toxiproxy::Toxiproxy(int backend_port)
    : api_port_(test::free_port()),
      program_({test::peer_path("toxiproxy"), "-host", "127.0.0.1", "-port", std::to_string(api_port_)},
               {"LOG_LEVEL=fatal"}) {
    httplib::Client api("127.0.0.1", api_port_);
    // It says nothing when it is ready; the first question that is answered tells.
    constexpr int kAttempts = 3000;
    for (int attempt = 0; !api.Get("/version"); ++attempt) {
        if (attempt == kAttempts) throw std::runtime_error("toxiproxy does not start");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const json proxy = {{"name", "backend"},
                        {"listen", "127.0.0.1:0"},
                        {"upstream", "127.0.0.1:" + std::to_string(backend_port)}};
    const auto made = api.Post("/proxies", proxy.dump(), "application/json");
    if (!made || made->status != 201) throw std::runtime_error("toxiproxy makes no proxy");
    const auto listens = json::parse(made->body).at("listen").get<std::string>();
    port_ = std::stoi(listens.substr(listens.rfind(':') + 1));
}

void Toxiproxy::call(const std::string& method, const std::string& path, const std::string& body) {
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.set_header("Content-Type", "application/json");
    const auto answer = httplib::Client("127.0.0.1", api_port_).send(request);
    if (!answer || answer->status / 100 != 2) {
        throw std::runtime_error("toxiproxy refuses " + path + ": " + (answer ? answer->body : "no answer"));
    }
}

void Toxiproxy::add(const std::string& toxic, Direction direction, const std::string& attributes) {
    const json body = {{"name", std::to_string(++toxics_)},
                       {"type", toxic},
                       {"stream", direction == Direction::kRequests ? "upstream" : "downstream"},
                       {"attributes", json::parse(attributes)}};
    call("POST", "/proxies/backend/toxics", body.dump());
}

void Toxiproxy::go_down() { call("PATCH", "/proxies/backend", R"({"enabled": false})"); }

void Toxiproxy::recover() { call("POST", "/reset", ""); }

}  // namespace judgeval::faults
