#!/bin/bash
# Prepare .venv: dolfinx, PETSc and SLEPc from the system, the rest with pip. Does nothing, at once, when nothing is missing.
#
# The interpreter is $PYTHON, if that is set, else the first of these that has dolfinx, petsc4py and slepc4py:
# the activated conda environment, /usr/bin/python3, python3 on the PATH.
# If none has, and apt-get is there with the right to use it (root or sudo), Debian's packages are installed.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
STAMP=$VENV/.ready
wanted="$(pwd) $(cat pyproject.toml tools/setup.sh | cksum)"
ready() { # the stamp: what was asked for, and the interpreter that was chosen
  [ -x $VENV/bin/python ] && [ -f $STAMP ] && [ "$(head -n 1 $STAMP)" = "$wanted" ] \
    && { [ -z "${PYTHON:-}" ] || [ "$(tail -n 1 $STAMP)" = "$PYTHON" ]; }
}
if ready; then exit 0; fi

say() { echo "setup: $*" >&2; }
if command -v flock >/dev/null; then # two of us at once would spoil each other's work
  exec 9>$VENV.lock; flock 9
  if ready; then exit 0; fi
fi

DEBIAN_PACKAGES="python3-dolfinx-real python3-petsc4py-real python3-slepc4py-real python3-scipy python3-venv python3-dev gcc"
FAST_BLAS=libopenblas0-serial # optional: without it everything works, but factors large matrices several times more slowly

# A usable interpreter: the finite elements, a compiler (dolfinx 0.5 compiles each element once), and the means to make a venv.
usable() {
  [ -n "$1" ] && command -v "$1" >/dev/null && "$1" - >/dev/null 2>&1 <<'PY'
import ensurepip, os, shutil, sys, sysconfig, venv
import dolfinx, petsc4py.PETSc, slepc4py.SLEPc, mpi4py
compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(not (sys.version_info >= (3, 11) and (shutil.which("cc") or shutil.which(compiler)) and os.path.exists(header)))
PY
}

choose() {
  local candidate
  # Debian's petsc4py would follow PETSC_DIR to another PETSc, if there is one. Elsewhere petsc4py may need it.
  [ ! -d /usr/lib/petscdir ] || unset PETSC_DIR PETSC_ARCH SLEPC_DIR
  if [ -n "${PYTHON:-}" ]; then
    BASE=$PYTHON
    usable "$PYTHON" && return 0
    say "PYTHON=$PYTHON: wanted Python 3.11 or later with dolfinx, petsc4py, slepc4py, mpi4py, venv, its header files and a C compiler"
    exit 1
  fi
  for candidate in "${CONDA_PREFIX:+$CONDA_PREFIX/bin/python}" /usr/bin/python3 "$(command -v python3 || true)"; do
    if usable "$candidate"; then BASE=$candidate; return 0; fi
  done
  return 1
}

UPDATED=
install_with_apt() { # package...
  command -v apt-get >/dev/null || return 1
  local become=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || return 1
    become=(sudo); { [ -t 0 ] && [ "$*" != $FAST_BLAS ]; } || become=(sudo -n) # nobody is asked for a password for mere speed
    "${become[@]}" true || return 1
  fi
  become+=(env DEBIAN_FRONTEND=noninteractive)
  local quiet=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5)
  say "installing $*"
  if [ -z "$UPDATED" ]; then
    "${become[@]}" apt-get "${quiet[@]}" update >&2 || say "apt-get update reported errors, going on"
    UPDATED=yes
  fi
  "${become[@]}" apt-get "${quiet[@]}" install -y --no-install-recommends "$@" >&2
}

# Does PETSc compute with the reference BLAS of Debian, which is correct and slow?
reference_blas() {
  "$BASE" - 2>/dev/null <<'PY'
import petsc4py.PETSc, re, sys
with open("/proc/self/maps") as maps:
    sys.exit(not re.search(r"^\S.* /usr/lib/\S+/blas/libblas\.so", maps.read(), re.MULTILINE))
PY
}

give_up() {
  cat >&2 <<'TEXT'
setup: dolfinx, petsc4py and slepc4py were not found, and could not be installed with apt-get.
  Debian 12 or later, as root or with sudo: run this again; or let an administrator run
      apt-get install --no-install-recommends python3-dolfinx-real python3-petsc4py-real python3-slepc4py-real python3-scipy python3-venv python3-dev gcc libopenblas0-serial
  Anywhere else, with conda (or mamba):
      conda env create -f environment.yml && conda activate fokker-planck
  then run the same make command again. Another interpreter that has them: make PYTHON=/path/to/python ...
TEXT
  exit 1
}

# shellcheck disable=SC2086
choose || { install_with_apt $DEBIAN_PACKAGES && choose; } || give_up
if reference_blas && ! { install_with_apt $FAST_BLAS && ! reference_blas; }; then
  say "going on with the reference BLAS: right, but several times slower on large matrices. An administrator can change that:"
  say "    apt-get install --no-install-recommends $FAST_BLAS"
fi

# What stands in the chosen interpreter and must stay: pip may neither replace nor shadow it.
pins=$(mktemp); trap 'rm -f "$pins"' EXIT
"$BASE" - >"$pins" <<'PY'
from importlib.metadata import PackageNotFoundError, version
for name in ("numpy", "scipy", "mpi4py", "petsc4py", "slepc4py", "fenics-dolfinx", "fenics-basix", "fenics-ffcx", "fenics-ufl"):
    try:
        print(f"{name}=={version(name)}")
    except PackageNotFoundError:
        pass
PY
say "making $VENV with $BASE"
rm -rf $VENV
"$BASE" -m venv --system-site-packages $VENV
if ! $VENV/bin/python -c 'import dolfinx' 2>/dev/null; then # the interpreter is itself that of a venv: look through to it
  "$BASE" -c 'import sysconfig
for path in dict.fromkeys(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")):
    print(f"import site; site.addsitedir({path!r})")' \
    > "$($VENV/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/chosen_interpreter.pth"
fi
$VENV/bin/python -m pip install --quiet --disable-pip-version-check --constraint "$pins" --editable '.[dev]'

$VENV/bin/python - <<'PY'
import sys
import dolfinx, numpy, petsc4py.PETSc, slepc4py.SLEPc
release = tuple(map(int, dolfinx.__version__.split(".")[:2]))
if release < (0, 5):
    sys.exit(f"setup: found dolfinx {dolfinx.__version__}; wanted 0.5 or later")
if release < (0, 8) and int(numpy.__version__.split(".")[0]) >= 2:
    sys.exit(f"setup: found numpy {numpy.__version__}; dolfinx {dolfinx.__version__} wants numpy < 2")
print(f"setup: ready, dolfinx {dolfinx.__version__}, numpy {numpy.__version__}, Python {sys.version.split()[0]}", file=sys.stderr)
PY
printf '%s\n' "$wanted" "$BASE" > $STAMP
