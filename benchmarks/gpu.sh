#!/usr/bin/env bash
# Check a GPU against the CPU and time both, in at most six minutes (--minutes); --small runs the same on the CPU, in fifteen at most.
#   benchmarks/gpu.sh [--small] [--device cuda] [--out DIR] [--minutes 6] [--steps gram,mace]
# PYTHON names the interpreter; else .venv/bin/python, else python3. Packages that it lacks come from a folder of wheels
# (WHEELS, default .whl) where there is one, else from pip. MACE_PYTHON names that of an environment with mace-torch
# (default .venv-mace/bin/python). A step whose package is nowhere is left out, and said so. Exit status 1: a check failed or a
# step broke; a missed speed target is printed only. Nothing needs a network where torch and the packages are installed.
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
python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in .venv/bin/python python3; do
    command -v "$candidate" >/dev/null || continue
    if [ "${device%%:*}" != cuda ] || "$candidate" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null
    then python=$candidate; break; fi
  done
fi
[ -n "$python" ] || { echo "no Python whose torch can use device $device: set PYTHON" >&2; exit 2; }
# The package as a namespace of links: nothing has to be installed for it.
links=$out/links
mkdir -p "$links/spectral_ceilings"
for part in theory numerics diagnostic paper_checks sweeps cli; do ln -sfn "$PWD/$part" "$links/spectral_ceilings/$part"; done
export PYTHONPATH="$links:$PWD${PYTHONPATH:+:$PYTHONPATH}"
needed='import spectral_ceilings.diagnostic.diagnosis, spectral_ceilings.cli.app, nequip'
if ! "$python" -c "$needed" 2>"$out/imports.log"; then
  wheels=${WHEELS:-.whl}
  if compgen -G "$wheels/*.whl" >/dev/null; then
    "$python" -m pip install -q --no-index --no-deps --no-compile --target "$out/site" "$wheels"/*.whl || exit 1
    export PYTHONPATH="$PYTHONPATH:$out/site"
  else
    "$python" -m venv --system-site-packages "$out/venv" && python=$out/venv/bin/python || exit 1
    # without a network pip gives up at once, and not after minutes of the card's time
    timeout 90 "$python" -m pip install -q --retries 0 --timeout 10 --disable-pip-version-check '.[nequip,sevennet]' || {
      echo "packages are missing (see $out/imports.log) and pip cannot get them: put wheels into $wheels, or set PYTHON" >&2
      exit 1
    }
  fi
  "$python" -c "$needed" || { echo "the package cannot be imported by $python; see $out/imports.log" >&2; exit 1; }
fi
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
