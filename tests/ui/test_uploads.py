from pathlib import Path

import chainlit.config
import pytest
from chainlit.context import init_http_context

from tandem.ui.uploads import receive_in


async def test_what_arrives_lies_in_the_data_directory_and_nothing_of_an_earlier_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chainlit.config, "FILES_DIRECTORY", chainlit.config.FILES_DIRECTORY)
    folder = tmp_path / "data" / "arriving"
    (folder / "gone").mkdir(parents=True)
    (folder / "gone" / "left.txt").write_text("left", encoding="utf-8")
    receive_in(folder)
    assert list(folder.iterdir()) == []
    session = init_http_context().session
    reference = await session.persist_file("plan.txt", "text/plain", content="secret")
    assert Path(session.files[reference["id"]]["path"]).is_relative_to(folder)
    receive_in(folder)
    assert Path(session.files[reference["id"]]["path"]).read_text(encoding="utf-8") == "secret"
