#!/bin/sh
# 1 while the file is valid and a softmax of a linear layer is in it.
nnopt-opt --canonicalize "$1" | tr '\n' ' ' | grep -q 'nnopt.linear.*nnopt.softmax' || exit 0
exit 1
