"""The sentences that an answer comes with when something is not as asked, in English and Turkish.

Knows codes and kinds of errors, and their wording. Does not know when they apply.
"""

from __future__ import annotations

from hybrid.errors import ModelError
from hybrid.events import Notice

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "quoted": "No model wrote this: the sentences are quoted from the documents.",
        "models_pending": "The models are still being looked up, so the documents are quoted; ask again in a few "
        "seconds for a written answer.",
        "model_missing": "{alias} cannot answer: {why} {instead} answers instead.",
        "model_failed": "{alias} failed: {why} {instead} answers instead.",
        "model_empty": "{alias} wrote nothing. {instead} answers instead.",
        "draft_abandoned": "{why} {alias} writes the answer instead.",
        "abandoned_refusal": "The draft began with a refusal, although the search found strong passages; it was cut "
        "off.",
        "abandoned_loop": "The draft went round in circles; it was cut off.",
        "abandoned_language": "The draft was written in another language than the question; it was cut off.",
        "abandoned_invention": "The passages hold next to nothing of what the draft said; it was cut off.",
        "refine_missing": "The draft stands, because {alias} cannot refine it: {why}",
        "refinement_failed": "The draft stands, because {alias} failed to refine it: {why}",
        "refinement_empty": "The draft stands, because {alias} wrote nothing.",
        "refinement_kept_draft": "The draft stands: the sources support {before} % of its sentences, and only "
        "{after} % of those {alias} wrote.",
        "refinement_withheld": "The draft stands: what {alias} wrote is not shown, because {why}",
        "withheld": "What {alias} wrote is not shown, because {why} {instead} stands in its place.",
        "why_empty": "nothing was written.",
        "why_loop": "it goes round in circles.",
        "why_echo": "it recites its instructions.",
        "why_cut": "it breaks off before it says anything.",
        "why_language": "it is in another language than the question.",
        "why_refusal": "it finds no answer where the documents have one.",
        "why_invention": "the passages hold next to nothing of it.",
        "why_nothing_found": "the search found nothing to answer from.",
        "why_nothing_said": "it says nothing that a document could carry.",
        "why_unsupported": "the passages do not carry what it says.",
        "why_unproved": "most of what this model wrote lately had to be withheld.",
        "why_beside": "it speaks of something else than the question.",
        "abandoned_echo": "The draft began to recite its instructions; it was cut off.",
        "refinement_refused": "The draft stands, because {alias} found no answer where the draft quotes one.",
        "spelling": 'No document holds “{typed}”, so {corrected} was searched too; write "{typed}" in quotation '
        "marks to search for it alone.",
        "version": "There are several versions; {current} is the current one and comes before {older}.",
        "across": "What was found is in {spoken}.",
        "shortened": "{dropped} of the passages found were left out, because they do not fit the context of {alias}.",
        "extractive": "A quotation of the documents",
    },
    "tr": {
        "quoted": "Bunu bir model yazmadı: cümleler belgelerden alıntıdır.",
        "models_pending": "Modeller hâlâ aranıyor, bu yüzden belgeler alıntılandı; yazılmış bir yanıt için birkaç "
        "saniye sonra yeniden sorun.",
        "model_missing": "{alias} yanıt veremiyor: {why} Yerine yanıtlayan: {instead}.",
        "model_failed": "{alias} başarısız oldu: {why} Yerine yanıtlayan: {instead}.",
        "model_empty": "{alias} hiçbir şey yazmadı. Yerine yanıtlayan: {instead}.",
        "draft_abandoned": "{why} Yanıtı onun yerine {alias} yazıyor.",
        "abandoned_refusal": "Taslak, arama güçlü bölümler bulduğu hâlde yanıt yok diye başladı ve kesildi.",
        "abandoned_loop": "Taslak aynı şeyleri yineleyip durdu ve kesildi.",
        "abandoned_language": "Taslak sorudan başka bir dilde yazılıyordu ve kesildi.",
        "abandoned_invention": "Bölümler taslağın söylediklerinin çok azını içeriyordu; taslak kesildi.",
        "refine_missing": "Taslak olduğu gibi kaldı, çünkü {alias} onu iyileştiremiyor: {why}",
        "refinement_failed": "Taslak olduğu gibi kaldı, çünkü {alias} onu iyileştirirken başarısız oldu: {why}",
        "refinement_empty": "Taslak olduğu gibi kaldı, çünkü {alias} hiçbir şey yazmadı.",
        "refinement_kept_draft": "Taslak olduğu gibi kaldı: kaynaklar taslağın cümlelerinin % {before} kadarını, "
        "{alias} modelinin yazdıklarının ise yalnızca % {after} kadarını destekliyor.",
        "refinement_withheld": "Taslak olduğu gibi kaldı: {alias} modelinin yazdığı gösterilmiyor, çünkü {why}",
        "withheld": "{alias} modelinin yazdığı gösterilmiyor, çünkü {why} Yerine geçen: {instead}.",
        "why_empty": "hiçbir şey yazmadı.",
        "why_loop": "aynı şeyleri yineliyor.",
        "why_echo": "kendi yönergesini okuyor.",
        "why_cut": "bir şey söylemeden kesiliyor.",
        "why_language": "sorudan başka bir dilde yazılmış.",
        "why_refusal": "belgelerde yanıt varken yanıt bulamıyor.",
        "why_invention": "bölümler söylediklerinin çok azını içeriyor.",
        "why_nothing_found": "arama yanıt verecek bir şey bulamadı.",
        "why_nothing_said": "bir belgenin taşıyabileceği bir şey söylemiyor.",
        "why_unsupported": "bölümler söylediğini desteklemiyor.",
        "why_unproved": "bu modelin son yazdıklarının çoğu gösterilemedi.",
        "why_beside": "sorudan başka bir şeyden söz ediyor.",
        "abandoned_echo": "Taslak kendi yönergesini okumaya başladı ve kesildi.",
        "refinement_refused": "Taslak olduğu gibi kaldı, çünkü {alias} taslağın bulduğu yanıtı bulamadı.",
        "spelling": "Hiçbir belgede “{typed}” geçmiyor, bu yüzden {corrected} da arandı; yalnızca onu aramak "
        'için "{typed}" biçiminde tırnak içinde yazın.',
        "version": "Birden çok sürüm var; güncel olan {current}, {older} belgesinden önce geliyor.",
        "across": "Bulunanların dili: {spoken}.",
        "shortened": "Bulunan bölümlerden {dropped} tanesi {alias} modelinin bağlamına sığmadığı için bırakıldı.",
        "extractive": "Belgelerden bir alıntı",
    },
}

_LANGUAGES = {
    "en": {
        "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
        "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
        "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
        "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
        "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
    },
    "tr": {
        "ar": "Arapça", "cs": "Çekçe", "da": "Danca", "de": "Almanca", "el": "Yunanca", "en": "İngilizce",
        "es": "İspanyolca", "fa": "Farsça", "fi": "Fince", "fr": "Fransızca", "he": "İbranice", "hi": "Hintçe",
        "hu": "Macarca", "id": "Endonezce", "it": "İtalyanca", "ja": "Japonca", "ko": "Korece", "nl": "Felemenkçe",
        "no": "Norveççe", "pl": "Lehçe", "pt": "Portekizce", "ro": "Rumence", "ru": "Rusça", "sv": "İsveççe",
        "th": "Tayca", "tr": "Türkçe", "uk": "Ukraynaca", "vi": "Vietnamca", "zh": "Çince",
    },
}  # fmt: skip

# What went wrong with a model, by the error's kind; in English, the error's own sentence says more.
_WHY_TR = {
    "refused": "Model sunucusuna bağlanılamıyor; çalıştığını ve adresini denetleyin.",
    "reset": "Model sunucusuyla bağlantı yarıda koptu; yeniden deneyin.",
    "timeout": "Model zamanında yanıt vermedi; yeniden deneyin ya da daha küçük bir model seçin.",
    "silence": "Model yazarken sustu; yeniden deneyin ya da başka bir model seçin.",
    "protocol": "Model sunucusunun yanıtı anlaşılamadı; sunucunun günlüğüne bakın.",
    "too_long": "Soru ve bölümler bu model için çok uzun; daha kısa sorun ya da bölüm sayısını azaltın.",
    "not_found": "Model bu bilgisayarda yok; indirin ya da ayarlardan başka bir model seçin.",
    "unauthorised": "Model sunucusu anahtarı kabul etmedi; yöneticiye başvurun.",
    "overloaded": "Çok fazla soru sırada bekliyor; biraz sonra yeniden deneyin.",
    "unavailable": "Model şu anda kullanılamıyor; başka bir model seçin ya da yöneticiye başvurun.",
    "memory": "Bellek bu modele yetmiyor; başka bir modeli bellekten çıkarın ya da daha küçüğünü seçin.",
    "disk": "Diskte bu modele yer yok; yer açın ya da daha küçük bir model seçin.",
    "busy": "Model bir soruyu yanıtlıyor; bitince yeniden deneyin.",
    "cancelled": "İndirme durduruldu; sürdürmek için yeniden başlatın.",
    "pending": "Modeller hâlâ aranıyor; birkaç saniye sonra yeniden deneyin.",
}


def notice(code: str, language: str = "", **values: object) -> Notice:
    """The notice `code`, worded in `language` (English where there is no wording), with `values` filled in."""
    said = {name: why(value, language) if isinstance(value, ModelError) else value for name, value in values.items()}
    return Notice(code, phrase(code, language).format(**said))


def across(language: str, spoken: str) -> Notice | None:
    """That what was found is in another language than the question's `language`; None where it is not, or where either
    is not known.
    """
    names = _LANGUAGES.get(language, _LANGUAGES["en"])
    if not language or spoken == language or spoken not in names:
        return None
    return notice("across", language, spoken=names[spoken])


def why(error: ModelError, language: str = "") -> str:
    """What went wrong, in `language`, or in the error's own words where its kind has no wording."""
    return _WHY_TR.get(error.kind, str(error)) if language == "tr" else str(error)


def phrase(code: str, language: str = "") -> str:
    """The wording of `code`, with its places still open."""
    return TEXTS.get(language, TEXTS["en"])[code]
