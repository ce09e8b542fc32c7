# Shared by tools/setup, tools/check and tools/quickstart: steps with times and logs, packages, Python, build.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

set -euo pipefail

NNOPT_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
NNOPT_BUILD="${NNOPT_BUILD:-$NNOPT_ROOT/build}"
NNOPT_LOGS="$NNOPT_BUILD/logs"
NNOPT_VENV="${NNOPT_VENV:-$NNOPT_ROOT/.venv}"
NNOPT_JOBS="${NNOPT_JOBS:-$(nproc)}"
NNOPT_PYTHON="$NNOPT_VENV/bin/python"

# What the build needs; LLVM is listed by package because Debian splits it.
NNOPT_PACKAGES=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools clang-22 lld-22 libomp-22-dev
  gcc g++ ccache ninja-build cmake libprotozero-dev libeigen3-dev zlib1g-dev libzstd-dev libzip-dev pkg-config git
  python3-venv python3-dev
)
# What only some tests need: without them those tests are skipped.
NNOPT_OPTIONAL_PACKAGES=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user libclang-rt-22-dev)

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Shows the last line of a log once a second while a step runs, on terminals only.
watch_log() {
  while sleep 1; do
    printf '\r\033[K    %.100s' "$(tail -n 1 "$1" 2>/dev/null | tr -d '\r\033')" >&2
  done
}

# step TITLE COMMAND...: runs the command with its output in a log, prints how long it took, stops with the log's end.
step() {
  local title="$1" log start rc=0 watcher=""
  shift
  mkdir -p "$NNOPT_LOGS"
  log="$NNOPT_LOGS/$(printf '%s' "$title" | tr -cs 'A-Za-z0-9' '-' | sed 's/-*$//').log"
  start=$(date +%s)
  printf -- '--> %s\n' "$title"
  : >"$log"
  if [[ -t 2 ]]; then
    watch_log "$log" &
    watcher=$!
  fi
  ( set -euo pipefail; "$@" ) >"$log" 2>&1 </dev/null || rc=$?
  if [[ -n "$watcher" ]]; then
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    printf '\r\033[K' >&2
  fi
  if ((rc)); then
    printf '    failed after %d s; the end of %s:\n' $(($(date +%s) - start)) "$log"
    tail -n "${NNOPT_LOG_LINES:-40}" "$log" | sed 's/^/    | /'
    return "$rc"
  fi
  printf '    done in %d s\n' $(($(date +%s) - start))
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root or sudo; install these yourself: ${NNOPT_PACKAGES[*]}"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" == *"ok installed" ]] || printf '%s\n' "$package"
  done
}

has_candidate() { [[ "$(apt-cache policy "$1" 2>/dev/null)" =~ Candidate:\ [^\(] ]]; }

# need_space DIRECTORY MEGABYTES WHAT
need_space() {
  local free
  free=$(df -Pm "$1" | awk 'NR == 2 {print $4}')
  ((free >= $2)) || die "$3 needs $2 MB in $1, and $free MB are free"
}

# Debian 12 has LLVM 22 in its security archive. Older archives do not; LLVM's own (https://apt.llvm.org) does.
add_llvm_archive() {
  local release key=/etc/apt/trusted.gpg.d/apt.llvm.org.asc
  release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  [[ -n "$release" ]] || die "no package libmlir-22-dev here, and the name of this release is unknown; see https://apt.llvm.org"
  say "Debian's archive offers no libmlir-22-dev: adding LLVM's own, as https://apt.llvm.org documents"
  curl -fsS https://apt.llvm.org/llvm-snapshot.gpg.key | as_root tee "$key" >/dev/null ||
    die "cannot fetch the key of apt.llvm.org: is the network up?"
  printf 'deb http://apt.llvm.org/%s/ llvm-toolchain-%s-22 main\n' "$release" "$release" |
    as_root tee /etc/apt/sources.list.d/llvm-22.list >/dev/null
  as_root apt-get update -q
}

install_packages() {
  local missing optional=() package
  command -v apt-get >/dev/null || die "this script installs Debian packages; elsewhere install MLIR 22, clang 22, cmake, ninja and ccache"
  mapfile -t missing < <(missing_packages "${NNOPT_PACKAGES[@]}")
  mapfile -t optional < <(missing_packages "${NNOPT_OPTIONAL_PACKAGES[@]}")
  if ((${#missing[@]} + ${#optional[@]} == 0)); then
    say "all packages are installed"
    return
  fi
  need_space / 3500 "LLVM 22"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -q || say "warning: apt-get update failed; going on with the package lists at hand"
  if ((${#missing[@]})); then
    has_candidate libmlir-22-dev || add_llvm_archive
    say "installing ${missing[*]}"
    as_root apt-get install -y -q --no-install-recommends "${missing[@]}" ||
      die "apt-get could not install ${missing[*]}: is the network up?"
  fi
  for package in "${optional[@]}"; do
    as_root apt-get install -y -q --no-install-recommends "$package" ||
      say "warning: $package is not available; the tests that need it are skipped"
  done
}

# The project's own Python environment. A stamp keeps the second run from asking the package index again.
install_python() {
  local requirements="$NNOPT_ROOT/python/${1:-requirements.txt}" stamp
  stamp="$NNOPT_VENV/.nnopt-$(sha256sum <"$requirements" | cut -c1-16)"
  if [[ -e "$stamp" ]]; then
    say "$requirements is installed"
    return
  fi
  need_space "$NNOPT_ROOT" 1500 "the Python environment"
  [[ -x "$NNOPT_PYTHON" ]] || python3 -m venv "$NNOPT_VENV" || die "python3 -m venv failed in $NNOPT_VENV"
  "$NNOPT_PYTHON" -m pip install --disable-pip-version-check -r "$requirements" ||
    die "pip could not install $requirements: is the network up?"
  touch "$stamp"
}

configure() {
  local options=()
  [[ -z "${CI:-}" ]] || options+=(-DNNOPT_WERROR=ON)
  cd "$NNOPT_ROOT"
  cmake --preset release -B "$NNOPT_BUILD" -DNNOPT_PYTHON="$NNOPT_PYTHON" "${options[@]}"
}

build() {
  need_space "$NNOPT_ROOT" 1500 "the build"
  export CCACHE_BASEDIR="$NNOPT_ROOT" CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  cmake --build "$NNOPT_BUILD" -j "$NNOPT_JOBS" "$@"
}

setup() {
  step "Debian packages" install_packages
  step "Python environment" install_python
  step "Configure" configure
  step "Build ($NNOPT_JOBS jobs)" build
}
