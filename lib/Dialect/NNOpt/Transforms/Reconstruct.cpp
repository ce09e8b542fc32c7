//===- Reconstruct.cpp - prune and correct what stays ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Reconstruct.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cmath>

using namespace mlir;
using namespace nnopt;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Columns that are fixed before the columns after them are corrected: a product of matrices instead of many of vectors.
static constexpr int64_t kBlock = 128;

struct InverseFactor::Impl {
  MatrixXd upper;
  std::vector<bool> dead; ///< inputs that are always zero
};

InverseFactor::InverseFactor(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
InverseFactor::InverseFactor(InverseFactor &&) = default;
InverseFactor::~InverseFactor() = default;

/// The inverse of a lower triangular matrix, whose own zeros are not computed.
static MatrixXd invertLower(const MatrixXd &lower) {
  int64_t n = lower.rows();
  MatrixXd inverse = MatrixXd::Identity(n, n);
  for (int64_t c = 0; c < n; c += kBlock) {
    int64_t width = std::min(kBlock, n - c);
    auto columns = inverse.block(c, c, n - c, width);
    lower.block(c, c, n - c, n - c).triangularView<Eigen::Lower>().solveInPlace(columns);
  }
  return inverse;
}

FailureOr<InverseFactor> InverseFactor::create(const InputMoments &moments, int64_t group, double damping) {
  int64_t n = moments.depth;
  auto impl = std::make_unique<Impl>();
  impl->dead.resize(n);
  // With the order of the inputs reversed, G = L L^T gives G^-1 = L^-T L^-1, and L^-1 reversed back is the upper factor: one factorization and one
  // inversion of a triangle, where inverting G and factoring that takes three times the work.
  MatrixXd gram(n, n);
  double mean = 0;
  for (int64_t i = 0; i < n; ++i)
    mean += moments.product(group, i, i) / n;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = 0; i < n; ++i)
      gram(n - 1 - i, n - 1 - j) = moments.product(group, i, j);
  for (int64_t i = 0; i < n; ++i) {
    double &square = gram(n - 1 - i, n - 1 - i);
    impl->dead[i] = square == 0;
    square = (impl->dead[i] ? std::max(mean, 1.0) : square) + damping * mean;
  }
  Eigen::LLT<Eigen::Ref<MatrixXd>> factorization(gram); // in place: the lower triangle of `gram` is L
  if (factorization.info() != Eigen::Success)
    return failure();
  impl->upper = invertLower(gram).reverse();
  return InverseFactor(std::move(impl));
}

namespace {

/// One group of one layer while its columns are fixed from left to right.
class ColumnPruner {
public:
  ColumnPruner(const InverseFactor::Impl &factor, const SparsityPattern &pattern, int64_t window, int64_t inputs, int64_t target, MatrixXd &weights)
      : factor(factor), pattern(pattern), inputs(inputs), target(target), weights(weights),
        removed(Removed::Zero(weights.rows(), weights.cols())) {
    // Windows of whole blocks or groups, blocks of whole windows.
    int64_t unit = std::max<int64_t>({1, pattern.columns, pattern.group});
    this->window = pattern.kind == SparsityPattern::NM ? pattern.group : llvm::divideCeil(window, unit) * unit;
    width = llvm::divideCeil(kBlock, this->window) * this->window;
  }

  using Removed = Eigen::Matrix<char, Eigen::Dynamic, Eigen::Dynamic>;

  const Removed &run() {
    int64_t depth = weights.cols();
    // Blocks of columns lie within a tap, as the pattern does.
    for (int64_t c = 0, end; c < depth; c = end) {
      end = std::min(c + width, (c / inputs + 1) * inputs);
      fixColumns(c, end);
    }
    return removed;
  }

private:
  const InverseFactor::Impl &factor;
  const SparsityPattern &pattern;
  int64_t inputs, target, window, width, gone = 0;
  MatrixXd &weights;
  Removed removed;

  /// What the output's squared error grows by if the weight goes.
  double score(int64_t o, int64_t k) const {
    double root = weights(o, k) / factor.upper(k, k);
    return factor.dead[k] ? 0 : root * root;
  }

  void fixColumns(int64_t first, int64_t end) {
    MatrixXd errors(weights.rows(), end - first);
    for (int64_t k = first; k < end; ++k) {
      if (k % inputs % window == 0)
        choose(k, std::min(k + window, end));
      auto error = errors.col(k - first);
      error = (removed.col(k).array() != 0).select(weights.col(k) / factor.upper(k, k), 0.0);
      weights.col(k) = (removed.col(k).array() != 0).select(0.0, weights.col(k));
      for (int64_t j = k + 1; j < end; ++j)
        weights.col(j) -= error * factor.upper(k, j);
    }
    int64_t rest = weights.cols() - end;
    weights.rightCols(rest).noalias() -= errors * factor.upper.block(first, end, end - first, rest);
  }

  /// Zeros of columns [first, end), by what the weights have become.
  void choose(int64_t first, int64_t end) {
    if (pattern.kind == SparsityPattern::NM) {
      for (int64_t o = 0; o < weights.rows(); ++o)
        removeAllBut(pattern.kept, first, end, [&](int64_t k) { return score(o, k); }, [&](int64_t k) { removed(o, k) = 1; });
      return;
    }
    int64_t wanted = std::llround(static_cast<double>(target) * end / weights.cols()) - gone;
    gone += removeLowestBlocks(pattern, 0, weights.rows(), first, end, inputs, wanted, [&](int64_t o, int64_t k) { return score(o, k); },
                               [&](int64_t o, int64_t k) { removed(o, k) = 1; });
  }
};

} // namespace

void nnopt::reconstruct(CalibratedTask &calibrated, int64_t group, const InverseFactor &factor, const SparsityPattern &pattern, int64_t window, int64_t target) {
  PruningTask &task = *calibrated.task;
  int64_t outputs = task.layer->layout.outputs, depth = calibrated.moments.depth;
  MatrixXd weights(outputs, depth);
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t o = 0; o < outputs; ++o)
      weights(o, k) = task.data.at(calibrated.place(group, o, k));
  ColumnPruner pruner(factor.get(), pattern, window, task.layer->layout.inputs, target, weights);
  const ColumnPruner::Removed &removed = pruner.run();
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t o = 0; o < outputs; ++o) {
      int64_t place = calibrated.place(group, o, k);
      task.removed[place] = removed(o, k);
      task.values[place] = weights(o, k);
    }
}
