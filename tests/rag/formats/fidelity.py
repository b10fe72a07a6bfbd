"""How many of a document's words are read: `python -m tests.rag.formats.fidelity FOLDER` asks a reader of another make.

Knows who reads each format for comparison: LibreOffice (Word, sheets, slides, RTF), PDFium's text page, Chromium's
visible text, Python's own mail parser. Fetches nothing; needs `soffice` and Chromium only for the formats they read.
Prints one JSON object: by format, how many files there are, how many keep 98 % of their words, and which lose most.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from email import policy
from pathlib import Path

import pypdfium2
import regex
from playwright.sync_api import Error, sync_playwright

from rag.errors import DocumentError
from rag.formats import registry
from tests.support import chromium

_WORD = regex.compile(r"[\p{L}\p{M}]{2,}")
_KEPT = 0.98
_SECONDS = 90
_CSV = "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true,false,false,false,-1"
_TEXT = "txt:Text (encoded):UTF8"
_SLIDES = ("pptx", "ppsx", "pptm", "odp", "ppt")
_BY_OFFICE = {
    **dict.fromkeys(("docx", "docm", "dotx", "odt", "rtf", "doc"), _TEXT),
    **dict.fromkeys(("xlsx", "xlsm", "ods", "xls"), _CSV),
    **dict.fromkeys(_SLIDES, "pdf"),
}


def by_office(path: Path, profile: Path) -> str | None:
    """What LibreOffice reads; None where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"document{path.suffix.lower()}")
        shutil.copy(path, copy)
        command = ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to"]
        made = Path(folder, "made")
        try:
            subprocess.run(
                [*command, _BY_OFFICE[path.suffix.lower()[1:]], "--outdir", str(made), str(copy)],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        found = sorted(made.iterdir()) if made.is_dir() else []
        texts = [by_pdfium(one) if one.suffix == ".pdf" else one.read_text("utf-8", "replace") for one in found]
        return "\n".join(text or "" for text in texts) if texts else None


def by_pdfium(path: Path) -> str | None:
    """What PDFium's own text pages say."""
    try:
        document = pypdfium2.PdfDocument(path)
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    except pypdfium2.PdfiumError:
        return None


def by_mail(path: Path) -> str | None:
    """The texts of a message, as Python's own parser gives them."""
    try:
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        return regex.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=regex.S | regex.I) if text else None
    except (LookupError, ValueError, TypeError, AttributeError, KeyError, UnicodeError):
        return None


def by_chromium(paths: list[Path]) -> Iterator[str | None]:
    """The visible text of pages, without scripts run and without anything fetched."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        context = browser.new_context(java_script_enabled=False, offline=True)
        for path in paths:
            page = context.new_page()
            try:
                page.goto(path.resolve().as_uri(), timeout=10_000, wait_until="domcontentloaded")
                yield page.inner_text("body", timeout=5_000)
            except Error:
                yield None
            finally:
                page.close()
        browser.close()


def references(kind: str, paths: list[Path], cache: Path) -> Iterator[str | None]:
    """The text of each file as its other reader gives it, kept in `cache` from one run to the next."""
    if kind in ("html", "htm"):
        yield from by_chromium(paths)
        return
    for path in paths:
        kept = cache / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.txt"
        if not kept.exists():
            text = (
                by_office(path, cache / "profile")
                if kind in _BY_OFFICE
                else by_pdfium(path)
                if kind == "pdf"
                else by_mail(path)
            )
            kept.write_text(text or "", encoding="utf-8")
        yield kept.read_text(encoding="utf-8") or None


def words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def measured(kind: str, paths: list[Path], cache: Path) -> dict[str, object]:
    """The figures of one format. A file counts where the other reader finds five words or more."""
    shares: list[tuple[float, str, list[str]]] = []
    for path, text in zip(paths, references(kind, paths, cache), strict=True):
        wanted = words(text or "")
        if wanted.total() < 5:
            continue
        try:
            text_of = registry.read(path.read_bytes(), path.name).text
            own = words(text_of)
            missing = wanted - own
            if kind in _SLIDES:  # what stands on every slide is read once, and a line's end may cut a word
                squeezed = regex.sub(r"\W", "", text_of.casefold())
                missing = Counter({word: 1 for word in missing if word not in own and word not in squeezed})
                wanted = Counter(dict.fromkeys(wanted, 1))
            shares.append((1 - missing.total() / wanted.total(), path.name, [w for w, _ in missing.most_common(8)]))
        except DocumentError as error:
            shares.append((0.0, path.name, [str(error)]))
    kept = sum(share >= _KEPT for share, _, _ in shares)
    worst = [{"file": name, "words": round(share, 3), "missing": lost} for share, name, lost in sorted(shares)[:12]]
    return {"files": len(shares), "kept": kept, "share": round(kept / max(1, len(shares)), 3), "worst": worst}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="*", default=[*_BY_OFFICE, "pdf", "eml", "html"])
    parser.add_argument("--most", type=int, default=200, help="files a format, any of them")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "tandem-references"))
    asked = parser.parse_args()
    asked.cache.mkdir(parents=True, exist_ok=True)
    found: dict[str, object] = {}
    for kind in asked.kinds:
        paths = [path for path in asked.folder.rglob(f"*.{kind}") if path.is_file()]
        paths.sort(key=lambda path: hashlib.sha256(path.name.encode()).digest())
        if paths:
            found[kind] = measured(kind, paths[: asked.most], asked.cache)
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
