"""A Git repository: the files of one branch, as they were committed last.

Knows Git's own program, which has to be installed. Runs nothing that a repository brings, asks for no password, follows
no link or submodule.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from rag.connectors.base import LARGEST, Item, Source, SourceError
from rag.formats.registry import readable

_SECONDS = 600
_FILE = ("100644", "100755")
_REFUSED = ("Authentication failed", "could not read Username", "Permission denied", "403", "401")


class Git:
    """Options: `branch` (the repository's own by default) and `folder`, a part of it."""

    def __init__(self, source: Source) -> None:
        if source.address.startswith("-") or "::" in source.address:
            raise SourceError(
                f"The source {source.name!r} has no address that Git can be given; write a URL or a path."
            )
        self._source = source
        self._here = source.work / "repository"

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """The files of the branch; a file's version is Git's own."""
        program = shutil.which("git")
        if program is None:
            raise SourceError(
                "Git is not installed here; install it, and the repository is fetched with the next visit."
            )
        if not (self._here / "HEAD").is_file():
            self._here.mkdir(parents=True, exist_ok=True)
            self._run("init", "--quiet", "--bare", str(self._here))
        branch = self._source.options.get("branch") or "HEAD"
        if branch.startswith("-"):
            raise SourceError(f"The source {self._source.name!r} names the branch {branch!r}, which can be none.")
        self._in("fetch", "--quiet", "--depth=1", "--no-tags", "--force", self._source.address, branch)
        part = self._source.options.get("folder", "").strip("/")
        listed = self._in("ls-tree", "-r", "-z", "-l", "--full-tree", "FETCH_HEAD", *(["--", part] if part else []))
        for line in listed.decode("utf-8", "replace").split("\0"):
            about, _, path = line.partition("\t")
            fields = about.split()
            if len(fields) != 4 or fields[0] not in _FILE or not readable(path.rpartition("/")[2]):
                continue
            if not fields[3].isdecimal() or int(fields[3]) > LARGEST:
                continue
            name = path.removeprefix(f"{part}/") if part else path
            yield Item(name, fields[2], lambda blob=fields[2]: self._in("cat-file", "blob", blob))  # type: ignore[misc]

    def _in(self, *arguments: str) -> bytes:
        return self._run("--git-dir", str(self._here), *arguments)

    def _run(self, *arguments: str) -> bytes:
        settings = {"core.hooksPath": str(Path(self._here, "none")), "protocol.ext.allow": "never", "gc.auto": "0"}
        if self._source.secret:
            told = base64.b64encode(f"{self._source.user or 'git'}:{self._source.secret}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {told}"
        # Settings go by the environment: a password on a command line is seen by everybody on the machine.
        private = {"GIT_CONFIG_COUNT": str(len(settings))}
        for at, (name, value) in enumerate(settings.items()):
            private |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", *arguments], capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
                env={**os.environ, **quiet, **private},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                f"The repository {self._source.name} did not answer in {_SECONDS // 60} minutes."
            ) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            if any(word in line for line in said for word in _REFUSED):
                raise SourceError(
                    f"The repository {self._source.name} does not let Tandem in; check user and password_env."
                )
            reason = said[-1][:200] if said else "no reason given"
            raise SourceError(f"The repository {self._source.name} cannot be fetched ({reason}); check its address.")
        return done.stdout
