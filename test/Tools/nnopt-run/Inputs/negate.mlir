func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = arith.constant dense<-1.0> : tensor<2xf32>
  %e = tensor.empty() : tensor<2xf32>
  %r = linalg.mul ins(%x, %y : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}
