// protozero reads; what does not parse is taken for no partial success.
#include "export/partial_success.hpp"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

namespace judgeval::detail {

PartialSuccess read_partial_success(std::string_view body) try {
    PartialSuccess result;
    protozero::pbf_reader response(body.data(), body.size());
    while (response.next(1, protozero::pbf_wire_type::length_delimited)) {
        protozero::pbf_reader partial = response.get_message();
        while (partial.next()) {
            switch (partial.tag_and_type()) {
                case protozero::tag_and_type(1, protozero::pbf_wire_type::varint):
                    result.rejected_spans =
                        static_cast<std::uint64_t>(std::max<std::int64_t>(0, partial.get_int64()));
                    break;
                case protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited):
                    result.error_message = partial.get_string().substr(0, 200);
                    break;
                default:
                    partial.skip();
            }
        }
    }
    return result;
} catch (const protozero::exception&) {
    return {};
}

}  // namespace judgeval::detail
