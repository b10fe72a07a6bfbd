"""What a running model takes from the machine: resident memory, GPU memory, and what the machine is.

Knows processes and nvidia-smi. Does not know models. Whatever cannot be seen from here is None, never a guess.
"""

from __future__ import annotations

import asyncio
import itertools
import platform
import shutil
import subprocess
from urllib.parse import urlsplit

import psutil

from hybrid.runtimes.openai_compatible import is_loopback
from tandem.bench.schema import Machine, Resources

EVERY_S = 0.5
FAMILY_EVERY = 20
MB = 2**20
_SMI_S = 5.0


class Memory:
    """Watches the memory of whoever runs the model while a block runs.

    `base_url` is the endpoint's address; without one the model runs in this process.
    """

    def __init__(self, base_url: str = "") -> None:
        self._process, self._whose = _process(base_url)
        self._server = bool(base_url)
        self._family = self._relatives()
        self._before = self._resident()
        self._most = self._before
        self._gpu: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Memory:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._note()

    def found(self) -> Resources:
        """What was seen so far."""
        return Resources(rss_before_mb=self._before, rss_mb=self._most, gpu_memory_mb=self._gpu, process=self._whose)

    async def _watch(self) -> None:
        """Looking for a server's children takes milliseconds that the client needs, so that is rare and in a thread."""
        self._gpu = await asyncio.to_thread(gpu_memory_mb, self._process.pid if self._process else None)
        for turn in itertools.count():
            if turn % FAMILY_EVERY == 0:
                self._family = await asyncio.to_thread(self._relatives)
            self._note()
            await asyncio.sleep(EVERY_S)

    def _note(self) -> None:
        now = self._resident()
        if now is not None:
            self._most = max(self._most or 0.0, now)

    def _relatives(self) -> list[psutil.Process]:
        """A server with its children, since many start one for the model; of this process, itself alone."""
        if self._process is None:
            return []
        try:
            return [self._process, *(self._process.children(recursive=True) if self._server else ())]
        except psutil.Error:
            return [self._process]

    def _resident(self) -> float | None:
        found = []
        for one in self._family:
            try:
                found.append(one.memory_info().rss)
            except psutil.Error:
                continue
        return round(sum(found) / MB, 1) if found else None


def machine() -> Machine:
    """This machine, in words."""
    try:
        load: float | None = round(psutil.getloadavg()[0], 2)
    except OSError:
        load = None
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=psutil.cpu_count(),
        memory_mb=round(psutil.virtual_memory().total / MB),
        gpus=[line.partition(",")[0].strip() for line in _smi("--query-gpu=name,memory.total")],
        python=platform.python_version(),
        load_average=load,
    )


def gpu_memory_mb(pid: int | None) -> float | None:
    """GPU memory of a process in MB; None without an NVIDIA GPU, or where the process uses none."""
    if pid is None:
        return None
    used = 0.0
    for line in _smi("--query-compute-apps=pid,used_memory"):
        owner, _, amount = line.partition(",")
        if owner.strip() == str(pid) and amount.strip().isdigit():
            used += float(amount)
    return used or None


def gpu_watts() -> float | None:
    """What the GPUs draw now; None without one that says so."""
    try:
        return sum(float(line) for line in _smi("--query-gpu=power.draw")) or None
    except ValueError:
        return None


def _process(base_url: str) -> tuple[psutil.Process | None, str]:
    if not base_url:
        return psutil.Process(), "this process"
    if not is_loopback(base_url):
        return None, "not known: the endpoint is another machine"
    port = urlsplit(base_url).port
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if listens and connection.pid:
                process = psutil.Process(connection.pid)
                return process, f"the server's ({process.name()})"
    except psutil.Error:
        pass
    return None, "not known: the server belongs to another user"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _smi(query: str) -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, query, "--format=csv,noheader,nounits"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_SMI_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line for line in result.stdout.splitlines() if line.strip()]
