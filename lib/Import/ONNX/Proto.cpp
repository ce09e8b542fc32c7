//===- Proto.cpp - ONNX messages, read in place ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Proto.h"

#include <protozero/pbf_reader.hpp>

using namespace nnopt::onnx;
using llvm::StringRef;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

namespace {

/// Graphs nest as attributes of If and Loop; deeper files than this only serve to exhaust the stack.
constexpr unsigned kDeepestGraph = 32;

struct TooDeep : std::exception {
  const char *what() const noexcept override { return "graphs nest too deeply"; }
};

// A field is its number and its wire type; the same number with another wire type is an unknown field.
constexpr uint32_t number(uint32_t tag) { return protozero::tag_and_type(tag, pbf_wire_type::varint); }
constexpr uint32_t bytes(uint32_t tag) { return protozero::tag_and_type(tag, pbf_wire_type::length_delimited); }
constexpr uint32_t fixed32(uint32_t tag) { return protozero::tag_and_type(tag, pbf_wire_type::fixed32); }
constexpr uint32_t fixed64(uint32_t tag) { return protozero::tag_and_type(tag, pbf_wire_type::fixed64); }

StringRef text(pbf_reader &field) {
  protozero::data_view view = field.get_view();
  return StringRef(view.data(), view.size());
}

template <typename Container, typename Range>
void append(Container &list, Range &&range) {
  list.insert(list.end(), range.begin(), range.end());
}

class Parser {
public:
  void parse(pbf_reader m, ModelProto &model) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case number(1): model.irVersion = m.get_int64(); break;
      case bytes(7): parse(m.get_message(), model.graph.emplace()); break;
      case bytes(8): parse(m.get_message(), model.opsets.emplace_back()); break;
      case bytes(25): parse(m.get_message(), model.functions.emplace_back()); break;
      default: m.skip();
      }
    }
  }

private:
  unsigned depth = 0;

  void parse(pbf_reader m, OperatorSetId &opset) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): opset.domain = text(m); break;
      case number(2): opset.version = m.get_int64(); break;
      default: m.skip();
      }
    }
  }

  void parse(pbf_reader m, FunctionProto &function) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): function.name = text(m); break;
      case bytes(4): function.inputs.push_back(text(m)); break;
      case bytes(5): function.outputs.push_back(text(m)); break;
      case bytes(7): parse(m.get_message(), function.nodes.emplace_back()); break;
      case bytes(9): parse(m.get_message(), function.opsets.emplace_back()); break;
      case bytes(10): function.domain = text(m); break;
      case bytes(11): parse(m.get_message(), function.defaults.emplace_back()); break;
      case bytes(13): function.overload = text(m); break;
      default: m.skip();
      }
    }
  }

  void parse(pbf_reader m, GraphProto &graph) {
    if (++depth > kDeepestGraph)
      throw TooDeep();
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): parse(m.get_message(), graph.nodes.emplace_back()); break;
      case bytes(2): graph.name = text(m); break;
      case bytes(5): parse(m.get_message(), graph.initializers.emplace_back()); break;
      case bytes(11): parse(m.get_message(), graph.inputs.emplace_back()); break;
      case bytes(12): parse(m.get_message(), graph.outputs.emplace_back()); break;
      case bytes(15): parse(m.get_message(), graph.sparseInitializers.emplace_back()); break;
      default: m.skip();
      }
    }
    --depth;
  }

  void parse(pbf_reader m, NodeProto &node) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): node.inputs.push_back(text(m)); break;
      case bytes(2): node.outputs.push_back(text(m)); break;
      case bytes(3): node.name = text(m); break;
      case bytes(4): node.opType = text(m); break;
      case bytes(5): parse(m.get_message(), node.attributes.emplace_back()); break;
      case bytes(7): node.domain = text(m); break;
      case bytes(8): node.overload = text(m); break;
      default: m.skip();
      }
    }
  }

  /// The newest field wins where a file leaves `type` out, as very old exporters do.
  void parse(pbf_reader m, AttributeProto &a) {
    AttributeType seen = AttributeType::Undefined;
    auto field = [&](AttributeType type) { seen = type; };
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): a.name = text(m); break;
      case fixed32(2): a.f = m.get_float(), field(AttributeType::Float); break;
      case number(3): a.i = m.get_int64(), field(AttributeType::Int); break;
      case bytes(4): a.s = text(m), field(AttributeType::String); break;
      case bytes(5): parse(m.get_message(), *(a.t = std::make_shared<TensorProto>())), field(AttributeType::Tensor); break;
      case bytes(6): parse(m.get_message(), *(a.g = std::make_shared<GraphProto>())), field(AttributeType::Graph); break;
      case fixed32(7): a.floats.push_back(m.get_float()), field(AttributeType::Floats); break;
      case bytes(7): append(a.floats, m.get_packed_float()), field(AttributeType::Floats); break;
      case number(8): a.ints.push_back(m.get_int64()), field(AttributeType::Ints); break;
      case bytes(8): append(a.ints, m.get_packed_int64()), field(AttributeType::Ints); break;
      case bytes(9): a.strings.push_back(text(m)), field(AttributeType::Strings); break;
      case bytes(22):
        parse(m.get_message(), *(a.sparse = std::make_shared<SparseTensorProto>())), field(AttributeType::SparseTensor);
        break;
      case number(20): a.type = AttributeType(m.get_int32()); break;
      case bytes(21): a.referenced = text(m); break;
      default: m.skip();
      }
    }
    if (a.type == AttributeType::Undefined)
      a.type = seen;
  }

  void parse(pbf_reader m, TensorProto &t) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case number(1): t.dims.push_back(m.get_int64()); break;
      case bytes(1): append(t.dims, m.get_packed_int64()); break;
      case number(2): t.dataType = m.get_int32(); break;
      case bytes(3): t.isSegment = true, m.skip(); break;
      case fixed32(4): t.floatData.push_back(m.get_float()); break;
      case bytes(4): append(t.floatData, m.get_packed_float()); break;
      case number(5): t.int32Data.push_back(m.get_int32()); break;
      case bytes(5): append(t.int32Data, m.get_packed_int32()); break;
      case number(7): t.int64Data.push_back(m.get_int64()); break;
      case bytes(7): append(t.int64Data, m.get_packed_int64()); break;
      case bytes(8): t.name = text(m); break;
      case bytes(9): t.rawData = text(m), t.hasRawData = true; break;
      case fixed64(10): t.doubleData.push_back(m.get_double()); break;
      case bytes(10): append(t.doubleData, m.get_packed_double()); break;
      case number(11): t.uint64Data.push_back(m.get_uint64()); break;
      case bytes(11): append(t.uint64Data, m.get_packed_uint64()); break;
      case bytes(13): parseEntry(m.get_message(), t.externalData.emplace_back()); break;
      case number(14): t.isExternal = m.get_int32() == 1; break;
      default: m.skip();
      }
    }
  }

  void parseEntry(pbf_reader m, std::pair<StringRef, StringRef> &entry) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): entry.first = text(m); break;
      case bytes(2): entry.second = text(m); break;
      default: m.skip();
      }
    }
  }

  void parse(pbf_reader m, SparseTensorProto &t) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): parse(m.get_message(), t.values); break;
      case bytes(2): parse(m.get_message(), t.indices); break;
      case number(3): t.dims.push_back(m.get_int64()); break;
      case bytes(3): append(t.dims, m.get_packed_int64()); break;
      default: m.skip();
      }
    }
  }

  void parse(pbf_reader m, ValueInfoProto &info) {
    while (m.next()) {
      switch (m.tag_and_type()) {
      case bytes(1): info.name = text(m); break;
      case bytes(2): parseType(m.get_message(), info); break;
      default: m.skip();
      }
    }
  }

  void parseType(pbf_reader m, ValueInfoProto &info) {
    while (m.next(1, pbf_wire_type::length_delimited)) {
      info.isTensor = true;
      pbf_reader tensor = m.get_message();
      while (tensor.next()) {
        switch (tensor.tag_and_type()) {
        case number(1): info.elementType = tensor.get_int32(); break;
        case bytes(2): info.hasShape = true, parseShape(tensor.get_message(), info); break;
        default: tensor.skip();
        }
      }
    }
  }

  void parseShape(pbf_reader m, ValueInfoProto &info) {
    while (m.next(1, pbf_wire_type::length_delimited)) {
      Dimension &dim = info.dims.emplace_back();
      pbf_reader d = m.get_message();
      while (d.next()) {
        switch (d.tag_and_type()) {
        case number(1): dim.value = d.get_int64(); break;
        case bytes(2): dim.symbol = text(d); break;
        default: d.skip();
        }
      }
    }
  }
};

} // namespace

bool nnopt::onnx::parseModel(StringRef bytes, ModelProto &model, std::string &error) {
  try {
    Parser().parse(pbf_reader(protozero::data_view(bytes.data(), bytes.size())), model);
    return true;
  } catch (const protozero::end_of_buffer_exception &) {
    error = "a field ends after its message: the file is truncated or damaged";
  } catch (const protozero::exception &problem) {
    error = std::string("the file is damaged (") + problem.what() + ")";
  } catch (const std::exception &problem) {
    error = problem.what();
  }
  return false;
}
