//===- NodeOrder.cpp - the order in which nodes are imported --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Importer.h"

using namespace mlir;
using namespace nnopt;
using namespace nnopt::onnx;

void nnopt::onnx::collectInputs(const NodeProto &node, SmallVectorImpl<StringRef> &names) {
  llvm::append_range(names, node.inputs);
  for (const AttributeProto &attribute : node.attributes) {
    if (!attribute.g)
      continue;
    // Names defined inside shadow nothing outside: the caller ignores names that it does not know.
    for (const NodeProto &inner : attribute.g->nodes)
      collectInputs(inner, names);
    for (const ValueInfoProto &output : attribute.g->outputs)
      names.push_back(output.name);
  }
}

namespace {
/// Depth-first walk over the nodes of one body, without recursion: files choose the depth.
class NodeOrder {
public:
  NodeOrder(const Body &body) : body(body), state(body.nodes.size(), New), needed(body.nodes.size()) {
    for (auto [i, node] : llvm::enumerate(body.nodes))
      for (StringRef output : node.outputs)
        producers.try_emplace(output, i);
  }

  /// Nodes in an order in which producers come first; the name of a node on a cycle if there is none.
  std::optional<StringRef> walk(SmallVectorImpl<unsigned> &order) {
    for (unsigned i = 0; i < body.nodes.size(); ++i)
      if (state[i] == New)
        if (std::optional<StringRef> cycle = visit(i, order))
          return cycle;
    return std::nullopt;
  }

  /// Marks what the outputs need, given the order.
  void markNeeded(ArrayRef<unsigned> order) {
    for (StringRef output : body.outputs)
      mark(output);
    for (unsigned i : llvm::reverse(order))
      if (needed[i]) {
        SmallVector<StringRef> names;
        collectInputs(body.nodes[i], names);
        llvm::for_each(names, [&](StringRef name) { mark(name); });
      }
  }
  bool isNeeded(unsigned i) const { return needed[i]; }

private:
  enum State : char { New, Open, Done };
  const Body &body;
  SmallVector<State> state;
  SmallVector<bool> needed;
  llvm::StringMap<unsigned> producers;

  struct Frame {
    unsigned node;
    SmallVector<StringRef> inputs;
    size_t next = 0;
  };

  void mark(StringRef name) {
    if (auto producer = producers.find(name); producer != producers.end())
      needed[producer->second] = true;
  }

  Frame open(unsigned i) {
    state[i] = Open;
    Frame frame{i, {}};
    collectInputs(body.nodes[i], frame.inputs);
    return frame;
  }

  std::optional<StringRef> visit(unsigned root, SmallVectorImpl<unsigned> &order) {
    std::vector<Frame> stack;
    stack.push_back(open(root));
    while (!stack.empty()) {
      Frame &frame = stack.back();
      if (frame.next == frame.inputs.size()) {
        state[frame.node] = Done;
        order.push_back(frame.node);
        stack.pop_back();
        continue;
      }
      StringRef name = frame.inputs[frame.next++];
      auto producer = producers.find(name);
      if (name.empty() || producer == producers.end() || state[producer->second] == Done)
        continue;
      if (state[producer->second] == Open)
        return name;
      stack.push_back(open(producer->second));
    }
    return std::nullopt;
  }
};
} // namespace

LogicalResult Importer::orderNodes(const Body &body, SmallVectorImpl<const NodeProto *> &order) {
  llvm::StringMap<const NodeProto *> producers;
  for (const NodeProto &node : body.nodes) {
    for (StringRef output : node.outputs)
      if (!output.empty() && (!producers.try_emplace(output, &node).second || current->values.contains(output)))
        return error(locOf(node), "the name '" + output + "' is given to two values");
    SmallVector<StringRef> names;
    collectInputs(node, names);
    for (StringRef name : names)
      ++current->uses[name];
  }
  for (StringRef output : body.outputs)
    ++current->uses[output];
  NodeOrder walk(body);
  SmallVector<unsigned> indices;
  if (std::optional<StringRef> cycle = walk.walk(indices))
    return error(fileLoc, "the graph has a cycle through '" + *cycle + "'");
  walk.markNeeded(indices);
  for (unsigned i : indices)
    if (walk.isNeeded(i))
      order.push_back(&body.nodes[i]);
  return success();
}
