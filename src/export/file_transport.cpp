// Writing without being stopped by the file: not by a signal, not by a full disk, not by a reader that does
// not read.
#include "export/file_transport.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

namespace judgeval::detail {

namespace {

/// Spans hold prompts and answers: what is created is its owner's to read.
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

/// Of a pipe, so much can be written without waiting when poll() says that something can.
constexpr std::size_t kStreamPiece = PIPE_BUF;
constexpr std::size_t kDiskPiece = std::size_t{1} << 30U;

/// While another process writes to the file, it is looked at again after this time.
constexpr std::chrono::milliseconds kLockAgain{5};

constexpr int kWritten = 200;
constexpr int kGone = 410;
constexpr int kTryAgain = 503;

bool is_regular(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

/// A write to a pipe or terminal that nobody reads would wait, whatever poll() said, when the program writes
/// to it as well, or a terminal has less room than was to be written. O_NONBLOCK on standard output itself
/// would be the program's too, so it is opened once more. Where that is not allowed, and of a socket, it is
/// the same one.
int open_standard_output() {
    struct stat status {};
    const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
    const bool is_writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    if (is_writable && ::fstat(STDOUT_FILENO, &status) == 0 &&
        (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
        const int file = ::open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (file >= 0) return file;
    }
    return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

/// -1 and errno when it cannot be opened. Without O_NONBLOCK opening a named pipe waits for its reader.
int open_file(const std::string& path) {
    if (path == "-") return open_standard_output();
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                  kOwnerOnly);
}

std::string reason_of(int error) { return std::generic_category().message(error); }

/// No room, for now.
bool is_passing(int error) { return error == ENOSPC || error == EDQUOT || error == ENOMEM; }

}  // namespace

FileTransport::FileTransport(const std::string& path)
    : name_(path == "-" ? "standard output" : path), file_(open_file(path)) {
    if (file_ < 0) throw std::system_error(errno, std::generic_category(), "cannot write to " + name_);
    is_regular_ = is_regular(file_);
    is_shared_ = is_regular_ && path != "-";
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) {
        const int error = errno;
        ::close(file_);
        throw std::system_error(error, std::generic_category(), "cannot wake the file's writer");
    }
}

FileTransport::~FileTransport() {
    ::close(wake_);
    ::close(file_);
}

void FileTransport::send(std::uint64_t id, const HttpRequest& request) {
    bodies_.push_back({id, request.body});
}

void FileTransport::cancel(std::uint64_t id) {
    const auto found =
        std::find_if(bodies_.begin(), bodies_.end(), [id](const Body& body) { return body.id == id; });
    if (found == bodies_.end()) return;
    is_broken_ = is_broken_ || found->is_begun;
    bodies_.erase(found);
}

void FileTransport::wait(std::chrono::nanoseconds at_most, std::vector<Completion>& completions) {
    if (!bodies_.empty() && is_broken_) return finish(completions, EPIPE);
    if (!bodies_.empty() && is_regular_ && lock()) return write_to_disk(completions);
    using std::chrono::milliseconds;
    const bool is_other_writing = !bodies_.empty() && is_regular_;
    if (is_other_writing) at_most = std::min<std::chrono::nanoseconds>(at_most, kLockAgain);
    const auto rounded = std::chrono::ceil<milliseconds>(std::max(at_most, std::chrono::nanoseconds(0)));
    const auto timeout = std::min<milliseconds>(rounded, std::chrono::hours(1));
    std::array<pollfd, 2> events{{{wake_, POLLIN, 0}, {file_, POLLOUT, 0}}};
    const nfds_t count = bodies_.empty() || is_other_writing ? 1 : 2;
    if (::poll(events.data(), count, static_cast<int>(timeout.count())) <= 0) return;
    if (events[0].revents != 0) {
        eventfd_t ignored = 0;
        ::eventfd_read(wake_, &ignored);
    }
    if (count == 2 && events[1].revents != 0) write_to_stream(completions);
}

void FileTransport::wake() noexcept { ::eventfd_write(wake_, 1); }

/// True when the first body is written whole; else `error` is why not, or 0 when there is more to write.
/// SIGPIPE is blocked on the exporter's thread, as every signal is.
bool FileTransport::write_some(std::size_t at_most, int& error) {
    Body& body = bodies_.front();
    std::array<iovec, 64> vectors{};
    int count = 0;
    std::size_t total = 0;
    for (const std::string_view piece : body.pieces) {
        if (count == static_cast<int>(vectors.size()) || total == at_most) break;
        const std::size_t size = std::min(piece.size(), at_most - total);
        // const_cast: writev does not write there
        vectors[static_cast<std::size_t>(count++)] = {const_cast<char*>(piece.data()), size};
        total += size;
    }
    const ssize_t result = ::writev(file_, vectors.data(), count);
    error = result < 0 && errno != EINTR ? errno : 0;
    if (result <= 0) return total == 0;
    body.is_begun = true;
    auto written = static_cast<std::size_t>(result);
    while (written != 0) {
        std::string_view& piece = body.pieces.front();
        const std::size_t of_it = std::min(written, piece.size());
        piece.remove_prefix(of_it);
        written -= of_it;
        if (piece.empty()) body.pieces.erase(body.pieces.begin());
    }
    return body.pieces.empty();
}

/// False while another process writes to the file. A file system without locks does without.
bool FileTransport::lock() const {
    return !is_shared_ || ::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

/// A whole body, or nothing of it: others may append to the same file between two of ours.
void FileTransport::write_to_disk(std::vector<Completion>& completions) {
    struct stat status {};
    int error = ::fstat(file_, &status) == 0 ? 0 : errno;
    const bool is_appending = (::fcntl(file_, F_GETFL) & O_APPEND) != 0;
    const std::int64_t start = is_appending ? status.st_size : ::lseek(file_, 0, SEEK_CUR);
    std::size_t size = 0;
    for (const std::string_view piece : bodies_.front().pieces) size += piece.size();
    while (error == 0 && !write_some(kDiskPiece, error)) {
    }
    if (error != 0 && bodies_.front().is_begun) {
        std::size_t left = 0;
        for (const std::string_view piece : bodies_.front().pieces) left += piece.size();
        take_back(start, static_cast<std::int64_t>(size - left));
    }
    if (is_shared_) ::flock(file_, LOCK_UN);
    finish(completions, error);
}

/// So that what is written next is not hidden behind half a body.
void FileTransport::take_back(std::int64_t start, std::int64_t written) {
    struct stat status {};
    const bool is_last = start >= 0 && ::fstat(file_, &status) == 0 && status.st_size == start + written;
    if (is_last && ::ftruncate(file_, start) == 0 && ::lseek(file_, start, SEEK_SET) == start) {
        bodies_.front().is_begun = false;
        return;
    }
    is_broken_ = true;
}

/// As long as it takes without waiting.
void FileTransport::write_to_stream(std::vector<Completion>& completions) {
    pollfd event{file_, POLLOUT, 0};
    do {
        int error = 0;
        const bool is_written = write_some(kStreamPiece, error);
        if (error == EWOULDBLOCK) return;
        if (error != 0 && bodies_.front().is_begun) is_broken_ = true;
        if (is_written || error != 0) return finish(completions, error);
    } while (::poll(&event, 1, 0) == 1);
}

void FileTransport::finish(std::vector<Completion>& completions, int error) {
    HttpResponse response;
    response.status = error == 0 ? kWritten : is_passing(error) && !is_broken_ ? kTryAgain : kGone;
    if (error != 0) {
        response.error = "cannot write to " + name_ + ": " + reason_of(error);
        if (is_broken_) response.error += "; it ends in half a batch, nothing more is written to it";
    }
    completions.push_back({bodies_.front().id, std::move(response)});
    bodies_.pop_front();
}

std::string check_file(const std::string& path) {
    struct stat status {};
    const bool exists = path != "-" && ::stat(path.c_str(), &status) == 0;
    // Opening a pipe for the look and closing it would tell its reader that this was all.
    if (exists && S_ISFIFO(status.st_mode)) return ::access(path.c_str(), W_OK) == 0 ? "" : reason_of(errno);
    const int file = open_file(path);
    if (file < 0) return reason_of(errno);
    const int flags = ::fcntl(file, F_GETFL);
    ::close(file);
    return (flags & O_ACCMODE) == O_RDONLY ? "it is not open for writing" : "";
}

}  // namespace judgeval::detail
