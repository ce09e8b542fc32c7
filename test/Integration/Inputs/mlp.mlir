// A small network with a symbolic dimension that two inputs share: y = relu(x W1^T) + b, z = (y W2^T) W3^T.
func.func @main(%x: tensor<?x24xf32> {nnopt.name = "x", nnopt.dims = ["batch", "24"]},
                %b: tensor<?x48xf32> {nnopt.name = "b", nnopt.dims = ["batch", "48"]})
    -> (tensor<?x48xf32> {nnopt.name = "y", nnopt.dims = ["batch", "48"]},
        tensor<?x16xf32> {nnopt.name = "z", nnopt.dims = ["batch", "16"]}) {
  %w1 = nnopt.weight "w1" dense<0.5> : tensor<48x24xf32>
  %w2 = nnopt.weight "w2" dense<0.25> : tensor<16x48xf32>
  %w3 = nnopt.weight "w3" dense<0.5> : tensor<16x16xf32>
  %h = nnopt.linear %x, %w1 : (tensor<?x24xf32>, tensor<48x24xf32>) -> tensor<?x48xf32>
  %r = nnopt.activation relu %h : tensor<?x48xf32>
  %y = linalg.add ins(%r, %b : tensor<?x48xf32>, tensor<?x48xf32>) outs(%r : tensor<?x48xf32>) -> tensor<?x48xf32>
  %t = nnopt.linear %y, %w2 : (tensor<?x48xf32>, tensor<16x48xf32>) -> tensor<?x16xf32>
  %z = nnopt.linear %t, %w3 : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  return %y, %z : tensor<?x48xf32>, tensor<?x16xf32>
}
