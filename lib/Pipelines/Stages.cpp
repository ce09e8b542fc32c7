//===- Stages.cpp - the stages between a model and an object --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "nnopt/Pipelines/Stages.h"

#include "nnopt/Conversion/Passes.h"
#include "nnopt/Dialect/NNOpt/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnopt;

static void cleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void addFolding(OpPassManager &pm) {
  // A tensor.dim of a computed tensor is a reader that would keep the passes below from seeing a single one.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  cleanUp(pm);
  pm.addNestedPass<func::FuncOp>(createFoldConstants());
}

/// Before constants are folded, which dequantizes weights.
static void addIntegerProducts(OpPassManager &pm, const PipelineOptions &options) {
  FormIntegerProductsOptions form;
  form.isas.assign(options.isas.begin(), options.isas.end());
  if (options.sparsify.expectedRows > 0)
    form.expectedRows = options.sparsify.expectedRows;
  pm.addNestedPass<func::FuncOp>(createFormIntegerProducts(form));
}

static void addPrune(OpPassManager &pm, const PipelineOptions &options) {
  if (const auto *magnitude = std::get_if<PruneMagnitudeOptions>(&*options.prune))
    return pm.addNestedPass<func::FuncOp>(createPruneMagnitude(*magnitude));
  if (const auto *wanda = std::get_if<PruneWandaOptions>(&*options.prune))
    return pm.addNestedPass<func::FuncOp>(createPruneWanda(*wanda));
  if (const auto *sparseGPT = std::get_if<PruneSparseGPTOptions>(&*options.prune))
    return pm.addNestedPass<func::FuncOp>(createPruneSparseGPT(*sparseGPT));
  if (const auto *structured = std::get_if<PruneStructuredOptions>(&*options.prune))
    return pm.addNestedPass<func::FuncOp>(createPruneStructured(*structured));
  auto automatic = std::get<PruneAutoOptions>(*options.prune);
  automatic.isas.assign(options.isas.begin(), options.isas.end());
  automatic.expectedRows = options.sparsify.expectedRows;
  pm.addNestedPass<func::FuncOp>(createPruneAuto(automatic));
}

void nnopt::addPruningPreparation(OpPassManager &pm, const PipelineOptions &options) {
  // First: masks know weights by the names and shapes of the model.
  if (!options.mask.empty())
    pm.addPass(createApplyMasks({options.mask}));
  // Weights that are pruned count as real numbers.
  if (!options.prune)
    addIntegerProducts(pm, options);
  // Then: zeros under a quantization are seen once it is computed, magnitudes mean something after normalisation is folded into the
  // weights, and a transposed weight is a plain one.
  addFolding(pm);
  // Equal weights become one, which is pruned once.
  cleanUp(pm);
}

void nnopt::addPruning(OpPassManager &pm, const PipelineOptions &options) {
  addPruningPreparation(pm, options);
  if (options.prune) {
    addPrune(pm, options);
    // What was copied for each reader becomes one again.
    cleanUp(pm);
  }
}

static void addCompress(OpPassManager &pm, const PipelineOptions &options) {
  addPruning(pm, options);
  PermuteWeightsOptions permute;
  permute.isas.assign(options.isas.begin(), options.isas.end());
  pm.addNestedPass<func::FuncOp>(createPermuteWeights(permute));
  // Of the weights in their last order.
  pm.addNestedPass<func::FuncOp>(createFindSparsity());
  // Last: the passes above read weights as floats, and zeros stay zeros.
  if (options.quantize)
    pm.addNestedPass<func::FuncOp>(createQuantize(*options.quantize));
}

static void addGraph(OpPassManager &pm, const PipelineOptions &options) {
  addIntegerProducts(pm, options);
  // First: statistics are products and reductions like any other.
  pm.addNestedPass<func::FuncOp>(createLowerObserve());
  // Then: what is folded is no op to look through or to move.
  addFolding(pm);
  // Before layouts and attention: one form of each op to follow slices through.
  pm.addNestedPass<func::FuncOp>(createRemoveDead());
  // Before layouts: a quantized value follows the layout as any elementwise op does.
  pm.addNestedPass<func::FuncOp>(createLowerQuantize());
  // Before elementwise fusion, which would merge scale and mask into other ops.
  pm.addNestedPass<func::FuncOp>(createFuseAttention());
  pm.addNestedPass<func::FuncOp>(createChannelsLast());
  pm.addNestedPass<func::FuncOp>(createLowerActivations());
  cleanUp(pm);
  // Last: transposes and reshapes that separated elementwise ops are gone, equal ops are one.
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  cleanUp(pm);
}

static void addPack(OpPassManager &pm, const PipelineOptions &options) {
  pm.addNestedPass<func::FuncOp>(createOrientProducts());
  pm.addNestedPass<func::FuncOp>(createFuseEpilogues());
  // After epilogues, which move on to whatever op holds the weight; before packing, which takes the weights that stay dense.
  SparsifyOptions sparsify = options.sparsify;
  sparsify.isas.assign(options.isas.begin(), options.isas.end());
  pm.addNestedPass<func::FuncOp>(createSparsify(sparsify));
  pm.addNestedPass<func::FuncOp>(createPackWeights());
  // Last: an op that is fused needs no destination.
  pm.addNestedPass<func::FuncOp>(createMaterializeDestinations());
  cleanUp(pm);
}

static void addBufferize(OpPassManager &pm, const PipelineOptions &) {
  // First: it knows sparse values by the tensors that they are assembled from.
  pm.addPass(createLowerSparseCompute());
  pm.addPass(createPrepareEntry());
  // Every extent becomes arithmetic on extents of the inputs.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  cleanUp(pm);
  // Producers write straight into the slice of the buffer that their result is inserted in.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createOneShotBufferizePass());
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  cleanUp(pm);
  pm.addPass(createPlanMemory());
  cleanUp(pm);
}

static void addKernels(OpPassManager &pm, const PipelineOptions &options) {
  SpecializeIsaOptions specialize;
  specialize.isas.assign(options.isas.begin(), options.isas.end());
  pm.addPass(createSpecializeIsa(specialize));
  // Before the portable lowering, which takes what is left.
  pm.addPass(createLowerToVector());
  pm.addPass(createLowerToLoops());
  cleanUp(pm);
}

static void addThreads(OpPassManager &pm, const PipelineOptions &options) {
  // First: outlining passes on the options, which the entry functions get here.
  pm.addPass(createLowerEntry());
  OutlineParallelOptions outline;
  outline.threads = options.threads;
  pm.addPass(createOutlineParallel(outline));
  cleanUp(pm);
}

static void addLLVM(OpPassManager &pm, const PipelineOptions &) {
  OpPassManager &function = pm.nest<func::FuncOp>();
  // Approximations are of f32: half precision is widened before.
  function.addPass(math::createMathExtendToSupportedTypes());
  function.addPass(createApproximateMath());
  // After the approximations, which truncate too.
  function.addPass(createExpandBFloat16());
  // Address arithmetic of views becomes affine maps, then arith; scf goes last of the structured control flow.
  function.addPass(createConvertVectorToSCFPass());
  function.addPass(memref::createExpandStridedMetadataPass());
  function.addPass(createLowerAffinePass());
  function.addPass(createSCFToControlFlowPass());
  cleanUp(function);
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCSEPass());
}

static constexpr Stage kStages[] = {
    {"import", "read the model into nnopt ops", nullptr},
    {"compress", "mask, prune and quantize weights, where asked; find blocks of zeros, and count them", addCompress},
    {"graph", "simplify, find attention, choose layouts, fuse elementwise chains", addGraph},
    {"pack", "pull elementwise consumers into producers, leave out zeros of weights, pack", addPack},
    {"bufferize", "tensors become slices of one workspace", addBufferize},
    {"kernels", "ops become loops over vector kernels, once per instruction set", addKernels},
    {"threads", "parallel regions become functions; the entry gets its binary interface", addThreads},
    {"llvm", "everything becomes the LLVM dialect", addLLVM},
    {"object", "write the object file and its header", nullptr},
};

ArrayRef<Stage> nnopt::stages() { return kStages; }

const Stage *nnopt::findStage(StringRef name) {
  const Stage *row = llvm::find_if(kStages, [&](const Stage &stage) { return stage.name == name; });
  return row == std::end(kStages) ? nullptr : row;
}

std::string nnopt::stageNames() {
  return llvm::join(llvm::map_range(kStages, [](const Stage &stage) { return stage.name.str(); }), ", ");
}

namespace {
/// What `--nnopt-STAGE="isas=... threads=..."` takes.
struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  ListOption<std::string> isas{*this, "isas", llvm::cl::desc("Instruction sets, for instance x86-64,avx2,avx512")};
  Option<int64_t> threads{*this, "threads", llvm::cl::desc("0: no threads"), llvm::cl::init(-1)};

  Option<std::string> mask{*this, "mask", llvm::cl::desc("What nnopt-compile --mask takes")};
  Option<std::string> prune{*this, "prune", llvm::cl::desc("What nnopt-compile --prune takes")};
  Option<std::string> quantize{*this, "quantize", llvm::cl::desc("What nnopt-compile --quantize takes")};

  FailureOr<PipelineOptions> get(function_ref<LogicalResult(const Twine &)> fail) const {
    PipelineOptions options;
    options.isas.assign(isas.begin(), isas.end());
    if (options.isas.empty())
      options.isas = {"x86-64"};
    options.threads = threads;
    options.mask = mask;
    if (!prune.empty()) {
      llvm::Expected<PruneRequest> parsed = parsePrune(prune);
      if (!parsed)
        return fail("prune: " + llvm::toString(parsed.takeError()));
      options.prune = *parsed;
    }
    if (!quantize.empty()) {
      llvm::Expected<QuantizeOptions> parsed = parseQuantize(quantize);
      if (!parsed)
        return fail("quantize: " + llvm::toString(parsed.takeError()));
      options.quantize = *parsed;
    }
    return options;
  }
};
} // namespace

/// Registers a pipeline whose options can be wrong in ways that only reading them tells.
static void registerPipeline(StringRef name, StringRef summary, ArrayRef<Stage> stages) {
  registerPassPipeline(
      name, summary,
      [stages](OpPassManager &pm, StringRef text, function_ref<LogicalResult(const Twine &)> fail) -> LogicalResult {
        PipelineFlags flags;
        if (failed(flags.parseFromString(text)))
          return failure();
        FailureOr<PipelineOptions> options = flags.get(fail);
        if (failed(options))
          return failure();
        for (const Stage &stage : stages)
          if (stage.build)
            stage.build(pm, *options);
        return success();
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> visit) { visit(PipelineFlags()); });
}

void nnopt::registerNNOptPipelines() {
  for (const Stage &stage : kStages)
    if (stage.build)
      registerPipeline(("nnopt-" + stage.name).str(), stage.summary, stage);
  registerPipeline("nnopt-to-llvm", "All stages from the graph to the LLVM dialect", kStages);
}
