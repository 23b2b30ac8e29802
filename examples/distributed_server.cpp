// The called half of a distributed trace: an HTTP server that goes on with the trace of whoever calls.
//
//     distributed_server [PORT]      # default: 8001; 0: the system chooses one
//
// Serves POST /process until SIGINT or SIGTERM. Where spans go, and as whose, comes from the environment, as
// in the quickstart. See distributed_client for the other half.
#include <httplib.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <judgeval/adapters/httplib.hpp>
#include <judgeval/judgeval.hpp>
#include <string>
#include <thread>

int main(int argument_count, char** arguments) {
    using namespace std::chrono_literals;

    // Blocked before the first thread starts, so that every thread inherits it and the signals wait.
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

    const judgeval::Judgeval client({.project_name = "distributed-system"});
    const auto tracer = client.tracer.create({.resource_attributes = {{"service.name", "agent-server"}}});

    const auto process_request = tracer.observe(
        [](const std::string& data) {
            return R"({"message": "Hello from server!", "received_data": )" + data + "}";
        },
        {.name = "process_request", .type = "function", .args = {"data"}});

    httplib::Server server;
    server.Post("/process", [&](const httplib::Request& request, httplib::Response& response) {
        const auto scope = judgeval::continue_trace(request);  // what follows is part of the caller's trace
        response.set_content(process_request(request.body), "application/json");
    });

    int port = argument_count > 1 ? std::atoi(arguments[1]) : 8001;
    if (port == 0) {
        port = server.bind_to_any_port("127.0.0.1");
    } else if (!server.bind_to_port("127.0.0.1", port)) {
        port = -1;
    }
    if (port < 0) {
        std::cerr << "distributed_server: cannot listen on that port\n";
        return 1;
    }
    std::thread listener([&server] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::sleep_for(1ms);  // else stop() would be lost
    std::cout << "distributed_server listening on http://127.0.0.1:" << port << std::endl;

    int signal = 0;
    sigwait(&stop_signals, &signal);
    server.stop();
    listener.join();

    const bool everything_left = tracer.shutdown(10s);
    const judgeval::Stats stats = tracer.stats();
    std::cout << "spans: " << stats.started << " started, " << stats.exported << " exported ("
              << stats.partial_emissions << " while they were open), " << stats.dropped_total()
              << " dropped\n";
    return everything_left ? 0 : 1;
}
