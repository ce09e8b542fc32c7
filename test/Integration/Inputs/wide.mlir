// Enough work in one layer to be shared by threads.
func.func @main(%x: tensor<256x512xf32>) -> tensor<256x512xf32> {
  %w = nnopt.weight dense<0.5> : tensor<512x512xf32>
  %b = nnopt.weight dense<3.0> : tensor<512xf32>
  %y = nnopt.linear %x, %w bias %b : (tensor<256x512xf32>, tensor<512x512xf32>, tensor<512xf32>) -> tensor<256x512xf32>
  return %y : tensor<256x512xf32>
}
