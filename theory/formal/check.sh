#!/usr/bin/env bash
# check.sh [FOLDER]: compiles every file of _CoqProject in FOLDER (default: a temporary one) and prints the axioms behind every
# theorem.
# Exit status 0: all compile and no theorem rests on an axiom; 1: something does not hold; 2: Coq is not there.
set -euo pipefail
source="$(cd "$(dirname "$0")" && pwd)"
need="install Coq 8.16 with Mathematical Components, on Debian 12 by 'apt-get install coq libcoq-mathcomp-algebra libcoq-mathcomp-multinomials'"
if ! command -v coqc >/dev/null; then
  echo "coqc is not on this machine: $need" >&2
  exit 2
fi
if [ "$#" -gt 0 ]; then
  build="$(cd "$1" && pwd)"
else
  build="$(mktemp -d)"
  trap 'rm -rf "$build"' EXIT
fi
cd "$build"
# -q: no file of the user's is read; warnings of the libraries are none of ours.
coq() { coqc -q -w none -R "$build" Ceilings "$1"; }

echo 'From SsrMultinomials Require Import mpoly.' >Library.v
if ! coq Library.v >/dev/null 2>&1; then
  echo "Coq's library SsrMultinomials is not on this machine: $need" >&2
  exit 2
fi

mapfile -t files < <(grep '\.v$' "$source/_CoqProject")
if grep -nE '\b(Admitted|admit|Axiom|Axioms|Parameter|Parameters|Conjecture|give_up|bypass_check)\b' "${files[@]/#/$source/}" >&2; then
  echo "a proof must not be left out, nor an axiom added" >&2
  exit 1
fi
theorems=()
for file in "${files[@]}"; do
  cp "$source/$file" .
  coq "$file" || { echo "$file: DOES NOT COMPILE"; exit 1; }
  echo "$file: compiled"
  mapfile -t here < <(sed -nE "s/^Theorem ([A-Za-z_0-9']+).*/\1/p" "$file")
  theorems+=("${here[@]/#/Ceilings.${file%.v}.}")
done

{
  printf 'From Ceilings Require %s.\n' "${files[@]%.v}"
  printf 'Print Assumptions %s.\n' "${theorems[@]}"
} >Assumptions.v
coq Assumptions.v >assumptions.txt
closed="$(grep -c '^Closed under the global context$' assumptions.txt || true)"
if [ "$closed" -ne "${#theorems[@]}" ] || [ "$(wc -l <assumptions.txt)" -ne "$closed" ]; then
  cat assumptions.txt
  echo "a theorem rests on an axiom"
  exit 1
fi
for theorem in "${theorems[@]}"; do echo "${theorem#Ceilings.}: Closed under the global context"; done
echo "${#theorems[@]} theorems, no axioms"
