# Configuration of nnopt's lit tests. CPU features and tools become `REQUIRES:` words.
import os
import platform
import shutil
import subprocess

import lit.formats

config.name = "nnopt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.nnopt_obj
config.environment["PATH"] = os.pathsep.join(
    [config.nnopt_bin, config.llvm_tools, os.environ.get("PATH", "")])
config.environment["PYTHONPATH"] = os.path.join(config.nnopt_src, "python")
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%src", config.nnopt_src))
# Runs a command, shows its errors on standard output, and its exit code last.
config.substitutions.append(("%exit_of", "sh -c '\"$@\" 2>&1; echo exit $?' -"))
config.substitutions.append(("%nnopt_lib", config.nnopt_lib))

if platform.machine() == "x86_64":
    config.available_features.add("x86")
    with open("/proc/cpuinfo") as f:
        flags = next((line.split(":")[1].split() for line in f if line.startswith("flags")), [])
    for feature in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16"):
        if feature in flags:
            config.available_features.add(feature)
for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "cmake", "clang-22"):
    if shutil.which(tool):
        config.available_features.add(tool)
if shutil.which("onnx-importer-fuzzer", path=config.nnopt_bin):  # built on demand
    config.available_features.add("onnx-importer-fuzzer")
for module in ("numpy", "onnx", "onnxruntime"):
    if subprocess.run([config.python, "-c", f"import {module}"], capture_output=True).returncode == 0:
        config.available_features.add(module)
if not lit_config.params.get("quick"):
    config.available_features.add("slow")
