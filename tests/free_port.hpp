// A port of this machine on which nobody listens, for a program that must be told one.
//
// The system chooses it and is unlikely to give it to another before that program takes it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace judgeval::test {

inline int free_port() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const bool is_bound = listener >= 0 && ::bind(listener, any, sizeof address) == 0 &&
                          ::getsockname(listener, any, &size) == 0;
    if (listener >= 0) ::close(listener);
    if (!is_bound) throw std::runtime_error("no port is free");
    return ntohs(address.sin_port);
}

}  // namespace judgeval::test
