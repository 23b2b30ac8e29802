// judgeval-cat: the command line around the archive reader. One thread; nothing but the in-memory store that
// trees are drawn from, and with --send the network.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "cat/archive.hpp"
#include "cat/sender.hpp"
#include "encode/json_view.hpp"
#include "encode/otlp_json.hpp"
#include "local/store.hpp"
#include "local/trace_printer.hpp"

namespace {

using namespace judgeval;

constexpr int kUnreadable = 1;
constexpr int kWrongUsage = 2;

enum class Format : std::uint8_t { tree, json, otlp_json };

struct Options {
    std::vector<std::string> files{"-"};
    Format format = Format::tree;
    std::string send;
    std::vector<std::string> headers;
    std::uint64_t maximum_bytes = std::uint64_t{1} << 30U;
};

/// Nothing when it cannot be read.
std::optional<std::string> read_file(const std::string& name) {
    try {
        std::ifstream file;
        if (name != "-") {
            file.open(name, std::ios::binary);
            if (!file) {
                return std::nullopt;
            }
        }
        std::istream& input = name == "-" ? std::cin : file;
        return std::string{std::istreambuf_iterator<char>{input}, {}};
    } catch (const std::ios_base::failure&) {
        return std::nullopt;  // a directory, for one
    }
}

std::uint64_t count_spans(const encode::ResourceSpans& spans) {
    std::uint64_t count = 0;
    for (const encode::ScopeSpans& scope : spans.scope_spans) {
        count += scope.spans.size();
    }
    return count;
}

/// Draws traces once all is read, as a trace may lie in several batches and a span be emitted several times.
class Trees {
  public:
    Trees()
        : printer_{store_,
                   std::cout,
                   {.colours = isatty(STDOUT_FILENO) == 1 ? local::Colours::on : local::Colours::off}} {}

    void add(const encode::ResourceSpans& spans) {
        std::string service = "no service.name";
        if (const encode::AnyValue* const value =
                encode::find_attribute(spans.resource.attributes, "service.name")) {
            if (const auto* const text = std::get_if<std::string>(&value->value)) {
                service = *text;
            }
        }
        const auto project = store_.find_project("", store_.resolve_project("", service));
        const local::AddedSpans added = store_.add(project.value(), {{spans}}, 0, 0);
        printer_.note(added.touched, {});
    }
    void draw() { printer_.print_rest(); }

  private:
    local::Store store_{":memory:"};
    local::TracePrinter printer_;
};

int run(const Options& options) {
    std::optional<Trees> trees;
    std::optional<cat::Sender> sender;
    if (!options.send.empty()) {
        sender.emplace(options.send, options.headers);
    } else if (options.format == Format::tree) {
        trees.emplace();
    }
    const auto take = [&](const cat::ArchivedBatch& batch) {
        if (sender) {
            sender->add(batch.bytes, count_spans(batch.spans));
        } else if (trees) {
            trees->add(batch.spans);
        } else if (options.format == Format::json) {
            std::cout << encode::to_text(encode::json_view(batch.spans)) << '\n';
        } else {
            std::cout << encode::to_text(encode::otlp_json(batch.spans)) << '\n';
        }
    };
    bool is_all_readable = true;
    for (const std::string& name : options.files) {
        std::optional<std::string> bytes = read_file(name);
        const std::string error =
            bytes ? cat::read_archive(std::move(*bytes), options.maximum_bytes, take) : "it cannot be read";
        if (!error.empty()) {
            is_all_readable = false;
            std::cout << std::flush;
            std::cerr << "judgeval-cat: " << (name == "-" ? "standard input" : name) << ": " << error << '\n';
        }
    }
    if (trees) {
        trees->draw();
    }
    if (sender) {
        sender->finish();
        std::cout << "sent " << sender->sent_spans() << " spans";
        if (sender->rejected_spans() != 0) {
            std::cout << ", " << sender->rejected_spans() << " were rejected";
            is_all_readable = false;
        }
        std::cout << '\n';
    }
    std::cout << std::flush;
    if (!std::cout) {
        throw std::runtime_error{"standard output does not take what is to be printed"};
    }
    return is_all_readable ? 0 : kUnreadable;
}

}  // namespace

int main(int argument_count, char** arguments) {
    Options options;
    CLI::App app{"judgeval-cat prints what a FileExporter wrote, plain, gzip or zstd, or sends it again.",
                 "judgeval-cat"};
    app.add_option("FILE", options.files, "files to read; - is standard input")->capture_default_str();
    const std::map<std::string, Format> formats{
        {"tree", Format::tree}, {"json", Format::json}, {"otlp-json", Format::otlp_json}};
    CLI::Option* const format =
        app.add_option("--format", options.format,
                       "tree: one line a span; json: for people, one line a batch; otlp-json: the protocol's "
                       "JSON, one line a batch")
            ->transform(CLI::CheckedTransformer{formats}.description("tree|json|otlp-json [tree]"));
    CLI::Option* const send =
        app.add_option("--send", options.send, "print nothing; send to this OTLP/HTTP endpoint")
            ->type_name("URL")
            ->excludes(format);
    app.add_option("--header", options.headers, "\"Name: value\" to send along; may be given several times")
        ->type_name("HEADER")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->needs(send);
    app.add_option("--maximum-bytes", options.maximum_bytes, "largest file, when decompressed")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40U));
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kWrongUsage;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "judgeval-cat: " << error.what() << '\n';
        return kUnreadable;
    }
}
