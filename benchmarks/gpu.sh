#!/usr/bin/env bash
# Check a GPU against the CPU and time both, in at most six minutes (--minutes); --small runs the same on the CPU, in at most fifteen.
#   benchmarks/gpu.sh [--small] [--device cuda] [--out DIR] [--minutes 6] [--steps gram,mace]
# PYTHON names the interpreter; else .venv/bin/python, else python3: the first whose torch can use the device. Packages that it
# lacks, torch among them, come from a folder of wheels (WHEELS, default .whl) where there is one, else from pip's index, which on
# Linux has torch for CUDA; a torch that is there stays as it is. MACE_PYTHON names the interpreter of an environment with mace-torch
# (default .venv-mace/bin/python, else made from MACE_WHEELS, default .whl-mace, or from the index). A step whose package is nowhere
# is left out, and said so. Exit status 1: a check failed or a step broke; a missed speed target is printed only. Nothing needs a
# network where the packages are installed.
set -uo pipefail
cd "$(dirname "$0")/.."
small= device= out=runs/gpu minutes= steps=
while [ $# -gt 0 ]; do
  case $1 in
    --small) small=--small; shift ;;
    --device) device=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    --steps) steps=$2; shift 2 ;;
    *) echo "unknown option $1: give --small, --device, --out, --minutes or --steps" >&2; exit 2 ;;
  esac
done
[ -n "$minutes" ] || { [ -n "$small" ] && minutes=15 || minutes=6; }
[ -n "$device" ] || { [ -n "$small" ] && device=cpu || device=cuda; }
start=$SECONDS
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out/mace-python"
# The package as a namespace of links: nothing has to be installed for it.
links=$out/links
mkdir -p "$links/spectral_ceilings"
for part in theory numerics diagnostic paper_checks sweeps cli; do ln -sfn "$PWD/$part" "$links/spectral_ceilings/$part"; done
path=$links:$PWD
needed='import spectral_ceilings.diagnostic.diagnosis, spectral_ceilings.cli.app, nequip'
sees='import sys, torch; sys.exit(not torch.cuda.is_available())'
usable() { [ "${device%%:*}" != cuda ] || "$1" -c "$sees" 2>/dev/null; }

# wrapper NAME INTERPRETER PATH: write $out/NAME-python, the interpreter with PATH as all of its PYTHONPATH.
wrapper() {
  local interpreter; interpreter=$(command -v "$2") || return 1
  printf '#!/usr/bin/env bash\nPYTHONPATH=%q exec %q "$@"\n' "$3" "$(realpath -s "$interpreter")" >"$out/$1-python"
  chmod +x "$out/$1-python"
}

# environment NAME WHEELS SHARE EXTRA...: write $out/NAME-python, which is $base with wheels, or with what pip's index has,
# beside its own packages, within a SHARE of all the time. A virtual environment that is made from another one does not see its
# packages: a .pth file names them.
environment() {
  local name=$1 wheels=$2 seconds site=$out/site-$1 interpreter=$base
  seconds=$(awk -v m="$minutes" -v s="$3" 'BEGIN { print m * 60 * s }'); shift 3
  rm -rf "$site" "$out/$name-python"
  if compgen -G "$wheels/*.whl" >/dev/null; then
    "$base" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl || return 1
  else
    "$base" -m venv --clear --system-site-packages "$out/venv-$name" && interpreter=$out/venv-$name/bin/python || return 1
    "$base" -c 'import os, sys; std = os.path.dirname(os.__file__); print(*(p for p in sys.path if os.path.isdir(p) and (
"-packages" in p or not p.startswith(std))), sep="\n")' \
      >"$("$interpreter" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/zz_beside.pth"
    # torch stays the build that it is: another would have to be fetched, and may be one for the CPU
    "$base" -c 'import torch; print("torch==" + torch.__version__)' >"$out/torch.txt" 2>/dev/null || : >"$out/torch.txt"
    "$base" - "$@" >"$out/needs-$name.txt" <<'PY' || return 1
import sys, tomllib
with open("pyproject.toml", "rb") as stream:
    project = tomllib.load(stream)["project"]
print(*project["dependencies"], *(each for extra in sys.argv[1:] for each in project["optional-dependencies"][extra]), sep="\n")
PY
    # without a network pip gives up at once, and not after minutes of the card's time
    timeout "$seconds" "$interpreter" -m pip install -q --retries 0 --timeout 10 --disable-pip-version-check \
      -c "$out/torch.txt" -r "$out/needs-$name.txt" 2>"$out/pip-$name.log" || {
        grep -v ^WARNING "$out/pip-$name.log" | tail -n 3 >&2
        echo "pip did not get what $out/needs-$name.txt names within $seconds s" >&2
        return 1
      }
  fi
  wrapper "$name" "$interpreter" "$site:$path${mine:+:$mine}"
}

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in .venv/bin/python python3; do
    command -v "$candidate" >/dev/null && usable "$candidate" && { python=$candidate; break; }
  done
fi
if [ -z "$python" ] && { [ -e /proc/driver/nvidia/version ] || [ -e /dev/nvidiactl ]; } \
  && command -v python3 >/dev/null && ! python3 -c 'import torch' 2>/dev/null; then
  python=python3  # a card and no torch: it is fetched below
fi
if [ -z "$python" ]; then
  echo "no Python whose torch can use device $device: install torch for CUDA (constraints.txt may have given the build for the" \
    "CPU) or set PYTHON to an interpreter that has it" >&2
  exit 2
fi
base=$python
mine=${PYTHONPATH:-}
export PYTHONPATH="$path${mine:+:$mine}"
if ! "$python" -c "$needed" 2>"$out/imports.log"; then
  environment main "${WHEELS:-.whl}" 0.4 nequip sevennet || {
    echo "packages are missing (see $out/imports.log) and pip cannot get them: put wheels into ${WHEELS:-.whl}, or set PYTHON" >&2
    exit 1
  }
  python=$out/main-python
  "$python" -c "$needed" || { echo "the package cannot be imported by $python, see above" >&2; exit 1; }
  "$base" -c 'import torch' 2>/dev/null || base=$python
fi
usable "$python" || {
  echo "torch $("$python" -c 'import torch; print(torch.__version__)') of $python cannot use device $device: set PYTHON" >&2
  exit 1
}
mace=${MACE_PYTHON:-}
case ",${steps:-mace}," in *,mace,*)
  if [ -z "$mace" ] && [ -x .venv-mace/bin/python ] && usable .venv-mace/bin/python; then mace=.venv-mace/bin/python; fi
  if [ -n "$mace" ]; then
    wrapper mace "$mace" "$path"
  elif [ -z "$small" ] || compgen -G "${MACE_WHEELS:-.whl-mace}/*.whl" >/dev/null; then
    environment mace "${MACE_WHEELS:-.whl-mace}" 0.15 mace
  fi
  mace=
  [ -x "$out/mace-python" ] && "$out/mace-python" -c 'import mace.modules' 2>"$out/imports-mace.log" \
    && usable "$out/mace-python" && mace=$out/mace-python ;;
esac
export MACE_PYTHON=$mace
"$python" - "$device" <<'PY' | tee "$out/machine.txt"
import os, platform, re, sys, torch
cuda = torch.cuda.is_available() and sys.argv[1].startswith("cuda")
card = "no card"
if cuda:
    try:
        driver = re.search(r"\d+\.\d+(\.\d+)?", open("/proc/driver/nvidia/version").read())[0]
    except (OSError, TypeError):
        driver = "unknown"
    memory = torch.cuda.get_device_properties(sys.argv[1]).total_memory / 2**30
    card = f"{torch.cuda.get_device_name(sys.argv[1])}, {memory:.0f} GiB, driver {driver}, CUDA {torch.version.cuda}"
try:
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())[1]
except (OSError, TypeError):
    cpu = platform.processor() or "CPU"
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
print(f"card: {card}")
print(f"CPU: {cpu}, {cores} cores, {torch.get_num_threads()} threads")
print(f"Python {platform.python_version()}, torch {torch.__version__}")
PY
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
left=$(awk -v m="$minutes" -v s="$((SECONDS - start))" 'BEGIN { print m * 60 - s }')
timeout --kill-after=5 "$left" "$python" -m benchmarks.gpu $small ${steps:+--steps "$steps"} --device "$device" --out "$out" \
  --minutes "$(awk -v s="$left" 'BEGIN { print (s - 3) / 60 }')" 2>&1 | tee "$out/output.txt"
exit "${PIPESTATUS[0]}"
