// Program: another program that a test runs, as a process of its own.
//
// Its standard output and error are read through one pipe, by whoever calls line() or rest(). The process is
// killed when the object goes, if it still runs then.
#pragma once

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace judgeval::test {

class Program {
  public:
    /// Runs the program of that path, the first of the arguments, with the variables added to the environment
    /// ("NAME=value").
    explicit Program(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& variables = {}) {
        std::vector<std::string> command{"/usr/bin/env"};
        command.insert(command.end(), variables.begin(), variables.end());
        command.insert(command.end(), arguments.begin(), arguments.end());
        std::vector<char*> pointers;
        for (std::string& argument : command) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        int ends[2] = {-1, -1};
        if (pipe(ends) != 0) {
            std::perror("pipe");
            std::abort();
        }
        process_ = fork();
        if (process_ == 0) {
            dup2(ends[1], STDOUT_FILENO);
            dup2(ends[1], STDERR_FILENO);
            close_range(STDERR_FILENO + 1, ~0U, 0);  // nothing of the test's outlives it in there
            execv(pointers[0], pointers.data());
            _exit(127);
        }
        close(ends[1]);
        output_ = ends[0];
    }
    ~Program() {
        close(output_);
        if (process_ > 0) {
            kill(process_, SIGKILL);
            waitpid(process_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// What it writes up to and with the next line break, or to its end.
    std::string line() {
        std::string text;
        char character = 0;
        while (read_character(character)) {
            text += character;
            if (character == '\n') break;
        }
        return text;
    }
    std::string rest() {
        std::string text;
        for (std::string next = line(); !next.empty(); next = line()) text += next;
        return text;
    }
    void signal(int number) { kill(process_, number); }
    /// To be called after rest(), so that the process has nothing left to wait for.
    int exit_code() {
        int status = 0;
        waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    bool read_character(char& character) const {
        constexpr int kPatienceMilliseconds = 30'000;
        pollfd entry{output_, POLLIN, 0};
        return poll(&entry, 1, kPatienceMilliseconds) == 1 && read(output_, &character, 1) == 1;
    }

    pid_t process_ = -1;
    int output_ = -1;
};

}  // namespace judgeval::test
