#!/bin/bash
# Run the test suite on the dolfinx of another Debian release, in a root of that release kept in a cache folder.
#
#   tools/test-on-debian-release.sh SUITE [--rebuild | --build-only | --shell] [-- pytest arguments]
#
# SUITE: trixie (dolfinx 0.9) or sid (the newest). The package is installed from a copy of its sources,
# and the tests run as an ordinary user who cannot write to the source tree: first those marked "mpi" under
# mpirun -n 2, then the whole suite, as many tests at a time as there are cores (WORKERS).
#
# Needs root, debootstrap and a Debian mirror (DEBIAN_MIRROR, or the one that apt uses here). Every mount lives in a
# private namespace and ends with this process. Everything in the root comes from apt but what Debian does not have, which
# pip adds without its dependencies: were numpy, ufl, basix or ffcx to come from elsewhere, Debian's dolfinx would refuse to import.
#
# Exit status: 0 passed; 75 the root could not be built (nothing is said about the tests); 77 this machine cannot do it;
# 124 the time limit (TIME_LIMIT, seconds for each of the two runs) was hit; anything else: tests failed.
set -euo pipefail

readonly EXIT_NOT_BUILT=75 EXIT_CANNOT=77
usage() { sed -n '2,5p' "$0" | cut -c3- >&2; exit 2; }

SUITE=${1:-}; [ $# -gt 0 ] && shift
case "$SUITE" in trixie | sid) ;; *) usage ;; esac
MODE=test
case "${1:-}" in --rebuild | --build-only | --shell) MODE=${1#--}; shift ;; esac
case "${1:-}" in --) shift ;; "") ;; *) usage ;; esac

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
CACHE=${DEBIAN_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/fokker-planck/debian-roots}
ROOT=$CACHE/$SUITE
LOG=$CACHE/$SUITE.log
TIME_LIMIT=${TIME_LIMIT:-1800}
cores=$(env -u OMP_NUM_THREADS nproc) # of which nproc itself takes no more than threads are allowed
WORKERS=${WORKERS:-$((cores < 8 ? cores : 8))}
PACKAGES="python3-dolfinx python3-dolfinx-real python3-petsc4py python3-petsc4py-real python3-slepc4py python3-slepc4py-real
 python3-numpy python3-scipy python3-sympy python3-mpmath python3-meshio python3-matplotlib python3-rich python3-jinja2 python3-pytest python3-pytest-xdist
 python3-pip python3-setuptools python3-wheel gcc g++ libc6-dev python3-dev libopenblas0-serial"
FROM_PYPI="mmgpy>=0.17"
MODULES="dolfinx ufl basix ffcx petsc4py slepc4py mpi4py numpy scipy sympy mpmath meshio matplotlib rich jinja2 pytest xdist mmgpy"
# What the root depends on. Unstable moves: its root is built anew each month.
KEY=$(printf '%s' "4|$PACKAGES|$FROM_PYPI|$([ "$SUITE" = sid ] && date +%Y-%m)" | sha256sum | cut -c1-16)

[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit $EXIT_CANNOT; }
for tool in debootstrap unshare chroot mount; do
  command -v $tool >/dev/null || { echo "$0: needs $tool (apt-get install debootstrap util-linux)" >&2; exit $EXIT_CANNOT; }
done
if [ -z "${IN_PRIVATE_NAMESPACE:-}" ]; then
  unshare --mount --pid --fork --propagation private true 2>/dev/null \
    || { echo "$0: this machine does not permit private mount namespaces" >&2; exit $EXIT_CANNOT; }
  export IN_PRIVATE_NAMESPACE=1
  [ "$MODE" = test ] || set -- "--$MODE" -- "$@"
  [ "$MODE" = test ] && set -- -- "$@"
  exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" "$SUITE" "$@"
fi

mkdir -p "$CACHE/debs-$SUITE/partial" "$CACHE/forms-$SUITE"
exec 9>"$CACHE/$SUITE.lock"; flock 9

mirror() {
  local found=${DEBIAN_MIRROR:-}
  [ -n "$found" ] || found=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
  [ -n "$found" ] || found=$(awk '$1=="deb"{for(i=2;i<=NF;i++) if($i ~ /^http/){print $i; exit}}' /etc/apt/sources.list 2>/dev/null || true)
  [ -n "$found" ] || { echo "$0: no Debian mirror found, set DEBIAN_MIRROR" >&2; return 1; }
  echo "$found"
}

mount_system() { # root
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount -t tmpfs -o size=4g,mode=1777 tmpfs "$1/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
  mount -t tmpfs -o size=4g,mode=1777 tmpfs "$1/tmp"
}

as_root() { # root command...: a clean environment, so that no PETSC_DIR or PYTHONPATH of this machine gets in
  local root=$1; shift
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy} ${PIP_INDEX_URL:+PIP_INDEX_URL=$PIP_INDEX_URL} "$@" 9>&-
}

as_user() { # root command...: an ordinary user, whom Open MPI accepts and who cannot write to the sources
  # The tests run in the source folder, but PYTHONSAFEPATH makes them import the package that was installed.
  local root=$1; shift
  chroot --userspec=1000:1000 "$root" env -i HOME=/tmp/home LC_ALL=C.UTF-8 XDG_CACHE_HOME=/forms \
    PYTHONPATH=/tmp/site:/opt/from-pypi PATH=/tmp/site/bin:/usr/bin:/bin PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg OMP_NUM_THREADS=1 \
    OMPI_MCA_btl=^tcp OMPI_MCA_pml=ob1 OMPI_MCA_mpi_yield_when_idle=1 \
    bash -c 'mkdir -p /tmp/home && cd /src && exec "$@"' _ "$@" 9>&-
}

say_versions() { # root: also the proof that the root is usable, alone and on two processes
  as_user "$1" python3 -c '
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import dolfinx, numpy, scipy
from petsc4py import PETSc
from slepc4py import SLEPc
dot = lambda numbers: ".".join(map(str, numbers))
print("dolfinx", dolfinx.__version__, "| petsc", dot(PETSc.Sys.getVersion()), "| slepc", dot(SLEPc.Sys.getVersion()),
      "| numpy", numpy.__version__, "| scipy", scipy.__version__, "| python", sys.version.split()[0])' $MODULES || return 1
  as_user "$1" timeout 120 mpirun --oversubscribe -n 2 python3 -c '
from mpi4py import MPI
import dolfinx.mesh
from petsc4py import PETSc
from slepc4py import SLEPc
domain = dolfinx.mesh.create_unit_square(MPI.COMM_WORLD, 4, 4)
cells = domain.topology.index_map(2)
if MPI.COMM_WORLD.size != 2 or cells.size_global != 32:
    raise SystemExit("two processes do not share one mesh")'
}

build() { # the new root takes the place of the old one only when it is complete
  local new=$CACHE/$SUITE.new from keys=/usr/share/keyrings/debian-archive-keyring.gpg start=$SECONDS attempt
  from=$(mirror) || return 1
  rm -rf --one-file-system "$new"
  : > "$LOG"
  for attempt in 1 2 3; do
    if debootstrap --variant=minbase --include=ca-certificates --keyring="$keys" --cache-dir="$CACHE/debs-$SUITE" \
      "$SUITE" "$new" "$from" >>"$LOG" 2>&1 9>&-; then break; fi
    [ $attempt -lt 3 ] || return 1
    rm -rf --one-file-system "$new"; sleep 5
  done
  rm -f "$new/etc/apt/sources.list"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$from" "$SUITE" "$keys" \
    > "$new/etc/apt/sources.list.d/debian.sources"
  cat > "$new/etc/apt/apt.conf.d/99test-root" <<'CONF'
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "5";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
  cp /etc/apt/apt.conf.d/*proxy* "$new/etc/apt/apt.conf.d/" 2>/dev/null || true
  printf 'path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n' > "$new/etc/dpkg/dpkg.cfg.d/slim"
  printf 'force-unsafe-io\n' > "$new/etc/dpkg/dpkg.cfg.d/unsafe-io"
  printf '#!/bin/sh\nexit 101\n' > "$new/usr/sbin/policy-rc.d"; chmod +x "$new/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf /etc/hosts "$new/etc/"
  cp /etc/pip.conf "$new/etc/" 2>/dev/null || true
  cp /usr/local/share/ca-certificates/*.crt "$new/usr/local/share/ca-certificates/" 2>/dev/null || true
  as_root "$new" update-ca-certificates >>"$LOG" 2>&1 || return 1
  mount_system "$new"
  mount --bind "$CACHE/debs-$SUITE" "$new/var/cache/apt/archives"
  as_root "$new" apt-get update >>"$LOG" 2>&1 || return 1
  as_root "$new" apt-get install -y $PACKAGES >>"$LOG" 2>&1 || return 1
  as_root "$new" python3 -m pip install -q --no-deps --only-binary :all: --retries 10 --root-user-action ignore --target /opt/from-pypi $FROM_PYPI >>"$LOG" 2>&1 || return 1
  as_root "$new" useradd -m -u 1000 tester >>"$LOG" 2>&1 || return 1
  mkdir -p "$new/src" "$new/forms"; chmod 1777 "$new/forms"
  say_versions "$new" >>"$LOG" 2>&1 || return 1
  rm -rf "$new/forms"; mkdir "$new/forms"
  umount "$new/var/cache/apt/archives" "$new/dev/pts" "$new/dev/shm" "$new/tmp" "$new/proc"; umount -R -l "$new/sys"
  find "$CACHE/debs-$SUITE" -name '*.deb' -delete
  echo "$KEY" > "$new/.ready"
  rm -rf --one-file-system "$ROOT"; mv "$new" "$ROOT"
  echo "$SUITE: root built in $((SECONDS - start)) s"
}

if [ "$MODE" = rebuild ] || [ "$(cat "$ROOT/.ready" 2>/dev/null)" != "$KEY" ]; then
  # In a condition, so that "set -e" does not end the script: every step of build returns its own failure.
  if ! build; then
    tail -15 "$LOG" >&2
    echo "$SUITE: the root could not be built, see $LOG" >&2
    exit $EXIT_NOT_BUILT
  fi
fi
[ "$MODE" = build-only ] && exit 0

mount_system "$ROOT"
mount --bind "$SOURCE" "$ROOT/src"; mount -o remount,bind,ro "$ROOT/src"
mount --bind "$CACHE/forms-$SUITE" "$ROOT/forms"; chown 1000:1000 "$CACHE/forms-$SUITE"
as_user "$ROOT" bash -c 'mkdir /tmp/build && cd /src && cp -r pyproject.toml setup.py MANIFEST.in README.md LICENSE fokker_planck examples meshes /tmp/build/ && cd /tmp/build &&
  python3 -m pip install -q --no-index --no-deps --no-build-isolation --no-warn-script-location --target /tmp/site . && rm -rf /tmp/build'
say_versions "$ROOT"
if [ "$MODE" = shell ]; then as_user "$ROOT" bash -i; exit; fi

tests="python3 -m pytest -c /src/pyproject.toml --rootdir=/src --color=no -p no:cacheprovider -o addopts= --strict-markers --doctest-modules -q"
status=0
as_user "$ROOT" timeout "$TIME_LIMIT" mpirun --oversubscribe -n 2 $tests -m "mpi and not slow" /src/tests || status=$?
as_user "$ROOT" timeout "$TIME_LIMIT" $tests -n "$WORKERS" --dist worksteal "$@" --pyargs fokker_planck /src/tests || { code=$?; [ $status != 0 ] || status=$code; }
[ $status != 124 ] || echo "$SUITE: stopped by the time limit of $TIME_LIMIT s" >&2
# Statuses 75 and 77 have their own meaning here; pytest and mpirun do not use them, but a crashed test could.
case $status in $EXIT_NOT_BUILT | $EXIT_CANNOT) status=1 ;; esac
exit $status
