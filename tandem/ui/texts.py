"""What the chat says in its own words, in English and Turkish.

Knows wordings by key, and whose language applies. Does not know when a text is shown. The labels inside the panel and
under an answer belong to the elements in public/elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from hybrid.events import Reason
from hybrid.runtimes.base import ModelInfo, ModelState

Language = Literal["en", "tr"]

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "page": "page",
        "unsupported": "No passage supports this sentence.",
        "searching": "Searching the documents",
        "queued": "{model} is busy: {ahead} before you",
        "next": "{model} is busy: you are next",
        "loading": "Loading {model}",
        "reading": "{model} is reading {count} passages",
        "thinking": "{model} is thinking",
        "drafting": "{model} is writing",
        "quoting": "Choosing sentences to quote",
        "escalating": "Asking {model}",
        "refining": "{model} is refining the draft",
        "stopped": "Stopped. What was written so far is kept.",
        "stopped_empty": "Stopped before anything was written.",
        "cut_off": "The answer broke off; what was written so far is kept. Ask again, and see the log.",
        "no_text": "No answer came about. Ask again, and see the log.",
        "busy": "An answer is still being written; wait for it, or stop it first.",
        "gone": "That answer is not in this conversation any more; reload the page.",
        "sources": "Sources",
        "answered_by": "Answered by {model}",
        "mode": "Mode",
        "auto": "Auto",
        "auto_hint": "The large model steps in where the draft is likely wrong",
        "fast": "Fast",
        "fast_hint": "The small model only",
        "deep": "Deep",
        "deep_hint": "The large model refines every answer",
        "tab_models": "Models",
        "tab_escalation": "Escalation",
        "tab_retrieval": "Retrieval",
        "tab_generation": "Generation",
        "tab_display": "Display",
        "draft": "Model that drafts",
        "draft_hint": "Small and fast; writes the first version of every answer.",
        "refine": "Model that refines",
        "refine_hint": "Large and careful; asked where the draft is likely wrong.",
        "download": "Download a model",
        "download_hint": "Starts when you confirm; the chat stays usable meanwhile.",
        "download_none": "None",
        "state_ready": "ready",
        "state_cached": "ready, loads on first use",
        "state_downloading": "downloading",
        "state_downloadable": "to download",
        "state_unavailable": "unavailable",
        "state_pending": "being looked up",
        "state_unknown": "not found",
        "quotes": "Quotes only, no model",
        "long_draft": "Escalate long drafts",
        "long_draft_hint": "A long text is worth polishing.",
        "long_chars": "Long means, in characters",
        "short_draft": "Escalate very short drafts",
        "short_draft_hint": "An answer that says nothing.",
        "short_chars": "Very short means, in characters",
        "flagged_topics": "Escalate flagged topics",
        "topics": "Flagged topics",
        "topics_hint": "Type a word or phrase and press Enter.",
        "low_confidence": "Escalate doubtful drafts",
        "low_confidence_hint": "Without support, refusing, broken off, repetitive or empty.",
        "minimum_support": "Least share of supported sentences",
        "passages": "Passages handed to the model",
        "passages_hint": "More passages answer broader questions and take longer to read.",
        "max_tokens": "Longest answer, in tokens",
        "temperature": "Temperature",
        "temperature_hint": "0 writes the same answer every time.",
        "seed": "Seed",
        "seed_hint": "Leave empty for a different answer each time.",
        "language": "Language of notes and panel",
        "language_auto": "As the browser",
        "panel": "Open the side panel with the first answer",
        "marks": "Mark sentences that no passage supports",
        "files": "Searchable in this conversation:",
        "reading_file": "Reading",
        "too_many": "At most {count} files are taken in with one message; send it with the next.",
        "add_to_library": "Add to the library",
        "adding": "Adding to the library",
        "in_library": "In the library, for every conversation",
        "pages": "Pages",
        "passages_count": "Passages",
        "characters": "Characters",
        "nearest": "The nearest passages:",
        "ask_better": "Try the words of the documents, such as “{heading}”, or name the document: {document}.",
        "ask_better_plainly": "Try the words that the documents use, or name the document: {document}.",
        "nothing_near": "No passage comes near the question; try other words, or add the document it is about.",
        "brief_words": "Length of a briefing, in words",
        "brief_words_hint": "About; a claim that no passage supports is left out.",
        "brief": "Briefing",
        "brief_hint": "Name a document or a folder, or what to search for: sections of cited claims",
        "brief_high": "Briefing, high priority",
        "brief_high_hint": "The same, with every section refined by the large model",
        "brief_section": "Writing section {number} of {count}: {heading}",
        "brief_left_out": "Sentences left out because no passage supports them: {count}.",
        "brief_empty": "No passage supports anything that was written; try another document or search.",
        "brief_nothing": "Nothing is called {source}, and a search for it finds nothing; try other words.",
        "brief_file": "briefing",
        "documents": "Documents",
        "models": "Models",
        "search_documents": "Search in names and reasons",
        "all": "All",
        "failed": "Failed",
        "indexed": "Indexed",
        "no_documents": "No document matches.",
        "more_documents": "More that match",
        "retry": "Try again",
        "retry_all": "Try all failed again",
        "retrying": "Reading again",
        "seconds": "Seconds",
        "download_model": "Download",
        "cancel": "Cancel",
        "load": "Load",
        "unload": "Unload",
        "working": "One moment",
        "licence": "Licence",
        "left": "Left",
        "offer_title": "Download the models",
        "offer_text": "Until they are there, answers are quoted from the documents.",
        "not_now": "Not now",
        "offers": "Offer missing models in new conversations",
        "administrators_only": "Only an administrator may change models and the library; ask one of them.",
        "sign_in_wrong": "The user name or the password is not right; check both.",
        "sign_in_seconds": "Too many failed attempts; try again in {count} s.",
        "sign_in_minutes": "Too many failed attempts; try again in {count} min.",
        "settings_kept": "Settings saved.",
        "settings_wrong": "{name} was left as it was: {value} is not allowed there.",
    },
    "tr": {
        "page": "sayfa",
        "unsupported": "Bu cümleyi hiçbir bölüm desteklemiyor.",
        "searching": "Belgeler aranıyor",
        "queued": "{model} meşgul: önünüzde {ahead} soru var",
        "next": "{model} meşgul: sıra sizde",
        "loading": "{model} yükleniyor",
        "reading": "{model} {count} bölümü okuyor",
        "thinking": "{model} düşünüyor",
        "drafting": "{model} yazıyor",
        "quoting": "Alıntılanacak cümleler seçiliyor",
        "escalating": "{model} modeline soruluyor",
        "refining": "{model} taslağı iyileştiriyor",
        "stopped": "Durduruldu. O ana kadar yazılan korundu.",
        "stopped_empty": "Bir şey yazılmadan durduruldu.",
        "cut_off": "Yanıt yarıda kesildi; o ana kadar yazılan korundu. Yeniden sorun ve günlüğe bakın.",
        "no_text": "Yanıt oluşmadı. Yeniden sorun ve günlüğe bakın.",
        "busy": "Bir yanıt hâlâ yazılıyor; bitmesini bekleyin ya da önce durdurun.",
        "gone": "Bu yanıt artık bu konuşmada yok; sayfayı yenileyin.",
        "sources": "Kaynaklar",
        "answered_by": "Yanıtlayan: {model}",
        "mode": "Kip",
        "auto": "Otomatik",
        "auto_hint": "Taslak büyük olasılıkla yanlışsa büyük model devreye girer",
        "fast": "Hızlı",
        "fast_hint": "Yalnızca küçük model",
        "deep": "Derin",
        "deep_hint": "Her yanıtı büyük model iyileştirir",
        "tab_models": "Modeller",
        "tab_escalation": "Yükseltme",
        "tab_retrieval": "Arama",
        "tab_generation": "Üretim",
        "tab_display": "Görünüm",
        "draft": "Taslağı yazan model",
        "draft_hint": "Küçük ve hızlı; her yanıtın ilk hâlini yazar.",
        "refine": "İyileştiren model",
        "refine_hint": "Büyük ve titiz; taslak büyük olasılıkla yanlışsa sorulur.",
        "download": "Model indir",
        "download_hint": "Onayladığınızda başlar; bu sırada sohbet kullanılabilir.",
        "download_none": "Hiçbiri",
        "state_ready": "hazır",
        "state_cached": "hazır, ilk kullanımda yüklenir",
        "state_downloading": "indiriliyor",
        "state_downloadable": "indirilecek",
        "state_unavailable": "kullanılamıyor",
        "state_pending": "aranıyor",
        "state_unknown": "bulunamadı",
        "quotes": "Yalnızca alıntı, model yok",
        "long_draft": "Uzun taslakları yükselt",
        "long_draft_hint": "Uzun bir metin cilalanmaya değer.",
        "long_chars": "Uzun sayılan, karakter olarak",
        "short_draft": "Çok kısa taslakları yükselt",
        "short_draft_hint": "Hiçbir şey söylemeyen yanıt.",
        "short_chars": "Çok kısa sayılan, karakter olarak",
        "flagged_topics": "İşaretli konuları yükselt",
        "topics": "İşaretli konular",
        "topics_hint": "Bir sözcük ya da öbek yazıp Enter tuşuna basın.",
        "low_confidence": "Kuşkulu taslakları yükselt",
        "low_confidence_hint": "Desteksiz, yanıt vermeyen, yarım kalan, yinelenen ya da boş.",
        "minimum_support": "Desteklenen cümlelerin en az payı",
        "passages": "Modele verilen bölüm sayısı",
        "passages_hint": "Daha çok bölüm daha geniş soruları yanıtlar, okunması daha uzun sürer.",
        "max_tokens": "En uzun yanıt, jeton olarak",
        "temperature": "Sıcaklık",
        "temperature_hint": "0 her seferinde aynı yanıtı yazar.",
        "seed": "Tohum",
        "seed_hint": "Her seferinde farklı bir yanıt için boş bırakın.",
        "language": "Notların ve panelin dili",
        "language_auto": "Tarayıcıdaki gibi",
        "panel": "İlk yanıtla birlikte yan paneli aç",
        "marks": "Hiçbir bölümün desteklemediği cümleleri işaretle",
        "files": "Bu konuşmada aranabilir:",
        "reading_file": "Okunuyor",
        "too_many": "Bir iletiyle en çok {count} dosya alınır; bunu sonrakiyle gönderin.",
        "add_to_library": "Kitaplığa ekle",
        "adding": "Kitaplığa ekleniyor",
        "in_library": "Kitaplıkta, her konuşma için",
        "pages": "Sayfa",
        "passages_count": "Bölüm",
        "characters": "Karakter",
        "nearest": "En yakın bölümler:",
        "ask_better": "Belgelerdeki sözcüklerle sorun, örneğin “{heading}”; ya da belgenin adını yazın: {document}.",
        "ask_better_plainly": "Belgelerde geçen sözcüklerle sorun ya da belgenin adını yazın: {document}.",
        "nothing_near": "Soruya yakın bir bölüm yok; başka sözcükler deneyin ya da ilgili belgeyi ekleyin.",
        "brief_words": "Özetin uzunluğu, sözcük olarak",
        "brief_words_hint": "Yaklaşık; hiçbir bölümün desteklemediği cümle özete girmez.",
        "brief": "Yönetici özeti",
        "brief_hint": "Bir belgenin ya da klasörün adını veya aranacak konuyu yazın: kaynaklı maddeler",
        "brief_high": "Yönetici özeti, yüksek öncelikli",
        "brief_high_hint": "Aynısı; her bölümü büyük model iyileştirir",
        "brief_section": "{count} kısımdan {number}. kısım yazılıyor: {heading}",
        "brief_left_out": "Hiçbir bölüm desteklemediği için çıkarılan cümle sayısı: {count}.",
        "brief_empty": "Yazılanların hiçbirini bir bölüm desteklemiyor; başka bir belge ya da arama deneyin.",
        "brief_nothing": "{source} adında bir şey yok, araması da sonuç vermiyor; başka sözcükler deneyin.",
        "brief_file": "özet",
        "documents": "Belgeler",
        "models": "Modeller",
        "search_documents": "Adlarda ve nedenlerde ara",
        "all": "Tümü",
        "failed": "Okunamadı",
        "indexed": "Dizinde",
        "no_documents": "Uyan belge yok.",
        "more_documents": "Uyan başka belge",
        "retry": "Yeniden dene",
        "retry_all": "Okunamayanların hepsini yeniden dene",
        "retrying": "Yeniden okunuyor",
        "seconds": "Saniye",
        "download_model": "İndir",
        "cancel": "Vazgeç",
        "load": "Yükle",
        "unload": "Bellekten çıkar",
        "working": "Bir saniye",
        "licence": "Lisans",
        "left": "Kalan",
        "offer_title": "Modelleri indirin",
        "offer_text": "Onlar gelene dek yanıtlar belgelerden alıntılanır.",
        "not_now": "Şimdi değil",
        "offers": "Yeni konuşmalarda eksik modelleri öner",
        "administrators_only": "Modelleri ve kitaplığı yalnızca yöneticiler değiştirebilir; onlardan birine başvurun.",
        "sign_in_wrong": "Kullanıcı adı ya da parola yanlış; ikisini de denetleyin.",
        "sign_in_seconds": "Çok fazla başarısız deneme; {count} sn sonra yeniden deneyin.",
        "sign_in_minutes": "Çok fazla başarısız deneme; {count} dk sonra yeniden deneyin.",
        "settings_kept": "Ayarlar kaydedildi.",
        "settings_wrong": "{name} olduğu gibi kaldı: {value} orada geçerli değil.",
    },
}

REASONS_TR = {
    "refusal_agreed": "Taslak, belgelerde yanıt olmadığını söylüyor; arama da bulamadı.",
    "flagged_topic": "Soru şu konulara değiniyor: {topics}.",
    "long_draft": "Taslak uzun ({chars} karakter): cilalanmaya değer.",
    "short_draft": "Taslak neredeyse hiçbir şey söylemiyor ({chars} karakter).",
    "empty": "Taslak boş.",
    "unsupported": "Belgeler taslağın cümlelerinin yalnızca {support} kadarını destekliyor.",
    "refused_though_found": "Taslak yanıt olmadığını söylüyor, ama arama güçlü bölümler buldu.",
    "truncated": "Taslak sonuna varmadan kesiliyor.",
    "repetitive": "Taslak kendini yineliyor ({repetition}).",
    "kept": "Hiçbir kural taslağa karşı çıkmıyor.",
    "always": "Büyük modele her zaman sorulması ayarlanmış.",
    "never": "Her taslağın korunması ayarlanmış.",
    "asked": "Büyük modele siz sordunuz.",
    "same_model": "Taslağı zaten {model} yazdı.",
    "refine_unavailable": "{model} şu anda kullanılamıyor.",
    "gain_pays": "Taslak {probability} olasılıkla yanlış; büyük modelin kazancı {gain:.2f}, bedeli {price:.2f}: "
    "değiyor.",
    "gain_too_small": "Taslak {probability} olasılıkla yanlış; büyük modelin kazancı {gain:.2f}, bedeli {price:.2f}: "
    "değmiyor.",
    "routed": "Taslağı {model} yazdı: soru onun iyi olduğu bir işi istiyor.",
    "abandoned_refusal": "Taslak, arama güçlü bölümler bulduğu hâlde yanıt yok diye başladı ve kesildi.",
    "abandoned_loop": "Taslak aynı şeyleri yineleyip durdu ({repetition}) ve kesildi.",
    "abandoned_language": "Taslak sorudan başka bir dilde yazılıyordu ve kesildi.",
    "abandoned_invention": "Bölümler taslağın söylediklerinin çok azını içeriyordu; taslak kesildi.",
}
# Label and question, about the documents in docs_corpus.
STARTERS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Why are words sent in batches?", "Why are words sent to the browser in batches rather than one by one?"),
        ("Why no embeddings?", "Why don't we use embeddings for the search?"),
        ("Faster on a laptop", "What is the cheapest way to make token generation faster on a laptop?"),
        ("Private questions", "May employees ask Tandem private questions?"),
    ),
    "tr": (
        ("Veri ihlali bildirimi", "Veri ihlalini Kurul'a bildirmek için ne kadar süremiz var?"),
        ("Derin kipte ilk sözcük", "Derin biçiminde ilk sözcük İzmir'de ne kadar sürede geliyor?"),
        ("Bozuk Türkçe harfler", "Eski dosyalarda ş ve ğ harfleri bozuk çıkıyor, nedeni ne?"),
        ("Parola kuralları", "Parola en az kaç karakter olmalı?"),
    ),
}
_SHARES = {"support", "repetition", "confidence", "limit", "probability"}


def say(key: str, language: Language, **values: object) -> str:
    """The wording of `key` with `values` filled in."""
    return TEXTS[language][key].format(**values)


def labels(keys: Iterable[str], language: Language) -> dict[str, str]:
    """The wordings of several keys, for an element that draws them."""
    return {key: TEXTS[language][key] for key in keys}


def language_for(chosen: str, configured: str, browser: str) -> Language:
    """The language to speak: what the person chose, else what is configured, else the browser's; "auto" passes on."""
    for wanted in (chosen, configured, browser):
        if wanted and wanted != "auto":
            return "tr" if wanted.lower().startswith("tr") else "en"
    return "en"


def reason(given: Reason, language: Language) -> str:
    """A decision's reason in words. Reasons without a Turkish wording stay in English."""
    if language == "en" or given.code not in REASONS_TR:
        return given.text
    values: dict[str, Any] = {
        key: f"% {value * 100:.0f}" if key in _SHARES and isinstance(value, float) else value
        for key, value in given.values.items()
    }
    try:
        return REASONS_TR[given.code].format(**values)
    except KeyError:
        return given.text


def model_label(info: ModelInfo, language: Language) -> str:
    """A model with its state, for a list: "gpt-oss-20b · to download, 12.0 GB"."""
    state = say(f"state_{info.state}", language)
    if info.state is ModelState.DOWNLOADABLE and info.size_mb:
        state = f"{state}, {info.size_mb / 1024:.1f} GB"
    return f"{info.alias} · {state}"
