"""Bytes -> text: UTF-8 where it is that, else the encoding whose letters and words fit best.

Knows marks, UTF-16 without one, and which letters each language writes in which encoding. Looks at the whole file, not
at its beginning. Does not know files.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from rag.errors import DocumentError
from rag.text.language import stop_words

_CONTROL = regex.compile(r"[\p{Cc}--[\t\n\r\f\v\x1b\x85\x1a]]", regex.V1)
_CONTROL_BYTES = regex.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_BINARY = "It holds binary data although its name says text; check the file's extension."
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# What pages and messages call an encoding, and what is in them: the names of the web's encoding standard.
_CALLED = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "iso-8859-9": "cp1254", "latin5": "cp1254", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8", "windows-874": "cp874", "tis-620": "cp874", "iso-8859-11": "cp874",
}  # fmt: skip
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"
# By encoding: each language's letters beyond ASCII.
_ALPHABETS = {
    "cp1252": {
        "de": "äöüß", "fr": "àâçéèêëîïôùûüœæ", "es": "áéíñóúü¿¡", "pt": "ãáâàçéêíóôõú", "it": "àèéìòù",
        "sv": "åäöé", "da": "æøåé", "no": "æøåé", "fi": "äöå", "nl": "éëïöüè", "is": "áðéíóúýþæö", "ca": "àçèéíïòóú·",
    },
    "cp1254": {"tr": "çğıöşüâîûİ"},
    "cp1250": {
        "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "ro": "ăâîşţ",
        "hr": "čćđšž", "sl": "čšž",
    },
    "cp1257": {"lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äõöüšž"},
    "cp1251": {"ru": _RUSSIAN, "uk": _RUSSIAN + "іїєґ", "sr": _RUSSIAN + "ђјљњћџ"},
    "cp1253": {"el": _GREEK},
    "cp1255": {"he": "אבגדהוזחטיךכלםמןנסעףפץצקרשת"},
    "cp1256": {"ar": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي،؟", "fa": "ءآئابپتثجچحخدذرزژسشصضطظعغفقکگلمنهوی"},
    "cp874": {"th": "".join(map(chr, range(0xE01, 0xE4F)))},
}  # fmt: skip
_SAME_LETTERS = {
    "iso8859-2": "cp1250", "iso8859-15": "cp1252", "cp850": "cp1252", "mac_roman": "cp1252", "cp852": "cp1250",
    "cp857": "cp1254", "mac_turkish": "cp1254", "koi8-u": "cp1251", "cp866": "cp1251", "iso8859-5": "cp1251",
    "mac_cyrillic": "cp1251", "iso8859-7": "cp1253", "iso8859-6": "cp1256",
}  # fmt: skip
_COMMON = {
    "zh": "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小"
    "么心多天而能好都然没于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将"
    "外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走"
    "电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑"
    "性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至"
    "清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义室值班请每周须钥匙楼层设备检查安"
    "全日期时间负责人联系电话号码，。、；：？！（）《》“”",
    "tw": "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後小"
    "麼心多天而能好都然沒於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將"
    "外但身些與高意進把法此實回二理點月明其種聲全工己話者向情部正名定女問力機給等幾業最間新什打便位因重被走電四第"
    "門相次東，。、；：？！（）「」",
    "ja": "".join(map(chr, [*range(0x3041, 0x3094), *range(0x30A1, 0x30F7)]))
    + "ー、。「」・日一人年大十二本中長出三時行見月分後前生五間上東",
    "ko": "이다는을에의가고하지를로은한도기사인자어리아시서나그대일해부만정있수보과게라으전제스구공장원주상위조"
    "적소여면들비선까니동문안요트성신유우오세경무용실연마습합것방관중내화개물모된또생래계회할되와러미던바영각간드"
    "금저오열쇠호",
}  # fmt: skip
_MULTIBYTE = {"gb18030": "zh", "big5hkscs": "tw", "cp932": "ja", "euc_jp": "ja", "cp949": "ko"}
_RARER = frozenset(("is", "ca", "sr", "uk", "fa", "sl", "et", "el", "th"))
_SIGNS = frozenset("’‘“”„‚–—…«»°€§®©™·•£±²³µ½¼×№ªº\xa0´")
_SEQUENCE = regex.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_PIECE = regex.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_WORD = regex.compile(r"\p{L}+")
# What no word is like: scripts mixed in it, a Thai sign above or below no letter, a final form within a Hebrew word.
_ODD_WORD = regex.compile(
    r"[a-zA-Z][\p{Greek}\p{Cyrillic}\p{Thai}\p{Hebrew}\p{Arabic}]|[\p{Greek}\p{Cyrillic}\p{Thai}\p{Hebrew}\p{Arabic}][a-zA-Z]"
    r"|(?<![ก-ฮ่-๎ิ-ูั])[ัิ-ฺ็-๎]|[เ-ไ](?![ก-ฮ])|[ךםןףץ]\p{Hebrew}|ς\p{Greek}"
)
_FREQUENT = frozenset("оеаинтсрвлкαοιετνσςηρπיוהלאתרבשמانرلميوتبดกเงนมยรลวสหอตทปคา่้ิี ัแขจชบพะ")
# A capital within a word, or small letters after capitals of which one is beyond ASCII.
_ODD_CASE = regex.compile(r"\p{Ll}\p{Lu}|(?<!\p{L})\p{Lu}[\p{Lu}--\p{ASCII}]\p{Ll}", regex.V1)
_ASCII = bytes(range(128))
_SAMPLE = 30_000
_SURE = 0.25
_FEW_CONTROLS = 4


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and the encoding it was in; `note` says what is doubtful about it, or is empty."""

    text: str
    encoding: str
    note: str = ""


def decode(data: bytes, declared: str = "") -> str:
    """See `decoded`."""
    return decoded(data, declared).text


def decoded(data: bytes, declared: str = "") -> Decoded:
    """The text in `data`: as its mark says, as UTF-8, as `declared` (a page's or a message's word for it) where that
    fits, else as statistics say. One bad byte costs itself. Raises DocumentError for bytes that are no text.
    """
    found = _decoded(data, declared)
    if _is_binary(len(_CONTROL.findall(found.text[:100_000])), min(len(found.text), 100_000)):
        raise DocumentError(_BINARY)
    return found


def _decoded(data: bytes, declared: str) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _noted(data[len(mark) :], encoding)
    if b"\0" in data[:4096] and (wide := _wide(data)):
        return _noted(data, wide)
    if data.isascii():
        return Decoded(_escapes(data, declared), "ascii")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    valid = sum(len(found) for found in _SEQUENCE.findall(data))
    high = len(data.translate(None, _ASCII))
    bad = high - valid
    if valid >= 4 * bad or (valid > bad and _fits_utf8(data, bad / high)):
        said = "1 byte that is not UTF-8 was" if bad == 1 else f"{bad} bytes that are not UTF-8 were"
        return Decoded(data.decode("utf-8", errors=_ONE_BYTE), "utf-8", f"{said} read as Windows-1252.")
    named = _codec(declared)
    if named in ("cp1252", "iso8859-1"):  # what programs say that were told nothing
        named = _plainly_other(data) or named
    if named and named not in ("utf-8", "ascii"):
        with_declared = data.decode(named, errors="replace")
        if with_declared.count("\ufffd") * 200 <= len(with_declared):
            return Decoded(with_declared, named)
    if _is_binary(len(_CONTROL_BYTES.findall(data[:100_000])), min(len(data), 100_000)):
        raise DocumentError(_BINARY)
    encoding, sure = _likeliest(data)
    text = data.decode(encoding, errors="replace")
    note = "" if sure else f"Its encoding was guessed ({encoding}); save it as UTF-8 if letters look wrong."
    return Decoded(text, encoding, note)


def _is_binary(controls: int, size: int) -> bool:
    """Whether so many control characters are in so much text that it is none; a few are forgiven in a short one."""
    return controls * 50 > size and (controls > _FEW_CONTROLS or controls * 8 > size)


def _fits_utf8(data: bytes, bad: float) -> bool:
    """Whether the sequences of UTF-8 in bytes of which a share is `bad` read better than all of them in any other
    encoding.
    """
    sample = _sample(data)
    text = "".join(found.decode("utf-8", errors="ignore") for found in _SEQUENCE.findall(sample))
    letters = ((own, language) for alphabets in _ALPHABETS.values() for language, own in alphabets.items())
    fits = [_fit_letters(text, own, language, len(text)) for own, language in letters]
    fits += [_fit_signs(text, common, language) for language, common in _COMMON.items()]
    return max(fits) - bad > max(score for score, _, _ in _candidates(sample))


def _noted(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, errors="replace")
    bad = text.count("\ufffd") - data.count(b"\xef\xbf\xbd") if encoding == "utf-8" else text.count("\ufffd")
    return Decoded(text, encoding, f"{bad} characters could not be decoded." if bad > 0 else "")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


_UNFIT, _PLAINLY = 0.5, 0.4
_ONE_BYTE = "tandem-one-byte"
codecs.register_error(_ONE_BYTE, _as_windows)


def _codec(name: str) -> str:
    name = name.strip().strip("\"'").lower()
    name = _CALLED.get(name, name)
    try:
        return codecs.lookup(name).name if name else ""
    except (LookupError, ValueError):
        return ""


def _escapes(data: bytes, declared: str) -> str:
    """ASCII bytes as text; a few encodings (UTF-7, ISO-2022-JP) write everything with these."""
    name = _codec(declared)
    if name.startswith(("iso2022", "utf-7", "utf_7", "hz")):
        try:
            return data.decode(name)
        except UnicodeError:
            pass
    return data.decode("ascii")


def _wide(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, or ""."""
    best, name = 0.9, ""
    for encoding, size in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        try:
            text = data[: len(data) // size * size][: 20_000 * size].decode(encoding)
        except UnicodeDecodeError:
            continue
        good = sum(_usual(character) for character in text) / max(1, len(text))
        if good > best:
            best, name = good, encoding
    return name


def _usual(character: str) -> bool:
    code = ord(character)
    if code < 0x80:
        return code >= 0x20 or character in "\t\n\r\f\x1a"
    if 0x4E00 <= code < 0xA000:
        return character in _COMMON["zh"] or character in _COMMON["tw"]
    return 0xA0 <= code < 0x700 or 0xE00 <= code < 0xE80 or 0x2010 <= code < 0x2040 or 0x3000 <= code < 0x3100 \
        or 0xAC00 <= code < 0xD7A4 or 0xFF00 <= code < 0xFF60 or code == 0x20AC  # fmt: skip


def _plainly_other(data: bytes) -> str:
    """The encoding that fits where Windows-1252 plainly does not; "" where that may be right."""
    scored = sorted(_candidates(_sample(data)), reverse=True)
    own = max((score for score, encoding, _ in scored if encoding == "cp1252"), default=_SURE)
    best, encoding, _ = scored[0]
    return encoding if own < _UNFIT and best > max(_SURE, own + _PLAINLY) else ""


def _likeliest(data: bytes) -> tuple[str, bool]:
    """The encoding that fits best, and whether none of other letters comes near."""
    sample = _sample(data)
    scored = sorted(_candidates(sample), reverse=True)
    best, encoding, text = scored[0]
    other = next((score for score, _, rival in scored[1:] if rival != text), -9.0)
    return encoding, best > _SURE and best - other > 0.02


def _sample(data: bytes) -> bytes:
    """Lines with bytes that tell something, from everywhere in the file."""
    lines = [match[:2000] for match in _PIECE.findall(data)] if len(data) > _SAMPLE else [data]
    step = max(1, sum(map(len, lines)) // _SAMPLE)
    return b"\n".join(lines[::step])


def _candidates(sample: bytes) -> Iterator[tuple[float, str, str]]:
    high = max(1, len(sample.translate(None, _ASCII)))
    for encoding, language in _MULTIBYTE.items():
        text = sample.decode(encoding, errors="replace")
        yield _fit_signs(text, _COMMON[language], language), encoding, text
    for encoding in (*_ALPHABETS, *_SAME_LETTERS):
        try:
            text = sample.decode(encoding, errors="replace")
        except LookupError:
            continue
        same = _SAME_LETTERS.get(encoding)
        less = 0.03 if same else 0.0
        for language, letters in _ALPHABETS[same or encoding].items():
            rare = 0.02 if language in _RARER else 0.0
            yield _fit_letters(text, letters, language, high) - less - rare, encoding, text


def _fit_letters(text: str, letters: str, language: str, high: int) -> float:
    """How well characters beyond ASCII fit a language's letters: 1 where all do."""
    known = frozenset(letters + letters.upper())
    score = 0.0
    for character in text:
        if character < "\x80":
            continue
        if character in known:
            score += 1.0 if character in _FREQUENT or character < "\u0250" else 0.85
        elif character in _SIGNS:
            score += 0.4
        elif character == "\ufffd" or character < "\xa0":
            score -= 3.0
        else:
            score -= 1.0 if character.isalpha() else 1.3
    score -= len(_ODD_CASE.findall(text)) * 0.7 + len(_ODD_WORD.findall(text)) * 1.5
    stops = stop_words().get(language, frozenset())
    words = _WORD.findall(text.casefold())[:2000]
    return score / high + 0.6 * sum(word in stops for word in words) / max(1, len(words))


def _fit_signs(text: str, common: str, language: str) -> float:
    known = frozenset(common)
    total = score = 0.0
    for character in text:
        if character < "\x80":
            continue
        total += 1
        if character in known:
            score += 1.3
        elif character == "\ufffd" or 0xE000 <= ord(character) < 0xF900:
            score -= 3.0
        elif language in ("zh", "tw", "ja") and 0x4E00 <= ord(character) < 0xA000:
            score += 0.55 if _everyday(character, language) else -0.4
        elif character in "　，。、；：？！（）《》「」“”％～－":
            score += 0.5
        elif language == "ko" and 0xAC00 <= ord(character) < 0xD7A4:
            score += 0.2
        else:
            score -= 1.0
    return score / max(1.0, total)


def _everyday(character: str, language: str) -> bool:
    """Whether the standard of the country counts the sign among the commoner half."""
    try:
        lead = character.encode({"zh": "gb2312", "tw": "big5", "ja": "euc_jp"}[language])[0]
    except UnicodeEncodeError:
        return False
    return {"zh": 0xB0 <= lead <= 0xD7, "tw": 0xA4 <= lead <= 0xC6, "ja": 0xB0 <= lead <= 0xCF}[language]
