// Loads a plugin that traces, lets it, and unloads it; then waits for SIGTERM.
//
//     plugin_host <plugin> <function> <times>
#include <dlfcn.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

int main(int argument_count, char** arguments) {
    if (argument_count != 4) return 2;
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
    bool is_delivered = true;
    for (int i = 0; i < std::atoi(arguments[3]); ++i) {
        void* const plugin = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (plugin == nullptr) {
            std::cerr << ::dlerror() << '\n';
            return 1;
        }
        const auto function = reinterpret_cast<bool (*)()>(::dlsym(plugin, arguments[2]));
        is_delivered = function != nullptr && function() && is_delivered;
        ::dlclose(plugin);
    }
    void* const still = ::dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD);
    std::cout << R"({"is_delivered":)" << (is_delivered ? "true" : "false") << R"(,"is_unloaded":)"
              << (still == nullptr ? "true" : "false") << "}" << std::endl;
    int signal = 0;
    ::sigwait(&term, &signal);
    return 0;
}
