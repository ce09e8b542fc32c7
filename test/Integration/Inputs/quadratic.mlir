// Needs a workspace that grows with the square of the input's length.
func.func @main(%x: tensor<?x4xf32> {nnopt.name = "x", nnopt.dims = ["length", "4"]})
    -> (tensor<?x4xf32> {nnopt.name = "y", nnopt.dims = ["length", "4"]}) {
  %s = nnopt.matmul %x, %x {transpose_rhs} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x?xf32>
  %y = nnopt.matmul %s, %x : (tensor<?x?xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
