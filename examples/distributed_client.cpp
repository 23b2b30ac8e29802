// The calling half of a distributed trace: an agent that asks another service, with libcurl.
//
//     distributed_client [URL]       # default: http://localhost:8001/process, where distributed_server is
//
// Where spans go, and as whose, comes from the environment, as in the quickstart.
#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <judgeval/adapters/curl.hpp>
#include <judgeval/judgeval.hpp>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

std::size_t append(char* data, std::size_t size, std::size_t count, void* text) {
    static_cast<std::string*>(text)->append(data, size * count);
    return size * count;
}

/// The answer to a POST, which carries the current context.
std::string post(const std::string& url, const std::string& body) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> request(curl_easy_init(), curl_easy_cleanup);
    if (!request) throw std::runtime_error("libcurl has no memory");
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    judgeval::inject(list);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, curl_slist_free_all);

    std::string answer;
    curl_easy_setopt(request.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(request.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(request.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(request.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(request.get(), CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(request.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(request.get(), CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(request.get(), CURLOPT_NOSIGNAL, 1L);
    const CURLcode code = curl_easy_perform(request.get());
    if (code != CURLE_OK) throw std::runtime_error(url + ": " + curl_easy_strerror(code));
    return answer;
}

}  // namespace

int main(int argument_count, char** arguments) {
    using namespace std::chrono_literals;
    const std::string url = argument_count > 1 ? arguments[1] : "http://localhost:8001/process";

    const judgeval::Judgeval client({.project_name = "distributed-system"});
    const auto tracer = client.tracer.create({.resource_attributes = {{"service.name", "agent-client"}}});

    const auto call_external_service = tracer.observe(
        [&](const std::string& data) {
            tracer.set_session_id("session-1");  // of this span and all below it, in the other service, too
            return post(url, data);
        },
        {.name = "call_external_service", .type = "function", .args = {"data"}});

    int status = 0;
    try {
        std::cout << call_external_service(R"({"query": "Hello from client"})") << '\n';
    } catch (const std::exception& error) {
        std::cerr << "distributed_client: " << error.what() << '\n';
        status = 1;
    }
    const bool everything_left = tracer.shutdown(10s);
    const judgeval::Stats stats = tracer.stats();
    std::cout << "spans: " << stats.started << " started, " << stats.exported << " exported ("
              << stats.partial_emissions << " while they were open), " << stats.dropped_total()
              << " dropped\n";
    return everything_left ? status : 1;
}
