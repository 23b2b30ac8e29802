// See collector.hpp.
#include "collector/collector.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "free_port.hpp"
#include "test_peers.hpp"

namespace judgeval::test {
Collector::Collector() {
    std::string directory = (std::filesystem::temp_directory_path() / "judgeval-collector-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) throw std::runtime_error("cannot make " + directory);
    directory_ = directory;
    port_ = free_port();
    start();
}

void Collector::start() {
    program_ = std::make_unique<Program>(
        std::vector<std::string>{peer_path("collector"), "--config", JUDGEVAL_COLLECTOR_CONFIG},
        std::vector<std::string>{"JUDGEVAL_COLLECTOR_PORT=" + std::to_string(port_),
                                 "JUDGEVAL_COLLECTOR_FILE=" + (directory_ / "received").string()});
    std::string said;
    for (std::string line = program_->line(); !line.empty(); line = program_->line()) {
        if (line.find("Everything is ready") != std::string::npos) return;
        said += line;
    }
    std::filesystem::remove_all(directory_);
    throw std::runtime_error("the Collector does not start: " + said);
}

Collector::~Collector() {
    program_.reset();
    std::filesystem::remove_all(directory_);
}

void Collector::end() {
    program_->signal(SIGTERM);
    const std::string said = program_->rest();
    if (program_->exit_code() != 0) throw std::runtime_error("the Collector failed: " + said);
}

void Collector::restart() {
    end();
    start();
}

void Collector::stop(const std::function<void(const encode::TraceRequest&)>& take) {
    end();
    std::ifstream received(directory_ / "received", std::ios::binary);
    std::uint8_t size[4];  // big-endian, before each request
    while (received.read(reinterpret_cast<char*>(size), sizeof size)) {
        std::string bytes(std::size_t{size[0]} << 24U | std::size_t{size[1]} << 16U |
                              std::size_t{size[2]} << 8U | std::size_t{size[3]},
                          '\0');
        received.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        const auto request = encode::read_trace_request(bytes);
        if (!received || !request.message) throw std::runtime_error("not as written: " + request.error);
        take(*request.message);
    }
}

}  // namespace judgeval::test
