// See request_capture.hpp.
#include "local/request_capture.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "encode/json_view.hpp"

namespace judgeval::local {
namespace {

void write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
        throw std::runtime_error{"cannot write " + path.string()};
    }
}

}  // namespace

RequestCapture::RequestCapture(std::filesystem::path directory) : directory_(std::move(directory)) {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) {
        throw std::runtime_error{"cannot create the capture directory " + directory_.string() + ": " +
                                 error.message()};
    }
}

void RequestCapture::write(std::string_view body, std::string_view suffix,
                           const nlohmann::json& description) {
    std::string digits = std::to_string(++next_number_);
    digits.insert(0, digits.size() < 6 ? 6 - digits.size() : 0, '0');
    write_file(directory_ / ("request-" + digits + std::string{suffix}), body);
    write_file(directory_ / ("request-" + digits + ".json"), encode::to_text(description) + "\n");
}

}  // namespace judgeval::local
