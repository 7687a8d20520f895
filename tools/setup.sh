#!/bin/bash
# Prepare .venv: the finite elements from wherever this machine can have them, the rest with pip. Takes a second when nothing is missing,
# and makes a .venv anew that no longer works.
#
# dolfinx, PETSc and SLEPc come by the first of these routes that is open:
#   here   an interpreter that has dolfinx 0.9 or later: that of the activated conda environment, /usr/bin/python3, python3 on the PATH
#   apt    Debian's packages, where apt offers dolfinx 0.9 or later (Debian 13) and we are root or may be, with sudo
#   wheel  dolfinx-solver-real from PyPI (Linux on x86-64, glibc 2.34 or later), on a Python 3.12 or later: on the PATH, among the
#          versions of pyenv whether enabled or not, else one that uv fetches
# and where none is, conda is named. PYTHON=/path/to/python names the interpreter, ROUTE=here|apt|wheel the one route to try.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
STAMP=$VENV/.ready
PYTHON=${PYTHON:-}
ROUTE=${ROUTE:-}
case "$ROUTE" in "" | here | apt | wheel) ;; *) echo "setup: ROUTE: found $ROUTE; wanted here, apt or wheel" >&2; exit 2 ;; esac
wanted="$(pwd) $(cat pyproject.toml tools/setup.sh | cksum)"

say() { echo "setup: $*" >&2; }

works() { # the .venv at hand
  "$VENV/bin/python" - >/dev/null 2>&1 <<'PY'
import importlib.metadata
import mpi4py.MPI, dolfinx.fem, petsc4py.PETSc, slepc4py.SLEPc, numpy, scipy, mmgpy
importlib.metadata.version("fokker-planck-fem")
PY
}

ready() { # the stamp tells what was asked for, and how it was answered
  local asked route base
  { read -r asked && read -r route && read -r base; } 2>/dev/null < $STAMP || return 1
  [ "$asked" = "$wanted" ] && [ "${PYTHON:-$base}" = "$base" ] && [ "${ROUTE:-$route}" = "$route" ] || return 1
  works
}
if ready; then exit 0; fi
if command -v flock >/dev/null; then # two of us at once would spoil each other's work
  exec 9>$VENV.lock; flock 9
  if ready; then exit 0; fi
fi

# Debian's petsc4py would follow PETSC_DIR to another PETSc, if there is one. Elsewhere petsc4py may need it.
[ ! -d /usr/lib/petscdir ] || unset PETSC_DIR PETSC_ARCH SLEPC_DIR

# ---- what there is

has_finite_elements() { # interpreter; those of the wheel do not count: a .venv that stands on them finds another MPI
  [ -n "$1" ] && command -v "$1" >/dev/null && "$1" - >/dev/null 2>&1 <<'PY'
import ensurepip, importlib.util, sys, venv
import mpi4py.MPI, dolfinx, petsc4py.PETSc, slepc4py.SLEPc
release = tuple(map(int, dolfinx.__version__.split(".")[:2]))
real = petsc4py.PETSc.ScalarType == petsc4py.PETSc.RealType
sys.exit(not (sys.version_info >= (3, 12) and release >= (0, 9) and real and not importlib.util.find_spec("dolfinx_solver")))
PY
}

carries_the_wheel() { # interpreter [module...]: is it a CPython that the wheel and what stands beside it are built for?
  local interpreter=$1; shift
  "$interpreter" - "$@" >/dev/null 2>&1 <<'PY'
import importlib, sys, sysconfig
for name in ("ctypes", "ssl", "venv", "zlib", *sys.argv[1:]):
    importlib.import_module(name)
sys.exit(not (sys.implementation.name == "cpython" and (3, 12) <= sys.version_info[:2] < (3, 15) and sys.maxsize > 2**32
              and not sysconfig.get_config_var("Py_GIL_DISABLED")))
PY
}

interpreters() { # every one that may be worth a try, those on the PATH first; a shim of pyenv may be there and refuse
  local name root
  [ -z "$PYTHON" ] || { echo "$PYTHON"; return; }
  for name in python3.13 python3.12 python3.14 python3 python; do type -ap $name || true; done
  for root in "${PYENV_ROOT:-}" "$(pyenv root 2>/dev/null || true)" "${HOME:-}/.pyenv" "${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python"; do
    [ -n "$root" ] || continue
    for name in "$root"/versions/*/bin/python3.1[2-9] "$root"/*/bin/python3.1[2-9]; do [ ! -x "$name" ] || echo "$name"; done
  done
}

# ---- with root

BECOME=()
may_be_root() { # asks for a password where there is a terminal
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || return 1
  BECOME=(sudo); [ -t 0 ] || BECOME=(sudo -n)
  "${BECOME[@]}" true
}

QUIET=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5)
UPDATED=
apt_update() {
  [ -z "$UPDATED" ] || return 0
  UPDATED=yes
  "${BECOME[@]}" apt-get "${QUIET[@]}" update >&2 || say "apt-get update reported errors, going on"
}

apt_install() { # package...
  say "installing $*, which may take some minutes"
  apt_update
  "${BECOME[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${QUIET[@]}" install -y --no-install-recommends "$@" > "$WORK/apt.log" 2>&1 \
    || { tail -n 20 "$WORK/apt.log" >&2; return 1; }
}

candidate_of() { # package: the version that apt would install, nothing if there is none
  LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -vxF '(none)' || true
}

apt_offers() { # package version
  local offered
  command -v apt-get >/dev/null || return 1
  offered=$(candidate_of "$1")
  if [ -z "$offered" ]; then # a new machine has no lists yet
    may_be_root || return 1
    apt_update
    offered=$(candidate_of "$1")
  fi
  [ -n "$offered" ] && dpkg --compare-versions "${offered#*:}" ge "$2"
}

# ---- the routes: each sets BASE, the interpreter that .venv stands on (empty: uv chooses one)

DEBIAN_PACKAGES=(python3-dolfinx-real python3-petsc4py-real python3-slepc4py-real python3-scipy python3-venv)
FAST_BLAS=(libopenblas0-serial) # without it everything works, but factors large matrices several times more slowly

route_here() {
  local candidate
  local candidates=("${CONDA_PREFIX:+$CONDA_PREFIX/bin/python}" /usr/bin/python3 "$(command -v python3 || true)")
  [ -z "$PYTHON" ] || candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    if has_finite_elements "$candidate"; then BASE=$candidate; return 0; fi
  done
  return 1
}

route_apt() {
  [ -z "$PYTHON" ] || return 1
  apt_offers python3-dolfinx-real 0.9 && may_be_root || return 1
  apt_install "${DEBIAN_PACKAGES[@]}" "${FAST_BLAS[@]}" || return 1
  BASE=/usr/bin/python3
  has_finite_elements $BASE
}

route_wheel() {
  local candidate without=
  [ "$(uname -sm)" = "Linux x86_64" ] || return 1
  at_least "$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')" 2.34 || return 1
  while read -r candidate; do
    if carries_the_wheel "$candidate" ensurepip; then BASE=$candidate; return 0; fi
    [ -n "$without" ] || ! carries_the_wheel "$candidate" || without=$candidate
  done < <(interpreters)
  [ -z "$PYTHON" ] || return 1
  if apt_offers python3 3.12 && may_be_root && apt_install python3-venv; then # Debian and Ubuntu keep ensurepip in it
    BASE=/usr/bin/python3
    carries_the_wheel $BASE ensurepip && return
  fi
  find_uv || return 1
  BASE=$without
}

at_least() { # found wanted
  [ -n "$1" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

UV=
find_uv() { # the one on the PATH, or PyPI's in a folder that goes with this process
  local interpreter
  UV=$(command -v uv) && return
  while read -r interpreter; do
    "$interpreter" -m pip --version >/dev/null 2>&1 || continue
    say "fetching uv, which brings a Python"
    "$interpreter" -m pip install --quiet --disable-pip-version-check --target "$WORK/uv" uv >&2 || continue
    UV=$WORK/uv/bin/uv
    return 0
  done < <(interpreters)
  return 1
}

give_up() {
  cat >&2 <<'TEXT'
setup: found no dolfinx 0.9 or later and no way to install one. Any of these would do:
  Debian 13 or later, as root or with sudo: run this again; or let an administrator run
      apt-get install --no-install-recommends python3-dolfinx-real python3-petsc4py-real python3-slepc4py-real python3-scipy python3-venv libopenblas0-serial
  Linux on x86-64 (glibc 2.34 or later): a Python 3.12, 3.13 or 3.14 with venv, named by make PYTHON=/path/to/python ... if it is not found
  Anywhere else, with conda (or mamba):
      conda env create -f environment.yml && conda activate fokker-planck
  then run the same make command again.
TEXT
  exit 1
}

# ---- .venv

with_system_packages() { # a .venv that stands on the packages of $BASE, which pip may neither replace nor shadow
  "$BASE" -m venv --system-site-packages $VENV
  if ! $VENV/bin/python -c 'import dolfinx' 2>/dev/null; then # the interpreter is itself that of a venv: look through to it
    "$BASE" -c 'import sysconfig
for path in dict.fromkeys(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")):
    print(f"import site; site.addsitedir({path!r})")' \
      > "$($VENV/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/chosen_interpreter.pth"
  fi
  # A file of constraints that pip reads by itself, today and when a user adds a package. As a URL: pip splits what it reads at spaces.
  $VENV/bin/python - "$VENV" <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
venv = Path(sys.argv[1]).resolve()
lines = ["# What dolfinx was built with: another version beside it, and dolfinx would not import."]
for name in ("numpy", "scipy", "mpi4py", "petsc4py", "slepc4py", "fenics-dolfinx", "fenics-basix", "fenics-ffcx", "fenics-ufl"):
    try:
        lines.append(f"{name}=={version(name)}")
    except PackageNotFoundError:
        pass
(venv / "constraints.txt").write_text("\n".join(lines) + "\n")
(venv / "pip.conf").write_text(f"[global]\nconstraint = {(venv / 'constraints.txt').as_uri()}\n")
PY
}

from_scratch() { # a .venv that holds everything itself
  if [ -n "$UV" ]; then
    "$UV" venv --quiet --no-config --seed --python "${BASE:-3.13}" $VENV >&2 || give_up
    BASE=$($VENV/bin/python -c 'import sys; print(sys._base_executable)')
  else
    "$BASE" -m venv $VENV
  fi
}

WORK=$(mktemp -d); trap 'rm -rf "$WORK"' EXIT
export UV_NATIVE_TLS=1 PIP_ROOT_USER_ACTION=ignore # the certificates of this machine, as pip uses them; into .venv root may install
BASE=
CHOSEN=
for route in ${ROUTE:-here apt wheel}; do
  if "route_$route"; then CHOSEN=$route; break; fi
done
if [ -z "$CHOSEN" ]; then
  [ -z "$PYTHON$ROUTE" ] || say "PYTHON=$PYTHON ROUTE=$ROUTE: not possible here"
  give_up
fi

[ ! -f $STAMP ] || works || say "$VENV does not work any more"
say "making $VENV (route: $CHOSEN${BASE:+, $BASE})"
rm -rf $VENV
case $CHOSEN in
  wheel) from_scratch; extras=fem,dev ;;
  *) with_system_packages; extras=dev ;;
esac
$VENV/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"

$VENV/bin/python - <<'PY'
import re, sys
import mpi4py.MPI, dolfinx, numpy, petsc4py.PETSc, slepc4py.SLEPc
print(f"setup: ready, dolfinx {dolfinx.__version__}, numpy {numpy.__version__}, Python {sys.version.split()[0]}", file=sys.stderr)
try:
    with open("/proc/self/maps") as maps:
        slow = re.search(r"^\S.* /usr/lib/\S+/blas/libblas\.so", maps.read(), re.MULTILINE)
except OSError:
    slow = None
if slow:
    print("setup: PETSc computes with the reference BLAS: right, but several times slower on large matrices. An administrator can change that:\n"
          "setup:     apt-get install --no-install-recommends libopenblas0-serial", file=sys.stderr)
PY
printf '%s\n' "$wanted" "$CHOSEN" "${PYTHON:-$BASE}" > $STAMP
