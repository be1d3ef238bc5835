#!/usr/bin/env bash
# A Slurm cluster of one machine, for tests: controller and node daemon with state, ports and keys of their own.
#
#   tests/slurm/cluster.sh start DIR    starts it and prints the path of its slurm.conf (export it as SLURM_CONF)
#   tests/slurm/cluster.sh kill-controller DIR | start-controller DIR
#   tests/slurm/cluster.sh stop DIR
#
# Needs root, and the packages slurm-wlm and munge of Debian or Ubuntu.
set -euo pipefail
what=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)

controller() {
  SLURM_CONF="$dir/slurm.conf" slurmctld
}

# A controller writes its state some seconds after a change. If it is killed before that, it comes back without the jobs of
# these seconds, gives their numbers out again, and drains the node where the first ones still run; a step of these seconds
# that has ended keeps its core for ever. What is lost then is Slurm's, so wait until the state is on the disk.
saved() {
  touch "$dir/now"
  for _ in $(seq 40); do
    if [ "$dir/state/job_state" -nt "$dir/now" ]; then
      return
    fi
    sleep 0.25
  done
}

case "$what" in
start)
  mkdir -p "$dir/state" "$dir/spool" "$dir/run"
  # munged has to reach its files as its own user, who cannot enter a private temporary folder
  munge=$(mktemp -d /run/munge-test-XXXXXX)
  echo "$munge" > "$dir/munge"
  head -c 1024 /dev/urandom > "$munge/munge.key"
  chmod 755 "$munge"
  chmod 400 "$munge/munge.key"
  chown -R munge "$munge"
  setpriv --reuid=munge --regid=munge --clear-groups munged --key-file="$munge/munge.key" \
    --socket="$munge/munge.socket" --pid-file="$munge/munged.pid" --seed-file="$munge/seed" --log-file="$munge/munged.log"
  read -r port other < <(python3 - <<'PY'
import socket
taken = [socket.socket() for _ in range(2)]
for s in taken:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in taken))
PY
  )
  host=$(hostname -s)
  cores=$(getconf _NPROCESSORS_ONLN)  # nproc would obey OMP_NUM_THREADS
  cores=$((cores < 2 ? 1 : 2))
  cat > "$dir/slurm.conf" <<CONF
ClusterName=ceilings
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$munge/munge.socket,cred_expire=5
SlurmctldPort=$port
SlurmdPort=$other
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobRequeue=1
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  controller
  SLURM_CONF="$dir/slurm.conf" slurmd
  for _ in $(seq 60); do
    if SLURM_CONF="$dir/slurm.conf" sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then
      if ! SLURM_CONF="$dir/slurm.conf" timeout 20 srun --ntasks=1 true; then
        echo "the cluster is idle and runs no step" >&2
        exit 1
      fi
      saved
      echo "$dir/slurm.conf"
      exit 0
    fi
    sleep 0.5
  done
  tail -20 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
  exit 1
  ;;
kill-controller)
  saved
  kill -KILL "$(cat "$dir/run/slurmctld.pid")"
  ;;
start-controller)
  controller
  ;;
stop)
  if [ -f "$dir/slurm.conf" ]; then
    export SLURM_CONF="$dir/slurm.conf"
    for _ in $(seq 20); do  # no job outlives its cluster
      jobs=$(timeout 5 squeue --noheader --format=%A 2>/dev/null | sort -u || true)
      if [ -z "$jobs" ]; then
        break
      fi
      timeout 5 scancel $jobs 2>/dev/null || true
      sleep 0.5
    done
  fi
  for file in "$dir/run/slurmd.pid" "$dir/run/slurmctld.pid" "$(cat "$dir/munge")/munged.pid"; do
    if [ -f "$file" ]; then
      kill "$(cat "$file")" 2>/dev/null || true
    fi
  done
  rm -rf "$(cat "$dir/munge")"
  ;;
*)
  echo "unknown command $what" >&2
  exit 2
  ;;
esac
