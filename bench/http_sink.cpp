// Just enough HTTP/1.1 for one known client.
#include "http_sink.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

namespace judgeval::bench {

namespace {

struct Connection {
    std::string head;           ///< of the request being read
    std::size_t body_left = 0;  ///< to throw away
    bool in_body = false;
    bool asks_for_project = false;
};

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

std::size_t content_length(const std::string& head) {
    static constexpr std::string_view kName = "content-length:";
    const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(),
                                   [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    if (found == head.end()) return 0;
    return std::strtoull(&*found + kName.size(), nullptr, 10);
}

void answer(int socket, bool asks_for_project) {
    const std::string_view body = asks_for_project ? R"({"project_id":"bench"})" : "";
    const std::string text =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    static_cast<void>(::send(socket, text.data(), text.size(), MSG_NOSIGNAL));
}

}  // namespace

HttpSink::HttpSink()
    : listener_(checked(::socket(AF_INET, SOCK_STREAM, 0), "socket")),
      stop_(checked(::eventfd(0, 0), "eventfd")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(::listen(listener_, 16), "listen");
    socklen_t size = sizeof address;
    checked(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

HttpSink::~HttpSink() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_, &one, sizeof one));
    thread_.join();
    ::close(listener_);
    ::close(stop_);
}

void HttpSink::run() {
    std::map<int, Connection> connections;
    std::vector<pollfd> waiting;
    for (;;) {
        waiting = {{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
        for (const auto& [socket, connection] : connections) waiting.push_back({socket, POLLIN, 0});
        ::poll(waiting.data(), waiting.size(), -1);
        if (waiting[0].revents != 0) break;
        if (waiting[1].revents != 0) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket >= 0) connections[socket];
        }
        for (std::size_t i = 2; i < waiting.size(); ++i) {
            if (waiting[i].revents == 0) continue;
            const int socket = waiting[i].fd;
            Connection& connection = connections[socket];
            ssize_t got = 0;
            if (connection.in_body) {
                // MSG_TRUNC: TCP drops the bytes without copying them
                got = ::recv(socket, nullptr, std::min(connection.body_left, std::size_t{1} << 20U),
                             MSG_TRUNC | MSG_DONTWAIT);
                if (got > 0) connection.body_left -= static_cast<std::size_t>(got);
            } else {
                // One byte too many of the body would be lost to the head: peek, then take the head alone.
                char buffer[4096];
                got = ::recv(socket, buffer, sizeof buffer, MSG_PEEK | MSG_DONTWAIT);
                if (got > 0) {
                    const std::string_view seen(buffer, static_cast<std::size_t>(got));
                    const auto end = seen.find("\r\n\r\n");
                    const std::size_t taken = end == std::string_view::npos ? seen.size() : end + 4;
                    got = ::recv(socket, buffer, taken, 0);
                    connection.head.append(buffer, taken);
                    if (end != std::string_view::npos) {
                        connection.in_body = true;
                        connection.body_left = content_length(connection.head);
                        connection.asks_for_project = connection.head.find("/resolve/") != std::string::npos;
                        body_bytes_ += connection.body_left;
                        connection.head.clear();
                    }
                }
            }
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                ::close(socket);
                connections.erase(socket);
                continue;
            }
            if (connection.in_body && connection.body_left == 0) {
                connection.in_body = false;
                answer(socket, connection.asks_for_project);
            }
        }
    }
    for (const auto& [socket, connection] : connections) ::close(socket);
}

}  // namespace judgeval::bench
