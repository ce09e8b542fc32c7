// Two layers with a dynamic batch; nodes have names, as the importer gives them.
func.func @main(%x: tensor<?x8xf32> {nnopt.name = "x", nnopt.dims = ["batch", "8"]}, %mask: tensor<?xi64> {nnopt.name = "mask", nnopt.dims = ["batch"]})
    -> (tensor<?x4xf32> {nnopt.name = "y", nnopt.dims = ["batch", "4"]}, tensor<?xi64> {nnopt.name = "kept", nnopt.dims = ["batch"]}) {
  %w = nnopt.weight "w" dense<[[0.5, -0.25, 1.0, 2.0, -1.0, 0.125, 0.75, -0.5], [1.0, 0.5, 0.25, 0.125, 1.5, -1.5, 0.5, 1.0],
                               [-2.0, 1.0, 0.0, 0.5, 0.25, 0.75, -0.25, 1.25], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]]> : tensor<4x8xf32>
  %b = nnopt.weight "b" dense<[0.5, -0.5, 1.0, 0.25]> : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %h = nnopt.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32> loc("fc1")
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%h, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x4xf32> loc("add1")
  %g = nnopt.activation gelu %s : tensor<?x4xf32> loc("gelu1")
  %y = nnopt.softmax %g {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("softmax1")
  return %y, %mask : tensor<?x4xf32>, tensor<?xi64>
}
